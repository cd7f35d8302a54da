"""Mock exams built by hand: saved with their papers or refused; and previews, which count for nothing."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Role, User
from exams import (
    assembly,
    delivery,
    evidence,
    history,
    mock_building,
    population,
    results,
    standing,
    starting,
)
from exams.mock_building import MockError, MockSpec
from exams.models import (
    Attempt,
    Evidence,
    Exposure,
    ItemStatistic,
    MockExam,
    MockScoreCount,
    Paper,
    PaperItem,
)
from exams.review_policy import Part, Phase, Policy
from questions.models import Blueprint, Question
from tests.factories import NOW, make_bank, make_blueprint, make_user, save, sit, start

pytestmark = pytest.mark.django_db

ALL = [str(part) for part in Part]


@pytest.fixture
def blueprint() -> Blueprint:
    """24 questions, twelve in each of two domains."""
    blueprint = make_blueprint(weights=(50, 50))
    make_bank(blueprint)
    return blueprint


def spec(blueprint: Blueprint, **fields: Any) -> MockSpec:
    values: dict[str, Any] = {
        "title": "Mock",
        "items": 8,
        "unscored": 2,
        "seconds": 1200,
        "is_published": True,
    }
    return MockSpec(blueprint, **{**values, **fields})


def build(blueprint: Blueprint, code: str = "m-1", **fields: Any) -> MockExam:
    return mock_building.create_mock(spec(blueprint, **fields), code=code, now=NOW).mock


def edit(mock: MockExam, **changes: Any) -> mock_building.Outcome:
    mock = MockExam.objects.select_related("blueprint").get(pk=mock.pk)
    seen = mock_building.fingerprint(mock)
    wanted = replace(mock_building.spec_of(mock), **changes)
    return mock_building.edit_mock(mock, wanted, seen=seen, now=NOW)


def refused(call: Any) -> MockError:
    with pytest.raises(MockError) as error:
        call()
    return error.value


def questions_of(paper: Paper) -> set[int]:
    return set(paper.items.values_list("version__question_id", flat=True))


# ── building ──


def test_a_mock_comes_with_its_papers(blueprint: Blueprint) -> None:
    outcome = mock_building.create_mock(
        spec(blueprint, papers_wanted=3, fixed_cut=Decimal("0.7")), code="m-1", now=NOW
    )

    papers = list(outcome.mock.papers.all())
    assert (outcome.made, outcome.shared, len(papers)) == (3, 0, 3)
    assert all(questions_of(a).isdisjoint(questions_of(b)) for a, b in itertools.combinations(papers, 2))
    assert {paper.cut for paper in papers} == {Decimal("0.7")}


def test_papers_that_must_share_questions_are_counted(blueprint: Blueprint) -> None:
    outcome = mock_building.create_mock(spec(blueprint, papers_wanted=4), code="m-1", now=NOW)

    assert outcome.shared == 8


def test_a_bank_too_small_is_refused_with_the_short_cell(blueprint: Blueprint) -> None:
    error = refused(lambda: build(blueprint, items=26))

    assert error.code == "bank_too_small"
    assert [(short.cell, short.needed, short.available) for short in error.short] == [
        ("1", 13, 12),
        ("2", 13, 12),
    ]
    assert not MockExam.objects.exists() and not Paper.objects.exists()


def test_a_learners_own_paper_needs_as_much(blueprint: Blueprint) -> None:
    assert refused(lambda: build(blueprint, items=26, is_per_learner=True)).code == "bank_too_small"
    assert build(blueprint, items=24, is_per_learner=True).papers.count() == 0


def test_a_code_belongs_to_one(blueprint: Blueprint) -> None:
    build(blueprint)

    assert refused(lambda: build(blueprint)).code == "code_taken"
    assert MockExam.objects.count() == Paper.objects.count() == 1


def test_a_final_check_shares_nothing(blueprint: Blueprint) -> None:
    build(blueprint, papers_wanted=2)
    held = build(blueprint, "m-2", is_held_back=True)

    others = set(PaperItem.objects.exclude(paper__mock=held).values_list("version__question", flat=True))
    [paper] = held.papers.all()
    assert questions_of(paper).isdisjoint(others)

    error = refused(lambda: build(blueprint, "m-3", is_held_back=True))
    assert error.code == "not_fresh"
    assert {short.available for short in error.short} == {0}
    assert MockExam.objects.count() == 2


def test_a_final_check_has_fixed_papers(blueprint: Blueprint) -> None:
    error = refused(lambda: build(blueprint, is_held_back=True, is_per_learner=True))

    assert error.code == "own_papers_held_back"


def test_trying_out_stores_nothing(blueprint: Blueprint) -> None:
    mock = build(blueprint, papers_wanted=3)
    before = list(Paper.objects.values())

    outcome = mock_building.try_out(spec(blueprint, papers_wanted=3), mock=mock, now=NOW)
    error = refused(lambda: mock_building.try_out(spec(blueprint, items=26), mock=None, now=NOW))

    assert (outcome.made, outcome.shared) == (3, 0)
    assert error.code == "bank_too_small"
    assert list(Paper.objects.values()) == before
    assert MockExam.objects.count() == 1


# ── changing ──


def test_until_somebody_has_sat_it_everything_may_change(blueprint: Blueprint, ben: User) -> None:
    mock = build(blueprint, papers_wanted=2)
    starting.start_preview(mock, by=ben, now=NOW)

    outcome = edit(mock, items=6, unscored=0)

    assert (outcome.withdrawn, outcome.made) == (2, 2)
    assert list(mock.papers.filter(withdrawn_at=None).values_list("item_count", flat=True)) == [6, 6]


def test_fewer_papers_take_the_last_out_and_more_are_added(blueprint: Blueprint) -> None:
    mock = build(blueprint, papers_wanted=3)

    assert edit(mock, papers_wanted=1).withdrawn == 2
    assert edit(mock, papers_wanted=2).made == 1
    in_use = mock.papers.filter(withdrawn_at=None).order_by("number")
    assert list(in_use.values_list("number", flat=True)) == [1, 4]


def test_after_a_sitting_what_scores_rest_on_stays(blueprint: Blueprint, ana: User) -> None:
    mock = build(blueprint, papers_wanted=2)
    sit(mock, ana)
    other = make_blueprint()
    frozen: dict[str, Any] = {
        "items": 6,
        "unscored": 1,
        "seconds": 60,
        "fixed_cut": Decimal("0.5"),
        "is_per_learner": True,
        "is_held_back": True,
        "blueprint": other,
        "papers_wanted": 1,
    }

    for name, value in frozen.items():
        error = refused(lambda name=name, value=value: edit(mock, **{name: value}))
        assert (error.code, error.fields) == ("already_sat", (name,))

    free = edit(
        mock,
        title="Renamed",
        papers_wanted=3,
        is_published=False,
        opens_at=NOW,
        closes_at=NOW + timedelta(days=1),
        review_policy={Phase.DURING: [], Phase.RIGHT_AFTER: [], Phase.AFTER_WINDOW: ALL},
    )
    assert (free.made, free.withdrawn) == (1, 0)
    assert set(mock.papers.values_list("title", flat=True)) == {"Renamed"}


def test_the_second_of_two_editors_overwrites_nothing(blueprint: Blueprint) -> None:
    mock = build(blueprint)
    stored = MockExam.objects.select_related("blueprint").get()
    seen = mock_building.fingerprint(stored)
    edit(mock, title="First")

    wanted = replace(mock_building.spec_of(stored), title="Second")
    error = refused(lambda: mock_building.edit_mock(stored, wanted, seen=seen, now=NOW))

    assert error.code == "changed_meanwhile"
    assert MockExam.objects.get().title == "First"


def test_a_withdrawn_paper_reaches_nobody_and_can_be_replaced(blueprint: Blueprint, ana: User) -> None:
    mock = build(blueprint, papers_wanted=2)
    mock_building.withdraw_paper(mock, number=1, now=NOW)

    assert refused(lambda: mock_building.withdraw_paper(mock, number=1, now=NOW)).code == "already_withdrawn"
    assert refused(lambda: mock_building.withdraw_paper(mock, number=9, now=NOW)).code == "not_found"
    assert start(mock, ana).paper.number == 2
    assert mock_building.assemble_missing(mock, now=NOW) == 1
    assert mock_building.assemble_missing(mock, now=NOW) == 0


# ── what learners see when ──


@pytest.mark.parametrize(
    ("during", "right_after", "after", "has_window", "codes"),
    [
        ([], ALL, ALL, True, []),
        ([], [], ALL, True, []),
        ([], [], [], True, []),
        ([], ["score"], ["score", "marks"], True, []),
        (ALL, ALL, ALL, False, []),
        (["marks"], ALL, ALL, True, ["during_without_keys"]),
        (["score"], ["score"], ["score"], True, ["during_without_keys", "taken_back"]),
        (["keys"], ["score"], ALL, True, ["taken_back"]),
        ([], ["keys"], ALL, True, ["keys_without_marks"]),
        ([], ALL, ["score"], True, ["taken_back"]),
        ([], ["score"], ALL, False, ["no_window"]),
        ([], ["score"], ["score"], False, []),
    ],
)
def test_the_matrix_refuses_what_cannot_be_kept(
    during: list[str], right_after: list[str], after: list[str], has_window: bool, codes: list[str]
) -> None:
    policy: Policy = {Phase.DURING: during, Phase.RIGHT_AFTER: right_after, Phase.AFTER_WINDOW: after}

    assert [code for code, _phase in mock_building.policy_problems(policy, has_window=has_window)] == codes


def test_a_policy_that_cannot_be_kept_is_not_stored(blueprint: Blueprint) -> None:
    policy = {Phase.DURING: [], Phase.RIGHT_AFTER: ALL, Phase.AFTER_WINDOW: []}

    assert refused(lambda: build(blueprint, review_policy=policy)).code == "bad_policy"


# ── a paper for each learner ──


def test_each_learner_gets_what_they_have_not_met(blueprint: Blueprint, ana: User, cleo: User) -> None:
    mock = build(blueprint, is_per_learner=True, fixed_cut=Decimal("0.66"))

    first, second, third = (sit(mock, ana, now=NOW + timedelta(days=day)) for day in range(3))
    other = start(mock, cleo)

    papers = [first.paper, second.paper, third.paper]
    assert all(questions_of(a).isdisjoint(questions_of(b)) for a, b in itertools.combinations(papers, 2))
    assert {paper.cut for paper in papers} == {Decimal("0.66")}
    assert [first.number, second.number, third.number] == [1, 2, 3]
    assert other.paper not in papers
    assert other.paper.title == mock.title
    assert mock.papers.count() == 0


def test_a_second_start_of_it_finds_the_first(blueprint: Blueprint, ana: User) -> None:
    mock = build(blueprint, is_per_learner=True)

    assert start(mock, ana) == start(mock, ana)
    assert Paper.objects.count() == 1


def test_of_two_starts_at_once_the_later_leaves_nothing_behind(
    blueprint: Blueprint, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    mock = build(blueprint, is_per_learner=True)
    choose, faster = starting._choose_own, []

    def choose_slowly(*args: Any, **kwargs: Any) -> Any:
        slots = choose(*args, **kwargs)
        monkeypatch.setattr(starting, "_choose_own", choose)
        faster.append(start(mock, ana))
        return slots

    monkeypatch.setattr(starting, "_choose_own", choose_slowly)

    assert [start(mock, ana)] == faster
    assert Paper.objects.count() == Attempt.objects.count() == 1


def test_a_start_costs_the_same_whatever_was_met(blueprint: Blueprint, ana: User, cleo: User) -> None:
    mock = build(blueprint, is_per_learner=True)

    def queries(learner: User, day: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            start(mock, learner, now=NOW + timedelta(days=day))
        return len(captured)

    fresh = queries(cleo, 0)
    for day in range(2):
        sit(mock, ana, now=NOW + timedelta(days=day))
    make_bank(blueprint, per_task=3)

    assert queries(ana, 5) == fresh


def test_a_bank_that_has_shrunk_says_so(blueprint: Blueprint, ana: User) -> None:
    mock = build(blueprint, is_per_learner=True)
    Question.objects.update(state=Question.State.RETIRED)

    with pytest.raises(delivery.DeliveryError) as error:
        start(mock, ana)
    assert error.value.code == "no_paper"
    assert not Paper.objects.exists()


def test_no_average_counts_a_learners_own_paper(blueprint: Blueprint, ana: User) -> None:
    build(blueprint, fixed_cut=Decimal("0.5"))
    sit(build(blueprint, "m-2", is_per_learner=True, fixed_cut=Decimal("0.9")), ana)

    assert standing.standing_cut(blueprint) == Decimal("0.5")


# ── previews ──


def preview(mock: MockExam, by: User, *, now: Any = NOW) -> Attempt:
    """A whole one, all of it answered right, scored and folded."""
    attempt = starting.start_preview(mock, by=by, now=now)
    for response in attempt.responses.select_related("version"):
        save(attempt, response.slot, response.version.parsed.key, now=now)
    delivery.submit_attempt(attempt.pk, learner=by, now=now + timedelta(minutes=5))
    results.score_attempt(attempt.pk, now=now + timedelta(minutes=6))
    population.fold(now=now + timedelta(minutes=7))
    attempt.refresh_from_db()
    return attempt


def test_a_preview_is_scored_and_counts_for_nothing(blueprint: Blueprint, ben: User) -> None:
    mock = build(blueprint, is_published=False)

    attempt = preview(mock, ben)

    assert (attempt.purpose, attempt.state) == ("preview", "scored")
    assert attempt.result.correct == attempt.result.scored_items == 6
    assert not ItemStatistic.objects.exists()
    assert not MockScoreCount.objects.exists()
    assert not Evidence.objects.exists()
    assert evidence.outlook(ben.pk, blueprint).sittings == 0
    stands = standing.standing(ben, blueprint, now=NOW + timedelta(hours=1))
    assert (stands.mock.seen, stands.sittings, stands.readiness) == (0, (), None)
    assert history.trend_of(ben, blueprint, now=NOW + timedelta(hours=1)) is None
    [row] = history.recent(ben, now=NOW + timedelta(hours=1), limit=5)
    assert row.counts == "staff"
    assert mock_building.sittings(mock).count() == 0
    [[listed], _page] = mock_building.rows(blueprint=None, page_number=None, now=NOW)
    assert (listed.attempts, listed.papers, listed.state) == (0, 1, "draft")


def test_a_preview_leaves_learners_as_they_are(
    blueprint: Blueprint, ana: User, ben: User, cleo: User
) -> None:
    mock = build(blueprint, papers_wanted=2)
    sit(mock, cleo)
    population.fold(now=NOW + timedelta(hours=1))
    tables = (ItemStatistic, MockScoreCount, Evidence)
    before = [list(table.objects.order_by("pk").values()) for table in tables]

    preview(mock, ben, now=NOW + timedelta(hours=2))

    assert [list(table.objects.order_by("pk").values()) for table in tables] == before
    assert not Exposure.objects.exclude(learner__in=(ben, cleo)).exists()
    assert start(mock, ana).number == 1


def test_a_preview_is_resumed_and_a_finished_one_begins_anew(blueprint: Blueprint, ben: User) -> None:
    mock = build(blueprint)

    first = starting.start_preview(mock, by=ben, now=NOW)
    again = starting.start_preview(mock, by=ben, now=NOW + timedelta(minutes=5))
    after_its_time = starting.start_preview(mock, by=ben, now=NOW + timedelta(hours=2))

    assert again == first
    assert after_its_time != first
    assert (after_its_time.number, Attempt.objects.get(pk=first.pk).state) == (1, "closed")


def test_a_preview_and_a_sitting_of_the_same_person_stay_apart(blueprint: Blueprint, ben: User) -> None:
    mock = build(blueprint)
    previewed = starting.start_preview(mock, by=ben, now=NOW)
    sat = start(mock, ben)

    assert previewed != sat
    assert (previewed.purpose, sat.purpose, sat.number) == ("preview", "staff", 1)
    assert start(mock, ben) == sat
    assert starting.start_preview(mock, by=ben, now=NOW) == previewed


def test_the_window_does_not_shut_previews_out(blueprint: Blueprint) -> None:
    iris = make_user("Iris", role=Role.INSTRUCTOR)
    mock = build(blueprint, opens_at=NOW + timedelta(days=1), closes_at=NOW + timedelta(days=2))

    early = starting.start_preview(mock, by=iris, now=NOW)
    late = starting.start_preview(mock, by=iris, now=NOW + timedelta(days=9))

    assert early.deadline_at == NOW + timedelta(seconds=1200)
    assert late.is_open and late.window_ends_at is None


def test_a_preview_of_a_mock_with_own_papers_gets_one(blueprint: Blueprint, ben: User) -> None:
    mock = build(blueprint, is_per_learner=True)

    attempt = starting.start_preview(mock, by=ben, now=NOW)

    assert attempt.responses.count() == 8
    assert attempt.paper.mock is None
    assert len(assembly.candidates_of(blueprint)) == 24
