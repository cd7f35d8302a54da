"""Which questions an address of the bank list asks for, what the filters would leave, moves of many at once."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.http import QueryDict
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import Role, User
from questions import authoring, bank_list, bank_page, bulk, listing, saved_filters
from questions.bank_list import Filters
from questions.content import ItemType
from questions.models import Blueprint, Listing, Question, QuestionEvent, SavedFilter
from tests.factories import NOW, make_blueprint, make_content, make_published_question, make_user
from tests.questions.editor_makers import make_draft

pytestmark = pytest.mark.django_db


@pytest.fixture
def iris(db: None) -> User:
    return make_user("Iris", role=Role.INSTRUCTOR)


@pytest.fixture
def bank(ben: User, iris: User) -> Blueprint:
    """Published p-1 (tagged), p-2 (met, suspect), p-3 (challenged); drafts d-1 of Ben, d-2 of Iris; r-1 retired."""
    blueprint = make_blueprint()
    for code, topic, stem in (
        ("p-1", "1.1.1", "A ferry scores **drift** every night. Which?"),
        ("p-2", "1.2.1", "An endpoint answers late. Which?"),
        ("p-3", "2.1.1", "The endpoint shows drift. Which?"),
        ("r-1", "2.2.1", "An old service. Which?"),
    ):
        make_published_question(
            blueprint, code=code, topic=topic, content=make_content(stem=stem), difficulty=f"0.{code[-1]}0"
        )
    make_draft(blueprint, ben, code="d-1", item_type=ItemType.ORDERING)
    make_draft(blueprint, iris, code="d-2", level="", difficulty=None)
    listing.refresh_all()
    one, two, three, old = (Question.objects.get(code=code) for code in ("p-1", "p-2", "p-3", "r-1"))
    authoring.retag(one, add=["Cost", "drift"], by=iris, now=NOW)
    listing.note_answers(two.pk, seen=41, facility=0.2, is_suspect=True)
    listing.note_challenges(three.pk, waiting=2)
    authoring.retire(old, reason="Out of scope.", by=iris, now=NOW)
    return blueprint


def found(query: str, user: User) -> set[str]:
    return set(bank_list.filtered(QueryDict(query), user=user).values_list("code", flat=True))


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ("", "p-1 p-2 p-3 d-1 d-2"),
        ("status=retired", "r-1"),
        ("status=published&status=retired", "p-1 p-2 p-3 r-1"),
        ("status=draft", "d-1 d-2"),
        ("status=nonsense", "p-1 p-2 p-3 d-1 d-2"),
        ("codes=r-1,p-2&codes=d-1", "r-1 p-2 d-1"),
        ("domain=1", "p-1 p-2 d-1 d-2"),
        ("domain=1&domain=2&status=published", "p-1 p-2 p-3"),
        ("task=1.2", "p-2"),
        ("topic=2.1.1", "p-3"),
        ("topic=9.9.9", ""),
        ("blueprint=NONE", ""),
        ("type=ordering", "d-1"),
        ("type=multiple_choice&type=ordering&domain=2", "p-3"),
        ("level=none", "d-2"),
        ("author=me", "d-1"),
        ("author=999999999999999999", ""),
        ("author=9999999999999999999999999999", "p-1 p-2 p-3 d-1 d-2"),
        ("findings=block", "d-2"),
        ("challenged=1", "p-3"),
        ("suspect=1", "p-2"),
        ("tag=drift", "p-1"),
        ("tag=COST", "p-1"),
        ("tag=drift&tag=cost", "p-1"),
        ("tag=drift&tag=other", ""),
        ("q=night+FERRY", "p-1 d-1 d-2"),
        ("q=Endpoint+DRIFT", "p-3"),
        ("q=cost", "p-1"),
        ("q=*endpoint*", "p-2 p-3"),
        ("q=100%25", ""),
        ("q=p-2", "p-2"),
        ("q=%00", "p-1 p-2 p-3 d-1 d-2"),
    ],
)
def test_an_address_names_its_questions(bank: Blueprint, ben: User, query: str, codes: str) -> None:
    assert found(query, ben) == set(codes.split())


@pytest.mark.parametrize("query", ["status=in_review", "status=draft", "status=published"])
def test_a_published_question_with_a_draft_is_both(bank: Blueprint, ben: User, query: str) -> None:
    draft = authoring.open_draft(Question.objects.get(code="p-1"), by=ben, now=NOW)

    assert ("p-1" in found(query, ben)) is (query != "status=in_review")
    assert draft.state == "draft"


@pytest.mark.parametrize(
    ("sort", "codes"),
    [
        ("code", ["d-1", "d-2", "p-1", "p-2", "p-3"]),
        ("suspect", ["p-2", "p-3", "d-1", "d-2", "p-1"]),
        ("facility", ["p-2", "d-1", "d-2", "p-1", "p-3"]),
        ("difficulty", ["p-1", "p-2", "p-3", "d-1", "d-2"]),
    ],
)
def test_the_order_is_the_one_asked_for(bank: Blueprint, ben: User, sort: str, codes: list[str]) -> None:
    rows = bank_list.filtered(QueryDict(f"sort={sort}"), user=ben)

    assert [row.code for row in rows] == codes


def test_counts_leave_a_facets_own_choice_out(bank: Blueprint, ben: User) -> None:
    """So that a second value can be seen before it is chosen."""
    page = bank_page.bank_page(Filters.parse(QueryDict("status=published&domain=1")), user=ben)
    facets = {f.name: {v.value: (v.count, v.is_on) for v in f.values} for f in page.facets}

    assert page.matching == 2
    assert facets["status"] == {"draft": (2, False), "published": (2, True)}
    assert facets["domain"] == {"1": (2, True), "2": (1, False)}
    assert facets["type"] == {"multiple_choice": (2, False)}
    assert facets["learners"] == {"1": (1, False)}


@pytest.mark.parametrize(
    "query", ["", "q=which&domain=1&task=1.1", "status=draft&type=ordering", "suspect=1"]
)
def test_every_count_is_what_its_link_shows(bank: Blueprint, ben: User, query: str) -> None:
    """Where nothing of the facet is set yet; else the link widens what is shown."""
    filters = Filters.parse(QueryDict(query))

    def check(name: str, values: tuple[bank_page.Value, ...]) -> int:
        seen = 0
        for value in values:
            seen += check(name, value.below)
            if name in ("domain", "learners") or not getattr(filters, name):
                shown = bank_page.bank_page(Filters.parse(QueryDict(value.query)), user=ben)
                assert value.is_on or value.count == shown.matching == len(found(value.query, ben)), value
                seen += 1
        return seen

    facets = bank_page.bank_page(filters, user=ben).facets
    assert sum(check(facet.name, facet.values) for facet in facets) >= 5


def test_the_tree_opens_where_one_is(bank: Blueprint, ben: User) -> None:
    page = bank_page.bank_page(Filters.parse(QueryDict("domain=1&task=1.1")), user=ben)
    domains = next(f for f in page.facets if f.name == "domain").values

    assert [d.value for d in domains] == ["1", "2"]
    assert [t.value for t in domains[0].below] == ["1.1", "1.2"]
    assert [t.value for t in domains[0].below[0].below] == ["1.1.1"]
    assert domains[1].below == ()
    assert domains[1].query == "domain=2"


def test_with_two_exams_the_outline_waits_for_a_choice(bank: Blueprint, ben: User) -> None:
    other = make_blueprint()

    page = bank_page.bank_page(Filters(), user=ben)
    chosen = bank_page.bank_page(Filters(blueprint=(bank.code,)), user=ben)

    assert page.asks_for_exam and "domain" not in {f.name for f in page.facets}
    assert not chosen.asks_for_exam and "domain" in {f.name for f in chosen.facets}
    assert bank_page.bank_page(Filters(blueprint=(other.code,)), user=ben).matching == 0


def test_a_chip_takes_its_filter_away(bank: Blueprint, ben: User) -> None:
    page = bank_page.bank_page(Filters.parse(QueryDict("q=drift&tag=cost&status=draft&per=50")), user=ben)

    assert {chip.label: chip.query for chip in page.chips} == {
        "status: draft": "tag=cost&q=drift&per=50",
        "tag: cost": "status=draft&q=drift&per=50",
        "“drift”": "status=draft&tag=cost&per=50",
    }
    assert page.all_query == "per=50"


@pytest.mark.parametrize(
    ("asked", "number"),
    [("1", 1), ("3", 3), ("0", 1), ("-1", 1), ("x", 1), ("1000", 3), ("9" * 400, 3), ("²", 1)],
)
def test_an_absurd_page_is_the_last_or_the_first(bank: Blueprint, ben: User, asked: str, number: int) -> None:
    question = Question.objects.get(code="p-1")
    Listing.objects.bulk_create(
        Listing(question=each, blueprint=bank, code=each.code, state="published", changed_at=NOW, search="")
        for each in Question.objects.bulk_create(
            Question(blueprint=bank, code=f"x-{n:02}", current=question.current) for n in range(40)
        )
    )

    page = bank_page.bank_page(Filters.parse(QueryDict(f"page={asked}")), user=ben)

    assert (page.pages.number, page.pages.count) == (number, 3)
    assert len(page.rows) == (5 if number == 3 else 20)


@pytest.mark.parametrize("sort", bank_list.SORTS)
def test_the_pages_together_are_the_list(bank: Blueprint, ben: User, sort: str) -> None:
    """The later ones are fetched from the end."""
    for n in range(38):
        make_published_question(bank, code=f"x-{n:02}", difficulty=f"0.{n + 10}")
    listing.refresh_all()
    pages = [Filters(sort=sort, page=number) for number in (1, 2, 3)]

    shown = [row.listing.code for each in pages for row in bank_page.bank_page(each, user=ben).rows]

    assert shown == [row.code for row in bank_list.filtered(QueryDict(f"sort={sort}"), user=ben)]
    assert len(shown) == 43


def test_a_marked_text_stays_escaped() -> None:
    text = "Is <b>a</b> & b AMP? Straße"

    assert bank_page.marked(text, ["amp", "b", "<"]) == (
        "Is <mark>&lt;</mark><mark>b</mark>&gt;a<mark>&lt;</mark>/<mark>b</mark>&gt; &amp; <mark>b</mark>"
        " <mark>AMP</mark>? Straße"
    )
    assert bank_page.marked("<i>", []) == "&lt;i&gt;"


NAMES = st.sampled_from([*bank_list.MANY, "codes", "q", "sort", "per", "page", "other"])


@given(st.lists(st.tuples(NAMES, st.text(max_size=30)), max_size=8))
@settings(max_examples=60)
def test_any_address_is_understood_and_written_the_same_again(pairs: list[tuple[str, str]]) -> None:
    params = QueryDict(mutable=True)
    for name, value in pairs:
        params.appendlist(name, value)

    filters = Filters.parse(params)

    assert Filters.parse(QueryDict(filters.query(page=filters.page))) == filters


# Many at once


def test_tags_of_many_change_with_a_line_each(bank: Blueprint, ben: User) -> None:
    outcome = bulk.retag(["p-1", "p-2", "nope"], add=["Drift "], remove=["other"], by=ben, now=NOW)

    assert outcome == bulk.Outcome(("p-2",), ("p-1",), (("nope", "missing"),))
    assert found("tag=drift", ben) == {"p-1", "p-2"}
    assert QuestionEvent.objects.filter(question__code="p-2", kind="tagged", by=ben).count() == 1


def test_what_one_question_refuses_stops_no_other(bank: Blueprint, ben: User, iris: User) -> None:
    outcome = bulk.submit(["d-1", "d-2", "p-1", "r-1"], reviewer=None, by=ben, now=NOW)

    assert outcome.done == ("d-1",)
    assert dict(outcome.refused) == {"d-2": "blocked", "p-1": "no_draft", "r-1": "no_draft"}
    assert bulk.submit(["d-1"], reviewer=None, by=ben, now=NOW).refused == (("d-1", "in_review"),)


def test_nobody_is_asked_to_review_their_own(bank: Blueprint, ben: User) -> None:
    assert bulk.submit(["d-1"], reviewer=ben, by=ben, now=NOW).refused == (("d-1", "own_draft"),)


def test_many_are_retired_for_one_reason(bank: Blueprint, ben: User) -> None:
    outcome = bulk.retire(["p-1", "r-1"], reason=" Withdrawn. ", by=ben, now=NOW)

    assert outcome == bulk.Outcome(("p-1",), (), (("r-1", "already_retired"),))
    assert Question.objects.get(code="p-1").retired_because == "Withdrawn."


@pytest.mark.parametrize(
    ("codes", "move", "code"),
    [
        ([], {"add": ["a"]}, "none_chosen"),
        (["p-1"], {}, "no_tag"),
        (["p-1"], {"add": [","]}, "no_tag"),
        (["p-1"], {"add": [f"t{n}" for n in range(21)]}, "too_many_tags"),
        ([f"c-{n}" for n in range(bulk.LIMIT + 1)], {"add": ["a"]}, "too_many"),
    ],
)
def test_a_move_of_nothing_or_too_much_is_refused(
    bank: Blueprint, ben: User, codes: list[str], move: dict[str, Any], code: str
) -> None:
    with pytest.raises(bulk.BulkError) as refusal:
        bulk.retag(codes, **{"add": [], "remove": [], **move}, by=ben, now=NOW)

    assert refusal.value.code == code


def test_retiring_needs_a_reason(bank: Blueprint, ben: User) -> None:
    with pytest.raises(bulk.BulkError):
        bulk.retire(["p-1"], reason=" ", by=ben, now=NOW)


def test_a_large_filter_is_taken_in_turns(
    bank: Blueprint, ben: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By code, so that the rest is found again although the first ones don't match any more."""
    monkeypatch.setattr(bulk, "LIMIT", 2)
    first = bulk.select(Filters(), user=ben)
    bulk.retire(first.codes, reason="Old.", by=ben, now=NOW)
    second = bulk.select(Filters(), user=ben, after=first.codes[-1])

    assert (first.codes, first.matching, first.remaining) == (("d-1", "d-2"), 5, 3)
    assert (second.codes, second.matching, second.remaining) == (("p-1", "p-2"), 3, 1)


