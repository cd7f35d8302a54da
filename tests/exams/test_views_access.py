"""Who may ask for a sitting, and what nobody is told before its time."""

from __future__ import annotations

import re
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from exams import results
from exams.models import Attempt
from tests.exams import api
from tests.exams.conftest import Clock
from tests.exams.sittings import SECONDS, addresses, make_sitting, slot_of
from tests.factories import NOW, key_of, make_cohort

pytestmark = pytest.mark.django_db


@pytest.fixture
def attempt(ana: User, clock: Clock) -> Attempt:
    return make_sitting(ana)


# ── who asks ──


def ask(client: Client, method: str, address: str, accept: str = "text/html") -> Any:
    headers = {"Accept": accept}
    if method == "GET":
        return client.get(address, headers=headers)
    return client.post(
        address, {"answer": "a", "revision": 1}, content_type="application/json", headers=headers
    )


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_somebody_elses_attempt_looks_as_if_it_were_not_there(
    cleo_client: Client, attempt: Attempt, clock: Clock, accept: str
) -> None:
    nobodys = Attempt(pk=uuid.uuid4())
    for (method, hers), (_, none) in zip(addresses(attempt), addresses(nobodys), strict=True):
        forbidden, missing = ask(cleo_client, method, hers, accept), ask(cleo_client, method, none, accept)

        assert forbidden.status_code == missing.status_code == 404, (method, hers)
        assert same_text(forbidden) == same_text(missing)
    attempt.refresh_from_db()
    assert attempt.is_open and attempt.events.count() == 1

    # Nor does another's look close it, or tell that it has ended.
    clock.advance(SECONDS + 60)
    assert ask(cleo_client, "GET", api.of(attempt), accept).status_code == 404
    attempt.refresh_from_db()
    assert attempt.is_open


def same_text(response: HttpResponse) -> str:
    return re.sub(
        r"[0-9a-f]{8}-[0-9a-f-]{27}|value=\"[^\"]*\"|\"X-CSRFToken\": \"[^\"]*\"",
        "",
        response.content.decode(),
    )


def test_an_instructor_reads_results_but_cannot_sit_for_a_learner(
    clock: Clock, ana: User, ben: User, attempt: Attempt
) -> None:
    make_cohort(learners=(ana,), instructors=(ben,))
    bens = Client()
    bens.force_login(ben)

    for method, address in addresses(attempt)[:6]:
        assert ask(bens, method, address).status_code == 404
    assert api.get(bens, api.of(attempt, "results/")) == {"state": "in_progress"}


def test_signed_out_a_script_is_told_and_a_reader_is_sent_to_sign_in(attempt: Attempt) -> None:
    nobody = Client()

    for address in (api.of(attempt), api.of(attempt, "results/"), "/mocks/"):
        response = nobody.get(address, headers=api.JSON)
        assert (response.status_code, response.json()["code"]) == (401, "signed_out")
    for rest in ("responses/1/", "submit/", "pulse/"):
        assert api.post(nobody, api.of(attempt, rest), {}).status_code == 401
    assert api.post(nobody, f"/mocks/{attempt.mock_id}/start/", {}).status_code == 401
    page = nobody.get(api.of(attempt))
    assert (page.status_code, page["Location"]) == (302, f"/accounts/login/?next={api.of(attempt)}")
    attempt.refresh_from_db()
    assert attempt.is_open and attempt.events.count() == 1


def test_a_request_from_another_site_is_refused(attempt: Attempt, ana: User, clock: Clock) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ana)
    posts = [address for method, address in addresses(attempt) if method == "POST"]

    for address in [*posts, f"/mocks/{attempt.mock_id}/start/"]:
        assert ask(strict, "POST", address, "application/json").status_code == 403, address
        assert strict.post(address, {"answer": "a", "revision": "1"}).status_code == 403, address
    attempt.refresh_from_db()
    assert attempt.is_open and attempt.events.count() == 1


def test_a_request_with_the_token_passes(attempt: Attempt, ana: User, clock: Clock) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ana)
    html = strict.get(api.of(attempt)).content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', html)
    assert token is not None
    slot = slot_of(attempt)

    as_json = api.post(
        strict,
        api.of(attempt, f"responses/{slot}/"),
        {"answer": "a", "revision": 1},
        **{"X-CSRFToken": token[1]},
    )
    as_form = strict.post(
        api.of(attempt, f"responses/{slot}/"),
        {"answer": "b", "revision": "2", "csrfmiddlewaretoken": token[1]},
    )

    assert (as_json.status_code, as_form.status_code) == (200, 200)


@pytest.mark.parametrize("rest", ["responses/1/", "save/", "submit/", "pulse/", "responses/1/feedback/"])
def test_commands_are_posts(ana_client: Client, attempt: Attempt, rest: str) -> None:
    assert ana_client.get(api.of(attempt, rest)).status_code == 405


@pytest.mark.parametrize("rest", ["", "results/", "review/"])
def test_pages_are_read(ana_client: Client, attempt: Attempt, rest: str) -> None:
    assert ana_client.post(api.of(attempt, rest)).status_code == 405


