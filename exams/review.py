"""The review: each question as it was sat, with what the review policy allows of its key and its reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from django.db.models import F
from django.utils.translation import gettext as _

from accounts.models import User
from exams import challenges, disclosure, earlier, pace, player
from exams.challenges import OwnChallenge
from exams.disclosure import Disclosure
from exams.models import Attempt, AttemptEvent, Response
from exams.player import Feedback, FeedbackOption, PlayerItem
from questions import answers
from questions.content import Answer

SHOW = ("all", "wrong", "flagged", "slow")


@dataclass(frozen=True)
class Choice:
    """What the address asks for; what it can't mean falls back to all, or to the first question."""

    show: str = "all"
    domain: str = ""
    slot: int | None = None

    @classmethod
    def of(cls, query: Any) -> Choice:
        show, slot = query.get("show", ""), query.get("question", "")
        return cls(
            show=show if show in SHOW else "all",
            domain=query.get("domain", ""),
            slot=int(slot[:6]) if slot.isascii() and slot.isdigit() else None,
        )


@dataclass(frozen=True)
class ReviewRow:
    """A line of the list at the side. `mark` is right, wrong or blank."""

    slot: int
    mark: str
    is_scored: bool
    is_flagged: bool
    is_slow: bool
    clock: str
    topic_title: str
    domain_code: str
    href: str
    is_current: bool


@dataclass(frozen=True)
class FilterLink:
    name: str
    count: int
    href: str
    is_current: bool
    title: str = ""


@dataclass(frozen=True)
class PathStep:
    """One thing that happened to this slot. `kind` is an event's; `answer` in the letters of this sitting."""

    at: datetime
    kind: str
    answer: str
    is_correct: bool | None


@dataclass(frozen=True)
class ReviewQuestion:
    """`feedback`, `references` and the orders are only there once keys may be shown."""

    slot: int
    code: str
    version: int
    level: str
    item: PlayerItem
    mark: str
    is_scored: bool
    is_first_exposure: bool
    was_opened: bool
    is_slow: bool
    clock: str
    median: str
    task_code: str
    task_title: str
    topic_code: str
    topic_title: str
    has_note: bool
    blueprint_code: str
    feedback: Feedback | None
    your_order: tuple[FeedbackOption, ...]
    right_order: tuple[FeedbackOption, ...]
    references: tuple[str, ...]
    path: tuple[PathStep, ...]
    challenges: tuple[OwnChallenge, ...]
    """What the learner has said of it; read for themselves alone."""
    start_key: UUID

    @property
    def may_challenge(self) -> bool:
        """Where the key is shown, unless one is open."""
        return self.feedback is not None and not any(each.state == "open" for each in self.challenges)

    @property
    def has_option_reasons(self) -> bool:
        return self.feedback is not None and any(option.rationale_html for option in self.feedback.options)


@dataclass(frozen=True)
class ReviewPage:
    attempt_id: UUID
    title: str
    purpose: str
    learner: str
    is_own: bool
    is_timed: bool
    shows: Disclosure
    item_count: int
    rows: tuple[ReviewRow, ...]
    filters: tuple[FilterLink, ...]
    domains: tuple[FilterLink, ...]
    slow_above: str
    question: ReviewQuestion | None
    previous: ReviewRow | None
    following: ReviewRow | None


