"""A final check: a mock whose questions appear in nothing else."""

from __future__ import annotations

import itertools
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import call_command

from accounts.models import User
from exams import assembly, practice
from exams.assembly import Candidate
from exams.models import MockExam, Paper
from questions.models import TaskStatement
from tests.factories import NOW, make_bank, make_blueprint, make_mock

FIXTURE = Path(__file__).parents[2] / "fixtures" / "mla-c01"


def questions_of(paper: Paper) -> set[int]:
    return set(paper.items.values_list("version__question_id", flat=True))


@pytest.mark.django_db
def test_nothing_else_takes_what_a_final_check_holds(ana: User) -> None:
    blueprint = make_blueprint()
    make_bank(blueprint)
    [held] = assembly.ensure_papers(make_mock(blueprint, is_held_back=True), now=NOW)
    [other] = assembly.ensure_papers(make_mock(blueprint), now=NOW)

    tasks = TaskStatement.objects.filter(domain__blueprint=blueprint).values_list("pk", flat=True)
    offered = {c.question_id for c in assembly.candidates_of(blueprint)}
    shown = sum(domain.questions for domain in practice.choices(blueprint, ana))

    assert len(tasks) == 4
    assert questions_of(held).isdisjoint(questions_of(other) | offered)
    assert shown == len(offered) == 24 - 8


@pytest.mark.django_db
def test_a_withdrawn_final_check_gives_its_questions_free() -> None:
    blueprint = make_blueprint()
    make_bank(blueprint)
    [held] = assembly.ensure_papers(make_mock(blueprint, is_held_back=True), now=NOW)
    Paper.objects.filter(pk=held.pk).update(withdrawn_at=NOW)

    assert len(assembly.candidates_of(blueprint)) == 24


@pytest.mark.django_db
def test_the_shipped_bank_yields_four_disjoint_full_mocks_of_like_difficulty() -> None:
    call_command("load_exam", str(FIXTURE), verbosity=0)

    mocks = MockExam.objects.filter(code__in=("mla-c01-full", "mla-c01-final"))
    papers = list(Paper.objects.filter(mock__in=mocks))
    cuts = [paper.cut for paper in papers]

    assert len(papers) == 4
    assert all(questions_of(a).isdisjoint(questions_of(b)) for a, b in itertools.combinations(papers, 2))
    assert max(cuts) - min(cuts) <= Decimal("0.02")
    for paper in papers:
        scored = paper.items.filter(is_scored=True).values_list(
            "version__topic__task__domain__code", flat=True
        )
        assert [list(scored).count(code) for code in "1234"] == [14, 13, 11, 12]


def test_an_unscored_slot_rather_stands_elsewhere_than_shows_a_question_twice() -> None:
    bank = [
        Candidate(n, n, domain, f"{domain}.1", None, Decimal("0.6"), f"{domain}.1.1")
        for n, domain in enumerate("1" * 10 + "2" * 6)
    ]
    met = {n: 1 for n in range(13, 16)}

    slots = assembly.choose(bank, {"1": (3, 1), "2": (3, 1)}, seed=1, uses=met)

    assert len(slots) == 8
    assert not {slot.candidate.question_id for slot in slots} & met.keys()
    assert sum(slot.is_scored for slot in slots if slot.candidate.domain == "2") == 3
