from django.urls import path

from exams.views import delivery, papers

app_name = "exams"
urlpatterns = [
    path("mocks/", papers.mocks, name="mocks"),
    path("mocks/<int:mock_id>/", papers.mock, name="mock"),
    path("mocks/<int:mock_id>/start/", papers.start, name="start"),
    path("practice/", papers.practise, name="practice"),
    path("plan/", papers.plan, name="plan"),
    path("attempts/<uuid:attempt_id>/", delivery.attempt, name="attempt"),
    path("attempts/<uuid:attempt_id>/responses/<int:slot>/", delivery.save, name="save"),
    path("attempts/<uuid:attempt_id>/responses/<int:slot>/feedback/", delivery.feedback, name="feedback"),
    path("attempts/<uuid:attempt_id>/save/", delivery.save_all, name="save_all"),
    path("attempts/<uuid:attempt_id>/submit/", delivery.submit, name="submit"),
    path("attempts/<uuid:attempt_id>/pulse/", delivery.pulse, name="pulse"),
]