def review_page(attempt: Attempt, choice: Choice, *, viewer: User, now: datetime) -> ReviewPage:
    """The page of a scored attempt, in a number of statements that doesn't grow with the paper.

    Before marks may be shown it has no rows and no question at all.
    """
    shows = disclosure.of(attempt, now=now)
    times = pace.of(attempt)
    facts = _facts(attempt, times) if shows.marks else []
    choice = _within(choice, facts)
    listed = [fact for fact in facts if _matches(fact, choice.show, choice.domain)]
    current = _current(choice, facts, listed)
    rows = [_row(fact, choice, is_current=fact.slot == current) for fact in listed]
    return ReviewPage(
        attempt_id=attempt.pk,
        title=earlier.title_of(attempt),
        purpose=attempt.purpose,
        learner=str(attempt.learner),
        is_own=attempt.learner_id == viewer.pk,
        is_timed=attempt.is_timed,
        shows=shows,
        item_count=len(facts),
        rows=tuple(rows),
        filters=tuple(_filter_links(facts, choice)),
        domains=tuple(_domain_links(facts, choice)),
        slow_above=pace.clock(times.slow_above) if times.is_known else "",
        question=_question(attempt, current, times, shows, viewer) if current is not None else None,
        previous=next((row for row in reversed(rows) if current is not None and row.slot < current), None),
        following=next((row for row in rows if current is not None and row.slot > current), None),
    )


# ── the list ──


@dataclass(frozen=True)
class _Fact:
    slot: int
    mark: str
    is_scored: bool
    is_flagged: bool
    is_slow: bool
    clock: str
    topic_title: str
    domain_code: str
    domain_title: str


def _facts(attempt: Attempt, times: pace.Pace) -> list[_Fact]:
    rows = attempt.responses.order_by("slot").values_list(
        *("slot", "answer", "is_correct", "is_scored", "is_flagged", "version__topic__title"),
        *("version__topic__task__domain__code", "version__topic__task__domain__title"),
        named=True,
    )
    return [
        _Fact(
            slot=row.slot,
            mark=mark_of(is_correct=row.is_correct, answer=row.answer),
            is_scored=row.is_scored,
            is_flagged=row.is_flagged,
            is_slow=times.is_slow(row.slot),
            clock=pace.clock(times.seconds[row.slot]) if times.is_known else "",
            topic_title=row.version__topic__title,
            domain_code=row.version__topic__task__domain__code,
            domain_title=row.version__topic__task__domain__title,
        )
        for row in rows
    ]


def mark_of(*, is_correct: bool | None, answer: Answer) -> str:
    """right, wrong or blank, of a scored response."""
    if is_correct:
        return "right"
    return "blank" if answer is None else "wrong"


def _within(choice: Choice, facts: Sequence[_Fact]) -> Choice:
    known = {fact.domain_code for fact in facts}
    return Choice(choice.show, choice.domain if choice.domain in known else "", choice.slot)


def _matches(fact: _Fact, show: str, domain: str) -> bool:
    if domain and fact.domain_code != domain:
        return False
    match show:
        case "wrong":
            return fact.mark != "right"
        case "flagged":
            return fact.is_flagged
        case "slow":
            return fact.is_slow
    return True


def _current(choice: Choice, facts: Sequence[_Fact], listed: Sequence[_Fact]) -> int | None:
    """The question asked for, also when the filter leaves it out; else the first that the filter shows."""
    if any(fact.slot == choice.slot for fact in facts):
        return choice.slot
    return listed[0].slot if listed else None


def _href(show: str, domain: str, slot: int | None = None) -> str:
    query: dict[str, Any] = {}
    if show != "all":
        query["show"] = show
    if domain:
        query["domain"] = domain
    if slot is not None:
        query["question"] = slot
    return "?" + urlencode(query)


def _row(fact: _Fact, choice: Choice, *, is_current: bool) -> ReviewRow:
    return ReviewRow(
        slot=fact.slot,
        mark=fact.mark,
        is_scored=fact.is_scored,
        is_flagged=fact.is_flagged,
        is_slow=fact.is_slow,
        clock=fact.clock,
        topic_title=fact.topic_title,
        domain_code=fact.domain_code,
        href=_href(choice.show, choice.domain, fact.slot),
        is_current=is_current,
    )


def _filter_links(facts: Sequence[_Fact], choice: Choice) -> list[FilterLink]:
    return [
        FilterLink(
            name=show,
            count=sum(_matches(fact, show, choice.domain) for fact in facts),
            href=_href(show, choice.domain),
            is_current=show == choice.show,
        )
        for show in SHOW
    ]


