from django.urls import path

from accounts import views

app_name = "accounts"
urlpatterns = [
    path("", views.profile, name="profile"),
    path("inbox/", views.inbox, name="inbox"),
    path("inbox/read/", views.read_notices, name="read_notices"),
    path("inbox/<int:notice_id>/", views.open_notice, name="notice"),
    path("theme/", views.theme, name="theme"),
    path("anonymise/", views.anonymise, name="anonymise"),
    path("accommodations/", views.accommodations, name="accommodations"),
    path("accommodations/<int:user_id>/", views.accommodation, name="accommodation"),
]
