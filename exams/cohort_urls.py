"""Everything under /cohorts/."""

from __future__ import annotations

from django.urls import URLPattern, path

from exams.views.cohorts import (
    assignments,
    cohorts,
    comparing,
    dashboard,
    joining,
    learners,
    live,
    members,
    overview,
    reports,
    rosters,
)

app_name = "cohorts"
urlpatterns: list[URLPattern] = [
    path("", cohorts.cohort_list, name="cohorts"),
    path("new/", cohorts.create, name="create"),
    path("join/", joining.enter_code, name="enter_code"),
    path("join/<str:code>/", joining.join, name="join"),
    path("<int:cohort_id>/", cohorts.cohort, name="cohort"),
    path("<int:cohort_id>/edit/", cohorts.edit, name="edit"),
    path("<int:cohort_id>/archive/", cohorts.archive, name="archive"),
    path("<int:cohort_id>/leave/", members.leave, name="leave"),
    path("<int:cohort_id>/members/", members.members, name="members"),
    path("<int:cohort_id>/members/roster/", rosters.roster, name="roster"),
    path("<int:cohort_id>/members/<int:user_id>/", members.member, name="member"),
    path("<int:cohort_id>/members/<int:user_id>/remove/", members.remove, name="remove"),
    path("<int:cohort_id>/invitations/", joining.invite, name="invite"),
    path("<int:cohort_id>/invitations/<int:invitation_id>/revoke/", joining.revoke, name="revoke"),
    path("<int:cohort_id>/invitations/<int:invitation_id>/resend/", joining.resend, name="resend"),
    path("<int:cohort_id>/reports/", reports.reports, name="reports"),
    path("<int:cohort_id>/reports/<uuid:run_id>/", reports.report, name="report"),
    path("<int:cohort_id>/reports/<uuid:run_id>/cancel/", reports.cancel_report, name="cancel_report"),
    path("<int:cohort_id>/reports/<uuid:run_id>/file/", reports.download_report, name="download_report"),
    path("<int:cohort_id>/assignments/new/", assignments.assign, name="assign"),
    path(
        "<int:cohort_id>/assignments/<int:assignment_id>/edit/",
        assignments.edit_assignment,
        name="edit_assignment",
    ),
    path("<int:cohort_id>/assignments/<int:assignment_id>/withdraw/", assignments.withdraw, name="withdraw"),
    path("<int:cohort_id>/assignments/<int:assignment_id>/restore/", assignments.restore, name="restore"),
    path(
        "<int:cohort_id>/assignments/<int:assignment_id>/learners/",
        assignments.given_learners,
        name="given_learners",
    ),
    path(
        "<int:cohort_id>/assignments/<int:assignment_id>/learners/<int:learner_id>/",
        assignments.override,
        name="override",
    ),
    path("<int:cohort_id>/assignments/<int:assignment_id>/live/", live.live, name="live"),
    path("<int:cohort_id>/assignments/<int:assignment_id>/sit/", assignments.assigned, name="assigned"),
    path(
        "<int:cohort_id>/assignments/<int:assignment_id>/start/",
        assignments.start_assigned,
        name="start_assigned",
    ),
    path("compare/", comparing.compare, name="compare"),
    path("<int:cohort_id>/teaching/", overview.teaching, name="teaching"),
    path("<int:cohort_id>/learners/<int:learner_id>/", learners.learner, name="learner"),
    path("<int:cohort_id>/assignments/<int:assignment_id>/", dashboard.assignment, name="assignment"),
]
