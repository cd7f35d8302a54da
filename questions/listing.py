"""Keeps the bank list's rows equal to the questions; `rows` and the counts are what its page reads."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from typing import Any

from django.db import transaction
from django.utils import timezone

from questions import likeness, linting, wording
from questions.content import QuestionContent
from questions.linting import Finding, Forbidden, Severity
from questions.models import Blueprint, Draft, Listing, Question, QuestionEvent, QuestionVersion, StemBand

_BATCH = 200
_COUNTED = ("open_challenges", "seen", "facility", "is_suspect")
"""Written by who counts challenges and answers; a refresh leaves them alone."""


def forbidden_of(blueprint: Blueprint) -> list[Forbidden]:
    return [Forbidden(rule["pattern"], rule["why"]) for rule in blueprint.forbidden]


def findings_of(
    content: QuestionContent,
    *,
    forbidden: Sequence[Forbidden],
    topic: object,
    level: str,
    difficulty: object,
) -> list[Finding]:
    """What the linter says, and which tags a version can't be published without."""
    missing = [
        Finding(Severity.BLOCK, f"no_{name}", f"The question has no {name}.", mend, name)
        for name, value, mend in (
            ("topic", topic, "Choose the topic that it tests."),
            ("level", level, "Choose recall, apply or analyse."),
            ("difficulty", difficulty, "Give the share of just-qualified candidates who get it right."),
        )
        if value in (None, "")
    ]
    return [*missing, *linting.lint(content, forbidden=forbidden)]


def refresh(question_ids: Collection[int]) -> None:
    """Write the rows of these questions anew, in batches: a whole bank fits."""
    ids = sorted(question_ids)
    for start in range(0, len(ids), _BATCH):
        _refresh_batch(ids[start : start + _BATCH])


def refresh_all() -> int:
    """Every question that there is, for the command that repairs the list."""
    ids = list(Question.objects.values_list("pk", flat=True))
    refresh(ids)
    return len(ids)


def refresh_missing() -> int:
    """The questions that have no row yet: those of an installation from before there was a list."""
    ids = list(Question.objects.filter(listing=None).values_list("pk", flat=True))
    refresh(ids)
    return len(ids)


def note_challenges(question_id: int, *, waiting: int) -> None:
    """Called by who keeps challenges: how many of this question's are open."""
    Listing.objects.filter(question=question_id).update(open_challenges=waiting)


def note_answers(question_id: int, *, seen: int, facility: float | None, is_suspect: bool) -> None:
    """Called by who counts answers: the current version's first exposures and its share of right ones."""
    Listing.objects.filter(question=question_id).update(seen=seen, facility=facility, is_suspect=is_suspect)


@transaction.atomic
def _refresh_batch(ids: Sequence[int]) -> None:
    questions = (
        Question.objects.filter(pk__in=ids)
        .select_related(
            "blueprint",
            "current__topic__task__domain",
            "current__scenario_version__scenario",
            "draft__topic__task__domain",
            "draft__scenario",
        )
        .prefetch_related("tags", "draft__authors")
    )
    rules = {q.blueprint_id: q.blueprint for q in questions}
    forbidden = {pk: forbidden_of(blueprint) for pk, blueprint in rules.items()}
    authors = _first_authors(ids)
    rows, bands = [], []
    for question in questions:
        row, stem = _row(question, forbidden[question.blueprint_id], authors.get(question.pk))
        rows.append(row)
        bands += [StemBand(question=question, band=band) for band in likeness.bands(stem)]
    fields = [f.name for f in Listing._meta.fields if not f.primary_key and f.name not in _COUNTED]
    Listing.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["question"], update_fields=fields, batch_size=_BATCH
    )
    StemBand.objects.filter(question__in=ids).delete()
    StemBand.objects.bulk_create(bands, batch_size=5_000)


def _first_authors(ids: Sequence[int]) -> dict[int, int]:
    """Who made each question: the first of its events that names somebody."""
    made = QuestionEvent.objects.filter(question__in=ids, by__isnull=False).order_by("question", "at", "id")
    authors: dict[int, int] = {}
    for question_id, by_id in made.values_list("question", "by"):
        authors.setdefault(question_id, by_id)
    return authors


def _row(question: Question, forbidden: Sequence[Forbidden], author: int | None) -> tuple[Listing, str]:
    draft: Draft | None = getattr(question, "draft", None)
    shown = draft or question.current
    if shown is None:
        raise ValueError(f"{question} has neither a draft nor a version")
    content, topic = shown.parsed, shown.topic
    findings = findings_of(
        content, forbidden=forbidden, topic=topic, level=shown.level, difficulty=shown.difficulty
    )
    count = {severity: sum(f.severity is severity for f in findings) for severity in Severity}
    task = topic.task if topic else None
    stem = wording.plain(content.stem)
    tags = [tag.name for tag in question.tags.all()]
    row = Listing(
        question=question,
        blueprint=question.blueprint,
        code=question.code,
        state=question.state,
        draft_state=draft.state if draft else "",
        domain=task.domain if task else None,
        task=task,
        topic=topic,
        scenario=_scenario(shown),
        item_type=shown.item_type,
        level=shown.level,
        difficulty=shown.difficulty,
        author_id=author,
        summary=stem[:237] + "…" if len(stem) > 240 else stem,
        search=_searchable(question.code, content, tags, str(topic or "")),
        blocks=count[Severity.BLOCK],
        warns=count[Severity.WARN],
        hints=count[Severity.HINT],
        finding_codes=sorted({f.code for f in findings}),
        changed_at=_changed_at(question, draft),
    )
    return row, content.stem


def _scenario(shown: Draft | QuestionVersion) -> Any:
    if isinstance(shown, Draft):
        return shown.scenario
    return shown.scenario_version.scenario if shown.scenario_version else None


def _changed_at(question: Question, draft: Draft | None) -> Any:
    times = [
        draft.saved_at if draft else None,
        question.current.published_at if question.current else None,
        question.retired_at,
    ]
    return max((at for at in times if at), default=timezone.now())


def _searchable(code: str, content: QuestionContent, tags: Iterable[str], topic: str) -> str:
    texts = [code, topic, *tags, content.stem, *content.references]
    texts += [text for o in content.options for text in (o.text, o.rationale)]
    texts += [text for p in content.prompts for text in (p.text, p.rationale)]
    return "\n".join(wording.plain(text) for text in texts if text).casefold()


def findings_json(findings: Iterable[Finding]) -> list[dict[str, str]]:
    return [{**asdict(finding), "severity": str(finding.severity)} for finding in findings]
