"""What is counted of a sitting, that it is counted once, and that it can be taken back and proved."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from accounts.models import Role, User
from exams import delivery, population, results, starting
from exams.models import (
    Assignment,
    AssignmentQuestion,
    AssignmentTally,
    Attempt,
    Evidence,
    ItemStatistic,
    ItemTally,
    MockExam,
    MockStatistic,
    PaperTally,
    PartStanding,
    Response,
    Standing,
)
from exams.statistics import rebuilding, tallies, undoing
from questions import listing
from questions.models import Listing
from tests.exams.statistics import lsat6
from tests.factories import NOW, key_of, make_cohort, make_exam, make_user, save, sit, start

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def snapshot() -> dict[str, Any]:
    """Every tally and everything that follows from tallies, without keys and times of writing."""
    counted: dict[str, Any] = {sheet.model.__name__: tallies.rows_of(sheet) for sheet in tallies.SHEETS}
    return counted | rebuilding._worked_out()


def undo(attempt: Attempt, *, now: datetime = NOW) -> Attempt:
    with transaction.atomic():
        locked = Attempt.objects.select_for_update().get(pk=attempt.pk)
        undoing.undo_scoring(locked, now=now)
    return locked


def sit_at_random(
    mock: MockExam, learner: User, rng: random.Random, *, now: datetime, assignment: Assignment | None = None
) -> Attempt:
    """Some slots right, some wrong, some blank but looked at, some never reached; not scored yet."""
    attempt = start(mock, learner, now=now)
    Attempt.objects.filter(pk=attempt.pk).update(assignment=assignment)
    seconds = {}
    for slot in range(1, attempt.paper.item_count + 1):
        fate = rng.choice(("right", "right", "wrong", "blank", "unseen"))
        if fate == "right":
            save(attempt, slot, key_of(attempt, slot), now=now)
        elif fate == "wrong":
            response = attempt.responses.select_related("version").get(slot=slot)
            kind = response.version.item_type
            wrong: Any = {"multiple_choice": "b", "multiple_response": ["b", "c"]}.get(kind)
            save(attempt, slot, wrong, now=now)
        if fate != "unseen":
            seconds[str(slot)] = rng.randint(1, 900)
    return delivery.submit_attempt(
        attempt.pk, learner=learner, now=now + timedelta(minutes=9), seconds=seconds
    )


def assign(mock: MockExam, *learners: User) -> Assignment:
    return Assignment.objects.create(
        cohort=make_cohort(learners=learners),
        mock=mock,
        blueprint=mock.blueprint,
        title="Week 1",
        attempts_allowed=None,
        created_at=NOW,
    )


@pytest.fixture
def mock() -> MockExam:
    return make_exam(items=8, unscored=2)


# ── LSAT6, as real attempts ──


def test_lsat6_in_the_database() -> None:
    mock, versions = lsat6.sit()

    assert population.fold(now=NOW) == 1000

    for item, version in enumerate(versions):
        row = ItemStatistic.objects.get(pk=version)
        assert (row.n, row.correct) == (1000, round(1000 * lsat6.FACILITY[item]))
        assert row.discrimination == pytest.approx(lsat6.ITEM_REST[item], abs=5e-5)
        assert row.facility_low is not None and row.facility_high is not None
        assert row.facility_low < lsat6.FACILITY[item] < row.facility_high
        key = next(option for option in row.options if option["is_key"])
        assert key["correlation"] == pytest.approx(row.discrimination)
        assert sum(chose for chose, _ in key["quintiles"]) == row.correct
        assert sum(of for _, of in key["quintiles"]) == 1000
    statistic = MockStatistic.objects.get(pk=mock.pk)
    figures = statistic.figures
    assert (statistic.n, figures["median"], figures["coefficient"]) == (1000, 4, "alpha")
    assert figures["mean"] == pytest.approx(lsat6.MEAN)
    assert figures["sd"] == pytest.approx(lsat6.SD, abs=5e-7)
    assert figures["reliability"] == pytest.approx(lsat6.ALPHA, abs=5e-5)
    assert figures["sem"] == pytest.approx(lsat6.SD * (1 - lsat6.ALPHA) ** 0.5, abs=1e-4)
    [paper] = figures["papers"]
    assert [paper["if_deleted"][str(slot)] for slot in range(1, 6)] == pytest.approx(
        list(lsat6.IF_DELETED), abs=5e-5
    )
    assert rebuilding.check(now=NOW).differences == []


# ── what is counted ──


def test_not_reached_and_left_blank_are_counted_apart(mock: MockExam, ana: User) -> None:
    attempt = start(mock, ana)
    save(attempt, 1, key_of(attempt, 1))
    delivery.submit_attempt(attempt.pk, learner=ana, now=NOW, seconds={"1": 30, "2": 45})
    results.score_attempt(attempt.pk, now=NOW)
    population.fold(now=NOW)

    by_slot = dict(attempt.responses.values_list("slot", "version"))
    first, second, third = (ItemStatistic.objects.get(pk=by_slot[slot]) for slot in (1, 2, 3))
    assert (first.n, first.correct, first.omitted, first.not_reached) == (1, 1, 0, 0)
    assert (second.n, second.correct, second.omitted, second.not_reached) == (1, 0, 1, 0)
    assert (third.n, third.correct, third.omitted, third.not_reached) == (0, 0, 0, 1)
    assert (first.median_seconds, second.median_seconds, third.median_seconds) == (30, 45, None)
    assert "provisional" in first.flags


def test_the_rest_of_a_scored_slot_leaves_its_own_point_out(mock: MockExam, ana: User) -> None:
    attempt = sit(mock, ana)
    population.fold(now=NOW)

    scored = attempt.responses.filter(is_scored=True).values("version")
    unscored = attempt.responses.filter(is_scored=False).values("version")
    assert set(map(str, ItemTally.objects.filter(version__in=scored).values_list("right", flat=True))) == {
        "{'5': 1}"
    }
    assert set(map(str, ItemTally.objects.filter(version__in=unscored).values_list("right", flat=True))) == {
        "{'6': 1}"
    }


def test_a_second_attempt_counts_for_no_item_and_no_mock(mock: MockExam, ana: User) -> None:
    sit(mock, ana, right=4)
    population.fold(now=NOW)
    before = {name: rows for name, rows in snapshot().items() if name not in ("Standing", "PartStanding")}

    sit(mock, ana, now=NOW + DAY)
    population.fold(now=NOW + DAY)

    after = snapshot()
    assert {name: after[name] for name in before} == before


def test_practice_preview_and_staff_stay_out(mock: MockExam, ben: User) -> None:
    sit(mock, ben)
    attempt = starting.start_preview(mock, by=ben, now=NOW)
    delivery.submit_attempt(attempt.pk, learner=ben, now=NOW)
    results.score_attempt(attempt.pk, now=NOW)

    assert population.fold(now=NOW) == 2

    assert all(not rows for rows in snapshot().values())


def test_an_assignment_keeps_first_and_later_sittings_apart(mock: MockExam, ana: User, cleo: User) -> None:
    assignment = assign(mock, ana, cleo)
    for learner, right, day in ((ana, 4, 0), (cleo, 8, 0), (ana, 8, 7)):
        attempt = sit(mock, learner, right=right, now=NOW + day * DAY, score=False)
        Attempt.objects.filter(pk=attempt.pk).update(assignment=assignment)
        results.score_attempt(attempt.pk, now=NOW + day * DAY)
    population.fold(now=NOW + 8 * DAY)

    first = AssignmentTally.objects.get(assignment=assignment, is_first=True)
    later = AssignmentTally.objects.get(assignment=assignment, is_first=False)
    assert (first.n, later.n, later.passed) == (2, 1, 1)
    assert sum(first.scores.values()) == 2
    assert sum(week[0] for week in first.weeks.values()) == 2
    assert first.weeks.keys() != later.weeks.keys()
    right = sum(values[1] for values in first.domains.values())
    answered = Response.objects.filter(attempt__number=1, is_scored=True, is_correct=True)
    assert right == answered.count()
    assert all(values[0] == 2 for values in first.domains.values())
    assert first.positions["8"][0] == 1 and first.positions["8"][3] == 1
    question = AssignmentQuestion.objects.get(
        assignment=assignment, version=attempt.responses.get(slot=1).version_id
    )
    assert (question.n, question.correct) == (2, 2)


def test_the_first_sitting_of_an_assignment_need_not_be_the_first_of_the_mock(
    mock: MockExam, ana: User
) -> None:
    sit(mock, ana)
    assignment = assign(mock, ana)
    attempt = sit(mock, ana, now=NOW + DAY, score=False)
    Attempt.objects.filter(pk=attempt.pk).update(assignment=assignment)
    results.score_attempt(attempt.pk, now=NOW + DAY)
    population.fold(now=NOW + DAY)

    assert list(AssignmentTally.objects.values_list("is_first", "n")) == [(True, 1)]


def test_a_mock_with_a_paper_for_each_learner_has_a_lower_bound() -> None:
    mock = make_exam(items=8, is_per_learner=True)
    for right in (8, 6, 3, 2):
        sit(mock, make_user(), right=right)
    population.fold(now=NOW)

    figures = MockStatistic.objects.get(pk=mock.pk).figures
    assert figures["coefficient"] == "kr21"
    assert figures["reliability"] is not None
    assert (figures["papers"], PaperTally.objects.count()) == ([], 0)


def test_an_item_that_the_better_ones_miss_is_suspect_and_says_to_look_at_its_key() -> None:
    mock = make_exam(items=8)
    listing.refresh_all()
    for n in range(32):
        is_good = n % 2
        attempt = start(mock, make_user())
        choice = attempt.responses.filter(version__item_type="multiple_choice").order_by("slot")[0]
        for slot in range(1, 9):
            if slot == choice.slot:
                save(attempt, slot, "b" if is_good else "a")
            elif is_good or slot > 5:
                save(attempt, slot, key_of(attempt, slot))
            else:
                save(attempt, slot, None)
        delivery.submit_attempt(attempt.pk, learner=attempt.learner, now=NOW)
        results.score_attempt(attempt.pk, now=NOW)
    population.fold(now=NOW)

    row = ItemStatistic.objects.get(pk=choice.version_id)
    assert row.discrimination == pytest.approx(-1)
    assert row.flags[:2] == ["negative_discrimination", "distractor_beats_key:b"]
    assert {"idle_distractor:c", "idle_distractor:d"} <= set(row.flags)
    assert "provisional" not in row.flags
    listed = Listing.objects.get(question=row.version.question_id)
    assert (listed.seen, listed.facility, listed.is_suspect) == (32, 0.5, True)


# ── taking back ──


def test_a_sitting_taken_back_leaves_what_was_there_before_it(mock: MockExam, ana: User, cleo: User) -> None:
    rng = random.Random(1)
    assignment = assign(mock, ana, cleo)
    results.score_attempt(sit_at_random(mock, cleo, rng, now=NOW, assignment=assignment).pk, now=NOW)
    population.fold(now=NOW)
    before, evidence = snapshot(), sorted(Evidence.objects.values_list("task", "correct", "seen"))
    attempt = sit_at_random(mock, ana, rng, now=NOW, assignment=assignment)
    results.score_attempt(attempt.pk, now=NOW)
    population.fold(now=NOW)
    assert snapshot() != before

    undone = undo(attempt)

    assert snapshot() == before
    assert sorted(Evidence.objects.values_list("task", "correct", "seen")) == evidence
    assert (undone.state, undone.scored_at, undone.folded_at) == ("closed", None, None)
    assert not attempt.responses.exclude(is_correct=None, is_first_exposure=None).exists()
    assert not Standing.objects.filter(learner=ana).exists()


def test_taken_back_before_it_was_counted_and_never_scored(mock: MockExam, ana: User) -> None:
    attempt = sit(mock, ana)
    undo(attempt)
    undo(attempt)

    assert population.fold(now=NOW) == 0
    assert all(not rows for rows in snapshot().values())


def test_scored_again_it_counts_as_if_nothing_had_happened(mock: MockExam, ana: User) -> None:
    attempt = sit(mock, ana, right=6)
    population.fold(now=NOW)
    before, evidence = snapshot(), list(Evidence.objects.values_list("task", "correct", "seen"))

    undo(attempt)
    results.score_attempt(attempt.pk, now=NOW)
    population.fold(now=NOW)

    assert snapshot() == before
    assert sorted(Evidence.objects.values_list("task", "correct", "seen")) == sorted(evidence)


def test_what_another_sitting_met_meanwhile_stays_a_second_meeting(mock: MockExam, ana: User) -> None:
    attempt = sit(mock, ana)
    undo(attempt)

    again = sit(mock, ana, now=NOW + DAY)

    assert again.result.first_exposures == 0


def test_the_shift_of_known_facilities_is_taken_back(mock: MockExam, ana: User) -> None:
    first = sit(mock, ana)
    before = dict(Evidence.objects.values_list("task", "facility_shift"))
    undo(first)
    ItemStatistic.objects.bulk_create(
        ItemStatistic(version_id=version, n=40, correct=36)
        for version in first.responses.values_list("version", flat=True)
    )
    results.score_attempt(first.pk, now=NOW)
    assert dict(Evidence.objects.values_list("task", "facility_shift")) != before
    extra = Evidence.objects.filter(learner=ana)[0]
    shift = extra.facility_shift
    Evidence.objects.filter(pk=extra.pk).update(seen=extra.seen + 4, facility_shift=shift + 0.25)

    undo(first)

    [left] = Evidence.objects.filter(learner=ana)
    assert left.seen == 4
    assert left.facility_shift == pytest.approx(0.25)


# ── a random history, and the proof ──


@pytest.mark.parametrize("seed", range(3))
def test_kept_up_to_date_equals_computed_anew(seed: int) -> None:
    rng = random.Random(seed)
    mocks = [make_exam(items=8, unscored=2), make_exam(items=6, is_per_learner=True)]
    people = [make_user(f"L{n}") for n in range(4)] + [make_user("Ben", role=Role.INSTRUCTOR)]
    assignment = assign(mocks[0], *people[:4])
    done: list[Attempt] = []
    for step in range(24):
        now = NOW + step * timedelta(hours=3)
        match rng.choice(("sit", "sit", "sit", "fold", "undo")):
            case "sit":
                mock = rng.choice(mocks)
                given = assignment if mock == mocks[0] and rng.random() < 0.5 else None
                try:
                    attempt = sit_at_random(mock, rng.choice(people), rng, now=now, assignment=given)
                except delivery.DeliveryError:
                    continue
                results.score_attempt(attempt.pk, now=now)
                done.append(attempt)
            case "fold":
                population.fold(now=now)
            case "undo" if done:
                attempt = rng.choice(done)
                undo(attempt, now=now)
                if rng.random() < 0.7:
                    results.score_attempt(attempt.pk, now=now)
    population.fold(now=NOW + 4 * DAY)
    kept = snapshot()

    assert rebuilding.check(now=NOW).differences == []
    assert snapshot() == kept
    rebuilding.rebuild(now=NOW)
    for name, rows in snapshot().items():
        assert rebuilding._differences(name, kept[name], rows) == []


def test_the_command_names_what_differs_and_mends_it(
    mock: MockExam, ana: User, capsys: pytest.CaptureFixture[str]
) -> None:
    sit(mock, ana)
    population.fold(now=NOW)
    call_command("rebuild_statistics", "--check")
    ItemTally.objects.filter(pk=ItemTally.objects.order_by("pk")[0].pk).update(omitted=7)
    MockStatistic.objects.update(n=3)
    PartStanding.objects.all().delete()

    with pytest.raises(CommandError) as raised:
        call_command("rebuild_statistics", "--check")

    named = capsys.readouterr().err
    assert raised.value.returncode == 1
    assert "ItemTally" in named and "omitted" in named
    assert f"MockStatistic {mock.pk}: n" in named
    assert "PartStanding" in named and "missing" in named
    call_command("rebuild_statistics")
    call_command("rebuild_statistics", "--check")


# ── standings ──


def test_a_standing_follows_the_sittings(mock: MockExam, ana: User) -> None:
    scaled = [
        sit(mock, ana, right=right, now=NOW + day * DAY).result.scaled_score
        for day, right in enumerate((2, 5, 8))
    ]

    standing = Standing.objects.get(learner=ana)

    assert (standing.sittings, standing.first_scaled, standing.last_scaled) == (3, scaled[0], scaled[2])
    assert standing.best_scaled == max(scaled)
    assert standing.trend == pytest.approx((scaled[2] - scaled[0]) / 2)
    assert standing.last_at == NOW + 2 * DAY + timedelta(minutes=10)
    tasks = standing.parts.filter(task__isnull=False)
    domains = standing.parts.filter(task=None)
    seen = sum(Evidence.objects.filter(learner=ana).values_list("seen", flat=True))
    assert sum(p.seen for p in tasks) == sum(p.seen for p in domains) == seen


def test_who_was_scored_before_there_were_standings_gets_one_from_the_fold(mock: MockExam, ana: User) -> None:
    sit(mock, ana)
    Standing.objects.all().delete()

    population.fold(now=NOW)

    assert Standing.objects.get(learner=ana).sittings == 1


def test_a_standing_agrees_with_the_weak_spots_of_mocks(ana: User) -> None:
    from exams import standing as weak_spots

    mock = make_exam(items=12)
    sit(mock, ana, right=7)
    page = weak_spots.standing(ana, mock.blueprint, now=NOW + DAY, source="mock")

    stored = Standing.objects.get(learner=ana)

    by_code = {part.task.code: part for part in stored.parts.select_related("task") if part.task}
    for task in page.tasks:
        if task.figure.seen:
            part = by_code[task.code]
            assert (part.correct, part.seen, part.mean, part.low, part.target, part.verdict) == (
                task.figure.correct,
                task.figure.seen,
                task.figure.mean,
                task.figure.low,
                task.figure.target,
                str(task.figure.verdict),
            )
    assert (page.readiness is None) == (stored.chance is None)


def test_scoring_costs_no_more_statements_after_many_sittings(
    mock: MockExam, ana: User, django_assert_max_num_queries: Any
) -> None:
    for day in range(5):
        sit(mock, ana, now=NOW + day * DAY)
    attempt = sit(mock, ana, now=NOW + 6 * DAY, score=False)

    with django_assert_max_num_queries(34):
        results.score_attempt(attempt.pk, now=NOW + 6 * DAY)
