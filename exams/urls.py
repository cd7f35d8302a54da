from django.urls import path

from exams.views import challenges, data, delivery, papers, results, standing, study

app_name = "exams"
urlpatterns = [
    path("", standing.home, name="home"),
    path("weak-spots/", standing.weak_spots, name="weak_spots"),
    path("study/", study.study, name="study"),
    path("study/<str:code>/", study.note, name="note"),
    path("history/", results.attempts, name="history"),
    path("mocks/", papers.mocks, name="mocks"),
    path("mocks/<int:mock_id>/", papers.mock, name="mock"),
    path("mocks/<int:mock_id>/start/", papers.start, name="start"),
    path("practice/", papers.practise, name="practice"),
    path("plan/", papers.plan, name="plan"),
    path("profile/data/", data.download, name="data"),
    path("attempts/<uuid:attempt_id>/", delivery.attempt, name="attempt"),
    path("attempts/<uuid:attempt_id>/responses/<int:slot>/", delivery.save, name="save"),
    path("attempts/<uuid:attempt_id>/responses/<int:slot>/feedback/", delivery.feedback, name="feedback"),
    path("attempts/<uuid:attempt_id>/save/", delivery.save_all, name="save_all"),
    path("attempts/<uuid:attempt_id>/submit/", delivery.submit, name="submit"),
    path("attempts/<uuid:attempt_id>/pulse/", delivery.pulse, name="pulse"),
    path("attempts/<uuid:attempt_id>/results/", results.attempt_results, name="results"),
    path("attempts/<uuid:attempt_id>/results/domains/<str:code>/", results.domain_tasks, name="domain_tasks"),
    path("attempts/<uuid:attempt_id>/review/", results.attempt_review, name="review"),
    path("attempts/<uuid:attempt_id>/review/<int:slot>/challenge/", challenges.challenge, name="challenge"),
    path("challenges/", challenges.own, name="challenges"),
    path("challenges/queue/", challenges.queue, name="challenge_queue"),
    path("challenges/<int:challenge_id>/answer/", challenges.answer, name="answer_challenge"),
]
