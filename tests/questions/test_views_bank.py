"""The bank list over HTTP: who sees it, what it links to, and moves of many questions."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Role, User
from questions import listing, saved_filters
from questions.bank_list import Filters
from questions.models import Question, SavedFilter
from tests.factories import make_bank, make_blueprint, make_content, make_published_question, make_user
from tests.questions.editor_makers import make_draft

pytestmark = pytest.mark.django_db


@pytest.fixture
def bens(client: Client, ben: User) -> Client:
    client.force_login(ben)
    return client


def text(response: Any) -> str:
    return str(response.content.decode())


def make_questions(count: int = 1) -> None:
    blueprint = make_blueprint()
    for n in range(count):
        make_published_question(
            blueprint, code=f"q-{n:03}", content=make_content(stem=f"Which drift is {n}?")
        )
    listing.refresh_all()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/bank/"),
        ("get", "/bank/filters/"),
        ("get", "/bank/selected/?codes=q-000"),
        ("get", "/bank/selected/outcome/"),
        ("post", "/bank/filters/save/"),
        ("post", "/bank/filters/1/rename/"),
        ("post", "/bank/filters/1/delete/"),
        ("post", "/bank/selected/retire/"),
    ],
)
def test_a_learner_sees_nothing_of_it(client: Client, cleo: User, method: str, path: str) -> None:
    client.force_login(cleo)

    assert getattr(client, method)(path).status_code == 404


@pytest.mark.parametrize("path", ["filters/save", "filters/1/rename", "filters/1/delete", "selected/tag"])
def test_commands_are_posts(bens: Client, path: str) -> None:
    assert bens.get(f"/bank/{path}/").status_code == 405


def test_the_list_costs_as_much_with_two_rows_as_with_twenty(bens: Client) -> None:
    make_questions(2)
    bens.get("/bank/")
    with CaptureQueriesContext(connection) as few:
        bens.get("/bank/?q=drift&domain=1&status=published&tag=")
    make_bank(make_blueprint(), per_task=6)
    listing.refresh_all()
    with CaptureQueriesContext(connection) as many:
        bens.get("/bank/?q=which&status=published&per=50")

    assert len(few) == len(many) <= 15


def test_a_row_says_what_is_known(bens: Client, ben: User) -> None:
    make_questions()
    question = Question.objects.get()
    listing.note_answers(question.pk, seen=41, facility=0.58, is_suspect=True)
    listing.note_challenges(question.pk, waiting=2)

    page = text(bens.get("/bank/?q=drift"))

    assert "/bank/questions/q-000/" in page
    assert "Which <mark>drift</mark> is 0?" in page
    assert '58% <span class="muted">of 41</span>' in page
    assert "challenged 2 times" in page and "statistics out of range" in page


def test_a_search_is_escaped(bens: Client) -> None:
    make_questions()

    page = text(bens.get("/bank/", {"q": '"><script>alert(1)</script>', "tag": "<b>"}))

    assert "<script>alert" not in page and "<b>" not in page.split("</header>")[1].split("bulk")[0]
    assert "No question matches" in page


def test_an_empty_bank_says_how_to_begin(bens: Client) -> None:
    assert "No question yet" in text(bens.get("/bank/"))


def test_a_fragment_brings_the_export_link_along(bens: Client) -> None:
    make_questions()

    answer = text(bens.get("/bank/?status=published", headers={"HX-Request": "true"}))
    restored = text(bens.get("/bank/", headers={"HX-Request": "true", "HX-History-Restore-Request": "true"}))

    assert "<html" not in answer and 'id="results"' in answer
    assert 'href="/bank/export/?status=published" hx-swap-oob="true"' in answer
    assert "<html" in restored


@pytest.mark.parametrize(
    "query",
    [
        "page=" + "9" * 500,
        "page=-1",
        "q=%00&tag=%00",
        "author=" + "9" * 18,
        "codes=%00",
        "per=7&sort=x",
        "domain=" + "x" * 5000,
    ],
)
def test_no_address_is_an_error(bens: Client, query: str) -> None:
    make_questions()

    assert bens.get(f"/bank/?{query}").status_code == 200
    assert bens.get("/bank/selected/", {"all": "1", "filter": query}).status_code == 200


def test_a_filter_is_kept_shown_renamed_and_deleted(bens: Client, ben: User) -> None:
    kept = bens.post("/bank/filters/save/", {"name": "Mine", "query": "author=me&status=draft"}, follow=True)
    saved = SavedFilter.objects.get()
    bens.post(f"/bank/filters/{saved.pk}/rename/", {"name": "My drafts"})
    page = text(bens.get("/bank/filters/"))
    bens.post(f"/bank/filters/{saved.pk}/delete/")

    assert kept.redirect_chain == [("/bank/?status=draft&author=me", 302)]
    assert "Saved as “Mine”" in text(kept)
    assert "My drafts" in page and "/bank/?status=draft&amp;author=me" in page
    assert not SavedFilter.objects.exists()


def test_somebody_elses_filter_is_not_there(bens: Client) -> None:
    iris = make_user("Iris", role=Role.INSTRUCTOR)
    hers = saved_filters.save("Hers", query="", by=iris)

    assert "Hers" not in text(bens.get("/bank/filters/"))
    bens.post(f"/bank/filters/{hers.pk}/rename/", {"name": "Stolen"})
    bens.post(f"/bank/filters/{10**30}/delete/")
    bens.post(f"/bank/filters/{hers.pk}/delete/")

    assert SavedFilter.objects.get().name == "Hers"


# Many at once


def test_nothing_ticked_leads_back(bens: Client) -> None:
    answer = bens.get("/bank/selected/", {"do": "tag", "filter": "q=drift"}, follow=True)

    assert answer.redirect_chain == [("/bank/?q=drift", 302)]
    assert "Tick the questions first" in text(answer)


def test_the_ticked_are_tagged_and_the_outcome_says_so(bens: Client) -> None:
    make_questions(3)
    page = text(bens.get("/bank/selected/", {"codes": ["q-000", "q-002"], "filter": "", "do": "tag"}))
    answer = bens.post(
        "/bank/selected/tag/",
        {"codes": ["q-000", "q-002", "gone"], "add": "drift, cost", "remove": ""},
        follow=True,
    )

    assert "Change the tags of 2 questions" in page
    assert answer.redirect_chain == [("/bank/selected/outcome/", 302)]
    assert "2 questions have other tags now" in text(answer)
    assert "gone" in text(answer) and "There is no such question." in text(answer)
    assert sorted(Question.objects.get(code="q-002").tags.values_list("name", flat=True)) == ["cost", "drift"]


def test_all_that_match_are_retired_with_a_reason(bens: Client) -> None:
    make_questions(3)
    chosen = {"all": "1", "codes": "q-000", "filter": "q=drift", "do": "retire"}
    page = text(bens.get("/bank/selected/", chosen))
    refused = bens.post("/bank/selected/retire/", {"codes": ["q-000", "q-001"], "reason": " "})
    bens.post("/bank/selected/retire/", {"codes": ["q-000", "q-001"], "reason": "Out of scope."})

    assert "Retire 3 questions" in page
    assert refused.status_code == 400 and "others will ask" in text(refused)
    assert Question.objects.filter(state="retired", retired_because="Out of scope.").count() == 2


def test_drafts_are_sent_to_review_and_what_stops_one_is_said(bens: Client, ben: User) -> None:
    blueprint = make_blueprint()
    make_draft(blueprint, ben, code="d-1")
    make_draft(blueprint, ben, code="d-2", level="")

    answer = bens.post("/bank/selected/submit/", {"codes": ["d-1", "d-2"], "reviewer": "nobody"}, follow=True)

    assert "1 question sent to review" in text(answer)
    assert "Findings stop it" in text(answer)
    assert Question.objects.get(code="d-1").draft.state == "in_review"


def test_export_of_the_ticked_and_of_the_filter(bens: Client) -> None:
    make_questions(2)
    ticked = bens.get("/bank/selected/", {"codes": ["q-000", "q-001"], "filter": "q=x", "do": "export"})
    matching = bens.get("/bank/selected/", {"all": "1", "filter": "q=drift&page=4", "do": "export"})

    assert ticked.headers["Location"] == "/bank/export/?codes=q-000&codes=q-001"
    assert matching.headers["Location"] == "/bank/export/?q=drift"


def test_a_large_filter_leads_on(bens: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("questions.bulk.LIMIT", 2)
    make_questions(3)
    page = text(bens.get("/bank/selected/", {"all": "1", "filter": "q=drift", "do": "tag"}))
    answer = bens.post(
        "/bank/selected/tag/",
        {"codes": ["q-000", "q-001"], "add": "x", "query": "q=drift", "remaining": "1"},
        follow=True,
    )
    rest = text(bens.get("/bank/selected/?all=1&filter=q%3Ddrift&do=tag&after=q-001"))

    assert "at most 2 are taken at once" in page
    assert "/bank/selected/?all=1&amp;filter=q%3Ddrift&amp;do=tag&amp;after=q-001" in text(answer)
    assert "q-002" in rest and 'value="q-001"' not in rest


def test_a_move_that_does_not_exist_is_not_found(bens: Client) -> None:
    assert bens.post("/bank/selected/delete/", {"codes": "q-000"}).status_code == 404


def test_an_outcome_is_shown_only_after_a_move(bens: Client) -> None:
    assert bens.get("/bank/selected/outcome/").headers["Location"] == "/bank/"


def test_the_codes_on_the_page_make_its_filter(bens: Client) -> None:
    """What the export is promised: the same names mean the same."""
    assert Filters.parse(QueryDict("codes=a&codes=b,c")).codes == ("a", "b", "c")
