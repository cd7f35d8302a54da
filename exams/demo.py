"""Demo data: three accounts with a well-known password and two cohorts with a history, all marked as such."""

from __future__ import annotations

import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from allauth.account.models import EmailAddress
from django.db import transaction

from accounts.models import Cohort, Membership, Role, User
from exams import population, simulation
from exams.cohorts import assigning
from exams.models import Assignment, AssignmentEvent, Attempt, MockExam, Paper, PopulationPrior
from exams.simulation import Simulant
from exams.statistics import rebuilding
from questions import demo_drafts

PASSWORD = "demo"
COHORT, EARLIER_COHORT = "Demo cohort", "Demo cohort of last term"


@dataclass(frozen=True)
class Account:
    email: str
    name: str
    role: Role


ACCOUNTS = (
    Account("learner@example.com", "Ana Torres", Role.LEARNER),
    Account("instructor@example.com", "Ben Okafor", Role.INSTRUCTOR),
    Account("admin@example.com", "Mia Lindqvist", Role.ADMIN),
)
"""Those that a visitor signs in with."""

COLLEAGUE = Account("colleague@example.com", "Iris Halvorsen", Role.INSTRUCTOR)
"""A second pair of eyes for the reviews. She teaches nobody; the same password."""

CLASSMATES = (
    "Aisha Rahman",
    "Anders Holm",
    "Beatriz Moreira",
    "Chidi Eze",
    "Chloé Martin",
    "Daniel Fischer",
    "Elena Petrova",
    "Farid Karimi",
    "Grace Wanjiru",
    "Hiroshi Tanaka",
    "Ines Duarte",
    "Jonas Weber",
    "Kavya Iyer",
    "Liam Murphy",
    "Mei-Ling Chen",
    "Nadia Haddad",
    "Oskar Nowak",
    "Priya Nair",
    "Rosa Jiménez",
    "Samuel Adeyemi",
    "Sofia Rossi",
    "Tomás Silva",
    "Yuki Sato",
    "Amara Okeke",
    "Bruno Costa",
    "Clara Lindgren",
    "Dmitri Volkov",
    "Emily Carter",
    "Fatima Zahra",
    "Gabriel Dubois",
    "Hana Kim",
    "Ivan Horvat",
    "Jamal Edwards",
    "Katarina Novak",
    "Leo Schmidt",
    "Maya Goldberg",
    "Noah van Dijk",
    "Olivia Bennett",
    "Pedro Alves",
)
"""With the learner above: 40. Nobody signs in as one of these; they have no password."""

FORMER = (
    "Adam Kowalski",
    "Bella Marino",
    "Carlos Vega",
    "Divya Menon",
    "Erik Johansson",
    "Freya Olsen",
    "George Papadakis",
    "Huda Saleh",
    "Isabel Reyes",
    "Jakub Dvořák",
    "Kenji Mori",
    "Lena Bauer",
    "Marco Ricci",
    "Nomsa Dlamini",
    "Omar Farouk",
    "Paula Santos",
)
"""Those of last term, in a cohort of their own."""


@dataclass(frozen=True)
class Demo:
    cohort: Cohort
    learners: list[User]
    is_new: bool


def load(*, now: datetime) -> Demo:
    """Make the accounts and the cohorts where they are missing, then their sittings; repeated, nothing changes."""
    demo, former = _load_people(now=now)
    made = simulation.load_history(demo.learners, now=now)
    made += _load_assignments(demo, former, now=now)
    if made:
        population.fold(now=now)
    author = User.objects.filter(email=ACCOUNTS[1].email, is_demo=True).first()
    colleague = _ensure(COLLEAGUE, password=PASSWORD)
    if author is not None and colleague.is_demo:
        demo_drafts.load(author=author, colleague=colleague, now=now)
    return demo


def term_of(day: datetime) -> str:
    return f"{'Spring' if day.month < 7 else 'Autumn'} {day.year}"


