"""The exam without JavaScript: one form that saves and submits."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from exams import results
from exams.models import Attempt, AttemptEvent
from questions.content import ItemType
from tests.exams import api
from tests.exams.conftest import Clock
from tests.exams.sittings import SECONDS, make_sitting, slot_of, stored
from tests.factories import key_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def attempt(ana: User, clock: Clock) -> Attempt:
    return make_sitting(ana)


# ── without JavaScript ──


class Form(HTMLParser):
    """What a browser without JavaScript would send: the fields of the exam's form, as the page was made."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.fields: dict[str, list[str]] = {}
        self.names: set[str] = set()
        self._is_inside = False
        self._select = ""
        self._is_disabled = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name = given.get("name") or ""
        if tag == "form":
            self._is_inside = given.get("id") == "exam-form"
        elif tag == "fieldset":
            self._is_disabled = "disabled" in given
        elif not self._is_inside or self._is_disabled:
            return
        elif tag == "input" and name:
            self.names.add(name)
            if given.get("type") not in ("radio", "checkbox") or "checked" in given:
                self.fields.setdefault(name, []).append(given.get("value") or "on")
        elif tag == "select":
            self._select = name
            self.names.add(name)
        elif tag == "option" and self._select and ("selected" in given or self._select not in self.fields):
            self.fields[self._select] = [given.get("value") or ""]

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._is_inside = False
        elif tag == "select":
            self._select = ""
        elif tag == "fieldset":
            self._is_disabled = False


def form_of(client: Client, attempt: Attempt) -> Form:
    return Form(client.get(api.of(attempt)).content.decode())


def fill(form: Form, attempt: Attempt, answers: dict[int, Any]) -> dict[str, list[str]]:
    fields = {name: list(values) for name, values in form.fields.items()}
    for slot, answer in answers.items():
        if isinstance(answer, str):
            fields[f"answer-{slot}"] = [answer]
        elif isinstance(answer, dict):
            fields.update({f"answer-{slot}-{prompt}": [option] for prompt, option in answer.items()})
        elif attempt.responses.get(slot=slot).version.item_type == ItemType.ORDERING:
            for name in [n for n in form.names if n.startswith(f"answer-{slot}-")]:
                fields[name] = [""]
            fields.update({f"answer-{slot}-{option}": [str(n)] for n, option in enumerate(answer, start=1)})
        else:
            fields[f"answer-{slot}"] = answer
    return fields


def test_the_plain_form_has_a_field_for_everything(ana_client: Client, attempt: Attempt) -> None:
    form = form_of(ana_client, attempt)

    for slot, row in api.slots(ana_client, attempt).items():
        assert {f"revision-{slot}", f"flag-{slot}"} <= form.names
        if row["type"] == "ordering":
            assert {f"answer-{slot}-{option}" for option in row["options"]} <= form.names
        elif row["type"] == "matching":
            assert {f"answer-{slot}-{prompt}" for prompt in row["prompts"]} <= form.names
        else:
            assert f"answer-{slot}" in form.names


def test_the_plain_form_saves_every_type_and_is_filled_again(ana_client: Client, attempt: Attempt) -> None:
    keys = {slot: key_of(attempt, slot) for slot in range(1, 17)}

    page = ana_client.post(
        api.of(attempt, "save/"), fill(form_of(ana_client, attempt), attempt, keys), follow=True
    )

    assert "Saved at 14:00:00." in page.content.decode()
    assert {slot: stored(attempt, slot) for slot in keys} == {slot: (key, 1) for slot, key in keys.items()}
    # Sent again as the page now stands, nothing changes.
    ana_client.post(api.of(attempt, "save/"), form_of(ana_client, attempt).fields)
    assert {stored(attempt, slot)[1] for slot in keys} == {1}
    assert attempt.events.filter(kind="saved").count() == 16


def test_the_plain_form_submits_what_it_holds(ana_client: Client, attempt: Attempt, clock: Clock) -> None:
    keys = {slot: key_of(attempt, slot) for slot in range(1, 17)}

    response = ana_client.post(api.of(attempt, "submit/"), fill(form_of(ana_client, attempt), attempt, keys))

    assert response["Location"] == api.of(attempt, "results/")
    results.score_attempt(attempt.pk, now=clock.now)
    assert api.get(ana_client, api.of(attempt, "results/"))["correct"] == 16


def test_the_plain_form_can_blank_flag_and_unflag(ana_client: Client, attempt: Attempt) -> None:
    slots = {t: slot_of(attempt, t) for t in ItemType}
    keys = {slot: key_of(attempt, slot) for slot in slots.values()}
    first = fill(form_of(ana_client, attempt), attempt, keys)
    first |= {f"flag-{slot}": ["on"] for slot in slots.values()}
    ana_client.post(api.of(attempt, "save/"), first)
    assert attempt.responses.filter(is_flagged=True).count() == 4

    second = form_of(ana_client, attempt).fields
    emptied = {name: values for name, values in second.items() if not name.startswith(("answer-", "flag-"))}
    ana_client.post(api.of(attempt, "save/"), emptied)

    assert {stored(attempt, slot) for slot in slots.values()} == {(None, 2)}
    assert not attempt.responses.filter(is_flagged=True).exists()