def _domain_links(facts: Sequence[_Fact], choice: Choice) -> list[FilterLink]:
    titles = {fact.domain_code: fact.domain_title for fact in facts}
    return [
        FilterLink(
            name=code,
            title=titles.get(code, ""),
            count=sum(_matches(fact, choice.show, code) for fact in facts),
            href=_href(choice.show, code),
            is_current=code == choice.domain,
        )
        for code in ["", *sorted(titles)]
    ]


# ── the question ──


def _question(
    attempt: Attempt, slot: int, times: pace.Pace, shows: Disclosure, viewer: User
) -> ReviewQuestion:
    found = attempt.responses.select_related(
        "version__question", "version__topic__task", "version__scenario_version__scenario"
    )
    response: Any = found.annotate(note=F("version__topic__note")).get(slot=slot)
    version = response.version
    item = player.player_item(attempt, response)
    feedback = player.feedback(attempt, response) if shows.keys else None
    options = feedback.options if feedback else ()
    return ReviewQuestion(
        slot=slot,
        code=version.question.code,
        version=version.number,
        level=version.level,
        item=item,
        mark=mark_of(is_correct=response.is_correct, answer=response.answer),
        is_scored=response.is_scored,
        is_first_exposure=bool(response.is_first_exposure),
        was_opened=item.is_seen,
        is_slow=times.is_slow(slot),
        clock=pace.clock(times.seconds[slot]) if times.is_known else "",
        median=pace.clock(times.median_seconds) if times.is_known else "",
        task_code=version.topic.task.code,
        task_title=version.topic.task.title,
        topic_code=version.topic.code,
        topic_title=version.topic.title,
        has_note=response.note is not None,
        blueprint_code=attempt.paper.blueprint.code,
        feedback=feedback,
        your_order=_in_order(options, "chosen_position"),
        right_order=_in_order(options, "key_position"),
        # A bank's own study notes (`note:…`) have no page yet.
        references=tuple(r for r in version.parsed.references if shows.keys and r.startswith("http")),
        path=_path(attempt, response, item),
        challenges=challenges.of_question(viewer, version.pk) if attempt.learner_id == viewer.pk else (),
        start_key=uuid4(),
    )


def _in_order(options: Sequence[FeedbackOption], position: str) -> tuple[FeedbackOption, ...]:
    placed = [option for option in options if getattr(option, position) is not None]
    return tuple(sorted(placed, key=lambda option: getattr(option, position)))


def _path(attempt: Attempt, response: Response, item: PlayerItem) -> tuple[PathStep, ...]:
    """What became of this slot's answer, save by save; a save that only flagged or struck out is left out."""
    kinds = AttemptEvent.Kind
    events = attempt.events.filter(
        slot=response.slot, kind__in=(kinds.SAVED, kinds.SAVED_IN_GRACE, kinds.CAME_LATE, kinds.CHECKED)
    ).order_by("id")
    steps: list[PathStep] = []
    latest: Answer = None
    for at, kind, answer in events.values_list("at", "kind", "answer"):
        if kind == kinds.CHECKED:
            steps.append(PathStep(at, kind, "", None))
        elif answer != latest or kind == kinds.CAME_LATE:
            is_correct = answers.is_correct(response.version.parsed.key, answer)
            steps.append(PathStep(at, kind, _in_letters(answer, item), is_correct))
            if kind != kinds.CAME_LATE:
                latest = answer
    return tuple(steps)


def _in_letters(answer: Answer, item: PlayerItem) -> str:
    letters = {option.id: option.letter for option in item.options}
    match answer:
        case None:
            return _("nothing")
        case str():
            return letters.get(answer, "")
        case dict():
            return _("%(matched)s of %(all)s pairs") % {"matched": len(answer), "all": len(item.prompts)}
        case _ if item.item_type == "ordering":
            return " → ".join(letters.get(option, "") for option in answer)
        case _:
            return ", ".join(sorted(letters.get(option, "") for option in answer))
