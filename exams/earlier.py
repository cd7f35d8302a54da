"""A sitting against the ones before it: titles, earlier scores that may be shown, and what changed since."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from exams import disclosure, figures
from exams.figures import Change, Figure, Scored
from exams.models import Attempt, DomainScore, Result
from questions.models import Domain, TaskStatement

MAX_EARLIER_SCORES = 100


@dataclass(frozen=True)
class PartRow:
    """A domain or a task of one sitting."""

    code: str
    title: str
    figure: Figure
    change: Change | None


Earlier = Mapping[Attempt, Mapping[int, DomainScore]]
"""Newest first; per domain id."""


def title_of(attempt: Attempt) -> str:
    """A mock by its title, with its number from the second sitting on; practice by what it was of."""
    if attempt.mock is None:
        return _("Practice: %(title)s") % {"title": attempt.paper.title}
    if attempt.number == 1:
        return attempt.mock.title
    return _("%(title)s, attempt %(number)s") % {"title": attempt.mock.title, "number": attempt.number}


def scores_before(attempt: Attempt, *, now: datetime) -> Earlier:
    """The learner's earlier mocks of this exam whose score may be shown, newest first, with their domains."""
    scores = (
        DomainScore.objects.filter(
            result__attempt__learner=attempt.learner_id,
            result__attempt__purpose=attempt.purpose,
            result__attempt__mock__isnull=False,
            result__attempt__paper__blueprint=attempt.paper.blueprint_id,
            result__attempt__started_at__lt=attempt.started_at,
        )
        .select_related("result__attempt__mock", "result__attempt__assignment")
        .order_by("-result__attempt__started_at", "domain")
    )
    by_attempt: dict[Attempt, dict[int, DomainScore]] = defaultdict(dict)
    for score in scores[:MAX_EARLIER_SCORES]:
        by_attempt[score.result.attempt][score.domain_id] = score
    return {each: parts for each, parts in by_attempt.items() if disclosure.of(each, now=now).score}


def previous_of(earlier: Earlier) -> Attempt | None:
    return next(iter(earlier), None)


def domain_rows(result: Result, earlier: Earlier) -> tuple[PartRow, ...]:
    previous = previous_of(earlier)
    parts = earlier[previous] if previous else {}
    return tuple(
        part_row(score.domain, score, before=parts.get(score.domain_id), previous=previous)
        for score in result.domain_scores.select_related("domain").order_by(
            "domain__position", "domain__code"
        )
    )


def part_row(
    part: Domain | TaskStatement, score: Scored, *, before: Scored | None, previous: Attempt | None
) -> PartRow:
    figure = figures.from_score(score)
    change = None
    if before is not None and previous is not None:
        change = figures.change(figure, figures.from_score(before), title=title_of(previous))
    return PartRow(part.code, part.title, figure, change)
