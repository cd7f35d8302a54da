from django.urls import path

from accounts import views

app_name = "accounts"
urlpatterns = [
    path("", views.profile, name="profile"),
    path("theme/", views.theme, name="theme"),
    path("anonymise/", views.anonymise, name="anonymise"),
    path("accommodations/", views.accommodations, name="accommodations"),
    path("accommodations/<int:user_id>/", views.accommodation, name="accommodation"),
]
