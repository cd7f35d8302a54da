"""Questions on their way out: which ones, what their format can't carry, and then the file.

What would be lost is worked out question by question before anything is written, so that it is exact.
"""

from __future__ import annotations

import logging
import re
import tempfile
import uuid
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from io import BytesIO
from itertools import groupby
from typing import Any, BinaryIO, cast

from django.db import transaction
from django.http import QueryDict
from django.utils import timezone

from accounts.models import User
from questions import bank_list, run_files, runs
from questions.content import Level
from questions.formats import exchange, lined_yaml, registry
from questions.formats.exchange import ExchangeQuestion, ExchangeScenario, Format, Picture
from questions.models import (
    Draft,
    ExportChunk,
    ExportRun,
    Image,
    Question,
    QuestionVersion,
    ScenarioVersion,
    Topic,
)

log = logging.getLogger(__name__)

State = ExportRun.State
PUBLISHED, NEWEST = "published", "newest"
AT_ONCE = 200
"""So many are checked within the request; more of them by a worker."""
KEPT_FOR = timedelta(days=14)
BROKEN = "Writing stopped at an error that is ours. It is in the server’s log."
MOST_BYTES = lined_yaml.MAX_BYTES // 2
"""Of one bank file: its reader counts bytes and parts, and both bounds are far at half of it."""
_BATCH = 100
_IN_A_FILE = 200
_EXAMPLES = 5
_CHECKING = {State.WAITING.value: State.CHECKING.value, State.CHECKING.value: State.CHECKING.value}
_WRITING = {State.WRITING.value: State.WRITING.value}


class ExportingError(Exception):
    """`code` is one of: unknown_format, read_only, nothing, not_checked, too_late."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


# What leaves


def selected(query: QueryDict, *, user: User) -> list[int]:
    """The questions of a filter of the bank list, in the outline's order."""
    found = bank_list.filtered(query, user=user)
    order = ("domain__position", "task__position", "topic__position", "topic_id", "code")
    return list(found.order_by("blueprint", *order).values_list("question_id", flat=True))


def exchanged(question_ids: Sequence[int], *, text: str) -> Iterator[ExchangeQuestion]:
    """The questions as formats want them, a few at a time. `text` is PUBLISHED, or NEWEST: drafts first."""
    for start in range(0, len(question_ids), _BATCH):
        ids = question_ids[start : start + _BATCH]
        related = Question.objects.select_related(
            "blueprint",
            "current__topic__task__domain",
            "current__scenario_version__scenario",
            "draft__topic__task__domain",
            "draft__scenario",
        ).prefetch_related("tags")
        found = related.in_bulk(ids)
        shown = [(found[pk], _text(found[pk], text)) for pk in ids if pk in found]
        texts = [(question, version) for question, version in shown if version is not None]
        for question, version in texts:
            # One question's at a time: those of a hundred would be hundreds of megabytes.
            yield exchange_of(question, version, pictures=_pictures(version))


def exchange_of(
    question: Question, text: Draft | QuestionVersion, *, pictures: dict[str, Picture]
) -> ExchangeQuestion:
    content = text.parsed
    names = [name for name in exchange.image_names(content) if name in pictures]
    return ExchangeQuestion(
        content=content,
        where=question.code,
        code=question.code,
        topic=text.topic.code if text.topic else "",
        level=Level(text.level) if text.level else None,
        difficulty=text.difficulty,
        keep_order=text.keeps_order,
        tags=tuple(sorted(tag.name for tag in question.tags.all())),
        category=_category(question, text.topic),
        scenario=_scenario(text),
        pictures=tuple(pictures[name] for name in names),
    )


# The file


