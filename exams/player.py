"""The page a learner sits at: the whole paper in one read, without a key in it."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.safestring import SafeString, mark_safe

from exams import delivery, review_policy
from exams.cohorts.trail import TrailRow, visible_to_learner
from exams.models import Attempt, Response
from questions import answers
from questions.answers import AnswerShape
from questions.content import ItemType, Option, Prompt, QuestionContent

PULSE_SECONDS = 90
"""How often a player reports. Each save sets its clock too: the pulse is for quiet minutes."""
WATCHED_PULSE_SECONDS = 20
"""The same for what an instructor may watch: an assignment's."""
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class PlayerScenario:
    code: str
    title: str
    html: SafeString


@dataclass(frozen=True)
class PlayerOption:
    id: str
    letter: str
    html: SafeString
    is_chosen: bool
    is_struck: bool
    position: int | None
    """Where the learner put it, from 1; None when unused, or when the item isn't an ordering."""


@dataclass(frozen=True)
class PlayerPrompt:
    id: str
    html: SafeString
    chosen: str


@dataclass(frozen=True)
class FeedbackOption:
    id: str
    letter: str
    html: SafeString
    rationale_html: SafeString
    is_key: bool
    is_chosen: bool
    key_position: int | None
    chosen_position: int | None


@dataclass(frozen=True)
class FeedbackPrompt:
    html: SafeString
    rationale_html: SafeString
    match_html: SafeString
    chosen_html: SafeString
    is_correct: bool


@dataclass(frozen=True)
class Feedback:
    is_correct: bool
    is_blank: bool
    options: tuple[FeedbackOption, ...]
    prompts: tuple[FeedbackPrompt, ...]
    topic_title: str


@dataclass(frozen=True)
class PlayerItem:
    slot: int
    item_type: str
    stem_html: SafeString
    scenario: PlayerScenario | None
    select_count: int | None
    options: tuple[PlayerOption, ...]
    prompts: tuple[PlayerPrompt, ...]
    answer_json: str
    revision: int
    saved_at: datetime | None
    is_flagged: bool
    is_seen: bool
    is_answered: bool
    seconds: int
    """Spent on it so far, as the player last reported."""
    feedback: Feedback | None


@dataclass(frozen=True)
class PlayerPage:
    attempt_id: UUID
    title: str
    blueprint_title: str
    purpose: str
    is_timed: bool
    feedback_at_once: bool
    seconds_left: float
    started_at: datetime
    deadline_at: datetime
    server_now: datetime
    grace_seconds: int
    position: int
    item_count: int
    answered_count: int
    items: tuple[PlayerItem, ...]
    pulse_seconds: int
    control_revision: int
    trail: tuple[TrailRow, ...]


@dataclass(frozen=True)
class PausedPage:
    """A paused attempt: nothing of its questions."""

    attempt_id: UUID
    title: str
    is_timed: bool
    paused_at: datetime
    minutes_left: int
    reason: str
    control_revision: int
    trail: tuple[TrailRow, ...]
    unsent: Sequence[tuple[str, str]]
    """The fields of a form that arrived during the pause."""


