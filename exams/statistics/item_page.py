"""What the page of a question's statistics shows: figures that are stored, with their counts, and words for flags."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from exams import figures, items
from exams.models import ItemStatistic, ItemTally
from exams.statistics import item_figures
from questions import wording
from questions.content import Option
from questions.models import Question, QuestionVersion

BAR_HEIGHT = 60
BAR_STEP = 24
MAX_TEXT = 90


@dataclass(frozen=True)
class Flag:
    """`kind` as the stylesheet spells it: bad, warn or nothing."""

    kind: str
    title: str
    what_to_do: str


@dataclass(frozen=True)
class Fifth:
    """One fifth of the learners by rest score, and how many of them chose the option."""

    number: int
    chose: int
    of: int
    x: int
    y: float
    height: float

    @property
    def percent(self) -> int | None:
        return figures.whole_percent(self.chose / self.of) if self.of else None


@dataclass(frozen=True)
class OptionRow:
    letter: str
    text: str
    is_key: bool
    n: int
    percent: int
    mean_rest_percent: int | None
    correlation: float | None
    fifths: tuple[Fifth, ...]


@dataclass(frozen=True)
class Summary:
    n: int
    correct: int
    omitted: int
    not_reached: int
    percent: int | None
    low_percent: int
    high_percent: int
    discrimination: float | None
    median_seconds: float | None

    @property
    def reached(self) -> int:
        return self.n + self.not_reached


@dataclass(frozen=True)
class MockRow:
    title: str
    code: str
    figures: Summary


@dataclass(frozen=True)
class ItemPage:
    question: Question
    version: QuestionVersion | None
    versions: tuple[int, ...]
    difficulty_percent: int
    summary: Summary | None
    flags: tuple[Flag, ...]
    options: tuple[OptionRow, ...]
    mocks: tuple[MockRow, ...]
    statistic: ItemStatistic | None


def item_page(question: Question, *, number: int | None = None) -> ItemPage:
    """Of this version, else the current one; `version` is None where there is no such."""
    versions = list(question.versions.order_by("-number"))
    version = next(
        (v for v in versions if v.number == number or (number is None and v.pk == question.current_id)), None
    )
    statistic = ItemStatistic.objects.filter(version=version).first() if version else None
    tallies = ItemTally.objects.filter(version=version).select_related("mock").order_by("mock__title")
    options = version.parsed.options if version else ()
    return ItemPage(
        question=question,
        version=version,
        versions=tuple(v.number for v in versions),
        difficulty_percent=figures.whole_percent(float(version.difficulty)) if version else 0,
        summary=_summary_of(statistic) if statistic else None,
        flags=_flags(statistic.flags, options) if statistic else (),
        options=_options(statistic.options, options) if statistic else (),
        mocks=_mocks(version, list(tallies)) if version and statistic else (),
        statistic=statistic,
    )


def _summary_of(row: ItemStatistic) -> Summary:
    return Summary(
        n=row.n,
        correct=row.correct,
        omitted=row.omitted,
        not_reached=row.not_reached,
        percent=figures.whole_percent(row.correct / row.n) if row.n else None,
        low_percent=figures.whole_percent(row.facility_low or 0.0),
        high_percent=figures.whole_percent(1.0 if row.facility_high is None else row.facility_high),
        discrimination=row.discrimination,
        median_seconds=row.median_seconds,
    )


def _mocks(version: QuestionVersion, tallies: Sequence[ItemTally]) -> tuple[MockRow, ...]:
    """Each from its own tally, whose size doesn't grow with the sittings."""
    facts = items.facts([version.pk])[version.pk]
    rows = []
    for tally in tallies:
        own = item_figures.work_out(item_figures.counts_of([tally]), facts)
        summary = Summary(
            n=own.n,
            correct=own.correct,
            omitted=own.omitted,
            not_reached=own.not_reached,
            percent=None if own.facility is None else figures.whole_percent(own.facility),
            low_percent=figures.whole_percent(own.low),
            high_percent=figures.whole_percent(own.high),
            discrimination=own.discrimination,
            median_seconds=own.median_seconds,
        )
        rows.append(MockRow(tally.mock.title, tally.mock.code, summary))
    return tuple(rows)


def _letters(options: Sequence[Option]) -> dict[str, str]:
    return {option.id: chr(ord("A") + place) for place, option in enumerate(options)}


def _options(stored: Sequence[Mapping[str, Any]], options: Sequence[Option]) -> tuple[OptionRow, ...]:
    letters, texts = _letters(options), {o.id: wording.plain(o.text) for o in options}
    rows = []
    for row in sorted(stored, key=lambda each: letters.get(each["id"], each["id"])):
        text, mean_rest = texts.get(row["id"], ""), row["mean_rest"]
        rows.append(
            OptionRow(
                letter=letters.get(row["id"], row["id"]),
                text=text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…",
                is_key=row["is_key"],
                n=row["n"],
                percent=figures.whole_percent(row["share"]),
                mean_rest_percent=None if mean_rest is None else figures.whole_percent(mean_rest),
                correlation=row["correlation"],
                fifths=tuple(_fifth(place, *pair) for place, pair in enumerate(row["quintiles"])),
            )
        )
    return tuple(rows)


def _fifth(place: int, chose: int, of: int) -> Fifth:
    height = round(BAR_HEIGHT * chose / of, 1) if of else 0.0
    return Fifth(place + 1, chose, of, place * BAR_STEP, round(BAR_HEIGHT - height, 1), height)


def _flags(codes: Collection[str], options: Sequence[Option]) -> tuple[Flag, ...]:
    letters = _letters(options)
    found = []
    for code in codes:
        name, _separator, option = code.partition(":")
        found.append(_flag(name, letters.get(option, option)))
    return tuple(found)


def _flag(name: str, option: str) -> Flag:
    words = {
        "negative_discrimination": (
            "bad",
            _("Look at the key first: the better the learner, the rarer the right answer."),
            _(
                "Check the key against its reference. If it is right, the stem may read differently to who knows more."
            ),
        ),
        "distractor_beats_key": (
            "bad",
            _("Option %(option)s correlates better with the rest of the sitting than the key does."),
            _("Ask whether it can be defended. If it can, it is a second key: change it or the stem."),
        ),
        "distractor_above": (
            "warn",
            _("Good learners choose option %(option)s."),
            _("Read it as they might: something in it is true under conditions that the stem leaves open."),
        ),
        "low_discrimination": (
            "warn",
            _("It hardly tells good learners from others (below .10)."),
            _("Look for a hint that gives the answer away, or for a stem that all have to guess at."),
        ),
        "too_hard": (
            "warn",
            _("Fewer than one in four get it right."),
            _("Check the key, then whether the stem says all that the answer needs."),
        ),
        "too_easy": (
            "warn",
            _("More than 95% get it right."),
            _("It measures little. Make the distractors better, or keep it on purpose as an easy opener."),
        ),
        "idle_distractor": (
            "",
            _("Almost nobody chooses option %(option)s (below 5%%)."),
            _("It does no work: replace it with a mistake that learners make."),
        ),
        "provisional": (
            "",
            _("Fewer than 30 learners: all of this is provisional."),
            _("Wait for more sittings before you change the question because of these figures."),
        ),
    }
    kind, title, what_to_do = words[name]
    return Flag(kind, title % {"option": option} if "%" in title and option else title, what_to_do)