@dataclass
class Account:
    """What a format doesn't carry: for each kind of loss how many questions have it, and which."""

    count: int = 0
    left_out: int = 0
    losses: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, question: ExchangeQuestion, known: Format) -> None:
        self.count += 1
        found = {loss.code: loss for loss in known.losses(question)}
        self.left_out += any(loss.leaves_out for loss in found.values())
        for code, loss in found.items():
            blank = {"code": code, "why": loss.why, "count": 0, "left_out": 0, "examples": []}
            entry = self.losses.setdefault(code, blank)
            entry["count"] += 1
            entry["left_out"] += loss.leaves_out
            if len(entry["examples"]) < _EXAMPLES:
                entry["examples"].append({"code": question.code, "why": loss.why})

    def listed(self) -> list[dict[str, Any]]:
        return sorted(self.losses.values(), key=lambda entry: (-entry["left_out"], -entry["count"]))


def writable(name: str) -> Format:
    known = registry.FORMATS.get(name)
    if known is None:
        raise ExportingError("unknown_format", name)
    if known.render is None:
        raise ExportingError("read_only", known.label)
    return known


def write(known: Format, questions: Iterator[ExchangeQuestion], out: BinaryIO) -> str:
    """The file; gives back its extension. A bank file that nobody could read again becomes a zip of several."""
    assert known.render is not None
    if known.name != "yaml":
        known.render(questions, out)
        return known.extension
    return _write_bank_files(known, questions, out)


def _write_bank_files(known: Format, questions: Iterator[ExchangeQuestion], out: BinaryIO) -> str:
    parts = list(_bank_files(known, questions))
    if len(parts) == 1:
        out.write(parts[0][1])
        return known.extension
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for name, data in parts:
            # A fixed time: the same questions give the same bytes.
            package.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return ".zip"


def _bank_files(known: Format, questions: Iterator[ExchangeQuestion]) -> Iterator[tuple[str, bytes]]:
    """One file where it fits, else one for each task and, of large ones, several."""
    everything = [replace(question, pictures=()) for question in questions]
    whole = _rendered(known, everything)
    if len(whole) <= MOST_BYTES and len({q.category[0] for q in everything}) <= 1:
        yield "questions.yaml", whole
        return
    for key, group in groupby(everything, key=lambda q: (q.category[0], q.topic.rpartition(".")[0])):
        listed = list(group)
        stem = re.sub(r"[^A-Za-z0-9.-]+", "-", "-".join(part for part in key if part)) or "questions"
        for number, start in enumerate(range(0, len(listed), _IN_A_FILE), 1):
            name = f"{stem}.yaml" if len(listed) <= _IN_A_FILE else f"{stem}-{number}.yaml"
            yield name, _rendered(known, listed[start : start + _IN_A_FILE])


def _rendered(known: Format, questions: Sequence[ExchangeQuestion]) -> bytes:
    assert known.render is not None
    out = BytesIO()
    known.render(questions, out)
    return out.getvalue()


# A run


@transaction.atomic
def begin_export(query: QueryDict, *, format_name: str, text: str, by: User, now: datetime) -> ExportRun:
    """What is selected now is what will be written, also if the bank changes meanwhile."""
    known = writable(format_name)
    ids = selected(query, user=by)
    if not ids:
        raise ExportingError("nothing")
    run = ExportRun.objects.create(
        by=by,
        format_name=known.name,
        selection={"query": query.urlencode(), "text": text, "questions": ids},
        total=len(ids),
        created_at=now,
        touched_at=now,
    )
    return run


def check(run_id: uuid.UUID, *, now: datetime) -> None:
    """The worker's first part: what would be lost."""
    run = runs.claim(ExportRun, run_id, steps=_CHECKING, now=now)
    if run is not None:
        _work(run, lambda run: _check(run))


def start_writing(run: ExportRun, *, now: datetime) -> None:
    with transaction.atomic():
        run = ExportRun.objects.select_for_update(of=("self",)).get(pk=run.pk)
        if run.state != State.CHECKED:
            raise ExportingError("not_checked")
        run.state, run.claim, run.tries, run.done, run.touched_at = State.WRITING, None, 0, 0, now
        run.save(update_fields=["state", "claim", "tries", "done", "touched_at"])