@transaction.atomic
def _load_people(*, now: datetime) -> tuple[Demo, Demo]:
    """Those of this term, and those of the last."""
    found = [_ensure(account, password=PASSWORD) for account in ACCOUNTS]
    classmates = _ensure_learners(CLASSMATES, first=2)
    former = _ensure_learners(FORMER, first=2 + len(CLASSMATES))
    # Somebody's real account with such an address is left alone.
    people = [user for user in found + classmates if user.is_demo]
    teachers = [user for user in people if user.role == Role.INSTRUCTOR]
    learners = [user for user in people if user.role == Role.LEARNER]
    return (
        _load_cohort(COHORT, learners, teachers, began_at=now - timedelta(weeks=9)),
        _load_cohort(EARLIER_COHORT, former, teachers, began_at=now - timedelta(weeks=34)),
    )


def _load_cohort(
    title: str, learners: Sequence[User], teachers: Sequence[User], *, began_at: datetime
) -> Demo:
    cohort, is_new = Cohort.objects.get_or_create(
        is_demo=True, title=title, defaults={"term": term_of(began_at)}
    )
    parts = [(user, Membership.Part.LEARNER) for user in learners]
    parts += [(user, Membership.Part.INSTRUCTOR) for user in teachers]
    for user, part in parts:
        row, is_first = Membership.objects.get_or_create(cohort=cohort, user=user, defaults={"part": part})
        if is_first:
            Membership.objects.filter(pk=row.pk).update(joined_at=began_at)
    if is_new:
        Cohort.objects.filter(pk=cohort.pk).update(created_at=began_at)
    return Demo(cohort, list(learners), is_new)


def _ensure_learners(names: Sequence[str], *, first: int) -> list[User]:
    accounts = [
        Account(f"demo-{n:02}@example.com", name, Role.LEARNER) for n, name in enumerate(names, first)
    ]
    return [user for user in (_ensure(account, password=None) for account in accounts) if user.is_demo]


def _load_assignments(demo: Demo, former: Demo, *, now: datetime) -> int:
    """One that is over in each cohort, one that is being sat right now, one that is to come; how many sittings."""
    mocks = simulation.mocks_to_sit()
    if mocks is None or Assignment.objects.filter(cohort__in=(demo.cohort, former.cohort)).exists():
        return 0
    _, full = mocks
    week, hour = timedelta(weeks=1), now.replace(minute=0, second=0, microsecond=0)
    before = _assign(
        former.cohort, "First mock exam", full, opens_at=hour - 24 * week, closes_at=hour - 23 * week
    )
    made = _sit_all(before, former.learners)
    over = _assign(demo.cohort, "First mock exam", full, opens_at=hour - 3 * week, closes_at=hour - 2 * week)
    # Two never began it.
    made += _sit_all(over, demo.learners[:-2])
    running = _assign(
        demo.cohort,
        "Second mock exam",
        full,
        opens_at=hour - timedelta(days=2),
        closes_at=hour + timedelta(days=5),
    )
    made += _sit_some_now(running, demo.learners[1:], now=now)
    final = MockExam.objects.filter(blueprint=full.blueprint, is_published=True, is_held_back=True).first()
    _assign(demo.cohort, "Final check", final or full, opens_at=hour + 2 * week, closes_at=hour + 3 * week)
    return made


def _assign(
    cohort: Cohort, title: str, mock: MockExam, *, opens_at: datetime, closes_at: datetime
) -> Assignment:
    """As if it had been given a week before it opens; nobody is told now of what was then."""
    by = User.objects.filter(email=ACCOUNTS[1].email, is_demo=True).first()
    given_at = min(opens_at - timedelta(weeks=1), closes_at)
    assignment = Assignment.objects.create(
        cohort=cohort,
        mock=mock,
        blueprint=mock.blueprint,
        title=title,
        opens_at=opens_at,
        closes_at=closes_at,
        created_by=by,
        created_at=given_at,
    )
    assigning.note(assignment, AssignmentEvent.Kind.CREATED, by=by, at=given_at)
    return assignment


