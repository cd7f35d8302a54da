"""The control room's page and what its buttons do."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import Role
from exams.cohorts import control
from exams.models import Attempt
from tests.exams import api
from tests.exams.cohorts.rooms import SECONDS, Group, make_group
from tests.exams.conftest import Clock
from tests.factories import NOW, key_of, make_user

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def group(clock: Clock) -> Group:
    return make_group(running=2, waiting=1)


def client_of(user: object) -> Client:
    client = Client()
    client.force_login(user)  # type: ignore[arg-type]
    return client


def page(group: Group, query: str = "") -> str:
    response = client_of(group.teacher).get(group.address + query)
    assert response.status_code == 200
    return response.content.decode()


def act(group: Group, **fields: object) -> str:
    response = client_of(group.teacher).post(group.address, fields, follow=True)
    assert response.status_code in (200, 422)
    return response.content.decode()


def figures(html: str) -> dict[str, str]:
    found = re.findall(r'<dt>([^<]+)</dt><dd class="figure">\s*(\d+)', html)
    return dict(found)


def test_it_says_who_sits_it_and_how_far_they_are(group: Group, clock: Clock) -> None:
    attempt = group.attempts[0]
    learner = client_of(attempt.learner)
    api.save(learner, attempt, 1, key_of(attempt, 1))
    clock.advance(30)
    api.post(learner, api.of(attempt, "pulse/"), {"position": 4})

    html = page(group)

    shown = figures(html)
    assert (shown["In progress"], shown["Not started"], shown["Submitted"]) == ("2", "1", "0")
    assert "Learner0" in html
    assert "at question 4" in html
    assert "1/8" in html
    assert "0:00:30 ago" in html
    assert "0:19:30" in html
    assert "Learner2" not in html
    assert "Learner2" in page(group, "?show=not_started")


def test_a_cleared_answer_is_not_counted(group: Group) -> None:
    attempt = group.attempts[0]
    learner = client_of(attempt.learner)
    api.save(learner, attempt, 1, key_of(attempt, 1))
    api.save(learner, attempt, 1, None, revision=2)

    api.post(learner, api.of(attempt, "pulse/"), {})

    attempt.refresh_from_db()
    assert (attempt.answered_so_far, attempt.last_saved_at) == (0, NOW)


def test_who_lost_the_line_stands_first(group: Group, clock: Clock) -> None:
    clock.advance(120)
    api.post(client_of(group.attempts[0].learner), api.of(group.attempts[0], "pulse/"), {})

    html = page(group)

    assert html.index("Learner1") < html.index("Learner0")
    assert "no line since 14:00" in html
    assert figures(html)["Need attention"] == "1"
    assert "Learner0" not in page(group, "?show=attention")


def test_names_are_searched(group: Group) -> None:
    html = page(group, "?q=learner1")
    assert ("Learner1" in html, "Learner0" in html) == (True, False)


@pytest.mark.parametrize("who", ["learner", "stranger"])
def test_only_who_teaches_the_cohort_sees_it(group: Group, who: str) -> None:
    other = make_user("Otto", role=Role.INSTRUCTOR)
    user = group.attempts[0].learner if who == "learner" else other

    assert client_of(user).get(group.address).status_code == 404
    assert client_of(user).post(group.address, {"action": "pause"}).status_code == 404


def test_the_fragment_costs_three_statements_whatever_the_size(
    clock: Clock, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    group = make_group(running=5, waiting=3)
    client = client_of(group.teacher)
    client.get(group.address, headers=HTMX)

    with django_assert_max_num_queries(3 + 2) as queries:  # the session and the user besides
        html = client.get(group.address, headers=HTMX).content.decode()

    own = [q["sql"] for q in queries.captured_queries if "django_session" not in q["sql"]]
    own = [sql for sql in own if not re.search(r'FROM "accounts_user" WHERE', sql)]
    assert len(own) == 3
    assert html.lstrip().startswith("<div")
    assert html.count("row-check") == 5


def test_minutes_for_one(group: Group) -> None:
    html = act(
        group, action="add", scope="selected", attempts=group.attempts[1].pk, minutes=10, reason="alarm"
    )

    assert "1 running exam ends 10 min later." in html
    assert group.fresh(1).deadline_at == NOW + timedelta(seconds=SECONDS + 600)
    assert "alarm" in page(group)


def test_without_a_reason_nothing_happens_and_what_was_typed_stays(group: Group) -> None:
    html = act(group, action="add", scope="selected", attempts=group.attempts[1].pk, minutes=17)

    assert "Write why" in html
    assert 'value="17"' in html
    assert re.search(rf'value="{group.attempts[1].pk}"[^>]* checked', html)
    assert group.fresh(1).control_revision == 0


def test_ending_for_all_asks_first(group: Group) -> None:
    assert "Tick this first" in act(group, action="close", scope="all", reason="over")
    assert group.fresh().is_open

    act(group, action="close", scope="all", reason="over", is_sure="on")

    assert Attempt.objects.filter(closed_reason="closed_by_staff").count() == 2


# ── what the learner meets ──


def pause(group: Group) -> None:
    control.pause(group.assignment, by=group.teacher, reason="fire alarm", now=NOW)


def test_a_paused_exam_shows_no_question(group: Group, clock: Clock) -> None:
    attempt = group.attempts[0]
    pause(group)
    clock.advance(60)
    client = client_of(attempt.learner)

    html = client.get(api.of(attempt)).content.decode()
    body = api.get(client, api.of(attempt))

    assert "Your exam is paused" in html
    assert "Reason: fire alarm" in html
    assert "question-1" not in html
    assert (body["paused"], body["slots"], body["seconds_left"]) == (True, [], SECONDS)
    assert api.save(client, attempt, 1, key_of(attempt, 1)).status_code == 423


def test_a_form_sent_during_a_pause_waits_in_its_page(group: Group, clock: Clock) -> None:
    attempt = group.attempts[0]
    pause(group)
    clock.advance(60)
    client = client_of(attempt.learner)
    slot = attempt.responses.filter(version__item_type="multiple_choice").order_by("slot")[0].slot
    typed = {f"revision-{slot}": "0", f"answer-{slot}": key_of(attempt, slot)}

    html = client.post(api.of(attempt, "submit/"), typed).content.decode()
    sent = dict(re.findall(r'<input type="hidden" name="([\w-]+)" value="([^"]*)">', html))
    control.resume(group.assignment, by=group.teacher, now=clock.now)
    client.post(api.of(attempt, "save/"), sent)

    assert "is not saved yet" in html
    assert (
        sent == typed | {"csrfmiddlewaretoken": sent.get("csrfmiddlewaretoken")}
        or typed.items() <= sent.items()
    )
    assert group.fresh().is_open
    assert attempt.responses.get(slot=slot).answer == key_of(attempt, slot)
    assert (group.fresh().answered_so_far, group.fresh().last_saved_at) == (1, clock.now)


def test_the_pulse_tells_what_is_new_and_reads_nothing_for_who_knows_it(
    group: Group, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    attempt = group.attempts[0]
    client = client_of(attempt.learner)
    control.message(group.assignment, by=group.teacher, text="Ten minutes left.", now=NOW)

    body = api.post(client, api.of(attempt, "pulse/"), {"control_revision": 0}).json()
    assert [(each["kind"], each["text"], each["by"]) for each in body["news"]] == [
        ("message", "Ten minutes left.", "Tess")
    ]

    with django_assert_num_queries(3):  # the user, the attempt, the one UPDATE
        body = api.post(client, api.of(attempt, "pulse/"), {"control_revision": 1}).json()
    assert (body["news"], body["control_revision"]) == ([], 1)


def test_without_scripts_the_player_says_what_was_done(group: Group) -> None:
    attempt = group.attempts[0]
    control.add_minutes(group.assignment, by=group.teacher, minutes=10, reason="alarm", now=NOW)

    html = client_of(attempt.learner).get(api.of(attempt)).content.decode()

    assert "10 minutes added." in html
    assert "Reason: alarm" in html
    assert 'data-pulse-seconds="20"' in html
