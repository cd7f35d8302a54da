"""What the pages of one question show: what it says, its versions, its trail, and how two texts differ."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import QueryDict

from accounts.models import User
from questions import authoring, differences, listing, rendering, reviewing, scenarios, versions
from questions.differences import FieldDifference
from questions.keyed import Keyed, keyed
from questions.linting import Finding
from questions.models import Comment, Draft, Question, QuestionEvent, QuestionVersion, Review

EVENTS = 100


@dataclass(frozen=True)
class VersionLine:
    """`number` 0 is the draft."""

    number: int
    label: int
    state: str
    by: str
    at: datetime | None


@dataclass(frozen=True)
class QuestionPage:
    question: Question
    draft: Draft | None
    shown: int
    """The number of the version that is shown; 0 for the draft."""
    next_number: int
    topic: Any
    item_type: str
    level: str
    difficulty: Any
    keeps_order: bool
    references: tuple[str, ...]
    tags: tuple[str, ...]
    text: Keyed
    findings: tuple[Finding, ...]
    lines: tuple[VersionLine, ...]
    comments: tuple[Comment, ...]
    events: tuple[QuestionEvent, ...]
    may_review: bool
    is_blind: bool
    """The viewer may still answer the draft blind: it isn't offered to them."""


def question_page(question: Question, *, number: int | None, viewer: User) -> QuestionPage | None:
    """The version of that number, 0 for the draft; without one the current version, else the draft.

    None where there is no such version.
    """
    draft: Draft | None = (
        Draft.objects.filter(question=question).select_related("topic__task", "scenario", "saved_by").first()
    )
    lines = list(
        question.versions.select_related("topic__task__domain", "scenario_version__scenario", "published_by")
    )
    shown = _chosen(question, draft, lines, number)
    if shown is None:
        return None
    text = text_of(shown)
    next_number = versions.next_number(question)
    findings = listing.findings_of(
        shown.parsed,
        forbidden=listing.forbidden_of(question.blueprint),
        topic=shown.topic,
        level=shown.level,
        difficulty=shown.difficulty,
    )
    return QuestionPage(
        question=question,
        draft=draft,
        shown=0 if isinstance(shown, Draft) else shown.number,
        next_number=next_number,
        topic=shown.topic,
        item_type=shown.item_type,
        level=shown.level,
        difficulty=shown.difficulty,
        keeps_order=shown.keeps_order,
        references=shown.parsed.references,
        tags=tuple(question.tags.values_list("name", flat=True)),
        text=text,
        findings=tuple(findings),
        lines=_lines(question, draft, lines, next_number),
        comments=tuple(question.comments.select_related("by", "version", "draft")),
        events=tuple(question.events.select_related("by")[:EVENTS]),
        may_review=draft is not None
        and draft.state == Draft.State.IN_REVIEW
        and reviewing.may_review(draft, viewer),
        is_blind=draft is not None and reviewing.is_blind(draft, viewer),
    )


def text_of(shown: Draft | QuestionVersion) -> Keyed:
    """A draft is rendered as it is looked at; a version keeps its rendering."""
    if isinstance(shown, Draft):
        scenario = scenarios.latest(shown.scenario) if shown.scenario else None
        return keyed(shown.parsed, rendering.render_content(shown.parsed), scenario)
    return keyed(shown.parsed, shown.rendered, shown.scenario_version)


def _chosen(
    question: Question, draft: Draft | None, lines: Sequence[QuestionVersion], number: int | None
) -> Draft | QuestionVersion | None:
    if number == 0:
        return draft
    if number is None:
        return next((v for v in lines if v.pk == question.current_id), None) or draft
    return next((v for v in lines if v.number == number), None)


def _lines(
    question: Question, draft: Draft | None, stored: Iterable[QuestionVersion], next_number: int
) -> tuple[VersionLine, ...]:
    lines = [
        VersionLine(
            number=version.number,
            label=version.number,
            state=str(question.get_state_display()) if version.pk == question.current_id else "replaced",
            by=str(version.published_by or ""),
            at=version.published_at,
        )
        for version in sorted(stored, key=lambda v: -v.number)
    ]
    if draft is not None:
        own = VersionLine(
            0, next_number, str(draft.get_state_display()), str(draft.saved_by or ""), draft.saved_at
        )
        lines.insert(0, own)
    return tuple(lines)


# Two texts


