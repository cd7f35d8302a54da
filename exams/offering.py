"""Offer the mock exams that an exam ships with: its blueprint file names them, papers are assembled ahead."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from exams import assembly
from exams.models import MockExam, Paper
from questions.formats.blueprint import MockSpec
from questions.models import Blueprint


def offer_mocks(blueprint: Blueprint, specs: Iterable[MockSpec], *, now: datetime) -> list[Paper]:
    """Make the mocks that aren't there yet and the papers that any of them lacks; return the new papers.

    A mock that is there keeps what staff have changed on it. Papers with superseded questions leave the
    choice, so that a corrected question reaches the next learner. Raises `assembly.AssemblyError`.
    """
    made: list[Paper] = []
    # A final check takes its questions first: what it holds appears in nothing else.
    for position, spec in sorted(enumerate(specs, start=1), key=lambda pair: not pair[1].held_back):
        mock, _ = MockExam.objects.get_or_create(
            code=spec.code,
            defaults={
                "blueprint": blueprint,
                "title": spec.title,
                "items": spec.items,
                "unscored": spec.unscored,
                "seconds": spec.minutes * 60,
                "papers_wanted": spec.papers,
                "position": position,
                "is_held_back": spec.held_back,
            },
        )
        assembly.withdraw_stale_papers(mock, now=now)
        made += assembly.ensure_papers(mock, now=now)
    return made
