"""A cohort's figures on their way out: asked for on a page, written by a worker, kept for a fortnight."""

from __future__ import annotations

import logging
import re
import tempfile
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import BinaryIO, cast

from django.db import models, transaction
from django.utils import timezone

from accounts.models import Cohort, User
from exams.cohorts import report_files, report_rows
from exams.models import Assignment, ReportChunk, ReportRun
from questions import run_files, runs

log = logging.getLogger(__name__)

State = ReportRun.State
BUSY = (State.WAITING, State.WRITING)
KEPT_FOR = timedelta(days=14)
MEDIA_TYPES = {
    ReportRun.Format.CSV.value: "text/csv; charset=utf-8",
    ReportRun.Format.XLSX.value: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
BROKEN = "Writing stopped at an error that is ours. It is in the server’s log."
_STEPS = {State.WAITING.value: State.WRITING.value, State.WRITING.value: State.WRITING.value}


class ReportError(Exception):
    """`code` is one of: other_cohort, too_late."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@transaction.atomic
def begin(
    cohort: Cohort,
    *,
    kind: str,
    format_name: str,
    assignment: Assignment | None,
    by: User,
    now: datetime,
) -> tuple[ReportRun, bool]:
    """The run, and whether it is new: asked for twice, the one that is being written is shown."""
    if assignment is not None and assignment.cohort_id != cohort.pk:
        raise ReportError("other_cohort")
    # A second click waits here for the first one's row.
    User.objects.select_for_update(no_key=True).values_list("pk").get(pk=by.pk)
    asked = {"by": by, "cohort": cohort, "assignment": assignment, "kind": kind, "format_name": format_name}
    running = ReportRun.objects.filter(**asked, state__in=BUSY, wants_cancel=False).first()
    if running is not None:
        return running, False
    return ReportRun.objects.create(**asked, created_at=now, touched_at=now), True


def write(run_id: uuid.UUID, *, now: datetime) -> None:
    """The worker's part: the whole file, from its beginning, whatever an earlier worker has left."""
    run = runs.claim(ReportRun, run_id, steps=_STEPS, now=now)
    if run is None:
        return
    try:
        done = _write(run)
    except runs.RunEndedError as ended:
        if ended.code == "cancelled":
            runs.release(run, state=State.CANCELLED, now=timezone.now())
    except Exception:
        log.exception("report %s stopped", run.pk)
        runs.release(run, state=State.FAILED, now=timezone.now(), error=BROKEN)
    else:
        now = timezone.now()
        runs.release(run, state=State.READY, now=now, done=done, total=done, finished_at=now)


def cancel(run: ReportRun, *, now: datetime) -> None:
    if run.state not in BUSY or not runs.cancel(run, now=now):
        raise ReportError("too_late")


def lost_runs(*, now: datetime) -> list[uuid.UUID]:
    """Those that nobody has touched for long: to be written again."""
    silent = ReportRun.objects.filter(state__in=BUSY, touched_at__lt=now - runs.STALE)
    return list(silent.values_list("pk", flat=True))


def forget_old(*, now: datetime) -> None:
    """Old reports go, and their files with them."""
    old = ReportRun.objects.filter(touched_at__lt=now - KEPT_FOR).exclude(state__in=BUSY)
    ReportChunk.objects.filter(run__in=old).delete()
    old.delete()


def size(run: ReportRun) -> int:
    """Of its file, in bytes."""
    lengths = run.chunks.annotate(bytes=models.functions.Length("data"))
    return int(lengths.aggregate(total=models.Sum("bytes"))["total"] or 0)


def streamed(run: ReportRun) -> Iterator[bytes]:
    return run_files.data_of(run.chunks.all())


def filename(run: ReportRun) -> str:
    """Such as “autumn-cohort-final-mock-scores-2026-11-24.csv”."""
    named = run.assignment.title if run.assignment else ""
    words = re.sub(r"[^\w]+", "-", f"{run.cohort.title} {named}".strip().lower()).strip("-")[:80]
    return f"{words or 'cohort'}-{run.kind}-{run.created_at:%Y-%m-%d}.{run.format_name}"


def _write(run: ReportRun) -> int:
    """Returns the rows written."""
    runs.touch(run, done=0, total=report_rows.count(run))
    render = report_files.write_csv if run.format_name == ReportRun.Format.CSV else report_files.write_xlsx
    with tempfile.TemporaryFile() as file:
        out = cast(BinaryIO, file)
        render(report_rows.COLUMNS[run.kind], _counted(run), out)
        done = run.done
        run_files.store(ReportChunk, run, out)
        # Where another worker has taken the run over meanwhile, this one's pieces must not stand.
        runs.touch(run, done=done)
    return done


def _counted(run: ReportRun) -> Iterator[list[report_rows.Cell]]:
    done = 0
    for batch in report_rows.batches(run):
        yield from batch
        done += len(batch)
        runs.touch(run, done=done)
