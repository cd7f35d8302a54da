"""Previewed questions into the bank: all of them or none, and none twice."""

from __future__ import annotations

import io
import zipfile
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from questions import applying, authoring, listing
from questions.content import Level, QuestionContent
from questions.formats import registry
from questions.formats.exchange import ExchangeQuestion, ExchangeScenario
from questions.importing import ImportingError
from questions.models import (
    Blueprint,
    Draft,
    ImportChunk,
    Listing,
    Question,
    QuestionEvent,
)
from questions.moving import insert
from tests.factories import NOW, make_blueprint, make_content, make_published_question
from tests.questions.transfer_makers import (
    fall_silent,
    imported,
    outcomes,
    previewed,
    row,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def blueprint() -> Blueprint:
    return make_blueprint(code="EXAM-9")


def csv_of(*rows: str) -> str:
    return "\n".join(("code,topic,level,difficulty,type,stem,option 1,option 2,option 3,correct", *rows))


def test_the_questions_arrive_as_drafts(blueprint: Blueprint, ben: User) -> None:
    run = imported(blueprint, ben, tag="Import  One")
    assert run.state == "applied" and run.finished_at is not None
    question = row(run).question
    assert question is not None and question.state == "draft" and question.code == "exam-new-001"
    assert question.draft.state == "draft" and list(question.draft.authors.all()) == [ben]
    assert question.draft.parsed.options[0].rationale == "It stores objects."
    event = QuestionEvent.objects.get(question=question)
    assert (event.kind, event.number, event.by) == ("imported", 1, ben)
    assert {"source": "bank.gift", "where": "line 3", "title": "Objects"}.items() <= event.detail.items()
    assert [tag.name for tag in question.tags.all()] == ["import one"]
    assert Listing.objects.get(question=question).draft_state == "draft"
    assert not ImportChunk.objects.exists()


def test_our_codes_stay_where_they_are_free(blueprint: Blueprint, ben: User) -> None:
    make_published_question(make_blueprint(), code="taken-1")
    run = imported(
        blueprint,
        ben,
        csv_of("mine-1,1.1.1,,,,One?,a,b,c,A", "taken-1,1.1.1,,,,Two?,a,b,c,A"),
        name="bank.csv",
    )
    assert [r.question.code for r in run.rows.order_by("number") if r.question] == ["mine-1", "exam-1.1-001"]


def test_scenarios_come_once_and_never_take_another_text(blueprint: Blueprint, ben: User) -> None:
    text = registry_yaml(blueprint)
    imported(blueprint, ben, text, name="bank.yaml")
    (scenario,) = blueprint.scenarios.all()
    assert scenario.code == "case-1" and scenario.drafts.count() == 2
    other = text.replace("q-a", "q-c").replace("q-b", "q-d").replace("A retailer", "A bank")
    imported(blueprint, ben, other.replace("Which first", "Which last"), name="bank.yaml")
    assert sorted(blueprint.scenarios.values_list("code", flat=True)) == ["case-1", "case-1-2"]


def registry_yaml(blueprint: Blueprint) -> str:
    scenario = ExchangeScenario("case-1", "The retailer", "A retailer sells things.")
    out = io.BytesIO()
    render = registry.by_name("yaml").render
    assert render is not None
    questions = [
        ExchangeQuestion(
            make_content(stem=f"Which first of {code}?"),
            code=code,
            topic="1.1.1",
            level=Level.APPLY,
            difficulty=Decimal("0.5"),
            scenario=scenario,
            category=(blueprint.code, "1.1.1"),
        )
        for code in ("q-a", "q-b")
    ]
    render(questions, out)
    return out.getvalue().decode()


def test_a_zip_of_bank_files_is_read(blueprint: Blueprint, ben: User) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        package.writestr("1.1.yaml", registry_yaml(blueprint))
        package.writestr("broken.yaml", "format: nothing")
    run = imported(blueprint, ben, out.getvalue(), name="bank.zip")
    assert run.format_name == "yaml" and run.counts == {"imported": 2, "rejected": 1}
    assert row(run).where.startswith("1.1.yaml, line")


def test_all_or_nothing(blueprint: Blueprint, ben: User, monkeypatch: pytest.MonkeyPatch) -> None:
    run = previewed(blueprint, ben)
    applying.start(run, tag="", now=NOW)

    def unwell(model: Any, *args: Any, **kwargs: Any) -> None:
        insert(model, *args, **kwargs)
        if model is Draft:
            raise RuntimeError("the worker is unwell")

    monkeypatch.setattr("questions.applying.insert", unwell)
    applying.apply(run.pk, now=NOW)
    run.refresh_from_db()
    assert run.state == "failed" and run.error.endswith(".")
    assert not Question.objects.exists() and not Draft.objects.exists()


def test_what_others_write_while_it_is_staged(
    blueprint: Blueprint, ben: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = make_published_question(blueprint, code="exam-1.1-001")
    text = csv_of(
        "exam-1.1-001,,,,,Newer?,a,b,c,A", "free-1,1.1.1,,,,Mine?,a,b,c,A", ",1.2.1,,,,Other?,a,b,c,A"
    )
    run = previewed(blueprint, ben, text, name="bank.csv")
    applying.start(run, tag="", now=NOW)
    stage = applying._Stager.stage

    def meanwhile(self: Any, rows: Any) -> None:
        stage(self, rows)
        authoring.open_draft(version.question, by=ben, now=timezone.now())
        same = (run.rows.get(number=3).payload or {})["content"]
        fields = authoring.DraftFields(content=QuestionContent.from_json(same))
        authoring.create_draft(blueprint, fields=fields, by=ben, now=timezone.now(), code="free-1")

    monkeypatch.setattr(applying._Stager, "stage", meanwhile)
    applying.apply(run.pk, now=NOW)
    assert outcomes(run) == [("rejected", "has_draft"), ("imported", ""), ("duplicate", "same_content")]
    made = row(run, 2).question
    assert made is not None and made.code == "exam-1.1-002" and made.draft.parsed.stem == "Mine?"


def test_a_second_click_changes_nothing(blueprint: Blueprint, ben: User) -> None:
    run = imported(blueprint, ben)
    with pytest.raises(ImportingError) as caught:
        applying.start(run, tag="", now=NOW)
    assert caught.value.code == "not_ready"
    applying.apply(run.pk, now=NOW)
    assert Question.objects.count() == 3


def test_two_previews_of_one_file_bring_it_in_once(blueprint: Blueprint, ben: User) -> None:
    first, second = previewed(blueprint, ben), previewed(blueprint, ben)
    for run in (first, second):
        applying.start(run, tag="", now=NOW)
        applying.apply(run.pk, now=NOW)
    second.refresh_from_db()
    assert Question.objects.count() == 3
    assert second.counts == {"duplicate": 3, "rejected": 1} and second.state == "applied"


def test_listing_goes_on_where_it_ended(
    blueprint: Blueprint, ben: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(applying, "_LISTED_AT_ONCE", 1)
    run = previewed(blueprint, ben)
    applying.start(run, tag="", now=NOW)
    refresh, calls = listing.refresh, []

    def unwell(ids: Any) -> None:
        calls.append(ids)
        if len(calls) == 2:
            raise RuntimeError("the worker is unwell")
        refresh(ids)

    monkeypatch.setattr(listing, "refresh", unwell)
    applying.apply(run.pk, now=NOW)
    run.refresh_from_db()
    assert (run.state, run.done, Listing.objects.count()) == ("listing", 1, 1)
    fall_silent(run)
    applying.apply(run.pk, now=NOW)
    run.refresh_from_db()
    assert (run.state, Listing.objects.count(), len(calls)) == ("applied", 3, 4)


def test_workers_that_get_on_are_not_counted_against_the_listing(
    blueprint: Blueprint, ben: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(applying, "_LISTED_AT_ONCE", 1)
    run = previewed(blueprint, ben)
    applying.start(run, tag="", now=NOW)
    refresh, calls = listing.refresh, []

    def every_second_time(ids: Any) -> None:
        calls.append(ids)
        if len(calls) % 2 == 0:
            raise RuntimeError("the worker is unwell")
        refresh(ids)

    monkeypatch.setattr(listing, "refresh", every_second_time)
    for _ in range(3):
        applying.apply(run.pk, now=NOW)
        fall_silent(run)
    run.refresh_from_db()
    assert (run.state, run.error, Listing.objects.count()) == ("applied", "", 3)


def test_a_listing_that_is_given_up_does_not_deny_the_questions(
    blueprint: Blueprint, ben: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = previewed(blueprint, ben)
    applying.start(run, tag="", now=NOW)

    def unwell(ids: Any) -> None:
        raise RuntimeError("the worker is unwell")

    monkeypatch.setattr(listing, "refresh", unwell)
    for _ in range(4):
        applying.apply(run.pk, now=NOW)
        fall_silent(run)
    run.refresh_from_db()
    assert (run.state, run.error) == ("applied", applying.UNLISTED)
    assert Question.objects.count() == 3
