"""Which learners of a cohort need somebody now, and why: a low chance, silence, falling scores."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, FilteredRelation, OuterRef, Q, Subquery
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Cohort, Membership
from exams import figures
from exams.models import Attempt
from questions.models import Blueprint

CHANCE_BELOW = 0.5
SILENT_FOR = timedelta(days=10)
FALLING_BY = 10.0
"""Scaled points a mock, over the last two to four of them."""
MIN_SITTINGS_FOR_TREND = 3
SHOWN = 6


@dataclass(frozen=True)
class LearnerAtRisk:
    """`reasons` are whole sentences with their counts, the gravest first."""

    learner_id: int
    name: str
    chance_percent: int | None
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class AtRisk:
    """`rows` may be the first few; `n` of `learners` are at risk. `likely` have a chance of .6 or better."""

    rows: tuple[LearnerAtRisk, ...]
    n: int
    learners: int
    likely: int
    known: int
    """Learners with a chance of passing at all."""
    active: int
    """Learners who sat anything within the last seven days."""

    @property
    def left_out(self) -> int:
        return self.n - len(self.rows)


@dataclass(frozen=True)
class Facts:
    """What is stored of one learner."""

    learner_id: int
    name: str
    joined_at: datetime
    chance: float | None
    questions: int
    mocks: int
    trend: float | None
    sittings: int
    active_at: datetime | None


def at_risk(cohort: Cohort, blueprint: Blueprint, *, now: datetime, limit: int | None = SHOWN) -> AtRisk:
    """One statement. Who has the lowest chance comes first, then who has none to show."""
    everybody = list(_facts(cohort, blueprint))
    found = [(fact, reasons) for fact in everybody if (reasons := reasons_of(fact, now=now))]
    found.sort(
        key=lambda pair: (1.0 if pair[0].chance is None else pair[0].chance, -len(pair[1]), pair[0].name)
    )
    chances = [fact.chance for fact in everybody if fact.chance is not None]
    week = now - timedelta(days=7)
    return AtRisk(
        rows=tuple(
            LearnerAtRisk(
                fact.learner_id,
                fact.name,
                None if fact.chance is None else figures.whole_percent(fact.chance),
                reasons,
            )
            for fact, reasons in found[:limit]
        ),
        n=len(found),
        learners=len(everybody),
        likely=sum(chance >= 0.6 for chance in chances),
        known=len(chances),
        active=sum(fact.active_at is not None and fact.active_at >= week for fact in everybody),
    )


def reasons_of(fact: Facts, *, now: datetime) -> tuple[str, ...]:
    """Empty for a learner who is not at risk."""
    reasons = []
    if fact.chance is not None and fact.chance < CHANCE_BELOW:
        reasons.append(
            ngettext(
                "would pass with a chance of %(chance)s%%, from %(questions)s questions in %(n)s mock",
                "would pass with a chance of %(chance)s%%, from %(questions)s questions in %(n)s mocks",
                fact.mocks,
            )
            % {
                "chance": figures.whole_percent(fact.chance),
                "questions": fact.questions,
                "n": fact.mocks,
            }
        )
    if fact.trend is not None and fact.sittings >= MIN_SITTINGS_FOR_TREND and fact.trend <= -FALLING_BY:
        reasons.append(
            _("scores fall by %(points)s points a mock over the last %(n)s")
            % {"points": round(-fact.trend), "n": min(fact.sittings, 4)}
        )
    since = fact.active_at or fact.joined_at
    days = (now - since).days
    if now - since >= SILENT_FOR:
        if fact.active_at is None:
            reasons.append(_("has sat nothing in the %(days)s days since joining") % {"days": days})
        else:
            reasons.append(_("has sat nothing for %(days)s days") % {"days": days})
    return tuple(reasons)


def _facts(cohort: Cohort, blueprint: Blueprint) -> Iterable[Facts]:
    latest = Attempt.objects.filter(
        learner=OuterRef("user"), purpose__in=(Attempt.Purpose.MOCK, Attempt.Purpose.PRACTICE)
    ).order_by("-started_at")
    rows = (
        Membership.objects.learners()
        .filter(cohort=cohort)
        .annotate(
            standing=FilteredRelation("user__standings", condition=Q(user__standings__blueprint=blueprint)),
            chance=F("standing__chance"),
            chance_questions=F("standing__chance_questions"),
            chance_sittings=F("standing__chance_sittings"),
            trend=F("standing__trend"),
            sittings=F("standing__sittings"),
            active_at=Subquery(latest.values("started_at")[:1]),
        )
        .values_list(
            "user_id",
            "user__name",
            "user__email",
            "joined_at",
            "chance",
            "chance_questions",
            "chance_sittings",
            "trend",
            "sittings",
            "active_at",
        )
    )
    for pk, name, email, joined_at, chance, questions, mocks, trend, sittings, active_at in rows:
        yield Facts(
            pk, name or email, joined_at, chance, questions or 0, mocks or 0, trend, sittings or 0, active_at
        )