def write_file(run_id: uuid.UUID, *, now: datetime) -> None:
    """The worker's second part."""
    run = runs.claim(ExportRun, run_id, steps=_WRITING, now=now)
    if run is not None:
        _work(run, lambda run: _write(run))


def cancel(run: ExportRun, *, now: datetime) -> None:
    if run.state == State.READY or not runs.cancel(run, now=now):
        raise ExportingError("too_late")


def lost_runs(*, now: datetime) -> tuple[list[uuid.UUID], list[uuid.UUID]]:
    """The exports that nobody has touched for long: to be checked again, and to be written again."""
    silent = ExportRun.objects.filter(touched_at__lt=now - runs.STALE)
    to_check = silent.filter(state__in=(State.WAITING, State.CHECKING))
    to_write = silent.filter(state=State.WRITING)
    return list(to_check.values_list("pk", flat=True)), list(to_write.values_list("pk", flat=True))


def forget_old(*, now: datetime) -> None:
    """Take the files of old exports away."""
    old = ExportRun.objects.filter(touched_at__lt=now - KEPT_FOR)
    ExportChunk.objects.filter(run__in=old).delete()
    old.exclude(state=State.FAILED).update(state=State.CANCELLED)


def _work(run: ExportRun, step: Any) -> None:
    try:
        state, fields = step(run)
    except runs.RunEndedError as ended:
        if ended.code == "cancelled":
            runs.release(run, state=State.CANCELLED, now=timezone.now())
    except Exception:
        log.exception("export %s stopped", run.pk)
        runs.release(run, state=State.FAILED, now=timezone.now(), error=BROKEN)
    else:
        runs.release(run, state=state, now=timezone.now(), **fields)


def _check(run: ExportRun) -> tuple[str, dict[str, Any]]:
    known, account = writable(run.format_name), Account()
    for question in _counted(run):
        account.add(question, known)
    fields = {"losses": account.listed(), "left_out": account.left_out}
    return State.CHECKED, {**fields, "total": account.count, "done": account.count}


def _write(run: ExportRun) -> tuple[str, dict[str, Any]]:
    known = writable(run.format_name)
    with tempfile.TemporaryFile() as file:
        extension = write(known, _counted(run), cast(BinaryIO, file))
        runs.touch(run, done=run.total)
        size = run_files.store_export(run, cast(BinaryIO, file))
    name = f"questions-{run.created_at:%Y-%m-%d}{extension}"
    return State.READY, {"filename": name, "size": size, "done": run.total}


def _counted(run: ExportRun) -> Iterator[ExchangeQuestion]:
    questions = exchanged(run.selection["questions"], text=run.selection["text"])
    for number, question in enumerate(questions):
        if number % _BATCH == 0:
            runs.touch(run, done=number)
        yield question


# Inside


def _text(question: Question, text: str) -> Draft | QuestionVersion | None:
    draft: Draft | None = getattr(question, "draft", None)
    return draft or question.current if text == NEWEST else question.current


def _pictures(text: Draft | QuestionVersion) -> dict[str, Picture]:
    names = exchange.image_names(text.parsed)
    found = Image.objects.filter(name__in=names).only("name", "data") if names else ()
    return {image.name: Picture(image.name, bytes(image.data)) for image in found}


def _category(question: Question, topic: Topic | None) -> tuple[str, ...]:
    if topic is None:
        return (question.blueprint.code,)
    task = topic.task
    return (question.blueprint.code, str(task.domain), str(task), topic.code)


def _scenario(text: Draft | QuestionVersion) -> ExchangeScenario | None:
    shown: ScenarioVersion | None
    if isinstance(text, QuestionVersion):
        shown = text.scenario_version
    else:
        newest = text.scenario.versions.order_by("-number") if text.scenario else None
        shown = newest.first() if newest is not None else None
    if shown is None:
        return None
    return ExchangeScenario(shown.scenario.code, shown.title, shown.text)
