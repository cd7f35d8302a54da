"""A bank file that comes with the next release must not undo what people have done on the site."""

from __future__ import annotations

from dataclasses import replace

import pytest

from accounts.models import Role, User
from questions import authoring, blueprint_spec, blueprints, listing, loading, reviewing
from questions.authoring import fields_of
from questions.models import Blueprint, Listing, Question
from tests.factories import make_user
from tests.questions.test_transfer import LATER, NOW, load, make_entry, make_file, question, spec

pytestmark = pytest.mark.django_db


@pytest.fixture
def blueprint() -> Blueprint:
    return loading.load_blueprint(spec())


def publish_on_the_site(found: Question, *, by: User) -> None:
    iris = make_user("Iris", role=Role.INSTRUCTOR)
    draft = authoring.open_draft(found, by=by, now=NOW)
    fields = fields_of(Question.objects.get(pk=found.pk))
    changed = replace(fields, content=replace(fields.content, stem="Which of them is the site's own?"))
    draft = authoring.save_draft(draft, fields=changed, revision=draft.revision, by=by, now=NOW)
    reviewing.submit(draft, by=by, now=NOW)
    review = reviewing.answer_blind(draft, answer="a", revision=draft.revision, by=iris, now=NOW)
    reviewing.publish(review, words="", by=iris, now=NOW)


def test_a_reviewed_text_stays(blueprint: Blueprint, ben: User) -> None:
    file = make_file(make_entry("q-1"), make_entry("q-2"))
    load(file, blueprint)
    publish_on_the_site(question("q-1"), by=ben)
    report = load(file, blueprint, now=LATER)
    assert (report.kept, report.unchanged) == (("q-1",), ("q-2",))
    current = question("q-1").current
    assert current is not None and current.parsed.stem == "Which of them is the site's own?"


def test_a_reviewed_text_stays_when_its_entry_has_gone(blueprint: Blueprint, ben: User) -> None:
    load(make_file(make_entry("q-1"), make_entry("q-2")), blueprint)
    publish_on_the_site(question("q-1"), by=ben)
    report = load(make_file(make_entry("q-2")), blueprint, now=LATER)
    assert report.retired == ()
    assert question("q-1").state == "published"


def test_a_retirement_stays(blueprint: Blueprint, ben: User) -> None:
    file = make_file(make_entry("q-1"))
    load(file, blueprint)
    authoring.retire(question(), reason="Its key is wrong.", by=ben, now=NOW)
    assert load(file, blueprint, now=LATER).kept == ("q-1",)
    assert question().state == "retired"


def test_a_draft_with_the_code_of_an_entry_stays(blueprint: Blueprint, ben: User) -> None:
    load(make_file(make_entry("q-1")), blueprint)
    authoring.create_draft(blueprint, fields=fields_of(question()), by=ben, now=NOW, code="q-2")
    report = load(make_file(make_entry("q-1"), make_entry("q-2")), blueprint, now=LATER)
    assert report.kept == ("q-2",)
    assert question("q-2").state == "draft"


def test_overwriting_follows_the_file(blueprint: Blueprint, ben: User) -> None:
    file = make_file(make_entry("q-1"))
    load(file, blueprint)
    publish_on_the_site(question(), by=ben)
    report = loading.load_bank_file(file, blueprint=blueprint, source="1.1.yaml", now=LATER, overwrite=True)
    assert report.updated == ("q-1",)
    current = question().current
    assert current is not None and (current.number, current.parsed.stem) == (3, "Which one of q-1?")


def test_a_blueprint_that_was_edited_on_the_site_stays(blueprint: Blueprint) -> None:
    before = blueprint_spec.spec_of(blueprint)
    wanted = replace(before, head=replace(before.head, title="Ours"))
    blueprints.edit_blueprint(blueprint, wanted, seen=blueprint_spec.fingerprint(before), now=NOW)
    assert loading.load_blueprint(spec()).title == "Ours"
    assert loading.load_blueprint(spec(), overwrite=True).title != "Ours"
    assert Blueprint.objects.get().edited_at is None


def test_an_installation_from_before_the_list_gets_its_rows(blueprint: Blueprint) -> None:
    load(make_file(make_entry("q-1"), make_entry("q-2")), blueprint)
    Listing.objects.filter(question__code="q-1").delete()
    assert listing.refresh_missing() == 1
    assert listing.refresh_missing() == 0
    assert Listing.objects.count() == 2
