"""What the list of cohorts, the list of members and a learner's own page of a cohort show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.core.paginator import Page, Paginator
from django.db.models import Count, Q

from accounts import cohorts
from accounts.models import Cohort, CohortEvent, Membership, Part, User
from exams.cohorts import assigned
from exams.cohorts.assigned import Given
from exams.models import Assignment

MEMBERS_A_PAGE = 50
COHORTS_A_PAGE = 30
EVENTS_SHOWN = 10


@dataclass(frozen=True)
class CohortRow:
    cohort: Cohort
    learners: int
    instructors: int
    assignments: int
    part: str
    """The reader's own; empty for an admin who is not in it."""
    is_taught: bool

    @property
    def lacks_instructor(self) -> bool:
        return self.instructors == 0 and self.cohort.archived_at is None


@dataclass(frozen=True)
class CohortList:
    page: Page[Cohort]
    rows: tuple[CohortRow, ...]
    archived: int
    lacking: int
    """Cohorts that nobody teaches: counted for admins alone."""


def cohort_list(user: User, *, search: str, is_archived: bool, page_number: str | None) -> CohortList:
    visible = Cohort.objects.visible_to(user)
    shown = visible.filter(archived_at__isnull=not is_archived)
    if search:
        shown = shown.filter(Q(title__icontains=search) | Q(term__icontains=search))
    page = Paginator(shown.order_by("title", "pk"), COHORTS_A_PAGE).get_page(page_number)
    ids = [cohort.pk for cohort in page]
    parts = dict(Membership.objects.active().filter(user=user, cohort__in=ids).values_list("cohort", "part"))
    members: dict[int, dict[str, int]] = {}
    counted = Membership.objects.active().filter(cohort__in=ids, user__is_active=True)
    for cohort_id, part, count in counted.values_list("cohort", "part").annotate(n=Count("pk")).order_by():
        members.setdefault(cohort_id, {})[part] = count
    given = Assignment.objects.filter(cohort__in=ids, withdrawn_at=None).values_list("cohort")
    assignments = dict(given.annotate(n=Count("pk")).order_by())
    rows = tuple(
        CohortRow(
            cohort=cohort,
            learners=members.get(cohort.pk, {}).get(Part.LEARNER, 0),
            instructors=members.get(cohort.pk, {}).get(Part.INSTRUCTOR, 0),
            assignments=assignments.get(cohort.pk, 0),
            part=parts.get(cohort.pk, ""),
            is_taught=user.is_admin or parts.get(cohort.pk) == Part.INSTRUCTOR,
        )
        for cohort in page
    )
    return CohortList(
        page=page,
        rows=rows,
        archived=visible.exclude(archived_at=None).count(),
        lacking=cohorts.without_instructor().count() if user.is_admin else 0,
    )


@dataclass(frozen=True)
class MemberList:
    page: Page[Membership]
    learners: int
    instructors: int
    left: int


def member_list(cohort: Cohort, *, search: str, which: str, page_number: str | None) -> MemberList:
    """`which`: everybody in it, or one part, or `left`."""
    counts = Membership.objects.filter(cohort=cohort).aggregate(
        learners=Count("pk", filter=Q(left_at=None, part=Part.LEARNER)),
        instructors=Count("pk", filter=Q(left_at=None, part=Part.INSTRUCTOR)),
        left=Count("pk", filter=Q(left_at__isnull=False)),
    )
    members = Membership.objects.filter(cohort=cohort, left_at__isnull=which != "left").select_related("user")
    if which in Part.values:
        members = members.filter(part=which)
    if search:
        members = members.filter(Q(user__name__icontains=search) | Q(user__email__icontains=search))
    page = Paginator(members.order_by("user__name", "user__email", "pk"), MEMBERS_A_PAGE).get_page(
        page_number
    )
    return MemberList(page, counts["learners"], counts["instructors"], counts["left"])


@dataclass(frozen=True)
class OwnCohort:
    """A cohort as its learner meets it."""

    cohort: Cohort
    given: tuple[Given, ...]
    instructors: tuple[User, ...]
    is_learner: bool
    events: tuple[CohortEvent, ...]

    @property
    def to_do(self) -> list[Given]:
        return [each for each in self.given if each.is_to_do]

    @property
    def past(self) -> list[Given]:
        return [each for each in self.given if not each.is_to_do]


def own_cohort(cohort: Cohort, learner: User, *, now: datetime) -> OwnCohort:
    """What there is to do, who sees the results, and what was noted about this learner here."""
    membership = Membership.objects.active().filter(cohort=cohort, user=learner).first()
    given = [each for each in assigned.given_to(learner, now=now) if each.assignment.cohort_id == cohort.pk]
    noted = CohortEvent.objects.filter(cohort=cohort, subject=learner).select_related("by")
    return OwnCohort(
        cohort=cohort,
        given=tuple(given),
        instructors=tuple(cohorts.instructors_of(cohort)),
        is_learner=membership is not None and membership.part == Part.LEARNER,
        events=tuple(noted.order_by("-at", "-pk")[:EVENTS_SHOWN]),
    )
