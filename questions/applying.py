"""A file's questions into the bank: staged in batches, moved in one short transaction, or not at all; then listed.

Everything that takes long is done outside the transaction, for on SQLite it keeps everybody else from writing.
"""

from __future__ import annotations

import logging
import re
import uuid
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, BinaryIO

from django.db import connection, transaction
from django.db.models import F, Max
from django.utils import timezone

from accounts.models import User
from questions import authoring, importing, incoming, listing, runs, scenarios
from questions.formats.exchange import ExchangeQuestion, ExchangeScenario
from questions.importing import ImportingError
from questions.known import Known, changed_since
from questions.models import (
    Blueprint,
    Draft,
    Image,
    ImportPicture,
    ImportRow,
    ImportRun,
    ImportStage,
    Question,
    QuestionEvent,
    QuestionTag,
    QuestionVersion,
    Scenario,
    Topic,
)
from questions.moving import Column, insert

log = logging.getLogger(__name__)

State = ImportRun.State
Outcome = ImportRow.Outcome
BROKEN_APPLYING = (
    "Importing stopped at an error that is ours; nothing has come in. It is in the server’s log."
)
UNLISTED = (
    "The questions are in, but the bank list doesn’t show all of them: writing its lines was begun three times "
    "and ended each time. Ask who runs this site for “manage.py relist_bank”."
)
_COMING = (Outcome.IMPORTED, Outcome.DEGRADED)
_BATCH = 500
_LISTED_AT_ONCE = 100
_STEPS = {state.value: state.value for state in (State.APPLYING, State.LISTING)}
_GIVEN_UP = {State.LISTING.value: (State.APPLIED.value, UNLISTED)}
_NAME = re.compile(r"[0-9a-f]{32}-(\d+)x(\d+)\.(png|jpg)")


@transaction.atomic
def start(run: ImportRun, *, tag: str, now: datetime) -> None:
    """From the preview to the import (the caller enqueues it). A second click finds it on its way."""
    run = ImportRun.objects.select_for_update(of=("self",)).get(pk=run.pk)
    if run.state != State.READY:
        raise ImportingError("not_ready")
    total = run.rows.filter(outcome__in=_COMING).count()
    changes: dict[str, Any] = {"state": State.APPLYING, "claim": None, "tries": 0, "done": 0, "total": total}
    changes |= {"tag": next(iter(authoring.clean_tags([tag])), ""), "touched_at": now}
    ImportRun.objects.filter(pk=run.pk).update(**changes)


def apply(run_id: uuid.UUID, *, now: datetime) -> None:
    """The worker's part, safe to begin again at any point."""
    run = runs.claim(ImportRun, run_id, steps=_STEPS, now=now, given_up=_GIVEN_UP)
    if run is None:
        return
    try:
        if run.state == State.APPLYING:
            _bring_in(run, now=now)
        _list(run)
    except runs.RunEndedError as ended:
        if ended.code == "cancelled":
            runs.release(run, state=State.CANCELLED, now=timezone.now())
    except Exception:
        log.exception("import %s could not be applied", run.pk)
        if run.state == State.APPLYING:
            runs.release(run, state=State.FAILED, now=timezone.now(), error=BROKEN_APPLYING)
    else:
        run.chunks.all().delete()
        run.stages.all().delete()
        ImportPicture.objects.filter(row__run=run).delete()
        runs.release(run, state=State.APPLIED, now=timezone.now(), done=run.total)


