from django.contrib import admin
from django.urls import include, path

from config import health

urlpatterns = [
    path("", include("exams.urls")),
    path("bank/", include("questions.urls")),
    path("cohorts/", include("exams.cohort_urls")),
    path("profile/", include("accounts.urls")),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
