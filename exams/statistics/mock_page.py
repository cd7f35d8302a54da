"""The statistics of a mock as its page shows them: read, and put into words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from exams.models import MockExam, MockStatistic
from questions.models import Domain

PROVISIONAL_BELOW = 30
"""Attempts: a coefficient of fewer says little."""


@dataclass(frozen=True)
class DomainWorth:
    code: str
    title: str
    adds: bool
    by_itself: float
    by_total: float


@dataclass(frozen=True)
class PaperAlpha:
    number: int
    n: int
    alpha: float | None


@dataclass(frozen=True)
class MockFigures:
    """Scores in right answers out of `items`; over first attempts of learners."""

    n: int
    items: int
    passed: int
    pass_percent: int
    pass_low: int
    pass_high: int
    mean: float | None
    median: float | None
    sd: float | None
    skewness: float | None
    kurtosis: float | None
    reliability: float | None
    is_lower_bound: bool
    """KR-21, where each learner had a paper of their own."""
    sem: float | None
    papers: tuple[PaperAlpha, ...]
    domains: tuple[DomainWorth, ...]
    is_provisional: bool


def figures_of(mock: MockExam) -> MockFigures | None:
    """None before anybody's first attempt was counted."""
    statistic = MockStatistic.objects.filter(mock=mock, n__gt=0).first()
    if statistic is None or not statistic.figures:
        return None
    figures: dict[str, Any] = statistic.figures
    domains = Domain.objects.in_bulk([row["domain"] for row in figures["domains"]])
    return MockFigures(
        n=statistic.n,
        items=figures["items"],
        passed=statistic.passed,
        pass_percent=round(100 * statistic.passed / statistic.n),
        pass_low=round(100 * figures["pass_low"]),
        pass_high=round(100 * figures["pass_high"]),
        mean=figures["mean"],
        median=figures["median"],
        sd=figures["sd"],
        skewness=figures["skewness"],
        kurtosis=figures["kurtosis"],
        reliability=figures["reliability"],
        is_lower_bound=figures["coefficient"] == "kr21",
        sem=figures["sem"],
        papers=tuple(PaperAlpha(row["number"], row["n"], row["alpha"]) for row in figures["papers"]),
        domains=tuple(
            DomainWorth(domain.code, domain.title, row["adds"], row["by_itself"], row["by_total"])
            for row in figures["domains"]
            if (domain := domains.get(row["domain"])) is not None
        ),
        is_provisional=statistic.n < PROVISIONAL_BELOW,
    )
