"""How much a run does: as much as the promises say, or just enough to see that everything works."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    saves: int = 1_000
    """Measured one after another, for the CPU of one."""
    learners: int = 64
    """At once."""
    seconds: float = 8.0
    """Of load at a time."""
    small_bank: int = 100
    bank: int = 10_000
    items: int = 65
    starts: int = 200
    sittings: int = 50
    submissions: int = 200
    overdue: int = 10_000
    cohorts: int = 100
    cohort_learners: int = 50
    """In each cohort; every learner sits two assignments."""
    running: int = 2_000
    """At once, of one assignment: what its control room shows."""
    scoring_seconds: float = 15.0
    """How long scoring is watched; None of the overdue attempts stays unscored, but a run need not wait for it."""


PROMISED = Size()
TINY = Size(
    saves=5,
    learners=3,
    seconds=0.3,
    small_bank=12,
    bank=24,
    items=8,
    starts=3,
    sittings=1,
    submissions=3,
    overdue=5,
    cohorts=3,
    cohort_learners=3,
    running=4,
    scoring_seconds=0.5,
)