def import_now(
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
    """A whole import without a worker and without a preview, for the command line."""
    run = importing.begin_import(
        file,
        filename=filename,
        size=size,
        format_name=format_name,
        blueprint=blueprint,
        by=by,
        now=now,
        topic=topic,
    )
    importing.read(run.pk, now=now)
    run.refresh_from_db()
    if run.state == State.READY:
        start(run, tag=tag, now=now)
        apply(run.pk, now=now)
        run.refresh_from_db()
    return run


def _bring_in(run: ImportRun, *, now: datetime) -> None:
    begun = timezone.now() - timedelta(minutes=1)
    known = Known(run.blueprint)
    run.stages.all().delete()
    stager = _Stager(run, known, now=now)
    done = 0
    for batch in _batches(run):
        with transaction.atomic():
            stager.stage(batch)
            done += len(batch)
            runs.touch(run, done=done)
    with transaction.atomic():
        runs.touch(run, done=done)
        # Codes are given one after another, here and to whoever writes a question meanwhile.
        Blueprint.objects.select_for_update().get(pk=run.blueprint_id)
        stager.look_again(known.learn(changed_since(begun)))
        stager.add_scenarios()
        _move(run, now=now)
        counts = Counter(run.rows.values_list("outcome", flat=True))
        run.counts, run.total = dict(counts), sum(counts[outcome] for outcome in _COMING)
        run.state, run.done = State.LISTING, 0
        run.save(update_fields=["counts", "total", "state", "done"])


def _move(run: ImportRun, *, now: datetime) -> None:
    """The staged rows into the bank's tables."""
    staged = ImportStage._meta.db_table
    mine, new = f"{staged} s WHERE s.run_id = %s", "AND s.question_id IS NULL"
    # As Django gives it to the database: without the dashes on SQLite.
    key = ImportRun._meta.pk.get_db_prep_value(run.pk, connection)
    fields = {"blueprint_id": run.blueprint_id, "code": Column("s.code"), "origin": Column("s.origin")}
    insert(Question, {**fields, "created_at": now}, source=f"{mine} {new} ORDER BY s.id", params=(key,))
    with connection.cursor() as cursor:
        found = f"SELECT q.id FROM {Question._meta.db_table} q WHERE q.code = {staged}.code"
        cursor.execute(
            f"UPDATE {staged} SET question_id = ({found}) WHERE run_id = %s AND question_id IS NULL", [key]
        )
    copied = ("question_id", "based_on_id", "topic_id", "scenario_id", "item_type", "level", "difficulty")
    columns = {name: Column(f"s.{name}") for name in (*copied, "keeps_order", "content")}
    saved = {"created_at": now, "saved_at": now, "saved_by_id": run.by_id}
    insert(Draft, {**columns, **saved}, source=f"{mine} ORDER BY s.id", params=(key,))
    event: dict[str, Any] = {name: Column(f"s.{name}") for name in ("question_id", "number", "detail")}
    event |= {"kind": QuestionEvent.Kind.IMPORTED, "by_id": run.by_id, "at": now}
    insert(QuestionEvent, event, source=f"{mine} ORDER BY s.id", params=(key,))
    if run.by_id is not None:
        joined = f"{Draft._meta.db_table} d JOIN {staged} s ON d.question_id = s.question_id"
        authors = {"draft_id": Column("d.id"), "user_id": run.by_id}
        insert(Draft.authors.through, authors, source=f"{joined} WHERE s.run_id = %s", params=(key,))


def _list(run: ImportRun) -> None:
    """Tags and the bank list's lines; taken up where an earlier worker has ended."""
    stages = run.stages.filter(question__isnull=False).order_by("row__number")
    ids = list(stages.values_list("pk", flat=True))
    for start_at in range(run.done, len(ids), _LISTED_AT_ONCE):
        batch = list(stages.filter(pk__in=ids[start_at : start_at + _LISTED_AT_ONCE]).select_related("row"))
        _tag_and_link(run, batch)
        listing.refresh([stage.question_id or 0 for stage in batch])
        # It got on: only workers that end without a step forward are counted.
        runs.touch(run, done=start_at + len(batch), tries=0)


@transaction.atomic
def _tag_and_link(run: ImportRun, batch: Sequence[ImportStage]) -> None:
    for stage in batch:
        stage.row.question_id = stage.question_id
    ImportRow.objects.bulk_update([stage.row for stage in batch], ["question"])
    QuestionTag.objects.bulk_create(
        (
            QuestionTag(question_id=stage.question_id or 0, name=name)
            for stage in batch
            for name in {*(stage.row.payload or {})["tags"], *([run.tag] if run.tag else [])}
        ),
        ignore_conflicts=True,
    )


def _batches(run: ImportRun) -> Iterator[list[ImportRow]]:
    last = 0
    while batch := list(run.rows.filter(outcome__in=_COMING, number__gt=last).order_by("number")[:_BATCH]):
        last = batch[-1].number
        yield batch


class _Stager:
    """Says of each row once more whether it comes in, and as what."""

    def __init__(self, run: ImportRun, known: Known, *, now: datetime) -> None:
        self.run, self.known, self.now = run, known, now
        outline = Topic.objects.filter(task__domain__blueprint=run.blueprint_id)
        self.topics = {topic.pk: topic for topic in outline.select_related("task")}
        self.cases: dict[ExchangeScenario, list[int]] = {}
        self.last: dict[str, tuple[str, int]] = {}

    def stage(self, rows: Sequence[ImportRow]) -> None:
        coming = [(row, incoming.question_of(row.payload or {})) for row in rows]
        coming = [(row, question) for row, question in coming if self._still_comes(row, question)]
        self._keep_pictures([row.pk for row, _ in coming])
        current = self._current([row.same_as_id or 0 for row, _ in coming if row.updates])
        made = ImportStage.objects.bulk_create(
            self._staged(row, question, current.get(row.same_as_id or 0)) for row, question in coming
        )
        for (_, question), stage in zip(coming, made, strict=True):
            if question.scenario is not None:
                self.cases.setdefault(question.scenario, []).append(stage.pk)

    def look_again(self, changed: set[int]) -> None:
        """What others have written while this was staged: their questions, and their codes."""
        prints = {each for pk in changed for each in self.known.stored[pk].prints}
        touched = self.run.stages.filter(question__in=changed)
        doubtful = [*touched, *_in_parts(self.run, "fingerprint", prints)]
        for stage in doubtful:
            verdict = self.known.late(stage.fingerprint, stage.question_id)
            if verdict is not None:
                changes = {"outcome": verdict.outcome, "code": verdict.code, "why": verdict.why}
                ImportRow.objects.filter(pk=stage.row_id).update(**changes, same_as=verdict.same_as)
                stage.delete()
        taken = Question.objects.filter(code__in=self.run.stages.filter(question=None).values("code"))
        for code in list(taken.values_list("code", flat=True)):
            for stage in self.run.stages.filter(code=code, question=None):
                stage.code = self._next_code(stage.topic_id)
                stage.save(update_fields=["code"])

    def add_scenarios(self) -> None:
        """The case with the very same text, else a new one: equal codes of two files say nothing."""
        if not self.cases:
            return
        texts: dict[tuple[str, str], Scenario] = {}
        for known in Scenario.objects.filter(blueprint=self.run.blueprint_id).order_by("-pk"):
            if (text := scenarios.latest(known)) is not None:
                texts[text.title, text.text] = known
        for told, stage_ids in self.cases.items():
            key = (told.title, told.text)
            if key not in texts:
                texts[key] = self._new_scenario(told)
            for start_at in range(0, len(stage_ids), _BATCH):
                part = stage_ids[start_at : start_at + _BATCH]
                ImportStage.objects.filter(pk__in=part).update(scenario=texts[key])

    def _new_scenario(self, told: ExchangeScenario) -> Scenario:
        code, number = re.sub(r"[^A-Za-z0-9._-]+", "-", told.code).strip("._-")[:56] or "case", 1
        name = code
        while Scenario.objects.filter(code=name).exists():
            number += 1
            name = f"{code}-{number}"
        return scenarios.create_scenario(
            self.run.blueprint, code=name, title=told.title or name, text=told.text
        )

    def _still_comes(self, row: ImportRow, question: ExchangeQuestion) -> bool:
        """Somebody may have imported or written the same since the preview."""
        payload = row.payload or {}
        verdict = self.known.verdict(
            replace(question, where=row.where),
            fingerprint=payload["print"],
            format_name=self.run.format_name,
            origin=payload["origin"],
        )
        comes = verdict.outcome in _COMING
        is_news = not comes or (verdict.updates, verdict.same_as) != (row.updates, row.same_as_id)
        row.updates, row.same_as_id = verdict.updates, verdict.same_as
        if not comes:
            row.outcome, row.code, row.why = verdict.outcome, verdict.code, verdict.why
        if is_news:
            row.save(update_fields=["updates", "same_as", "outcome", "code", "why"])
        return comes

    def _staged(self, row: ImportRow, question: ExchangeQuestion, base: Any) -> ImportStage:
        """What the file doesn't say stays as the current version has it."""
        payload = row.payload or {}
        stage = ImportStage(
            run=self.run,
            row=row,
            fingerprint=payload["print"],
            topic_id=row.topic_id,
            item_type=str(question.content.item_type),
            level=str(question.level or ""),
            difficulty=question.difficulty,
            keeps_order=question.keep_order,
            content=question.content.to_json(),
            detail=self._detail(row, question),
        )
        if base is None:
            wish = payload["wish"]
            stage.code = wish if wish and self.known.is_free(wish) else self._next_code(row.topic_id)
            self.known.take(stage.code)
            stage.origin = "" if stage.code == wish else payload["origin"]
            return stage
        stage.question_id, stage.based_on, stage.number = base.question_id, base, base.newest + 1
        stage.topic_id = row.topic_id or base.topic_id
        stage.level, stage.keeps_order = stage.level or base.level, stage.keeps_order or base.keeps_order
        stage.difficulty = base.difficulty if stage.difficulty is None else stage.difficulty
        if question.scenario is None and base.scenario_version is not None:
            stage.scenario_id = base.scenario_version.scenario_id
        if not question.content.references:
            stage.content = replace(question.content, references=base.parsed.references).to_json()
        return stage

    def _current(self, question_ids: Sequence[int]) -> dict[int, Any]:
        """The current versions, with the number of the newest one."""
        newest = Max("question__versions__number")
        found = QuestionVersion.objects.filter(question__in=question_ids, pk=F("question__current"))
        related = found.select_related("scenario_version").annotate(newest=newest)
        return {version.question_id: version for version in related}

    def _next_code(self, topic_id: int | None) -> str:
        topic = self.topics.get(topic_id or 0)
        task = topic.task.code if topic else ""
        if task not in self.last:
            stem, _, number = authoring.next_code(self.run.blueprint, topic).rpartition("-")
            self.last[task] = (stem, int(number) - 1)
        stem, last = self.last[task]
        while not self.known.is_free(code := f"{stem}-{last + 1:03}"):
            last += 1
        self.last[task] = (stem, last + 1)
        return code

    def _detail(self, row: ImportRow, question: ExchangeQuestion) -> dict[str, Any]:
        told = {"where": row.where, "title": question.title, "identifier": question.code}
        told |= {"print": (row.payload or {})["print"]}
        return {"source": self.run.filename, **{name: text for name, text in told.items() if text}}

    def _keep_pictures(self, row_ids: Sequence[int]) -> None:
        for picture in ImportPicture.objects.filter(row__in=row_ids).iterator(chunk_size=20):
            size = _NAME.fullmatch(picture.name)
            assert size is not None, "pictures are named when they are read"
            Image.objects.get_or_create(
                name=picture.name,
                defaults={
                    "data": bytes(picture.data),
                    "media_type": "image/png" if size[3] == "png" else "image/jpeg",
                    "width": int(size[1]),
                    "height": int(size[2]),
                    "size": len(picture.data),
                    "uploaded_by_id": self.run.by_id,
                    "uploaded_at": self.now,
                },
            )


def _in_parts(run: ImportRun, name: str, values: Collection[str]) -> Iterator[ImportStage]:
    """As many values as one statement takes, again and again."""
    listed = sorted(values)
    for start_at in range(0, len(listed), _BATCH):
        yield from run.stages.filter(**{f"{name}__in": listed[start_at : start_at + _BATCH]}, question=None)