def paused_page(attempt: Attempt, *, unsent: Sequence[tuple[str, str]], now: datetime) -> PausedPage:
    assert attempt.paused_at is not None
    trail = visible_to_learner(attempt)
    return PausedPage(
        attempt_id=attempt.pk,
        title=attempt.paper.title,
        is_timed=attempt.is_timed,
        paused_at=attempt.paused_at,
        minutes_left=int(delivery.seconds_left(attempt, now=now) // 60),
        reason=next((row.reason for row in reversed(trail) if row.kind == "paused"), ""),
        control_revision=attempt.control_revision,
        trail=trail,
        unsent=unsent,
    )


def policy_of(attempt: Attempt) -> review_policy.Policy:
    """The assignment's own, else the mock's; practice has its own."""
    if attempt.assignment and attempt.assignment.review_policy is not None:
        own: review_policy.Policy = attempt.assignment.review_policy
        return own
    return attempt.mock.review_policy if attempt.mock else review_policy.practice()


def gives_feedback_at_once(attempt: Attempt) -> bool:
    return review_policy.allows(policy_of(attempt), review_policy.Phase.DURING, review_policy.Part.KEYS)


def player_page(attempt: Attempt, *, now: datetime) -> PlayerPage:
    """Everything the player needs, in two queries whatever the length of the paper (four once staff did something)."""
    responses = list(
        attempt.responses.select_related("version__topic", "version__scenario_version__scenario").order_by(
            "slot"
        )
    )
    page_items = tuple(player_item(attempt, response) for response in responses)
    return PlayerPage(
        attempt_id=attempt.pk,
        title=attempt.paper.title,
        blueprint_title=attempt.paper.blueprint.title,
        purpose=attempt.purpose,
        is_timed=attempt.is_timed,
        feedback_at_once=gives_feedback_at_once(attempt),
        seconds_left=delivery.seconds_left(attempt, now=now),
        started_at=attempt.started_at,
        deadline_at=attempt.deadline_at,
        server_now=now,
        grace_seconds=settings.GRACE_SECONDS,
        position=attempt.position,
        item_count=len(page_items),
        answered_count=sum(item.is_answered for item in page_items),
        items=page_items,
        pulse_seconds=pulse_seconds(attempt),
        control_revision=attempt.control_revision,
        trail=visible_to_learner(attempt),
    )


def pulse_seconds(attempt: Attempt) -> int:
    return PULSE_SECONDS if attempt.assignment_id is None else WATCHED_PULSE_SECONDS


def player_item(attempt: Attempt, response: Response) -> PlayerItem:
    """One slot, its options in this attempt's order. Feedback only where it was asked for and allowed."""
    version = response.version
    content, rendered = version.parsed, version.rendered
    shape = AnswerShape.of(content)
    chosen = response.answer
    scenario = version.scenario_version
    options = presented_options(
        content, seed=attempt.option_seed, slot=response.slot, keeps_order=version.keeps_order
    )
    return PlayerItem(
        slot=response.slot,
        item_type=str(content.item_type),
        stem_html=mark_safe(rendered["stem"]),
        scenario=PlayerScenario(scenario.scenario.code, scenario.title, mark_safe(scenario.rendered))
        if scenario
        else None,
        select_count=content.select_count,
        options=tuple(
            PlayerOption(
                id=option.id,
                letter=LETTERS[index],
                html=_html(rendered["options"][option.id], "text"),
                is_chosen=_is_chosen(option.id, chosen),
                is_struck=option.id in response.struck,
                position=_position(option.id, chosen) if content.item_type is ItemType.ORDERING else None,
            )
            for index, option in enumerate(options)
        ),
        prompts=tuple(
            PlayerPrompt(
                id=prompt.id,
                html=_html(rendered["prompts"][prompt.id], "text"),
                chosen=chosen.get(prompt.id, "") if isinstance(chosen, dict) else "",
            )
            for prompt in presented_prompts(content, seed=attempt.option_seed, slot=response.slot)
        ),
        answer_json=json.dumps(chosen),
        revision=response.revision,
        saved_at=response.saved_at,
        is_flagged=response.is_flagged,
        is_seen=response.revision > 0 or str(response.slot) in attempt.seconds_by_slot,
        is_answered=answers.is_complete(shape, chosen),
        seconds=attempt.seconds_by_slot.get(str(response.slot), 0),
        feedback=feedback(attempt, response)
        if response.checked_at is not None and gives_feedback_at_once(attempt)
        else None,
    )


def feedback(attempt: Attempt, response: Response) -> Feedback:
    """The key and every rationale. The caller has asked the review policy."""
    version = response.version
    content, rendered = version.parsed, version.rendered
    chosen, key = response.answer, content.key
    options = presented_options(
        content, seed=attempt.option_seed, slot=response.slot, keeps_order=version.keeps_order
    )
    by_id = {option["id"]: option for option in _with_html(content.options, rendered["options"])}
    is_ordering = content.item_type is ItemType.ORDERING
    judged = [
        FeedbackOption(
            id=option.id,
            letter=LETTERS[index],
            html=by_id[option.id]["html"],
            rationale_html=by_id[option.id]["rationale"],
            is_key=_is_chosen(option.id, key),
            is_chosen=_is_chosen(option.id, chosen),
            key_position=_position(option.id, key) if is_ordering else None,
            chosen_position=_position(option.id, chosen) if is_ordering else None,
        )
        for index, option in enumerate(options)
    ]
    if is_ordering:
        # As they belong, and the surplus steps last.
        judged = sorted(judged, key=lambda option: option.key_position or len(options) + 1)
    return Feedback(
        is_correct=answers.is_correct(key, chosen),
        is_blank=chosen is None,
        options=tuple(judged),
        prompts=tuple(
            FeedbackPrompt(
                html=_html(rendered["prompts"][prompt.id], "text"),
                rationale_html=_html(rendered["prompts"][prompt.id], "rationale"),
                match_html=by_id[prompt.match]["html"],
                chosen_html=_chosen_html(prompt, chosen, by_id),
                is_correct=isinstance(chosen, dict) and chosen.get(prompt.id) == prompt.match,
            )
            for prompt in presented_prompts(content, seed=attempt.option_seed, slot=response.slot)
        ),
        topic_title=str(version.topic),
    )


def presented_options(
    content: QuestionContent, *, seed: int, slot: int, keeps_order: bool = False
) -> Sequence[Option]:
    """The options in the order of this attempt: shuffled from its seed, unless their order is natural.

    An ordering is always shuffled: its file may list the steps as they belong.
    """
    if keeps_order and content.item_type is not ItemType.ORDERING:
        return content.options
    return _shuffled(content.options, f"{seed}:{slot}:options")


def presented_prompts(content: QuestionContent, *, seed: int, slot: int) -> Sequence[Prompt]:
    return _shuffled(content.prompts, f"{seed}:{slot}:prompts")


def _shuffled(parts: Sequence[Any], seed: str) -> list[Any]:
    return random.Random(seed).sample(parts, len(parts))


def _html(rendered: dict[str, str], part: str) -> SafeString:
    return mark_safe(rendered.get(part, ""))


def _with_html(options: Sequence[Option], rendered: dict[str, dict[str, str]]) -> list[dict[str, Any]]:
    return [
        {"id": o.id, "html": _html(rendered[o.id], "text"), "rationale": _html(rendered[o.id], "rationale")}
        for o in options
    ]


def _chosen_html(prompt: Prompt, chosen: Any, by_id: dict[str, dict[str, Any]]) -> SafeString:
    option_id = chosen.get(prompt.id) if isinstance(chosen, dict) else None
    return by_id[option_id]["html"] if option_id in by_id else SafeString("")


def _is_chosen(option_id: str, answer: Any) -> bool:
    return option_id == answer or (isinstance(answer, list) and option_id in answer)


def _position(option_id: str, answer: Any) -> int | None:
    return answer.index(option_id) + 1 if isinstance(answer, list) and option_id in answer else None
