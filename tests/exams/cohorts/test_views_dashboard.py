"""The dashboards through their addresses: who may read, what they say, and at what price."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Cohort, Role, User
from exams import delivery, population, results
from exams.models import Assignment, AssignmentQuestion, Attempt
from tests.exams.conftest import Clock
from tests.factories import NOW, key_of, make_cohort, make_exam, make_user, save, start
from tests.factories import sit as sit_mock

pytestmark = pytest.mark.django_db


def teacher(*cohorts: Cohort) -> tuple[User, Client]:
    ben = make_user("Ben", role=Role.INSTRUCTOR)
    for cohort in cohorts:
        cohort.memberships.create(user=ben, part="instructor")
    client = Client()
    client.force_login(ben)
    return ben, client


def given(cohort: Cohort, **fields: Any) -> Assignment:
    mock = make_exam()
    return Assignment.objects.create(
        cohort=cohort, mock=mock, blueprint=mock.blueprint, title="Mock of May", created_at=NOW, **fields
    )


def sit(assignment: Assignment, learner: User, *, right: int, days: int = 0) -> Attempt:
    """A scored sitting that belongs to the assignment from its start."""
    assert assignment.mock is not None
    now = NOW + timedelta(days=days)
    attempt = start(assignment.mock, learner, now=now)
    Attempt.objects.filter(pk=attempt.pk).update(assignment=assignment)
    attempt.refresh_from_db()
    for slot in range(1, right + 1):
        save(attempt, slot, key_of(attempt, slot), now=now + timedelta(seconds=slot))
    attempt = delivery.submit_attempt(
        attempt.pk,
        learner=learner,
        now=now + timedelta(minutes=9),
        seconds={str(slot): 30 for slot in range(1, 7)},
    )
    results.score_attempt(attempt.pk, now=now + timedelta(minutes=10))
    attempt.refresh_from_db()
    return attempt


def read(client: Client, address: str) -> Any:
    """The figures of a page as JSON."""
    return client.get(address, headers={"accept": "application/json"}).json()


def page_of(assignment: Assignment) -> str:
    return reverse("cohorts:assignment", args=[assignment.cohort_id, assignment.pk])


@pytest.fixture
def scored(clock: Clock) -> Assignment:
    """Four learners: 8, 6 and 1 of 8 right, and one who has sat nothing."""
    learners = tuple(make_user(name) for name in ("Ana", "Dev", "Eli", "Fay"))
    assignment = given(make_cohort(learners=learners))
    for learner, right in zip(learners, (8, 6, 1), strict=False):
        sit(assignment, learner, right=right)
    population.fold(now=NOW + timedelta(hours=1))
    return assignment


def test_the_dashboard_says_what_the_sittings_came_to(scored: Assignment) -> None:
    _, client = teacher(scored.cohort)
    said = read(client, page_of(scored))
    outcomes = list(
        Attempt.objects.filter(assignment=scored).values_list("result__scaled_score", "result__passed")
    )
    assert said["participants"] == {"given": 4, "done": 3, "running": 0, "left": 0}
    assert said["first"]["passed"]["passed"] == sum(passed for _, passed in outcomes)
    assert said["first"]["spread"]["median"] == sorted(score for score, _ in outcomes)[1]
    assert (said["overall"]["right"], said["overall"]["seen"]) == (15, 24)
    assert sum(domain["share"]["figure"]["correct"] for domain in said["domains"]) == 15
    assert [row["name"] for row in said["heat_map"]["rows"]] == ["Ana", "Dev", "Eli", "Fay"]
    html = client.get(page_of(scored)).content.decode()
    assert "cut" in html and "not enough evidence" in html and "Most missed" in html


def test_a_row_sorts_by_its_score_and_who_sat_nothing_comes_last(scored: Assignment) -> None:
    _, client = teacher(scored.cohort)

    def names(query: str) -> list[str]:
        rows = read(client, f"{page_of(scored)}?{query}")["heat_map"]["rows"]
        return [row["name"] for row in rows]

    assert names("sort=score") == ["Eli", "Dev", "Ana", "Fay"]
    assert names("sort=-score") == ["Ana", "Dev", "Eli", "Fay"]
    assert names("sort=-name") == ["Fay", "Eli", "Dev", "Ana"]
    assert names("show=none") == ["Fay"]
    assert names("by=domains&sort=1") == ["Eli", "Dev", "Ana", "Fay"]
    assert names("sort=nonsense&page=99&from=x") == ["Ana", "Dev", "Eli", "Fay"]


def test_a_missed_question_leads_to_who_missed_it(scored: Assignment) -> None:
    _, client = teacher(scored.cohort)
    slot = Attempt.objects.get(assignment=scored, learner__name="Eli").responses.get(slot=4)
    rows = read(client, f"{page_of(scored)}?missed={slot.version_id}")["heat_map"]["rows"]
    assert [row["name"] for row in rows] == ["Eli"]


def test_the_wrong_option_chosen_most_often_stands_there_with_its_rationale(scored: Assignment) -> None:
    question = AssignmentQuestion.objects.filter(
        assignment=scored, version__item_type="multiple_choice"
    ).first()
    assert question is not None
    question.n, question.correct, question.choices = 40, 2, {"a": 2, "b": 9, "c": 29}
    question.save()
    _, client = teacher(scored.cohort)
    worst = read(client, page_of(scored))["missed"][0]
    assert (worst["wrong"], worst["n"], worst["option"]["chosen"]) == (38, 40, 29)
    assert "Rationale c" in worst["option"]["rationale"]


def test_later_attempts_stand_apart(scored: Assignment) -> None:
    eli = Attempt.objects.get(assignment=scored, learner__name="Eli").learner
    sit(scored, eli, right=7, days=2)
    population.fold(now=NOW + timedelta(days=3))
    _, client = teacher(scored.cohort)
    said = read(client, page_of(scored))
    assert (said["first"]["n"], said["later"]["n"], said["overall"]["seen"]) == (3, 1, 24)


def test_nothing_sat_and_a_single_sitting_are_told_honestly(clock: Clock) -> None:
    ana = make_user("Ana")
    assignment = given(make_cohort(learners=(ana,)))
    _, client = teacher(assignment.cohort)
    assert "Nothing scored yet" in client.get(page_of(assignment)).content.decode()
    sit(assignment, ana, right=1)
    population.fold(now=NOW + timedelta(hours=1))
    html = client.get(page_of(assignment)).content.decode()
    assert "rest on 1 sitting" in html
    assert "verdict-needs-work" not in html


def test_a_practice_has_no_pass_and_no_scale(clock: Clock) -> None:
    cohort = make_cohort(learners=(make_user("Ana"),))
    blueprint = make_exam().blueprint
    practice = Assignment.objects.create(
        cohort=cohort, questions=5, blueprint=blueprint, title="Practice", created_at=NOW
    )
    _, client = teacher(cohort)
    html = client.get(page_of(practice)).content.decode()
    assert "Pass share" not in html and "Took part" in html


@pytest.mark.parametrize("name", ["assignment", "learner", "teaching", "cohort"])
def test_only_who_teaches_the_cohort_finds_its_pages(scored: Assignment, name: str) -> None:
    learner = Attempt.objects.get(assignment=scored, learner__name="Eli").learner
    args = {"assignment": [scored.pk], "learner": [learner.pk]}.get(name, [])
    address = reverse(f"cohorts:{name}", args=[scored.cohort_id, *args])
    _, own = teacher(scored.cohort)
    _, other = teacher(make_cohort())
    assert own.get(address).status_code == 200
    assert other.get(address).status_code == 404
    if name != "cohort":
        client = Client()
        client.force_login(learner)
        assert client.get(address).status_code == 404


def test_a_learner_of_another_cohort_and_one_who_left_are_not_there(scored: Assignment) -> None:
    stranger = make_user("Gus")
    make_cohort(learners=(stranger,))
    _, client = teacher(scored.cohort)
    gone = scored.cohort.memberships.get(user__name="Dev")
    address = reverse("cohorts:learner", args=[scored.cohort_id, gone.user_id])
    assert client.get(address).status_code == 200
    gone.left_at = NOW
    gone.save()
    assert client.get(address).status_code == 404
    assert client.get(reverse("cohorts:learner", args=[scored.cohort_id, stranger.pk])).status_code == 404
    assert client.get(reverse("cohorts:learner", args=[scored.cohort_id, 2**70])).status_code == 404


def test_a_learner_without_attempts_has_an_honest_page(scored: Assignment) -> None:
    _, client = teacher(scored.cohort)
    fay = scored.cohort.memberships.get(user__name="Fay").user
    html = client.get(reverse("cohorts:learner", args=[scored.cohort_id, fay.pk])).content.decode()
    assert "Nothing sat yet" in html


def test_only_cohorts_that_one_teaches_are_compared(scored: Assignment) -> None:
    scored.cohort.term = "Spring"
    scored.cohort.save()
    _, own = teacher(scored.cohort)
    _, other = teacher(make_cohort())
    rows = read(own, reverse("cohorts:compare"))["rows"]
    assert [(row["title"], row["passed"]["n"]) for row in rows] == [(scored.cohort.title, 3)]
    terms = read(own, reverse("cohorts:compare") + "?by=term")["rows"]
    assert [row["title"] for row in terms] == ["Spring"]
    assert read(other, reverse("cohorts:compare"))["rows"] == []


def test_who_is_at_risk_is_told_why(scored: Assignment, clock: Clock) -> None:
    scored.cohort.memberships.update(joined_at=NOW - timedelta(days=5))
    clock.advance(20 * 86400)
    _, client = teacher(scored.cohort)
    said = read(client, reverse("cohorts:cohort", args=[scored.cohort_id]))["at_risk"]
    reasons = {row["name"]: row["reasons"] for row in said["rows"]}
    assert "has sat nothing in the 25 days since joining" in reasons["Fay"]
    assert any("nothing for 20 days" in reason for reason in reasons["Eli"])
    assert (said["learners"], said["active"]) == (4, 0)


def test_what_to_teach_is_ranked_and_leads_to_a_practice(scored: Assignment) -> None:
    _, client = teacher(scored.cohort)
    address = reverse("cohorts:teaching", args=[scored.cohort_id])
    lessons = read(client, address)["lessons"]
    gains = [lesson["gain"] for lesson in lessons]
    assert gains == sorted(gains, reverse=True) and gains[0] > 0
    top = lessons[0]
    worked_out = top["part"]["weight"] * top["weakness"] * top["certainty"]
    assert top["gain"] == pytest.approx(worked_out, rel=1e-2)
    assert f"practice=1&blueprint={scored.blueprint.code}&task={top['part']['code']}" in top["assign_address"]
    assert client.get(top["assign_address"]).status_code == 200


def test_pages_cost_the_same_whatever_the_size(scored: Assignment) -> None:
    _, client = teacher(scored.cohort)
    addresses = [
        page_of(scored),
        reverse("cohorts:cohort", args=[scored.cohort_id]),
        reverse("cohorts:teaching", args=[scored.cohort_id]),
        reverse("cohorts:compare"),
    ]

    def cost(address: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(address).status_code == 200
        return len(queries)

    before = [cost(address) for address in addresses]
    assert max(before) <= 15
    for number in range(6):
        learner = make_user(f"More {number}")
        scored.cohort.memberships.create(user=learner, part="learner")
        sit(scored, learner, right=number)
    stranger = make_user("Else")
    assert scored.mock is not None
    sit_mock(scored.mock, stranger, right=3)
    population.fold(now=NOW + timedelta(hours=2))
    assert [cost(address) for address in addresses] == before
