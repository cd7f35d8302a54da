"""Reminding who hasn't sat what closes soon: once per learner and closing time."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import inbox
from accounts.models import Membership, User
from exams.cohorts import assigning, deadlines
from exams.models import Assignment, AssignmentEvent, Attempt, Reminder


def send_due(*, now: datetime) -> int:
    """Remind of every assignment that closes soon; return how many learners were told."""
    is_ahead = (
        Q(closes_at__gt=now) | Q(overrides__closes_at__gt=now) | Q(closes_at=None, mock__closes_at__gt=now)
    )
    due = Assignment.objects.filter(
        is_ahead, remind_hours__isnull=False, withdrawn_at=None, cohort__archived_at=None
    )
    return sum(_remind(pk, now=now) for pk in due.order_by("pk").values_list("pk", flat=True).distinct())


@transaction.atomic
def _remind(assignment_id: int, *, now: datetime) -> int:
    # Two beats at once: the second passes over it, and finds the reminders written the next time.
    assignment = (
        Assignment.objects.select_for_update(of=("self",), no_key=True, skip_locked=True)
        .select_related("mock", "cohort")
        .filter(pk=assignment_id)
        .first()
    )
    if assignment is None or assignment.remind_hours is None:
        return 0
    sat = Attempt.objects.filter(assignment=assignment).values("learner")
    members = Membership.objects.learners().filter(cohort=assignment.cohort_id).exclude(user__in=sat)
    learners = {each.user_id: each.user for each in members.select_related("user")}
    told = set(Reminder.objects.filter(assignment=assignment).values_list("learner", "closes_at"))
    ahead = timedelta(hours=assignment.remind_hours)
    due: dict[User, datetime] = {}
    for learner_id, held in deadlines.terms_by_learner(assignment, learners.keys()).items():
        closes_at = held.closes_at
        is_open = held.opens_at is None or held.opens_at <= now
        if closes_at is None or not is_open or not closes_at - ahead <= now < closes_at:
            continue
        if (learner_id, closes_at) not in told:
            due[learners[learner_id]] = closes_at
    if due:
        _tell(assignment, due, now=now)
    return len(due)


def _tell(assignment: Assignment, due: dict[User, datetime], *, now: datetime) -> None:
    Reminder.objects.bulk_create(
        Reminder(assignment=assignment, learner=learner, closes_at=closes_at, sent_at=now)
        for learner, closes_at in due.items()
    )
    path = reverse("cohorts:assigned", args=[assignment.cohort_id, assignment.pk])
    alike: dict[tuple[str, datetime], list[User]] = {}
    for learner, closes_at in due.items():
        alike.setdefault((learner.time_zone, closes_at), []).append(learner)
    for (zone, closes_at), learners in alike.items():
        with timezone.override(zone):
            at = assigning.in_words(closes_at)
            subject = _("Reminder: %(title)s closes on %(at)s") % {"title": assignment.title, "at": at}
            text = _("You haven't sat “%(title)s” of %(cohort)s yet. It closes on %(at)s.") % {
                "title": assignment.title,
                "cohort": assignment.cohort.title,
                "at": at,
            }
            inbox.tell(learners, subject=subject[:200], text=text, path=path, now=now)
    assigning.note(assignment, AssignmentEvent.Kind.REMINDED, by=None, at=now, detail={"learners": len(due)})
