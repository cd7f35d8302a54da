"""The questions that most of a group got wrong, and what the wrong option chosen most often gives away."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString, mark_safe

from exams import figures, psychometrics
from exams.models import AssignmentQuestion
from questions import wording
from questions.content import ItemType
from questions.models import QuestionVersion

SHOWN = 10
MIN_SHOWN_TO = 3
CHOICES = (ItemType.MULTIPLE_CHOICE, ItemType.MULTIPLE_RESPONSE)
STEM = 180


@dataclass(frozen=True)
class WrongOption:
    """The HTML of a published version is clean already."""

    text: SafeString
    rationale: SafeString
    chosen: int


@dataclass(frozen=True)
class MissedQuestion:
    """Of `n` learners who were shown it, `wrong` missed it, `blank` of them without an answer."""

    version_id: int
    code: str
    stem: str
    task_code: str
    task_title: str
    n: int
    wrong: int
    blank: int
    low: float
    high: float
    option: WrongOption | None

    @property
    def percent(self) -> int:
        return figures.whole_percent(self.wrong / self.n)

    @property
    def low_percent(self) -> int:
        return figures.whole_percent(self.low)

    @property
    def high_percent(self) -> int:
        return figures.whole_percent(self.high)


@dataclass(frozen=True)
class _Count:
    version_id: int
    task_id: int
    n: int
    correct: int

    @property
    def surely_wrong(self) -> float:
        """The lower end of Wilson's interval: few learners don't make a question the worst."""
        return psychometrics.wilson_interval(self.n - self.correct, self.n)[0]


def most_missed(assignment_ids: Sequence[int], *, limit: int = SHOWN) -> tuple[MissedQuestion, ...]:
    """Worst first; two statements."""
    counts = [count for count in _counts(assignment_ids) if count.correct < count.n]
    counts.sort(key=lambda count: (-count.surely_wrong, -count.n, count.version_id))
    return _questions(assignment_ids, counts[:limit])


def worst_of_each_task(assignment_ids: Sequence[int]) -> dict[str, MissedQuestion]:
    """Task code → its most missed question; two statements."""
    worst: dict[int, _Count] = {}
    for count in _counts(assignment_ids):
        had = worst.get(count.task_id)
        if count.correct < count.n and (had is None or count.surely_wrong > had.surely_wrong):
            worst[count.task_id] = count
    return {question.task_code: question for question in _questions(assignment_ids, list(worst.values()))}


def _counts(assignment_ids: Sequence[int]) -> list[_Count]:
    """Added up over the assignments that showed the same version."""
    sums: dict[int, tuple[int, int, int]] = {}
    rows = AssignmentQuestion.objects.filter(assignment__in=assignment_ids).values_list(
        "version_id", "version__topic__task_id", "n", "correct"
    )
    for version_id, task_id, n, correct in rows:
        _, had_n, had_correct = sums.get(version_id, (0, 0, 0))
        sums[version_id] = (task_id, had_n + n, had_correct + correct)
    return [_Count(pk, *values) for pk, values in sums.items() if values[1] >= MIN_SHOWN_TO]


def _questions(assignment_ids: Sequence[int], wanted: Sequence[_Count]) -> tuple[MissedQuestion, ...]:
    found: dict[int, list[AssignmentQuestion]] = {}
    rows = AssignmentQuestion.objects.filter(
        assignment__in=assignment_ids, version__in=[count.version_id for count in wanted]
    ).select_related("version__question", "version__topic__task")
    for row in rows:
        found.setdefault(row.version_id, []).append(row)
    return tuple(_question(found[count.version_id], count) for count in wanted if count.version_id in found)


def _question(rows: Sequence[AssignmentQuestion], count: _Count) -> MissedQuestion:
    version = rows[0].version
    wrong = count.n - count.correct
    low, high = psychometrics.wilson_interval(wrong, count.n)
    stem = " ".join(wording.plain(version.content["stem"]).split())
    return MissedQuestion(
        version_id=version.pk,
        code=version.question.code,
        stem=stem if len(stem) <= STEM else stem[:STEM].rsplit(" ", 1)[0] + "…",
        task_code=version.topic.task.code,
        task_title=version.topic.task.title,
        n=count.n,
        wrong=wrong,
        blank=sum(row.blank for row in rows),
        low=low,
        high=high,
        option=_wrong_option(version, (row.choices for row in rows)),
    )


def _wrong_option(version: QuestionVersion, choices: Iterable[dict[str, int]]) -> WrongOption | None:
    """The option outside the key that most learners chose."""
    content = version.parsed
    if content.item_type not in CHOICES:
        return None
    chosen: dict[str, int] = {}
    for each in choices:
        for option_id, n in each.items():
            chosen[option_id] = chosen.get(option_id, 0) + n
    wrong = [option.id for option in content.options if not option.is_correct and chosen.get(option.id)]
    if not wrong:
        return None
    option_id = max(wrong, key=lambda each: chosen[each])
    html: dict[str, Any] = version.rendered["options"][option_id]
    return WrongOption(mark_safe(html["text"]), mark_safe(html["rationale"]), chosen[option_id])
