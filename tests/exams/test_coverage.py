"""The coverage map: cells, needs, and how many mocks the bank makes."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import User
from exams import assembly, coverage
from exams.assembly import AssemblyError, Candidate
from questions.content import ItemType
from questions.models import Blueprint, Question
from tests.factories import (
    NOW,
    make_bank,
    make_blueprint,
    make_content,
    make_mock,
    make_published_question,
)

# ── how many mocks ──


def bank(sizes: dict[str, list[int]]) -> list[Candidate]:
    """Per domain the sizes of its units: 1 is a single question, more are a case study's."""
    candidates: list[Candidate] = []
    for domain, units in sizes.items():
        for number, size in enumerate(units):
            scenario = int(domain) * 1000 + number if size > 1 else None
            for _ in range(size):
                n = len(candidates) + 1
                task = f"{domain}.{n % 3}"
                candidates.append(Candidate(n, n, domain, task, scenario, Decimal("0.6")))
    return candidates


units = st.lists(st.integers(1, 4), max_size=14)


@settings(max_examples=60)
@given(
    sizes=st.fixed_dictionaries({"1": units, "2": units, "3": units}),
    items=st.integers(1, 12),
    unscored=st.integers(0, 4),
)
def test_counting_gives_what_real_assembly_gives(
    sizes: dict[str, list[int]], items: int, unscored: int
) -> None:
    """Paper after paper, each assembled from what the ones before have left."""
    weights = {"1": Decimal(50), "2": Decimal(30), "3": Decimal(20)}
    counts = assembly.domain_counts(weights, items=items, unscored=min(unscored, items - 1))
    left = bank(sizes)
    papers, short = assembly.disjoint_papers(Counter(c.domain for c in left), counts)

    made = 0
    while True:
        try:
            slots = assembly.choose(left, counts, seed=made, uses={}, draws=1)
        except AssemblyError as error:
            assert {s.cell for s in error.short} == {s.cell for s in short}
            break
        made += 1
        taken = {slot.candidate.question_id for slot in slots}
        left = [candidate for candidate in left if candidate.question_id not in taken]

    assert papers == made


def test_the_cell_that_is_short_is_named_with_what_it_has() -> None:
    papers, short = assembly.disjoint_papers({"1": 40, "2": 26}, {"1": (10, 0), "2": (14, 0)})

    assert papers == 1
    assert short == [assembly.Shortage("2", 14, 12)]


def test_an_unscored_question_may_stand_elsewhere() -> None:
    assert assembly.disjoint_papers({"1": 20, "2": 3}, {"1": (3, 1), "2": (3, 1)})[0] == 1


@pytest.mark.parametrize("counts", [{}, {"1": (0, 0)}])
def test_nothing_wanted_makes_no_paper(counts: dict[str, tuple[int, int]]) -> None:
    assert assembly.disjoint_papers({"1": 5}, counts) == (0, [])


def test_of_a_large_bank_a_case_study_comes_whole_or_not_at_all() -> None:
    candidates = bank({"1": [1] * 300 + [7] * 20})
    met = {candidate.question_id: 1 for candidate in candidates[:40]}

    for seed in range(10):
        slots = assembly.choose(candidates, {"1": (10, 2)}, seed=seed, uses=met, draws=2)
        chosen = [slot.candidate for slot in slots]
        cases = Counter(candidate.scenario_id for candidate in chosen if candidate.scenario_id)
        assert len(chosen) == 12
        assert set(cases.values()) <= {7}
        assert not {candidate.question_id for candidate in chosen} & met.keys()


def test_a_large_bank_of_case_studies_alone_still_makes_a_paper() -> None:
    slots = assembly.choose(bank({"1": [40, 40]}), {"1": (1, 0)}, seed=1, uses={}, draws=1)

    assert len(slots) == 1


# ── the map ──


@pytest.fixture
def blueprint(db: None) -> Blueprint:
    """Ten questions, eight scored, domains 60 and 40: a full mock takes 6 and 4."""
    return make_blueprint(code="EXAM-9")