# ── no key before its time ──

GIVEAWAYS = re.compile(
    r"Rationale|Pair \d|data-correct|is_correct|\"correct\"|is_key|answered-key|answered-wrong|match_html"
)


def everything(client: Client, attempt: Attempt) -> dict[str, str]:
    """The body of every address of a sitting, as page, as fragment and as JSON."""
    slot = slot_of(attempt)
    bodies = {}
    for method, address in addresses(attempt):
        for accept in ("text/html", "application/json"):
            if address.endswith(("/submit/", "/save/")):
                continue
            for htmx in ({}, {"HX-Request": "true"}):
                headers = {"Accept": accept, **htmx}
                response = (
                    client.get(address, headers=headers)
                    if method == "GET"
                    else client.post(address, headers=headers)
                )
                bodies[f"{method} {address} {accept} {htmx}"] = response.content.decode() + str(
                    response.headers
                )
    bodies["saved"] = api.save(client, attempt, slot, "b", revision=990).content.decode()
    bodies["stale"] = api.save(client, attempt, slot, "a", revision=1).content.decode()
    bodies["malformed"] = api.save(client, attempt, slot, "z", revision=991).content.decode()
    bodies["saved by form"] = client.post(api.of(attempt, "save/"), follow=True).content.decode()
    bodies["home"] = client.get("/").content.decode()
    bodies["history"] = client.get("/history/").content.decode()
    bodies["mocks"] = client.get("/mocks/").content.decode()
    return bodies


def assert_no_giveaway(bodies: dict[str, str]) -> None:
    found = {name: GIVEAWAYS.findall(body) for name, body in bodies.items() if GIVEAWAYS.search(body)}
    assert found == {}


def answer_everything(client: Client, attempt: Attempt) -> None:
    for slot in range(1, 17):
        assert api.save(client, attempt, slot, key_of(attempt, slot), revision=995).status_code == 200


def test_no_key_and_no_rationale_while_sitting_and_before_scoring(
    ana_client: Client, attempt: Attempt
) -> None:
    assert_no_giveaway(everything(ana_client, attempt))
    answer_everything(ana_client, attempt)
    assert_no_giveaway(everything(ana_client, attempt))

    submitted = api.post(ana_client, api.of(attempt, "submit/"), {}).content.decode()

    assert_no_giveaway({"submitted": submitted, **everything(ana_client, attempt)})


def test_a_policy_that_shows_nothing_yet(ana_client: Client, attempt: Attempt, clock: Clock) -> None:
    mock = attempt.mock
    assert mock is not None
    mock.review_policy = {"during": [], "right_after": [], "after_window": ["score", "marks", "keys"]}
    mock.save()
    Attempt.objects.update(window_ends_at=NOW + timedelta(days=1))
    answer_everything(ana_client, attempt)
    api.submit(ana_client, attempt)
    results.score_attempt(attempt.pk, now=clock.now)

    bodies = everything(ana_client, attempt)
    shown = api.get(ana_client, api.of(attempt, "results/"))

    assert_no_giveaway(bodies)
    assert set(shown) <= {"state", "shown_from", "receipt"}
    assert datetime.fromisoformat(shown["shown_from"]) == NOW + timedelta(days=1)

    clock.advance(86_400 + 1)
    ana_client.force_login(attempt.learner)
    assert api.get(ana_client, api.of(attempt, "results/"))["scaled_score"] == 1000
    assert "Rationale" in ana_client.get(api.of(attempt, "review/")).content.decode()


def test_a_policy_that_shows_the_score_but_no_key(ana_client: Client, attempt: Attempt, clock: Clock) -> None:
    mock = attempt.mock
    assert mock is not None
    mock.review_policy = {"during": [], "right_after": ["score"], "after_window": ["score"]}
    mock.save()
    answer_everything(ana_client, attempt)
    api.submit(ana_client, attempt)
    results.score_attempt(attempt.pk, now=clock.now)

    bodies = everything(ana_client, attempt)

    assert api.get(ana_client, api.of(attempt, "results/"))["scaled_score"] == 1000
    for name, body in bodies.items():
        # How many were right is what a score says; which ones, and why, is not.
        assert not re.search(r"Rationale|Pair \d|answered-key|answered-wrong", body), name


def test_with_the_usual_policy_the_review_shows_every_rationale(
    ana_client: Client, attempt: Attempt, clock: Clock
) -> None:
    """What the tests above look for is really there when it may be."""
    answer_everything(ana_client, attempt)
    api.submit(ana_client, attempt)
    results.score_attempt(attempt.pk, now=clock.now)

    assert "Rationale a" in ana_client.get(api.of(attempt, "review/")).content.decode()


def test_a_mock_gives_no_feedback(ana_client: Client, attempt: Attempt) -> None:
    assert ana_client.post(api.of(attempt, "responses/1/feedback/")).status_code == 404
    assert attempt.responses.get(slot=1).checked_at is None
