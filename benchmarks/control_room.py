"""The control room of an assignment that thousands sit at this moment: one refresh of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import include, path, reverse
from django.utils import timezone

from accounts import access
from benchmarks import bank, bank_list, cpu, organisation
from benchmarks.reporting import Row, percentile
from benchmarks.sizes import Size
from exams.models import Attempt

MAX_MS = 50
MAX_STATEMENTS = 3
"""Beside those that say who asks."""
REPEATS = 50


def run(size: Size) -> Iterator[Row]:
    mock = bank.make_exam(questions=size.small_bank, items=size.items, papers=1)
    group = organisation.make_group(mock, size.running)
    assignment = group.assignments[0]
    now = timezone.now()
    organisation.add_attempts(assignment, group.learners, started_at=now - timedelta(minutes=20))
    _spread(list(Attempt.objects.filter(assignment=assignment)))
    organisation.settle()
    client = bank_list.client_of(group.instructor)
    address = reverse("cohorts:live", args=[group.cohort.pk, assignment.pk])
    repeats = min(REPEATS, size.starts)
    _refresh(client, address)
    ms = [_refresh(client, address) for _ in range(repeats)]
    work = cpu.cost_of_each(lambda _: _refresh(client, address), range(repeats))
    statements = cpu.statements_of(lambda: _refresh(client, address))
    with override_settings(ROOT_URLCONF=__name__):
        bank_list.get(client, "/bare/")
        bare = [bank_list.get(client, "/bare/") for _ in range(repeats)]
        signing_in = cpu.statements_of(lambda: bank_list.get(client, "/bare/"))
    yield Row(
        f"A refresh, {size.running:,} running, p95",
        percentile(ms, 95),
        "ms",
        floor=percentile(bare, 95),
        at_most=MAX_MS,
    )
    yield Row("… p50", percentile(ms, 50), "ms", floor=percentile(bare, 50))
    yield Row("… CPU", work.ms, "ms", note=f"{1000 * work.database:.0f} of them the database's")
    yield Row("SQL statements of a refresh", statements - signing_in, at_most=MAX_STATEMENTS)


def _spread(attempts: list[Attempt]) -> None:
    """Saved between now and ten minutes ago, some of them silent for a while."""
    now = timezone.now()
    for place, attempt in enumerate(attempts):
        attempt.position = 1 + place % 30
        attempt.answered_so_far = place % 30
        attempt.last_saved_at = now - timedelta(seconds=place % 600)
        attempt.last_seen_at = now - timedelta(seconds=place % 100)
    Attempt.objects.bulk_update(
        attempts, ("position", "answered_so_far", "last_saved_at", "last_seen_at"), batch_size=500
    )


def _refresh(client: Client, address: str) -> float:
    begun = time.perf_counter()
    reply = client.get(address, headers={"HX-Request": "true"})
    assert reply.status_code == 200, f"{reply.status_code} {address}"
    return 1000 * (time.perf_counter() - begun)


@access.permission_required(access.SEE_COHORT_RESULTS)
def bare(request: HttpRequest) -> HttpResponse:
    """The floor: who asks, and no more."""
    return HttpResponse("nothing")


urlpatterns = [path("bare/", bare), path("", include("benchmarks.floor"))]
