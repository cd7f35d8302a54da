from django.urls import path

from exams.views import delivery

app_name = "exams"
urlpatterns = [
    path("attempts/<uuid:attempt_id>/", delivery.attempt, name="attempt"),
    path("attempts/<uuid:attempt_id>/responses/<int:slot>/", delivery.save, name="save"),
    path("attempts/<uuid:attempt_id>/responses/<int:slot>/feedback/", delivery.feedback, name="feedback"),
    path("attempts/<uuid:attempt_id>/save/", delivery.save_all, name="save_all"),
    path("attempts/<uuid:attempt_id>/submit/", delivery.submit, name="submit"),
    path("attempts/<uuid:attempt_id>/pulse/", delivery.pulse, name="pulse"),
]
