"""Demo data: three accounts with a well-known password and a cohort with a history, all marked as such."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from allauth.account.models import EmailAddress
from django.db import transaction

from accounts.models import Cohort, Membership, Role, User
from exams import population, simulation, sweeps
from exams.models import Attempt, ItemStatistic, MockScoreCount, Paper, PopulationPrior
from questions import demo_drafts

PASSWORD = "demo"
COHORT = "Demo cohort"


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
)
"""With the learner above: 24. Nobody signs in as one of these; they have no password."""


@dataclass(frozen=True)
class Demo:
    cohort: Cohort
    learners: list[User]
    is_new: bool


def load(*, now: datetime) -> Demo:
    """Make the accounts and the cohort where they are missing, then their sittings; repeated, nothing changes."""
    demo = _load_people()
    if simulation.load_history(demo.learners, now=now):
        population.fold(now=now)
    author = User.objects.filter(email=ACCOUNTS[1].email, is_demo=True).first()
    colleague = _ensure(COLLEAGUE, password=PASSWORD)
    if author is not None and colleague.is_demo:
        demo_drafts.load(author=author, colleague=colleague, now=now)
    return demo


@transaction.atomic
def _load_people() -> Demo:
    cohort, is_new = Cohort.objects.get_or_create(is_demo=True, defaults={"title": COHORT})
    classmates = [
        Account(f"demo-{n:02}@example.com", name, Role.LEARNER) for n, name in enumerate(CLASSMATES, 2)
    ]
    found = [_ensure(account, password=PASSWORD) for account in ACCOUNTS]
    found += [_ensure(account, password=None) for account in classmates]
    # Somebody's real account with such an address is left alone.
    people = [user for user in found if user.is_demo]
    parts = {Role.LEARNER: Membership.Part.LEARNER, Role.INSTRUCTOR: Membership.Part.INSTRUCTOR}
    for user in people:
        if part := parts.get(Role(user.role)):
            Membership.objects.get_or_create(cohort=cohort, user=user, defaults={"part": part})
    return Demo(cohort, [user for user in people if user.role == Role.LEARNER], is_new)


def _ensure(account: Account, *, password: str | None) -> User:
    user = User.objects.filter(email=account.email).first()
    if user is None:
        user = User.objects.create_user(
            account.email, password, name=account.name, role=account.role, is_demo=True
        )
        EmailAddress.objects.create(user=user, email=account.email, verified=True, primary=True)
    return user


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
    sweeps.lock(population.NAME, now=now)
    for model in (ItemStatistic, MockScoreCount, PopulationPrior):
        model.objects.all().delete()
    Attempt.objects.exclude(folded_at=None).update(folded_at=None)
    population.fold(now=now)