def _sit_all(assignment: Assignment, learners: Sequence[User]) -> int:
    assert assignment.opens_at and assignment.closes_at
    span = assignment.closes_at - assignment.opens_at - timedelta(hours=3)
    for learner in learners:
        simulant = Simulant.of(learner, sitting=assignment.title)
        simulation.simulate_assigned(
            simulant, assignment, now=assignment.opens_at + span * simulant.rng.random()
        )
    return len(learners)


_DONE, _RUNNING = 10, 7


def _sit_some_now(assignment: Assignment, learners: Sequence[User], *, now: datetime) -> int:
    """Some have sat it, some are at it: they stay there until their time is over."""
    assert assignment.opens_at and assignment.mock
    few = random.Random("demo").sample(list(learners), min(_DONE + _RUNNING, len(learners)))
    for place, learner in enumerate(few):
        simulant = Simulant.of(learner, sitting=assignment.title)
        # They have learned since the first one.
        simulant.mean += 0.2 + 2 * simulant.growth
        if place < _DONE:
            hours = simulant.rng.uniform(4, 44)
            simulation.simulate_assigned(simulant, assignment, now=now - timedelta(hours=hours))
        else:
            # Only just begun, and further and further on.
            part = 0.01 + 0.45 * (place - _DONE) / _RUNNING
            began_at = now - timedelta(seconds=part * assignment.mock.seconds)
            simulation.simulate_running(simulant, assignment, began_at=began_at, now=now)
    return len(few)


def _ensure(account: Account, *, password: str | None) -> User:
    user = User.objects.filter(email=account.email).first()
    if user is None:
        user = User.objects.create_user(
            account.email, password, name=account.name, role=account.role, is_demo=True
        )
        EmailAddress.objects.create(user=user, email=account.email, verified=True, primary=True)
    return user


def make_learner() -> User:
    """One more, for a rehearsal: marked as the others are, and nobody signs in as them."""
    rng = random.Random()
    first, last = (
        rng.choice(CLASSMATES + FORMER).split(" ", 1)[0],
        rng.choice(CLASSMATES + FORMER).split(" ", 1)[1],
    )
    account = Account(f"sim-{uuid.uuid4().hex[:12]}@example.com", f"{first} {last}", Role.LEARNER)
    return _ensure(account, password=None)


@dataclass(frozen=True)
class Removed:
    accounts: int
    attempts: int


@transaction.atomic
def remove(*, now: datetime) -> Removed:
    """Remove everything that is marked as demo, and what it left in the statistics; nothing else."""
    attempts = Attempt.objects.filter(learner__is_demo=True)
    had_folded = attempts.exclude(folded_at=None).exists()
    removed = attempts.count()
    # A paper without a mock was assembled for one learner's practice.
    papers = list(attempts.filter(paper__mock=None).values_list("paper_id", flat=True))
    # Somebody else's sitting of what was assigned in the demo stays theirs.
    Attempt.objects.filter(assignment__cohort__is_demo=True).exclude(learner__is_demo=True).update(
        assignment=None
    )
    attempts.delete()
    Paper.objects.filter(pk__in=papers, attempts=None).delete()
    Cohort.objects.filter(is_demo=True).delete()
    demo_drafts.remove()
    people = User.objects.filter(is_demo=True)
    accounts = people.count()
    people.delete()
    if had_folded:
        _fold_anew(now=now)
    return Removed(accounts=accounts, attempts=removed)


def _fold_anew(*, now: datetime) -> None:
    """Statistics are sums over attempts: without the demo's they are made again from those that stay."""
    rebuilding.rebuild(now=now)
    PopulationPrior.objects.all().delete()
    population.refit_priors(now=now)
