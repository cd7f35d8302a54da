"""The pages that build mock exams, without JavaScript."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from exams import mock_building
from exams.models import Attempt, MockExam, Paper
from questions.models import Blueprint
from tests.exams.conftest import Clock
from tests.factories import NOW, make_bank, make_blueprint, make_mock, sit

pytestmark = pytest.mark.django_db

NEW = "/bank/mocks/new/"


@pytest.fixture
def blueprint() -> Blueprint:
    """24 questions in two domains; the exam has ten, eight of them scored."""
    blueprint = make_blueprint(weights=(50, 50), code="EXAM-9")
    make_bank(blueprint)
    return blueprint


@pytest.fixture
def builder(client: Client, clock: Clock, ben: User) -> Client:
    User.objects.filter(pk=ben.pk).update(time_zone="Europe/Berlin")
    client.force_login(ben)
    return client


def typed(**changes: Any) -> dict[str, Any]:
    fields = {
        "blueprint": "EXAM-9",
        "title": "A mock",
        "code": "m-1",
        "items": "8",
        "unscored": "2",
        "minutes": "20",
        "kind": "fixed",
        "papers": "2",
        "is_published": "on",
        "action": "save",
    }
    policy = {f"show-{phase}-{part}": "on" for phase in ("right_after", "after_window") for part in ALL}
    return {name: value for name, value in {**fields, **policy, **changes}.items() if value is not None}


ALL = ("score", "marks", "keys")


def build(builder: Client, **changes: Any) -> MockExam:
    assert builder.post(NEW, typed(**changes)).status_code == 302
    return MockExam.objects.select_related("blueprint").get(code=changes.get("code", "m-1"))


def edit(builder: Client, mock: MockExam, **changes: Any) -> Any:
    page = builder.get(f"/bank/mocks/{mock.code}/edit/").content.decode()
    seen = re.search(r'name="seen" value="([^"]+)"', page)
    assert seen
    return builder.post(f"/bank/mocks/{mock.code}/edit/", typed(seen=seen[1], code=None, **changes))


def text_of(response: Any) -> str:
    html = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", response.content.decode(), flags=re.DOTALL)
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))
    return text.replace("&#x27;", "'").replace("&quot;", '"')


# ── who ──


@pytest.mark.parametrize(
    "address", ["", "new/", "m-1/", "m-1/edit/", "m-1/preview/", "m-1/assemble/", "m-1/papers/1/"]
)
def test_learners_find_nothing_here(builder: Client, ana: User, blueprint: Blueprint, address: str) -> None:
    build(builder)
    learner, nobody = Client(), Client()
    learner.force_login(ana)

    for send in (learner.get, learner.post):
        assert send(f"/bank/mocks/{address}").status_code in (404, 405)
    assert learner.post("/bank/mocks/m-1/papers/1/withdraw/").status_code == 404
    assert nobody.post(f"/bank/mocks/{address}").status_code in (302, 405)
    assert not Attempt.objects.exists()
    assert not Paper.objects.exclude(withdrawn_at=None).exists()


@pytest.mark.parametrize(
    "address",
    [
        *("nothing/", "%00/", "x%2Fy/", "m-1/papers/9/", f"m-1/papers/{10**18}/", f"m-1/papers/{'9' * 60}/"),
        *("?blueprint=nothing", "?blueprint=%00", "new/?copy=nothing", "new/?copy=%00"),
    ],
)
def test_what_there_isn_t_is_404(builder: Client, blueprint: Blueprint, address: str) -> None:
    build(builder)

    assert builder.get(f"/bank/mocks/{address}").status_code == 404


def test_reading_changes_nothing(builder: Client, blueprint: Blueprint) -> None:
    build(builder)

    for command in ("preview/", "assemble/", "papers/1/withdraw/"):
        assert builder.get(f"/bank/mocks/m-1/{command}").status_code == 405


def test_a_draft_is_seen_by_who_builds_and_by_no_learner(
    builder: Client, ana: User, blueprint: Blueprint
) -> None:
    mock = build(builder, is_published=None)
    learner = Client()
    learner.force_login(ana)

    assert builder.get(f"/mocks/{mock.pk}/").status_code == 200
    assert learner.get(f"/mocks/{mock.pk}/").status_code == 404
    assert learner.post(f"/mocks/{mock.pk}/start/").status_code == 404


# ── building ──


def test_from_the_suggestion_to_a_mock(builder: Client, blueprint: Blueprint) -> None:
    page = builder.get(f"{NEW}?blueprint=EXAM-9").content.decode()
    assert 'name="items" value="10"' in page and 'name="unscored" value="2"' in page

    response = builder.post(NEW, typed(code="", title="Full mock, autumn"))

    assert response["Location"] == "/bank/mocks/exam-9-full-mock-autumn/"
    text = text_of(builder.get(response["Location"]))
    assert "The mock exam is saved. 2 papers were assembled." in text
    assert "sat 0 times" in text
    again = builder.post(NEW, typed(code="", title="Full mock, autumn"))
    assert again["Location"] == "/bank/mocks/exam-9-full-mock-autumn-2/"


def test_times_are_those_of_the_editor_s_clock(builder: Client, blueprint: Blueprint) -> None:
    mock = build(builder, opens_at="2026-10-24T09:00", closes_at="2026-10-26T09:00")

    # Clocks go back in between.
    assert mock.opens_at == datetime(2026, 10, 24, 7, tzinfo=UTC)
    assert mock.closes_at == datetime(2026, 10, 26, 8, tzinfo=UTC)
    assert 'value="2026-10-26T09:00"' in builder.get("/bank/mocks/m-1/edit/").content.decode()
    assert "Sat 24 Oct 2026, 09:00 CEST" in text_of(builder.get("/bank/mocks/m-1/"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"items": "26", "unscored": "0"}, "domain 1 has 12, it needs 13; domain 2 has 12, it needs 13"),
        ({"items": "0"}, "greater than or equal to 1"),
        ({"items": "9" * 5000}, "Enter a whole number"),
        ({"items": "501"}, "less than or equal to 500"),
        ({"unscored": "8"}, "At least one question is scored."),
        ({"minutes": "99999"}, "less than or equal to 1440"),
        ({"papers": "51"}, "less than or equal to 50"),
        ({"cut_percent": "0"}, "greater than or equal to 1"),
        ({"cut_percent": "NaN"}, "Enter a number"),
        ({"title": "a\x00b"}, "Null characters are not allowed"),
        ({"blueprint": "NOTHING"}, "Select a valid choice"),
        ({"kind": "other"}, "Select a valid choice"),
        ({"code": "new"}, "stands for something else in addresses"),
        ({"code": "a b"}, "Use letters, digits"),
        ({"is_held_back": "on", "kind": "own"}, "nothing can be held back for it"),
        ({"opens_at": "2026-10-02T10:00", "closes_at": "2026-10-02T10:00"}, "It closes before it opens."),
        ({"opens_at": "2026-03-29T02:30"}, "be interpreted in time zone Europe/Berlin"),
        ({"opens_at": "2026-10-25T02:30"}, "be interpreted in time zone Europe/Berlin"),
        ({"opens_at": "9999-12-31T23:59"}, "Choose a year between 2000 and 2100."),
        ({"opens_at": "0001-01-01T00:00"}, "Opens"),
        ({"opens_at": "tomorrow"}, "Enter a valid date/time."),
        ({"show-after_window-keys": None}, "Without a closing time there is no"),
        ({"show-during-score": "on"}, "During a sitting there is only feedback on each question"),
        ({"show-right_after-marks": None}, "Who sees the keys beside their answers"),
    ],
)
def test_bad_input_is_named_and_kept(
    builder: Client, blueprint: Blueprint, changes: dict[str, Any], said: str
) -> None:
    page = builder.post(NEW, typed(**{"title": "Mine & yours", **changes}))

    assert page.status_code == 400
    assert said in text_of(page)
    assert not MockExam.objects.exists()
    if "title" not in changes:
        assert 'value="Mine &amp; yours"' in page.content.decode()


def test_what_was_shown_cannot_be_taken_back(builder: Client, blueprint: Blueprint) -> None:
    page = builder.post(NEW, typed(closes_at="2026-12-01T10:00", **{"show-after_window-score": None}))

    assert "What was shown before can't be taken back" in text_of(page)
    assert not MockExam.objects.exists()


def test_a_taken_code_is_said_at_its_field(builder: Client, blueprint: Blueprint) -> None:
    build(builder)

    assert "Another mock has this code." in text_of(builder.post(NEW, typed()))


def test_checking_says_whether_it_would_do_and_stores_nothing(builder: Client, blueprint: Blueprint) -> None:
    enough = text_of(builder.post(NEW, typed(action="check", papers="4")))
    short = builder.post(NEW, typed(action="check", items="26"))

    assert "The bank has enough for 4 papers. 8 questions would stand in more than one." in enough
    assert short.status_code == 400 and "domain 1 has 12, it needs 13" in text_of(short)
    assert not MockExam.objects.exists() and not Paper.objects.exists()


def test_the_matrix_is_stored_as_ticked(builder: Client, blueprint: Blueprint) -> None:
    hidden = {f"show-right_after-{part}": None for part in ALL}

    mock = build(builder, closes_at="2026-12-01T10:00", **hidden)

    assert mock.review_policy == {"during": [], "right_after": [], "after_window": ["score", "marks", "keys"]}


# ── changing ──


def test_saving_the_form_as_it_stands_changes_nothing(builder: Client, blueprint: Blueprint) -> None:
    mock = build(builder, cut_percent="70", opens_at="2026-10-24T09:00")
    MockExam.objects.update(seconds=1190)
    before = MockExam.objects.values().get()
    page = builder.get("/bank/mocks/m-1/edit/").content.decode()

    assert 'name="cut_percent" value="70"' in page and 'name="minutes" value="20"' in page
    assert edit(builder, mock, cut_percent="70", opens_at="2026-10-24T09:00").status_code == 302
    assert MockExam.objects.values().get() == before
    assert Paper.objects.filter(withdrawn_at=None).count() == 2


def test_after_a_sitting_the_form_says_what_stays_and_why(
    builder: Client, ana: User, blueprint: Blueprint
) -> None:
    mock = build(builder)
    sit(mock, ana)

    page = builder.get("/bank/mocks/m-1/edit/")
    response = edit(builder, mock, title="New name", items="4", papers="3")

    assert "Somebody has sat it, and their scores rest on" in text_of(page)
    assert "/bank/mocks/new/?copy=m-1" in page.content.decode()
    assert re.search(r'name="items"[^>]*disabled', page.content.decode())
    assert response.status_code == 302
    changed = MockExam.objects.get()
    assert (changed.title, changed.items, changed.papers_wanted) == ("New name", 8, 3)
    assert changed.papers.filter(withdrawn_at=None).count() == 3


def test_who_opened_the_form_before_the_first_sitting_is_told(
    builder: Client, ana: User, blueprint: Blueprint
) -> None:
    mock = build(builder)
    stored = mock_building.fingerprint(mock)
    sit(mock, ana)

    builder.post("/bank/mocks/m-1/edit/", typed(seen=stored, items="4", papers="1"))

    changed = MockExam.objects.get()
    assert (changed.items, changed.papers_wanted) == (8, 2)


def test_the_second_of_two_is_told_and_can_decide(builder: Client, blueprint: Blueprint) -> None:
    mock = build(builder)
    seen = mock_building.fingerprint(mock)
    edit(builder, mock, title="First")

    page = builder.post("/bank/mocks/m-1/edit/", typed(seen=seen, title="Second"))

    assert page.status_code == 409
    assert "Somebody has saved this mock since you opened it." in text_of(page)
    assert "Title First" in text_of(page)
    assert 'value="Second"' in page.content.decode()
    assert MockExam.objects.get().title == "First"


def test_a_copy_begins_with_what_was_there(builder: Client, ana: User, blueprint: Blueprint) -> None:
    mock = build(builder, closes_at="2026-12-01T10:00", cut_percent="66.5")
    sit(mock, ana)

    page = builder.get(f"{NEW}?copy=m-1").content.decode()

    assert 'value="Copy of A mock"' in page and 'value="66.5"' in page
    assert "Somebody has sat it" not in page
    assert not re.search(r'name="is_published"[^>]*checked', page)
    response = builder.post(f"{NEW}?copy=m-1", typed(code="", title="Copy of A mock", items="4"))
    assert MockExam.objects.get(code=response["Location"].split("/")[3]).items == 4


# ── papers ──


def test_a_paper_shows_its_questions(builder: Client, blueprint: Blueprint) -> None:
    build(builder)

    text = text_of(builder.get("/bank/mocks/m-1/papers/1/"))

    assert "8 questions; 60.0 % of the scored ones pass." in text
    assert text.count("unscored") == 2
    assert "which?" in text


def test_a_paper_is_taken_out_and_replaced(builder: Client, blueprint: Blueprint) -> None:
    build(builder)

    out = text_of(builder.post("/bank/mocks/m-1/papers/1/withdraw/", follow=True))
    twice = text_of(builder.post("/bank/mocks/m-1/papers/1/withdraw/", follow=True))
    again = text_of(builder.post("/bank/mocks/m-1/assemble/", follow=True))

    assert "Paper 1 is taken out: nobody gets it any more." in out and "Assemble the missing one" in out
    assert "This paper was taken out before." in twice
    assert "1 paper was assembled." in again
    assert builder.post("/bank/mocks/m-1/papers/9/withdraw/").status_code == 404


# ── previews ──


def test_a_preview_is_the_real_player_and_is_resumed(builder: Client, blueprint: Blueprint) -> None:
    build(builder, is_published=None)

    first = builder.post("/bank/mocks/m-1/preview/")
    player = builder.get(first["Location"])
    text = text_of(builder.get("/bank/mocks/m-1/"))
    again = builder.post("/bank/mocks/m-1/preview/")

    assert player.status_code == 200
    assert "Continue the preview" in text and "sat 0 times" in text
    assert again["Location"] == first["Location"]
    assert Attempt.objects.get().purpose == "preview"


def test_a_finished_preview_leads_to_its_result(builder: Client, blueprint: Blueprint, clock: Clock) -> None:
    build(builder)
    address = builder.post("/bank/mocks/m-1/preview/")["Location"]
    builder.post(f"{address}submit/")
    clock.advance(60)

    result = builder.get(f"{address}results/")

    assert result.status_code == 200
    assert f"{address}results/" in builder.get("/bank/mocks/m-1/").content.decode()


def test_a_preview_leads_back_to_its_mock(builder: Client, ana: User, blueprint: Blueprint) -> None:
    sat = sit(build(builder), ana)
    builder.post("/bank/mocks/m-1/preview/")
    mine = Attempt.objects.get(purpose="preview")
    learner = Client()
    learner.force_login(ana)

    assert builder.get(f"/bank/previews/{mine.pk}/")["Location"] == "/bank/mocks/m-1/"
    assert builder.get(f"/bank/previews/{sat.pk}/").status_code == 404
    assert learner.get(f"/bank/previews/{mine.pk}/").status_code == 404


# ── the list ──


def test_the_list_says_where_each_stands(builder: Client, ana: User, blueprint: Blueprint) -> None:
    sit(build(builder, title="Open now"), ana)
    build(builder, code="m-2", title="Later", opens_at="2026-12-01T10:00")
    build(builder, code="m-3", title="Unfinished", is_published=None, kind="own")
    make_mock(blueprint, title="Long ago", closes_at=NOW - timedelta(days=1))
    other = make_blueprint(code="EXAM-8")
    make_mock(other, title="Elsewhere")

    text = text_of(builder.get("/bank/mocks/?blueprint=EXAM-9"))

    assert "Open now EXAM-9, m-1 open 8 questions, 20 min 2 of 2 1 never" in text
    assert "Later EXAM-9, m-2 opens 1 Dec, 10:00" in text
    assert "Unfinished EXAM-9, m-3 draft 8 questions, 20 min one each 0" in text
    assert "over" in text and "Elsewhere" not in text
    assert "Elsewhere" in text_of(builder.get("/bank/mocks/"))


def test_pages_cost_the_same_with_few_and_with_many(
    builder: Client, ana: User, cleo: User, blueprint: Blueprint
) -> None:
    mock = build(builder)

    def queries(address: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert builder.get(address).status_code == 200
        return len(captured)

    addresses = ("/bank/mocks/", "/bank/mocks/m-1/", "/bank/mocks/m-1/papers/1/", "/bank/mocks/m-1/edit/")
    before = [queries(address) for address in addresses]
    for number in range(25):
        make_mock(blueprint, title=f"Mock {number}")
    for learner in (ana, cleo):
        sit(mock, learner)
    edit(builder, mock, papers="9")

    assert [queries(address) for address in addresses] == before
    assert "page 2 of 2" in text_of(builder.get("/bank/mocks/?page=2"))


def test_two_starts_of_one_learner_s_mock_leave_one_paper(
    builder: Client, ana: User, blueprint: Blueprint
) -> None:
    mock = build(builder, kind="own")
    learner = Client()
    learner.force_login(ana)

    assert learner.get(f"/mocks/{mock.pk}/").status_code == 200
    addresses = {learner.post(f"/mocks/{mock.pk}/start/")["Location"] for _ in range(2)}

    assert len(addresses) == 1
    assert Paper.objects.count() == 1
