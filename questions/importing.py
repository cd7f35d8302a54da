"""A file on its way in: stored, read by a worker into rows that say what becomes of each question, previewed.

Nothing of the bank changes here; `applying` does that.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, BinaryIO

from django.db import transaction
from django.db.models import Count, Max, QuerySet
from django.utils import timezone

from accounts.models import User
from questions import echoes, following, incoming, run_files, runs, topics_of_files
from questions.formats import registry
from questions.formats.exchange import MAX_FILE, ExchangeQuestion, Outcome, Rejection, UnreadableFile
from questions.incoming import Incoming
from questions.known import Known, origin_of
from questions.models import (
    Blueprint,
    CategoryMapping,
    ImportChunk,
    ImportPicture,
    ImportRow,
    ImportRun,
    ImportStage,
    Topic,
)
from questions.topics_of_files import Outline

log = logging.getLogger(__name__)

State = ImportRun.State
FROM_THE_EXAM_BEFORE = 0
"""The size of a run without a file: an upload has at least one byte."""
KEPT_FOR = timedelta(days=14)
BROKEN_READING = "Reading stopped at an error that is ours, not the file’s. It is in the server’s log."
_BATCH = 200
_BATCH_BYTES = 8 * 1024 * 1024
"""Of pictures held at a time."""
_BATCH_SECONDS = 5.0
"""Large pictures take a second each: a worker that says nothing for long would be taken over."""
_STEPS = {state.value: State.READING.value for state in (State.WAITING, State.READING)}


class ImportingError(Exception):
    """`code` is one of: too_large, empty, nothing, unknown_format, not_ready, too_late."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


@transaction.atomic
def begin_import(
    file: BinaryIO,
    *,
    filename: str,
    size: int,
    format_name: str,
    blueprint: Blueprint,
    by: User | None,
    now: datetime,
    topic: Topic | None = None,
    tag: str = "",
) -> ImportRun:
    """Store the file; a worker then reads it (the caller enqueues that)."""
    if size > MAX_FILE:
        raise ImportingError("too_large")
    if size == 0:
        raise ImportingError("empty")
    if format_name != registry.AUTO and format_name not in registry.FORMATS:
        raise ImportingError("unknown_format")
    run = ImportRun.objects.create(
        by=by,
        blueprint=blueprint,
        filename=incoming.storable(filename)[-200:],
        size=size,
        format_name=format_name,
        topic=topic,
        tag=tag,
        created_at=now,
        touched_at=now,
    )
    run_files.store_upload(run, file)
    return run


def begin_following(blueprint: Blueprint, *, by: User, now: datetime) -> ImportRun:
    """The questions of the exam before, read as a file of them would be, each under what its task became."""
    if blueprint.follows is None or not following.published_before(blueprint):
        raise ImportingError("nothing")
    return ImportRun.objects.create(
        by=by,
        blueprint=blueprint,
        filename=blueprint.follows.code,
        size=FROM_THE_EXAM_BEFORE,
        format_name="yaml",
        created_at=now,
        touched_at=now,
    )


def read(run_id: uuid.UUID, *, now: datetime) -> None:
    """The worker's part: the file as rows, from its beginning, whatever an earlier worker has left."""
    run = runs.claim(ImportRun, run_id, steps=_STEPS, now=now)
    if run is None:
        return
    try:
        counts = _read(run)
    except runs.RunEndedError as ended:
        if ended.code == "cancelled":
            runs.release(run, state=State.CANCELLED, now=timezone.now())
    except UnreadableFile as error:
        said = f"{error.where}: {error.why}" if error.where else error.why
        runs.release(run, state=State.FAILED, now=timezone.now(), error=incoming.storable(said))
    except Exception:
        log.exception("import %s could not be read", run.pk)
        runs.release(run, state=State.FAILED, now=timezone.now(), error=BROKEN_READING)
    else:
        fields: dict[str, Any] = {"counts": counts, "done": run.done, "total": run.done}
        runs.release(run, state=State.READY, now=timezone.now(), format_name=run.format_name, **fields)


def cancel(run: ImportRun, *, now: datetime) -> None:
    if not runs.cancel(run, now=now):
        raise ImportingError("too_late")


# The mapping of folders


def categories(run: ImportRun) -> QuerySet[Any, Any]:
    """Each folder of a preview whose questions don't name a topic: its name, its questions, their topic."""
    rows = run.rows.exclude(outcome=ImportRow.Outcome.REJECTED).filter(names_topic=False)
    if run.state != State.READY:
        rows = rows.none()
    return (
        rows.order_by()
        .values("category")
        .annotate(count=Count("pk"), chosen=Max("topic"))
        .order_by("-count", "category")
    )


@transaction.atomic
def map_categories(run: ImportRun, chosen: dict[str, Topic | None]) -> None:
    """Give the folders' questions their topics, and remember that for the next file."""
    locked = ImportRun.objects.select_for_update(of=("self",)).get(pk=run.pk)
    if locked.state != State.READY:
        raise ImportingError("not_ready")
    for category, topic in chosen.items():
        run.rows.filter(category=category, names_topic=False).update(topic=topic)
        if not category:
            continue
        remembered = CategoryMapping.objects.filter(blueprint=run.blueprint_id, category=category)
        if topic is None:
            remembered.delete()
        elif not remembered.update(topic=topic):
            CategoryMapping.objects.create(blueprint_id=run.blueprint_id, category=category, topic=topic)


