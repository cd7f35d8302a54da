"""A paper keeps the blueprint's weights, shows no question twice, and is the same again from the same seed."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import groupby

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from exams import assembly
from exams.assembly import AssemblyError, Candidate, Slot, choose, domain_counts, largest_remainder
from exams.models import MockExam, Paper
from questions.models import Question, Scenario, ScenarioVersion
from tests.factories import NOW, make_bank, make_blueprint, make_exam, make_mock, make_published_question

MLA_C01 = {"1": Decimal(28), "2": Decimal(26), "3": Decimal(22), "4": Decimal(24)}

# ── whole shares ──

weights = st.dictionaries(
    st.sampled_from("123456789"), st.integers(1, 100).map(Decimal), min_size=1, max_size=9
)


def test_a_full_mock_of_mla_c01() -> None:
    counts = domain_counts(MLA_C01, items=65, unscored=15)

    assert [sum(pair) for pair in counts.values()] == [18, 17, 14, 16]
    assert [scored for scored, _ in counts.values()] == [14, 13, 11, 12]


def test_a_short_mock_is_weighted_alike() -> None:
    counts = domain_counts(MLA_C01, items=20, unscored=0)

    assert [scored for scored, _ in counts.values()] == [6, 5, 4, 5]


@given(total=st.integers(0, 500), weights=weights)
def test_shares_are_whole_add_up_and_lie_within_one_of_the_exact_share(
    total: int, weights: dict[str, Decimal]
) -> None:
    shares = largest_remainder(total, weights)

    assert sum(shares.values()) == total
    for key, weight in weights.items():
        assert abs(shares[key] - Fraction(weight) / Fraction(sum(weights.values())) * total) < 1


@given(items=st.integers(1, 200), data=st.data(), weights=weights)
def test_the_weights_are_those_of_the_scored_slots(
    items: int, data: st.DataObject, weights: dict[str, Decimal]
) -> None:
    unscored = data.draw(st.integers(0, items - 1))

    counts = domain_counts(weights, items=items, unscored=unscored)

    assert {key: scored for key, (scored, _) in counts.items()} == largest_remainder(
        items - unscored, weights
    )
    assert sum(spare for _, spare in counts.values()) == unscored
    assert min(spare for _, spare in counts.values()) >= 0


# ── the choice ──


@st.composite
def banks(draw: st.DrawFn) -> list[Candidate]:
    """Two domains of three tasks; some questions belong to scenarios of two to four."""
    units = draw(
        st.lists(
            st.tuples(st.sampled_from("12"), st.sampled_from("123"), st.integers(1, 4)),
            min_size=2,
            max_size=30,
        )
    )
    bank: list[Candidate] = []
    for number, (domain, task, size) in enumerate(units, start=1):
        for _ in range(size):
            bank.append(
                Candidate(
                    question_id=len(bank) + 1,
                    version_id=len(bank) + 1001,
                    domain=domain,
                    task=f"{domain}.{task}",
                    scenario_id=number if size > 1 else None,
                    difficulty=Decimal(draw(st.integers(35, 95))) / 100,
                )
            )
    return bank


@st.composite
def orders(draw: st.DrawFn) -> tuple[list[Candidate], dict[str, tuple[int, int]]]:
    """A bank, and counts that it can fill."""
    bank = draw(banks())
    have = Counter(c.domain for c in bank)
    counts = {}
    for domain in "12":
        whole = draw(st.integers(0, min(have[domain], 12)))
        unscored = draw(st.integers(0, whole))
        counts[domain] = (whole - unscored, unscored)
    assume(any(scored for scored, _ in counts.values()))
    return bank, counts


@given(order=orders(), seed=st.integers(0, 2**62))
def test_a_paper_has_the_counts_asked_for_and_no_question_twice(
    order: tuple[list[Candidate], dict[str, tuple[int, int]]], seed: int
) -> None:
    bank, counts = order

    slots = choose(bank, counts, seed=seed, uses={})

    assert len({slot.candidate.question_id for slot in slots}) == len(slots)
    for domain, (scored, unscored) in counts.items():
        mine = [slot for slot in slots if slot.candidate.domain == domain]
        assert (sum(s.is_scored for s in mine), sum(not s.is_scored for s in mine)) == (scored, unscored)


@given(order=orders(), seed=st.integers(0, 2**62))
def test_a_scenarios_questions_stand_together(
    order: tuple[list[Candidate], dict[str, tuple[int, int]]], seed: int
) -> None:
    bank, counts = order

    slots = choose(bank, counts, seed=seed, uses={})

    runs = [scenario for scenario, _ in groupby(slots, key=lambda s: s.candidate.scenario_id) if scenario]
    assert len(runs) == len(set(runs))


@given(order=orders(), seed=st.integers(0, 2**62))
def test_a_scenario_comes_whole_where_the_domain_has_three_single_questions(
    order: tuple[list[Candidate], dict[str, tuple[int, int]]], seed: int
) -> None:
    """Three can make room for the largest scenario, of four; a domain with fewer may have to cut one."""
    bank, counts = order
    sizes = Counter(c.scenario_id for c in bank)

    slots = choose(bank, counts, seed=seed, uses={})

    for domain in counts:
        singles = [c for c in bank if c.domain == domain and c.scenario_id is None]
        if len(singles) >= 3:
            shown = Counter(s.candidate.scenario_id for s in slots if s.candidate.domain == domain)
            assert {n for n in shown if n and shown[n] != sizes[n]} == set()


@given(order=orders(), seed=st.integers(0, 2**62))
def test_the_same_seed_gives_the_same_paper_however_the_bank_is_listed(
    order: tuple[list[Candidate], dict[str, tuple[int, int]]], seed: int
) -> None:
    bank, counts = order

    assert choose(bank, counts, seed=seed, uses={}) == choose(bank[::-1], counts, seed=seed, uses={})


@given(bank=banks(), wanted=st.integers(1, 200), seed=st.integers(0, 9))
def test_a_shortage_is_named_with_its_figures(bank: list[Candidate], wanted: int, seed: int) -> None:
    have = Counter(c.domain for c in bank)
    counts = {"1": (wanted, 0), "2": (0, wanted), "3": (1, 0)}
    assume(have["1"] < wanted)

    with pytest.raises(AssemblyError) as caught:
        choose(bank, counts, seed=seed, uses={})

    named = {short.cell: (short.needed, short.available) for short in caught.value.short}
    expected = {"1": (wanted, have["1"]), "2": (wanted, have["2"]), "3": (1, 0)}
    assert named == {cell: pair for cell, pair in expected.items() if pair[1] < pair[0]}
    assert f"1: {have['1']} of {wanted}" in str(caught.value)


def single(
    question_id: int, task: str = "1.1", difficulty: str = "0.60", scenario: int | None = None
) -> Candidate:
    return Candidate(question_id, question_id, task[0], task, scenario, Decimal(difficulty))


def ids(slots: list[Slot]) -> set[int]:
    return {slot.candidate.question_id for slot in slots}


def test_the_least_used_come_first() -> None:
    bank = [single(n) for n in range(1, 13)]

    slots = choose(bank, {"1": (6, 0)}, seed=1, uses=dict.fromkeys(range(1, 7), 1))

    assert ids(slots) == set(range(7, 13))


def test_tasks_of_a_domain_take_turns() -> None:
    bank = [single(n, task=f"1.{1 + n % 3}") for n in range(60)]

    slots = choose(bank, {"1": (9, 0)}, seed=1, uses={})

    assert Counter(slot.candidate.task for slot in slots) == {"1.1": 3, "1.2": 3, "1.3": 3}


def test_the_cut_is_near_to_the_banks() -> None:
    """Of several draws the one nearest to the mean is taken: one draw alone would miss by far more."""
    bank = [single(n, difficulty="0.35" if n % 2 else "0.95") for n in range(40)]

    means = [
        sum((s.candidate.difficulty for s in choose(bank, {"1": (10, 0)}, seed=seed, uses={})), Decimal(0))
        / 10
        for seed in range(20)
    ]

    assert all(abs(mean - Decimal("0.65")) <= Decimal("0.06") for mean in means)


def test_unscored_slots_hide_among_single_questions() -> None:
    bank = [single(n, scenario=1 if n < 3 else None) for n in range(9)]

    slots = choose(bank, {"1": (6, 3)}, seed=3, uses={})

    assert all(slot.is_scored for slot in slots if slot.candidate.scenario_id)


def test_a_scenario_across_domains_is_read_once() -> None:
    bank = [single(n, task=f"{1 + n % 2}.1", scenario=7 if n < 4 else None) for n in range(20)]

    for seed in range(20):
        slots = choose(bank, {"1": (10, 0), "2": (10, 0)}, seed=seed, uses={})
        places = [place for place, slot in enumerate(slots) if slot.candidate.scenario_id]
        assert places == list(range(places[0], places[0] + 4))


# ── stored papers ──


@pytest.mark.django_db
def test_papers_are_assembled_once_and_share_no_question_while_there_are_enough() -> None:
    blueprint = make_blueprint()
    make_bank(blueprint, per_task=8)
    mock = make_mock(blueprint, items=8, unscored=2, papers_wanted=3)

    made = assembly.ensure_papers(mock, now=NOW)
    again = assembly.ensure_papers(mock, now=NOW)

    assert ([p.number for p in made], again) == ([1, 2, 3], [])
    shown = [set(paper.items.values_list("version__question", flat=True)) for paper in made]
    assert [len(questions) for questions in shown] == [8, 8, 8]
    assert len(set.union(*shown)) == 24
    assert [paper.items.filter(is_scored=True).count() for paper in made] == [6, 6, 6]


@pytest.mark.django_db
def test_the_cut_of_a_paper_is_the_mean_of_its_scored_ratings() -> None:
    blueprint = make_blueprint(weights=(100,), tasks=1)
    for difficulty in ("0.50", "0.65", "0.80", "0.90"):
        make_published_question(blueprint, difficulty=difficulty)

    [paper] = assembly.ensure_papers(make_mock(blueprint, items=4), now=NOW)

    assert paper.cut == Fraction(285, 400)


@pytest.mark.django_db
def test_a_mocks_own_cut_comes_first() -> None:
    mock = make_exam(fixed_cut=Decimal("0.7"))

    [paper] = assembly.ensure_papers(mock, now=NOW)

    assert paper.cut == Fraction(7, 10)


@pytest.mark.django_db
def test_a_corrected_question_reaches_the_next_learner() -> None:
    mock = make_exam(papers_wanted=2)
    old, other = assembly.ensure_papers(mock, now=NOW)
    gone = old.items.get(slot=1).version.question
    Question.objects.filter(pk=gone.pk).update(state=Question.State.RETIRED, retired_at=NOW)

    assert (
        assembly.withdraw_stale_papers(mock, now=NOW)
        == 1 + other.items.filter(version__question=gone).count()
    )
    [new] = assembly.ensure_papers(mock, now=NOW + timedelta(hours=1))

    old.refresh_from_db()
    assert old.withdrawn_at == NOW
    assert new.number == 3
    assert not new.items.filter(version__question=gone).exists()


@pytest.mark.django_db
def test_drafts_and_retired_questions_are_not_asked() -> None:
    blueprint = make_blueprint(weights=(100,), tasks=1)
    for state in Question.State.values:
        version = make_published_question(blueprint)
        Question.objects.filter(pk=version.question_id).update(state=state)

    [candidate] = assembly.candidates_of(blueprint)

    assert Question.objects.get(pk=candidate.question_id).state == Question.State.PUBLISHED


@pytest.mark.django_db
def test_a_paper_that_cannot_be_filled_leaves_nothing_behind() -> None:
    blueprint = make_blueprint()
    make_bank(blueprint, per_task=1)
    mock = make_mock(blueprint, items=8)

    with pytest.raises(AssemblyError, match="1: 2 of 5; 2: 2 of 3"):
        assembly.ensure_papers(mock, now=NOW)

    assert not Paper.objects.exists()
    assert MockExam.objects.filter(pk=mock.pk).exists()


@pytest.mark.django_db
def test_a_stored_scenario_stands_together() -> None:
    blueprint = make_blueprint(weights=(100,), tasks=1)
    scenario = Scenario.objects.create(blueprint=blueprint, code="case-1")
    text = ScenarioVersion.objects.create(
        scenario=scenario, number=1, title="A case", text="x", rendered="<p>x</p>"
    )
    for number in range(8):
        make_published_question(blueprint, scenario_version=text if number % 3 == 0 else None)

    [paper] = assembly.ensure_papers(make_mock(blueprint, items=8), now=NOW)

    slots = list(paper.items.filter(version__scenario_version=text).values_list("slot", flat=True))
    assert slots == list(range(slots[0], slots[0] + 3))
