"""What stands beside the form: findings with their fields, near-duplicates, what the topic has already."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Role, User
from questions import advice, authoring, draft_form, editing, likeness, listing, reviewing
from questions.authoring import DraftFields
from questions.content import ItemType, Option
from questions.models import Blueprint, Draft, QuestionTag
from tests.factories import NOW, make_blueprint, make_content, make_published_question, make_user
from tests.questions.editor_makers import STEM, fresh, make_draft, make_fields

pytestmark = pytest.mark.django_db


@pytest.fixture
def blueprint(db: None) -> Blueprint:
    return make_blueprint()


def found(fields: DraftFields, blueprint: Blueprint) -> dict[str, advice.Found]:
    """By their anchors."""
    return {
        each.anchor: each
        for each in advice.findings(fields, draft_form.of_fields(fields), blueprint=blueprint)
    }


# findings


def test_a_finding_leads_to_its_field_and_speaks_of_the_letters_shown(blueprint: Blueprint) -> None:
    options = (Option("z", "Last becomes first", is_correct=True), *make_content().options[1:])
    fields = make_fields(blueprint, content=replace(make_content(stem=STEM), options=options))
    finding = found(fields, blueprint)["option-1-rationale"]
    assert finding.severity == "block"
    assert finding.label == "Option A, rationale"
    assert finding.message == "Option A has no rationale."


def test_the_anchor_follows_a_row_that_was_moved(blueprint: Blueprint) -> None:
    fields = make_fields(blueprint, content=make_content(stem=STEM))
    form = draft_form.of_fields(fields)
    rows = tuple(replace(row, number=row.number + 6) for row in form.options)
    assert advice.anchor_of("options.2.rationale", replace(form, options=rows)) == "option-8-rationale"
    assert advice.anchor_of("options.2.id", form) == "option-2-text"
    assert advice.anchor_of("options.9.text", form) == "options"
    assert advice.anchor_of("prompts.1.match", form) == "prompts"
    assert advice.anchor_of("stem", form) == "stem"
    assert advice.anchor_of("elsewhere", form) == "editor"


def test_missing_tags_are_findings_with_a_field(blueprint: Blueprint) -> None:
    fields = DraftFields(make_content(stem=STEM))
    assert {"topic", "level", "difficulty"} <= set(found(fields, blueprint))


def test_what_the_linter_says_of_files_is_said_of_the_form(blueprint: Blueprint) -> None:
    content = make_content(stem=STEM)
    content = replace(content, options=tuple(replace(o, is_correct=False) for o in content.options))
    finding = found(make_fields(blueprint, content=content), blueprint)["options"]
    assert "key" in finding.how_to_mend
    assert "correct: true" not in finding.how_to_mend


def test_prompts_without_a_response_are_not_said_to_share_it(blueprint: Blueprint) -> None:
    content = make_content(ItemType.MATCHING, stem="Match each prompt. One response is not used.")
    content = replace(content, prompts=tuple(replace(p, match="") for p in content.prompts))
    fields = make_fields(blueprint, content=content)
    messages = [
        each.message for each in advice.findings(fields, draft_form.of_fields(fields), blueprint=blueprint)
    ]
    assert messages.count("Nothing belongs to it yet.") == 3
    assert not any("more than once" in message for message in messages)


# near-duplicates


def test_much_the_same_stem_is_found_in_drafts_and_versions(blueprint: Blueprint, ben: User) -> None:
    make_draft(blueprint, ben, code="drafted")
    listed = make_published_question(blueprint, content=make_content(stem=STEM[:-20]), code="published")
    listing.refresh([listed.question_id])
    draft = make_draft(blueprint, ben, content=make_content(stem=STEM + " Why?"))
    make_draft(blueprint, ben, content=make_content(stem="Put these four steps of a training job in order."))
    alike = advice.alike(fresh(draft), STEM + " Why?")
    assert [each.code for each in alike] == ["drafted", "published"]
    assert alike[0].percent > alike[1].percent >= likeness.NOTABLE * 100
    assert alike[0].is_duplicate
    assert "".join(text for _, text in alike[0].words) == STEM
    assert any(is_shared for is_shared, _ in alike[0].words)


def test_retired_questions_and_other_exams_are_not_compared(blueprint: Blueprint, ben: User) -> None:
    draft = make_draft(blueprint, ben)
    make_draft(make_blueprint(), ben)
    gone = make_draft(blueprint, ben)
    assert len(advice.alike(fresh(draft), STEM)) == 1
    authoring.retire(gone.question, reason="Said twice.", by=ben, now=NOW)
    assert advice.alike(fresh(draft), STEM) == ()


def test_near_duplicates_take_two_queries_however_many_there_are(blueprint: Blueprint, ben: User) -> None:
    draft = make_draft(blueprint, ben)
    for _ in range(12):
        make_draft(blueprint, ben)
    question = fresh(draft)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        alike = advice.alike(question, STEM)
    assert len(alike) == advice.MOST_ALIKE
    assert len(queries) == 2


def test_an_empty_stem_is_like_nothing(blueprint: Blueprint, ben: User) -> None:
    question = fresh(make_draft(blueprint, ben))
    with CaptureQueriesContext(connection) as queries:
        assert advice.alike(question, "  ") == ()
    assert len(queries) == 0


# coverage


def test_reach_counts_the_others_at_this_level(blueprint: Blueprint, ben: User) -> None:
    draft = make_draft(blueprint, ben)
    make_draft(blueprint, ben)
    make_draft(blueprint, ben, level="recall")
    make_draft(blueprint, ben, topic="1.2.1")
    retired = make_draft(blueprint, ben)
    authoring.retire(retired.question, reason="Out of date.", by=ben, now=NOW)
    reach = advice.reach(fresh(draft), make_fields(blueprint))
    assert reach is not None
    assert (reach.topic, reach.count, reach.fewest_topic, reach.fewest) == ("1.1.1", 1, "1.1.1", 1)
    any_level = advice.reach(fresh(draft), make_fields(blueprint, level=""))
    assert any_level is not None and any_level.count == 2
    assert advice.reach(fresh(draft), DraftFields(make_content())) is None


def test_reach_names_the_topic_of_the_task_that_has_fewest(blueprint: Blueprint, ben: User) -> None:
    draft = make_draft(blueprint, ben)
    task = make_fields(blueprint).topic.task  # type: ignore[union-attr]
    task.topics.create(code="1.1.2", title="Another", position=2)
    make_draft(blueprint, ben)
    reach = advice.reach(fresh(draft), make_fields(blueprint))
    assert reach is not None and (reach.fewest_topic, reach.fewest) == ("1.1.2", 0)


# the page


def page_of(draft: Draft) -> editing.EditorPage:
    question = fresh(draft)
    fields = authoring.fields_of(question)
    return editing.editor_page(question, draft, fields, draft_form.of_fields(fields), problems={}, alts={})


def test_the_page_knows_its_people_and_words(blueprint: Blueprint, ben: User) -> None:
    iris = make_user("Iris", role=Role.INSTRUCTOR)
    draft = make_draft(blueprint, ben)
    reviewing.comment(draft.question, text="Shorter, please.", by=iris, now=NOW)
    QuestionTag.objects.create(question=draft.question, name="drift")
    page = page_of(draft)
    assert page.reviewers == (iris,)
    assert [comment.text for comment in page.comments] == ["Shorter, please."]
    assert page.known_tags == ("drift",)
    assert page.number == 1
    assert page.wanted is None
    assert [task.code for task, _ in page.topics] == ["1.1", "1.2", "2.1", "2.2"]


def test_wanted_changes_are_shown_while_they_are_wanted(blueprint: Blueprint, ben: User) -> None:
    iris = make_user("Iris", role=Role.INSTRUCTOR)
    draft = make_draft(blueprint, ben)
    draft = reviewing.submit(draft, by=ben, now=NOW)
    review = reviewing.answer_blind(draft, answer="a", revision=draft.revision, by=iris, now=NOW)
    draft = reviewing.request_changes(review, words="Name the constraint.", by=iris, now=NOW)
    wanted = page_of(draft).wanted
    assert wanted is not None and wanted.words == "Name the constraint."
    draft = reviewing.submit(draft, by=ben, now=NOW)
    assert page_of(draft).wanted is None


def test_a_response_shows_a_rationale_only_where_one_is_left(blueprint: Blueprint) -> None:
    content = make_content(ItemType.MATCHING)
    options = (content.options[0], *(replace(o, rationale="") for o in content.options[1:]))
    form = draft_form.of_fields(DraftFields(replace(content, options=options)))
    page = editing.form_page(form, problems={"option-2-text": "Too long."}, alts={"stem": "A chart"})
    assert [panel.rationale is not None for panel in page.options] == [True, False, False, False]
    assert [panel.text.label for panel in page.options][:2] == ["Response A", "Response B"]
    assert page.options[1].text.problem == "Too long."
    assert page.stem.alt == "A chart"


def test_a_pair_is_compared_field_by_field(blueprint: Blueprint, ben: User) -> None:
    one = make_draft(blueprint, ben)
    two = make_draft(blueprint, ben, content=make_content(stem=STEM + " Why?"), level="recall")
    pair = editing.pair_page(fresh(one), fresh(two))
    assert [each.field for each in pair.differences] == ["level", "stem"]
    assert 80 < pair.percent < 100