@dataclass(frozen=True)
class Comparison:
    question: Question
    old: VersionLine
    new: VersionLine
    lines: tuple[VersionLine, ...]
    differences: tuple[FieldDifference, ...]


def comparison(question: Question, *, old: int, new: int) -> Comparison | None:
    """What the second text has changed against the first; 0 is the draft. None where one isn't there."""
    draft = Draft.objects.filter(question=question).select_related("topic", "scenario").first()
    stored = list(question.versions.select_related("topic", "scenario_version__scenario", "published_by"))
    lines = {line.number: line for line in _lines(question, draft, stored, versions.next_number(question))}
    if old not in lines or new not in lines:
        return None
    tags = tuple(question.tags.values_list("name", flat=True))
    texts = {v.number: authoring.fields_of_version(v, tags) for v in stored if v.number in (old, new)}
    if draft is not None:
        texts[0] = authoring.fields_of(question)
    found = differences.compare(texts[old], texts[new])
    return Comparison(question, lines[old], lines[new], tuple(lines.values()), tuple(found))


# Reviews


@dataclass(frozen=True)
class ReviewPage:
    """Before the blind answer `text` and `review` are None: no key reaches the reviewer."""

    question: Question
    draft: Draft
    scenario: Any
    stem_html: str
    options: tuple[dict[str, Any], ...]
    prompts: tuple[dict[str, Any], ...]
    select_count: int | None
    may_review: bool
    review: Review | None
    text: Keyed | None
    references: tuple[str, ...]
    own_answer: tuple[str, ...]
    findings: tuple[Finding, ...]
    comments: tuple[Comment, ...]
    changes: tuple[FieldDifference, ...]


def review_page(draft: Draft, *, viewer: User, given: QueryDict | None = None) -> ReviewPage:
    """What a reviewer sees of a draft; all of it only once they have answered. `given`: an answer that isn't whole."""
    given = given or QueryDict()
    content = reviewing.shuffled(draft, viewer)
    rendered = rendering.render_content(content)
    review = draft.reviews.filter(reviewer=viewer, revision=draft.revision).first()
    is_open = review is not None
    scenario = scenarios.latest(draft.scenario) if draft.scenario else None
    shown = {o.id: rendered["options"][o.id]["text"] for o in content.options}
    return ReviewPage(
        question=draft.question,
        draft=draft,
        scenario=scenario,
        stem_html=rendered["stem"],
        options=tuple(
            {
                "id": o.id,
                "html": shown[o.id],
                "is_chosen": o.id in given.getlist("answer"),
                "place": given.get(f"place-{o.id}", ""),
            }
            for o in content.options
        ),
        prompts=tuple(
            {
                "id": p.id,
                "html": rendered["prompts"][p.id]["text"],
                "number": n,
                "chosen": given.get(f"match-{p.id}", ""),
            }
            for n, p in enumerate(content.prompts, 1)
        ),
        select_count=content.select_count,
        may_review=reviewing.may_review(draft, viewer),
        review=review,
        text=text_of(draft) if is_open else None,
        references=content.references if is_open else (),
        own_answer=_answer_texts(review, rendered) if review else (),
        findings=_findings(draft) if is_open else (),
        comments=tuple(draft.comments.select_related("by")) if is_open else (),
        changes=_changes(draft) if is_open else (),
    )


def _answer_texts(review: Review, rendered: dict[str, Any]) -> tuple[str, ...]:
    options = rendered["options"]
    match review.answer:
        case str() as chosen:
            return (options[chosen]["text"],)
        case list() as listed:
            return tuple(options[chosen]["text"] for chosen in listed)
        case dict() as pairs:
            return tuple(
                f"{rendered['prompts'][prompt]['text']} → {options[chosen]['text']}"
                for prompt, chosen in pairs.items()
            )
    return ()


def _findings(draft: Draft) -> tuple[Finding, ...]:
    return tuple(
        listing.findings_of(
            draft.parsed,
            forbidden=listing.forbidden_of(draft.question.blueprint),
            topic=draft.topic,
            level=draft.level,
            difficulty=draft.difficulty,
        )
    )


def _changes(draft: Draft) -> tuple[FieldDifference, ...]:
    """Against the version that it was begun from."""
    if draft.based_on is None:
        return ()
    tags = tuple(draft.question.tags.values_list("name", flat=True))
    return tuple(
        differences.compare(
            authoring.fields_of_version(draft.based_on, tags), authoring.fields_of(draft.question)
        )
    )