def test_an_old_form_cannot_blank_newer_answers(ana_client: Client, attempt: Attempt) -> None:
    old = form_of(ana_client, attempt)
    other = slot_of(attempt, ItemType.MULTIPLE_RESPONSE)
    slot = slot_of(attempt)
    api.save(ana_client, attempt, slot, "b", flagged=True)

    page = ana_client.post(api.of(attempt, "save/"), fill(old, attempt, {other: ["a", "c"]}), follow=True)

    assert stored(attempt, slot) == ("b", 1)
    assert attempt.responses.get(slot=slot).is_flagged
    assert stored(attempt, other) == (["a", "c"], 1)
    assert f"Question {slot} was not changed" in page.content.decode()


def test_an_old_form_cannot_blank_newer_answers_when_it_submits(ana_client: Client, attempt: Attempt) -> None:
    old = form_of(ana_client, attempt)
    slot = slot_of(attempt)
    api.save(ana_client, attempt, slot, "b")

    ana_client.post(api.of(attempt, "submit/"), old.fields)

    assert stored(attempt, slot) == ("b", 1)
    attempt.refresh_from_db()
    assert attempt.answered_count == 1


def test_a_form_sent_twice_saves_once(ana_client: Client, attempt: Attempt) -> None:
    slot = slot_of(attempt)
    fields = fill(form_of(ana_client, attempt), attempt, {slot: "b"})

    for _ in range(2):
        page = ana_client.post(api.of(attempt, "save/"), fields, follow=True)

    assert stored(attempt, slot) == ("b", 1)
    assert "was not changed" not in page.content.decode()


def test_an_answer_that_does_not_fit_is_named_and_the_rest_is_saved(
    ana_client: Client, attempt: Attempt
) -> None:
    slot, other = slot_of(attempt, ItemType.MULTIPLE_RESPONSE), slot_of(attempt)
    fields = fill(form_of(ana_client, attempt), attempt, {slot: ["a", "b", "c"], other: "b"})

    page = ana_client.post(api.of(attempt, "save/"), fields, follow=True)

    assert f"Question {slot} was not changed" in page.content.decode()
    assert (stored(attempt, slot), stored(attempt, other)) == ((None, 0), ("b", 1))


@pytest.mark.parametrize("value", ["x", "-1", "9" * 5000, "²", ""])
def test_a_form_with_nonsense_for_a_revision_changes_nothing(
    ana_client: Client, attempt: Attempt, value: str
) -> None:
    slot = slot_of(attempt)

    response = ana_client.post(api.of(attempt, "save/"), {f"answer-{slot}": "b", f"revision-{slot}": value})

    assert response.status_code == 302
    assert stored(attempt, slot) == (None, 0)


@pytest.mark.parametrize("place", ["9" * 5000, "²", "-1", "x"])
def test_a_form_with_nonsense_for_a_place_is_no_error(
    ana_client: Client, attempt: Attempt, place: str
) -> None:
    slot = slot_of(attempt, ItemType.ORDERING)
    fields = {f"answer-{slot}-a": place, f"answer-{slot}-b": "2", f"revision-{slot}": "0"}

    assert ana_client.post(api.of(attempt, "save/"), fields).status_code == 302


def test_a_form_that_comes_too_late_is_all_kept_as_evidence_and_said(
    ana_client: Client, attempt: Attempt, clock: Clock
) -> None:
    given = {slot_of(attempt): "b", slot_of(attempt, ItemType.MULTIPLE_RESPONSE): ["a", "c"]}
    fields = fill(form_of(ana_client, attempt), attempt, given)
    clock.advance(SECONDS + 11)

    page = ana_client.post(api.of(attempt, "save/"), fields, follow=True)

    html = page.content.decode()
    assert page.redirect_chain[-1][0] == api.of(attempt, "results/")
    assert "came too late" in html and "Saved at" not in html
    late = attempt.events.filter(kind=AttemptEvent.Kind.CAME_LATE)
    assert dict(late.values_list("slot", "answer")) == given
    assert not attempt.responses.exclude(answer=None).exists()


def test_a_form_within_the_grace_counts(ana_client: Client, attempt: Attempt, clock: Clock) -> None:
    slot = slot_of(attempt)
    fields = fill(form_of(ana_client, attempt), attempt, {slot: "b"})
    clock.advance(SECONDS + 9)

    ana_client.post(api.of(attempt, "submit/"), fields)

    attempt.refresh_from_db()
    assert (attempt.answered_count, attempt.closed_reason) == (1, "time_ran_out")
    assert attempt.responses.get(slot=slot).is_in_grace