# Housekeeping


def forget_old(*, now: datetime) -> None:
    """Take the files of finished and forgotten imports away, and the rows a fortnight later."""
    over = (State.APPLIED, State.FAILED, State.CANCELLED)
    old = ImportRun.objects.filter(touched_at__lt=now - KEPT_FOR)
    finished = ImportRun.objects.filter(state__in=over)
    ImportChunk.objects.filter(run__in=finished).delete()
    ImportStage.objects.filter(run__in=finished).delete()
    ImportPicture.objects.filter(row__run__in=finished).delete()
    old.filter(state=State.READY).update(state=State.CANCELLED, finished_at=now)
    ImportChunk.objects.filter(run__in=old).delete()
    for run in old.filter(state__in=over):
        run.rows.all().delete()


def lost_runs(*, now: datetime) -> tuple[list[uuid.UUID], list[uuid.UUID]]:
    """The imports that nobody has touched for long: to be read again, and to be applied again."""
    silent = ImportRun.objects.filter(touched_at__lt=now - runs.STALE)
    to_read = silent.filter(state__in=(State.WAITING, State.READING))
    to_apply = silent.filter(state__in=(State.APPLYING, State.LISTING))
    return list(to_read.values_list("pk", flat=True)), list(to_apply.values_list("pk", flat=True))


# Inside


def _read(run: ImportRun) -> dict[str, int]:
    run.rows.all().delete()
    counts: Counter[str] = Counter()
    with run_files.gathered(run) as file:
        if run.size != FROM_THE_EXAM_BEFORE:
            run.format_name = incoming.format_of(file, run.filename, format_name=run.format_name)
        reader = _Reader(run)
        batch: list[tuple[ImportRow, Incoming | None]] = []
        weight, begun = 0, time.monotonic()
        for number, outcome in enumerate(_outcomes(run, file), 1):
            row, came = reader.row(number, outcome)
            batch.append((row, came))
            weight += sum(len(picture.data) for picture in came.pictures) if came else 0
            is_long = time.monotonic() - begun >= _BATCH_SECONDS
            if len(batch) == _BATCH or weight >= _BATCH_BYTES or is_long:
                _write(run, batch, counts, done=number)
                batch, weight, begun = [], 0, time.monotonic()
        _write(run, batch, counts, done=run.done + len(batch))
    return dict(counts)


def _outcomes(run: ImportRun, file: BinaryIO) -> Iterator[Outcome]:
    if run.size == FROM_THE_EXAM_BEFORE:
        return following.questions(run.blueprint)
    return incoming.outcomes(file, run.filename, format_name=run.format_name)


@transaction.atomic
def _write(
    run: ImportRun, batch: list[tuple[ImportRow, Incoming | None]], counts: Counter[str], *, done: int
) -> None:
    # Rows and progress go together: what another worker has taken over gets no row of this one.
    runs.touch(run, done=done)
    ImportRow.objects.bulk_create(row for row, _ in batch)
    ImportPicture.objects.bulk_create(
        ImportPicture(row=row, name=picture.name, data=picture.data)
        for row, came in batch
        for picture in (came.pictures if came else ())
    )
    counts.update(str(row.outcome) for row, _ in batch)


class _Reader:
    """What every question of a file is compared with, read once."""

    def __init__(self, run: ImportRun) -> None:
        self.run = run
        self.known = Known(run.blueprint)
        runs.touch(run, done=0)
        self.outline: Outline = topics_of_files.outline(run.blueprint)
        self.fallback = run.topic_id

    def row(self, number: int, outcome: Outcome) -> tuple[ImportRow, Incoming | None]:
        row = ImportRow(run=self.run, number=number)
        if isinstance(outcome, Rejection):
            row.outcome, row.code, row.why = ImportRow.Outcome.REJECTED, outcome.code[:64], outcome.why
            row.title = incoming.storable(outcome.title)[:240]
            row.where, row.why = incoming.storable(outcome.where)[:300], incoming.storable(row.why)
            return row, None
        came = incoming.incoming(outcome, known=echoes.image_name)
        question = self._placed(row, came.question)
        format_name, filename = self.run.format_name, self.run.filename
        origin = origin_of(question, format_name=format_name, filename=filename)
        verdict = self.known.verdict(
            question, fingerprint=came.fingerprint, format_name=format_name, origin=origin
        )
        row.outcome, row.code, row.why = verdict.outcome, verdict.code, verdict.why
        row.same_as_id, row.updates = verdict.same_as, verdict.updates
        row.where, row.title = question.where[:300], incoming.title_of(question)
        row.losses = [{"code": loss.code, "why": loss.why} for loss in question.losses]
        row.payload = {
            **incoming.payload_of(question),
            "print": came.fingerprint,
            "origin": origin,
            "wish": self.known.wished_code(question, format_name),
        }
        return row, came

    def _placed(self, row: ImportRow, question: ExchangeQuestion) -> ExchangeQuestion:
        topic = self.outline.by_code.get(question.topic)
        if topic is not None:
            row.topic_id, row.names_topic = topic.pk, True
            return question
        question, row.category = topics_of_files.folder_of(question)
        row.topic_id = self.outline.guess(question.category, row.category) or self.fallback
        return question
