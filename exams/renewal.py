"""Keeps papers up with the bank: a question that was retired or replaced reaches nobody who starts later."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import models, transaction

from exams import assembly, sweeps
from exams.models import MockExam, Paper, PaperItem
from questions.models import Question

NAME = "renew-papers"

log = logging.getLogger(__name__)


def renew_papers(*, now: datetime) -> int:
    """Replace every stale paper of a published mock; return how many new ones were made.

    Where the bank can't fill another paper, a mock that has fresh ones goes on with these; one that would be
    left with none keeps its stale papers, and the log says which cell is short.
    """
    stale = set(_stale().values_list("mock", flat=True))
    made = 0
    for mock in MockExam.objects.filter(pk__in=stale).select_related("blueprint"):
        try:
            made += _renew(mock, now=now)
        except assembly.AssemblyError as error:
            log.warning("papers of %s can't be renewed: %s", mock.code, error)
    sweeps.finish(NAME, now=now, handled=made)
    return made


@transaction.atomic
def _renew(mock: MockExam, *, now: datetime) -> int:
    # Learners choose among the papers that stand: none may be gone before its successor is there.
    MockExam.objects.select_for_update(no_key=True).get(pk=mock.pk)
    assembly.withdraw_stale_papers(mock, now=now)
    has_fresh = mock.papers.filter(withdrawn_at=None).exists()
    try:
        with transaction.atomic():
            return len(assembly.ensure_papers(mock, now=now))
    except assembly.AssemblyError as error:
        if not has_fresh:
            raise
        log.warning("%s goes on with fewer papers: %s", mock.code, error)
        return 0


def _stale() -> models.QuerySet[Paper]:
    """Offered papers that hold a question which is retired, or which has a newer version."""
    items = PaperItem.objects.exclude(
        version__question__state=Question.State.PUBLISHED,
        version__question__current=models.F("version"),
    )
    offered = Paper.objects.filter(withdrawn_at=None, mock__isnull=False)
    return offered.filter(pk__in=items.values("paper"))
