"""Cohorts and who is in them: made, changed, put away; joined and left. Every change writes its line."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef

from accounts.models import Cohort, CohortEvent, Membership, Part, Role, User
from accounts.models.cohorts import CohortQuerySet

Kind = CohortEvent.Kind


class CohortError(Exception):
    """`code`: archived, already_in, not_in, last_instructor, not_instructor, closed_account."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def log(
    cohort: Cohort, kind: Kind, *, by: User | None, now: datetime, subject: User | None = None, **detail: Any
) -> None:
    """`detail` holds no names and no addresses: the line outlives the person."""
    CohortEvent.objects.create(cohort=cohort, kind=kind, by=by, subject=subject, at=now, detail=detail)


@transaction.atomic
def create(*, title: str, term: str, by: User, now: datetime) -> Cohort:
    """Who makes it is its first instructor."""
    cohort = Cohort.objects.create(title=title, term=term, is_demo=by.is_demo)
    Membership.objects.create(cohort=cohort, user=by, part=Part.INSTRUCTOR)
    log(cohort, Kind.CREATED, by=by, now=now)
    return cohort


@transaction.atomic
def change(cohort: Cohort, *, title: str, term: str, by: User, now: datetime) -> bool:
    """False when it was so already."""
    stored = lock(cohort)
    if (stored.title, stored.term) == (title, term):
        return False
    before = {"title": stored.title, "term": stored.term}
    stored.title, stored.term = title, term
    stored.save(update_fields=["title", "term"])
    log(stored, Kind.CHANGED, by=by, now=now, before=before, after={"title": title, "term": term})
    return True


@transaction.atomic
def archive(cohort: Cohort, *, by: User, now: datetime) -> None:
    """Nobody can join it any more and nothing of it is sat; its results stay readable."""
    stored = lock(cohort)
    if stored.archived_at is None:
        stored.archived_at = now
        stored.save(update_fields=["archived_at"])
        log(stored, Kind.ARCHIVED, by=by, now=now)


@transaction.atomic
def restore(cohort: Cohort, *, by: User, now: datetime) -> None:
    stored = lock(cohort)
    if stored.archived_at is not None:
        stored.archived_at = None
        stored.save(update_fields=["archived_at"])
        log(stored, Kind.RESTORED, by=by, now=now)


@transaction.atomic
def join(
    cohort: Cohort, user: User, *, part: str = Part.LEARNER, by: User | None, now: datetime, **detail: Any
) -> Membership:
    """Put `user` in; who left comes back to the row they had. `by` is who let them in."""
    if lock(cohort).archived_at is not None:
        raise CohortError("archived")
    require_fit(user, part=part)
    stored = Membership.objects.filter(cohort=cohort, user=user).first()
    if stored is not None and stored.left_at is None:
        raise CohortError("already_in")
    membership = stored or Membership(cohort=cohort, user=user)
    membership.part, membership.left_at = part, None
    membership.save()
    log(cohort, Kind.JOINED, by=by, subject=user, now=now, part=part, **detail)
    return membership


def require_fit(user: User, *, part: str) -> None:
    """Raise when the account can't have the part: to teach takes an instructor's account."""
    if not user.is_active or user.anonymised_at is not None:
        raise CohortError("closed_account")
    if part == Part.INSTRUCTOR and user.role == Role.LEARNER:
        raise CohortError("not_instructor")


@transaction.atomic
def leave(cohort: Cohort, user: User, *, now: datetime) -> None:
    """What they sat stays; the access goes."""
    lock(cohort)
    membership = _active(cohort, user)
    _require_another_instructor(membership, by=user)
    _end(membership, now=now)
    log(cohort, Kind.LEFT, by=user, subject=user, now=now, part=membership.part)


@transaction.atomic
def remove(cohort: Cohort, user: User, *, by: User, now: datetime) -> None:
    lock(cohort)
    membership = _active(cohort, user)
    _require_another_instructor(membership, by=by)
    _end(membership, now=now)
    log(cohort, Kind.REMOVED, by=by, subject=user, now=now, part=membership.part)


@transaction.atomic
def change_part(cohort: Cohort, user: User, *, part: str, by: User, now: datetime) -> bool:
    """False when they had that part already."""
    if lock(cohort).archived_at is not None:
        raise CohortError("archived")
    membership = _active(cohort, user)
    if membership.part == part:
        return False
    require_fit(user, part=part)
    _require_another_instructor(membership, by=by)
    membership.part = part
    membership.save(update_fields=["part"])
    log(cohort, Kind.PART_CHANGED, by=by, subject=user, now=now, part=part)
    return True


def without_instructor() -> CohortQuerySet:
    """Those that nobody teaches any more: an admin has to name somebody."""
    teaching = Membership.objects.active().filter(
        cohort=OuterRef("pk"), part=Part.INSTRUCTOR, user__is_active=True
    )
    return Cohort.objects.filter(~Exists(teaching), archived_at=None)


def instructors_of(cohort: Cohort) -> list[User]:
    teaching = Membership.objects.active().filter(cohort=cohort, part=Part.INSTRUCTOR)
    return list(User.objects.filter(pk__in=teaching.values("user"), is_active=True).order_by("name", "email"))


def lock(cohort: Cohort) -> Cohort:
    """The cohort's row stands for its memberships: the last two instructors can't leave at the same moment."""
    return Cohort.objects.select_for_update(no_key=True).get(pk=cohort.pk)


def _active(cohort: Cohort, user: User) -> Membership:
    membership = Membership.objects.active().filter(cohort=cohort, user=user).first()
    if membership is None:
        raise CohortError("not_in")
    return membership


def _require_another_instructor(membership: Membership, *, by: User) -> None:
    if membership.part != Part.INSTRUCTOR or by.is_admin:
        return
    others = Membership.objects.active().filter(
        cohort=membership.cohort_id, part=Part.INSTRUCTOR, user__is_active=True
    )
    if not others.exclude(pk=membership.pk).exists():
        raise CohortError("last_instructor")


def _end(membership: Membership, *, now: datetime) -> None:
    membership.left_at = now
    membership.save(update_fields=["left_at"])
