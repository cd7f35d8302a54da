"""An instructor's pages: as quick beside 10,000 sittings of other cohorts as beside a tenth of them."""

from __future__ import annotations

import time
from collections.abc import Iterator

from django.urls import reverse
from django.utils import timezone

from benchmarks import bank, bank_list, organisation
from benchmarks.bank_list import Page
from benchmarks.organisation import Group
from benchmarks.reporting import Row
from benchmarks.sizes import Size
from exams.cohorts import reports
from exams.models import Attempt, Response

MAX_MS = 200
MAX_STATEMENTS = 15
MAX_GROWTH = 1.5
REPEATS = 20
SMALL_SHARE = 10


def run(size: Size) -> Iterator[Row]:
    mock = bank.make_exam(questions=size.small_bank, items=size.items)
    begun = time.perf_counter()
    ours, *_ = organisation.make_sat(mock, 1, size.cohort_learners)
    few = max(1, size.cohorts // SMALL_SHARE)
    list(organisation.make_sat(mock, few - 1, size.cohort_learners))
    before = _measure(ours, min(REPEATS, size.starts))
    # The instructor of the first cohort teaches no other one: the rest is what others have done.
    list(organisation.make_sat(mock, size.cohorts - few, size.cohort_learners))
    yield Row("Made, scored and counted", time.perf_counter() - begun, "s", note=_made())
    after = _measure(ours, min(REPEATS, size.starts))
    for name, page in after.items():
        yield Row(f"p95, {name}", page.ms, "ms", at_most=MAX_MS)
        yield Row("… of that beside few", page.ms / before[name].ms, at_most=MAX_GROWTH)
        yield Row("… SQL statements", page.statements, at_most=MAX_STATEMENTS)
    yield from _report(ours)


def _measure(group: Group, repeats: int) -> dict[str, Page]:
    organisation.settle()
    client = bank_list.client_of(group.instructor)
    measured = {}
    for name, address in _pages(group).items():
        bank_list.get(client, address)
        measured[name] = bank_list.page_of(client, address, repeats)
    return measured


def _pages(group: Group) -> dict[str, str]:
    cohort, assignment, learner = group.cohort.pk, group.assignments[0].pk, group.learners[0].pk
    return {
        "cohort": reverse("cohorts:cohort", args=[cohort]),
        "assignment": reverse("cohorts:assignment", args=[cohort, assignment]),
        "learner": reverse("cohorts:learner", args=[cohort, learner]),
        "what to teach": reverse("cohorts:teaching", args=[cohort]),
        "comparing": reverse("cohorts:compare"),
        "members": reverse("cohorts:members", args=[cohort]),
        "reports": reverse("cohorts:reports", args=[cohort]),
    }


def _report(group: Group) -> Iterator[Row]:
    run, _ = reports.begin(
        group.cohort,
        kind="responses",
        format_name="csv",
        assignment=None,
        by=group.instructor,
        now=timezone.now(),
    )
    begun = time.perf_counter()
    reports.write(run.pk, now=timezone.now())
    seconds = time.perf_counter() - begun
    run.refresh_from_db()
    yield Row("Rows of a report a second", run.done / seconds, note=f"{run.done:,} {run.state}")


def _made() -> str:
    attempts, responses = Attempt.objects.count(), Response.objects.count()
    return f"{attempts:,} sittings, {responses:,} responses"