@pytest.mark.django_db
def test_cells_tell_free_held_back_and_retired_apart(blueprint: Blueprint) -> None:
    make_bank(blueprint, per_task=5)
    make_published_question(
        blueprint, topic="1.1.1", difficulty="0.30", content=make_content(ItemType.MATCHING)
    )
    held = assembly.ensure_papers(make_mock(blueprint, items=4, is_held_back=True), now=NOW)[0]
    free = Question.objects.exclude(versions__paper_items__paper=held).order_by("pk")
    retired = free.filter(current__topic__code="2.2.1").first()
    assert retired is not None
    Question.objects.filter(pk=retired.pk).update(state=Question.State.RETIRED)

    page = coverage.coverage(blueprint)

    assert page.total == coverage.Cell(free=21 - 4 - 1, held=4, retired=1)
    rows = {row.code: row for domain in page.domains for row in domain.rows}
    for row in rows.values():
        for group in (row.types, row.levels, row.bands):
            total = sum(group, coverage.Cell())
            assert (total.free, total.held, total.retired) == (
                row.total.free,
                row.total.held,
                row.total.retired,
            )
    matching = rows["1.1"].types[3]
    assert matching.published == 2
    assert rows["1.1"].bands[0].published == 1
    assert matching.query == "blueprint=EXAM-9&task=1.1&status=published&type=matching"


@pytest.mark.django_db
def test_what_is_there_is_what_assembly_may_take(blueprint: Blueprint) -> None:
    make_bank(blueprint, per_task=5)
    assembly.ensure_papers(make_mock(blueprint, items=4, is_held_back=True), now=NOW)

    page = coverage.coverage(blueprint)

    taken = Counter(candidate.domain for candidate in assembly.candidates_of(blueprint))
    assert {domain.code: domain.free for domain in page.domains} == taken


@pytest.mark.django_db
def test_thin_topics_and_the_next_mock(blueprint: Blueprint) -> None:
    make_bank(blueprint, per_task=2)
    for _ in range(6):
        make_published_question(blueprint, topic="1.2.1")

    page = coverage.coverage(blueprint)

    assert [(domain.needed, domain.free, domain.is_short) for domain in page.domains] == [
        (6, 10, False),
        (4, 4, False),
    ]
    assert page.papers == 1
    assert [(each.shortage.cell, each.shortage.available) for each in page.short_cells] == [
        ("1", 4),
        ("2", 0),
    ]
    assert page.short_cells[0].thinnest == "1.1 (2)"
    assert [(topic.code, topic.missing) for topic in page.thin] == [("1.1.1", 1), ("2.1.1", 1), ("2.2.1", 1)]


@pytest.mark.django_db
def test_a_blueprint_without_an_outline_has_an_empty_map() -> None:
    page = coverage.coverage(make_blueprint(weights=()))

    assert (page.domains, page.papers, page.short) == ((), 0, ())


# ── the page ──


@pytest.mark.django_db
def test_the_page_names_what_is_short_in_words(client: Client, ben: User, blueprint: Blueprint) -> None:
    make_bank(blueprint, per_task=3)
    client.force_login(ben)

    html = client.get("/bank/blueprints/EXAM-9/coverage/").content.decode()

    assert "The bank makes 1 full mock." in html
    assert "Domain 1 has 0 left, it needs 6." in html
    assert "?blueprint=EXAM-9&amp;task=1.1&amp;status=published&amp;type=ordering" in html


@pytest.mark.django_db
def test_only_who_writes_questions_sees_it(
    client: Client, ana: User, ben: User, blueprint: Blueprint
) -> None:
    address = "/bank/blueprints/EXAM-9/coverage/"

    assert client.get(address).status_code == 302
    client.force_login(ana)
    assert client.get(address).status_code == 404
    client.force_login(ben)
    assert client.post(address).status_code == 405
    assert client.get(address.replace("EXAM-9", "%00")).status_code == 404


@pytest.mark.django_db
def test_it_costs_the_same_whatever_the_bank_holds(client: Client, ben: User, blueprint: Blueprint) -> None:
    client.force_login(ben)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get("/bank/blueprints/EXAM-9/coverage/")
        return len(captured)

    before = queries()
    make_bank(blueprint, per_task=6)
    assembly.ensure_papers(make_mock(blueprint, items=4, is_held_back=True), now=NOW)

    assert queries() == before