# Kept filters


def test_a_kept_filter_is_what_the_address_means(ben: User) -> None:
    saved_filters.save("  My   drafts ", query="status=draft&junk=1&page=7&status=nope", by=ben)
    saved_filters.save("My drafts", query="author=me", by=ben)

    assert [(s.name, s.query) for s in SavedFilter.objects.all()] == [("My drafts", "author=me")]


def test_names_are_ones_own(ben: User, iris: User) -> None:
    mine = saved_filters.save("A", query="", by=ben)
    other = saved_filters.save("B", query="", by=ben)
    saved_filters.save("B", query="", by=iris)

    saved_filters.rename(mine.pk, name="C", by=ben)
    with pytest.raises(saved_filters.SavedFilterError, match="name_taken"):
        saved_filters.rename(mine.pk, name="B", by=ben)
    with pytest.raises(saved_filters.SavedFilterError, match="missing"):
        saved_filters.rename(mine.pk, name="D", by=iris)
    with pytest.raises(saved_filters.SavedFilterError, match="no_name"):
        saved_filters.rename(mine.pk, name=" ", by=ben)
    saved_filters.delete(other.pk, by=iris)

    assert list(SavedFilter.objects.filter(user=ben).values_list("name", flat=True)) == ["B", "C"]


def test_filters_kept_are_bounded(ben: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_filters, "MAX_SAVED", 1)
    saved_filters.save("A", query="", by=ben)
    saved_filters.save("A", query="q=x", by=ben)

    with pytest.raises(saved_filters.SavedFilterError, match="too_many"):
        saved_filters.save("B", query="", by=ben)
    with pytest.raises(saved_filters.SavedFilterError, match="too_long"):
        saved_filters.save("A", query="&".join(f"tag={n}{'t' * 80}" for n in range(30)), by=ben)


def test_rated_and_met_are_shown_in_per_cent(bank: Blueprint, ben: User) -> None:
    page = bank_page.bank_page(Filters(codes=("p-1", "p-2"), sort="code"), user=ben)

    assert [(row.facility, row.difficulty) for row in page.rows] == [(None, 10), (20, 20)]
    assert page.rows[0].listing.difficulty == Decimal("0.10")
