from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from accounts.models import Notice, Role, User
from questions import authoring, reviewing, scenarios
from questions.authoring import AuthoringError, DraftFields
from questions.content import ItemType
from questions.models import (
    Blueprint,
    Draft,
    Listing,
    Question,
    QuestionEvent,
    QuestionVersion,
    Review,
    Scenario,
    Topic,
)
from tests.factories import NOW, make_blueprint, make_content, make_published_question, make_user

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(minutes=1)
STEM = "A ferry operator scores bookings each night. Which option meets its need with the **LEAST** effort?"


@pytest.fixture
def ben() -> User:
    return make_user("Ben", role=Role.INSTRUCTOR)


@pytest.fixture
def iris() -> User:
    return make_user("Iris", role=Role.INSTRUCTOR)


@pytest.fixture
def blueprint() -> Blueprint:
    return make_blueprint(code="MLA-T1")


def fields(blueprint: Blueprint, *, stem: str = STEM, **changes: object) -> DraftFields:
    topic = Topic.objects.get(code="1.1.1", task__domain__blueprint=blueprint)
    whole = DraftFields(
        content=make_content(stem=stem),
        topic=topic,
        level="apply",
        difficulty=Decimal("0.60"),
        tags=("drift",),
    )
    return replace(whole, **changes)  # type: ignore[arg-type]


def write(blueprint: Blueprint, by: User, **changes: object) -> Draft:
    return authoring.create_draft(blueprint, fields=fields(blueprint, **changes), by=by, now=NOW)  # type: ignore[arg-type]


def reviewed(draft: Draft, *, by: User, reviewer: User, answer: object = "a") -> Review:
    reviewing.submit(draft, by=by, now=LATER)
    return reviewing.answer_blind(draft, answer=answer, revision=draft.revision, by=reviewer, now=LATER)


def publish(draft: Draft, *, by: User, reviewer: User) -> QuestionVersion:
    review = reviewed(draft, by=by, reviewer=reviewer)
    return reviewing.publish(review, words="", by=reviewer, now=LATER)


def kinds(question: Question) -> list[str]:
    return [event.kind for event in question.events.order_by("at", "id")]


def test_from_an_empty_page_to_a_published_version(blueprint: Blueprint, ben: User, iris: User) -> None:
    draft = write(blueprint, ben)
    version = publish(draft, by=ben, reviewer=iris)
    question = Question.objects.get(pk=draft.question_id)
    assert question.code == "mla-1.1-001"
    assert question.state == Question.State.PUBLISHED
    assert question.current == version and version.number == 1
    assert version.parsed == make_content(stem=STEM)
    assert version.checked == {"by": "reviewer", "agreed": True}
    assert version.tags == ["drift"]
    assert not Draft.objects.filter(question=question).exists()
    assert kinds(question) == ["created", "submitted", "answered", "published"]
    assert version.reviews.get().verdict == Review.Verdict.APPROVED


def test_codes_count_on_within_a_task(blueprint: Blueprint, ben: User) -> None:
    make_published_question(blueprint, code="mla-1.1-041")
    assert write(blueprint, ben).question.code == "mla-1.1-042"
    assert write(blueprint, ben, topic=None).question.code == "mla-new-001"


def test_a_code_that_is_taken_is_refused(blueprint: Blueprint, ben: User) -> None:
    make_published_question(blueprint, code="taken")
    with pytest.raises(AuthoringError, match="code_taken"):
        authoring.create_draft(blueprint, fields=fields(blueprint), by=ben, now=NOW, code="taken")


def test_a_topic_of_another_exam_is_refused(blueprint: Blueprint, ben: User) -> None:
    foreign = Topic.objects.filter(task__domain__blueprint=make_blueprint()).first()
    with pytest.raises(AuthoringError, match="foreign_topic"):
        write(blueprint, ben, topic=foreign)


def test_the_second_of_two_editors_overwrites_nothing(blueprint: Blueprint, ben: User, iris: User) -> None:
    draft = write(blueprint, ben)
    seen = draft.revision
    authoring.save_draft(draft, fields=fields(blueprint, stem="Ben's."), revision=seen, by=ben, now=LATER)
    with pytest.raises(AuthoringError, match="conflict"):
        authoring.save_draft(
            draft, fields=fields(blueprint, stem="Iris's."), revision=seen, by=iris, now=LATER
        )
    assert Draft.objects.get().parsed.stem == "Ben's."


def test_saving_the_same_again_changes_nothing(blueprint: Blueprint, ben: User) -> None:
    draft = write(blueprint, ben)
    again = authoring.save_draft(draft, fields=fields(blueprint), revision=draft.revision, by=ben, now=LATER)
    assert again.revision == draft.revision
    assert again.saved_at == NOW


def test_what_one_types_is_one_line_of_the_trail_until_somebody_else_types(
    blueprint: Blueprint, ben: User, iris: User
) -> None:
    draft = write(blueprint, ben)
    moment = NOW + timedelta(minutes=20)
    for n, (by, seconds) in enumerate([(ben, 0), (ben, 2), (ben, 4), (iris, 6), (ben, 8), (ben, 700)]):
        draft = authoring.save_draft(
            draft,
            fields=fields(blueprint, stem=f"Text {n}"),
            revision=draft.revision,
            by=by,
            now=moment + timedelta(seconds=seconds),
        )
    edits = draft.question.events.filter(kind="edited").order_by("at")
    assert [(e.by, e.detail["before"]["content"]["stem"]) for e in edits] == [
        (ben, STEM),
        (iris, "Text 2"),
        (ben, "Text 3"),
        (ben, "Text 4"),
    ]


def test_a_line_of_the_trail_is_never_changed(blueprint: Blueprint, ben: User) -> None:
    event = write(blueprint, ben).question.events.get()
    event.kind = QuestionEvent.Kind.RETIRED
    with pytest.raises(TypeError):
        event.save()


def test_an_unfinished_draft_can_be_saved_but_not_sent(blueprint: Blueprint, ben: User) -> None:
    empty = authoring.empty_content(ItemType.MULTIPLE_CHOICE)
    draft = write(blueprint, ben, content=empty, topic=None, level="", difficulty=None)
    codes = {finding.code for finding in reviewing.blocking(draft.question, draft)}
    assert {"no_topic", "no_level", "no_difficulty", "empty_stem", "no_key"} <= codes
    with pytest.raises(AuthoringError, match="blocked"):
        reviewing.submit(draft, by=ben, now=LATER)


def test_nobody_reviews_what_they_have_written_or_changed(
    blueprint: Blueprint, ben: User, iris: User
) -> None:
    draft = write(blueprint, ben)
    changed = fields(blueprint, stem=STEM + " Say why.")
    draft = authoring.save_draft(draft, fields=changed, revision=draft.revision, by=iris, now=LATER)
    reviewing.submit(draft, by=ben, now=LATER)
    for author in (ben, iris):
        with pytest.raises(AuthoringError, match="own_draft"):
            reviewing.answer_blind(draft, answer="a", revision=draft.revision, by=author, now=LATER)


def test_a_learner_reviews_nothing(blueprint: Blueprint, ben: User) -> None:
    draft = write(blueprint, ben)
    reviewing.submit(draft, by=ben, now=LATER)
    with pytest.raises(AuthoringError, match="own_draft"):
        reviewing.answer_blind(draft, answer="a", revision=1, by=make_user("Ana"), now=LATER)


def test_the_first_blind_answer_stands(blueprint: Blueprint, ben: User, iris: User) -> None:
    draft = write(blueprint, ben)
    first = reviewed(draft, by=ben, reviewer=iris, answer="c")
    again = reviewing.answer_blind(draft, answer="a", revision=draft.revision, by=iris, now=LATER)
    assert again == first
    assert (again.answer, again.key, again.agreed) == ("c", "a", False)


def test_who_answered_otherwise_must_say_why_the_key_holds(
    blueprint: Blueprint, ben: User, iris: User
) -> None:
    review = reviewed(write(blueprint, ben), by=ben, reviewer=iris, answer="b")
    with pytest.raises(AuthoringError, match="no_reason"):
        reviewing.publish(review, words="  ", by=iris, now=LATER)
    version = reviewing.publish(review, words="I overlooked the latency.", by=iris, now=LATER)
    assert version.checked == {"by": "reviewer", "agreed": False}


def test_changes_are_requested_with_a_reason_and_the_author_is_told(
    blueprint: Blueprint, ben: User, iris: User
) -> None:
    draft = write(blueprint, ben)
    review = reviewed(draft, by=ben, reviewer=iris)
    with pytest.raises(AuthoringError, match="no_reason"):
        reviewing.request_changes(review, words="", by=iris, now=LATER)
    draft = reviewing.request_changes(review, words="Two keys.", by=iris, now=LATER)
    assert draft.state == Draft.State.CHANGES_REQUESTED
    notice = Notice.objects.get(recipient=ben)
    assert (notice.text, notice.path) == ("Two keys.", f"/bank/questions/{draft.question.code}/edit/")
    with pytest.raises(AuthoringError, match="not_in_review"):
        reviewing.publish(review, words="", by=iris, now=LATER)


def test_a_review_of_an_older_text_decides_nothing(blueprint: Blueprint, ben: User, iris: User) -> None:
    draft = write(blueprint, ben)
    review = reviewed(draft, by=ben, reviewer=iris)
    draft = reviewing.withdraw(draft, by=ben, now=LATER)
    changed = fields(blueprint, stem=STEM + " Say why.")
    draft = authoring.save_draft(draft, fields=changed, revision=draft.revision, by=ben, now=LATER)
    reviewing.submit(draft, by=ben, now=LATER)
    with pytest.raises(AuthoringError, match="conflict"):
        reviewing.publish(review, words="", by=iris, now=LATER)


def test_a_draft_in_review_is_not_edited(blueprint: Blueprint, ben: User) -> None:
    draft = write(blueprint, ben)
    reviewing.submit(draft, by=ben, now=LATER)
    with pytest.raises(AuthoringError, match="in_review"):
        authoring.save_draft(draft, fields=fields(blueprint), revision=draft.revision, by=ben, now=LATER)


def test_whoever_was_asked_is_told_and_else_everybody_who_may(
    blueprint: Blueprint, ben: User, iris: User
) -> None:
    mia = make_user("Mia", role=Role.ADMIN)
    make_user("Ana")
    reviewing.submit(write(blueprint, ben), by=ben, now=LATER, reviewer=iris)
    assert [n.recipient for n in Notice.objects.all()] == [iris]
    reviewing.submit(write(blueprint, ben), by=ben, now=LATER)
    assert {n.recipient for n in Notice.objects.all()} == {iris, mia}
    iris.refresh_from_db()
    assert iris.unread_notices == 2


def test_the_next_version_begins_with_the_current_one(blueprint: Blueprint, ben: User, iris: User) -> None:
    first = publish(write(blueprint, ben), by=ben, reviewer=iris)
    draft = authoring.open_draft(first.question, by=ben, now=LATER)
    assert draft.parsed == first.parsed
    with pytest.raises(AuthoringError, match="has_draft"):
        authoring.open_draft(first.question, by=iris, now=LATER)
    changed = fields(blueprint, stem=STEM + " Explain.")
    draft = authoring.save_draft(draft, fields=changed, revision=draft.revision, by=ben, now=LATER)
    second = publish(draft, by=ben, reviewer=iris)
    assert second.number == 2
    first.refresh_from_db()
    assert first.parsed.stem == STEM


def test_an_older_version_comes_back_as_a_draft(blueprint: Blueprint, ben: User, iris: User) -> None:
    first = publish(write(blueprint, ben), by=ben, reviewer=iris)
    draft = authoring.open_draft(first.question, by=ben, now=LATER)
    changed = fields(blueprint, stem=STEM + " Explain.")
    draft = authoring.save_draft(draft, fields=changed, revision=draft.revision, by=ben, now=LATER)
    publish(draft, by=ben, reviewer=iris)
    restored = authoring.open_draft(first.question, by=ben, now=LATER, number=1)
    assert restored.parsed == first.parsed
    assert restored.based_on == first


def test_a_draft_given_up_stays_in_the_trail(blueprint: Blueprint, ben: User, iris: User) -> None:
    first = publish(write(blueprint, ben), by=ben, reviewer=iris)
    draft = authoring.open_draft(first.question, by=ben, now=LATER)
    authoring.discard_draft(draft, by=ben, now=LATER)
    event = first.question.events.get(kind="discarded")
    assert event.detail["before"]["content"] == first.content
    assert Question.objects.get(pk=first.question_id).state == Question.State.PUBLISHED


def test_giving_up_the_first_draft_retires_the_question(blueprint: Blueprint, ben: User) -> None:
    draft = write(blueprint, ben)
    authoring.discard_draft(draft, by=ben, now=LATER)
    question = Question.objects.get(pk=draft.question_id)
    assert question.state == Question.State.RETIRED
    authoring.restore(question, by=ben, now=LATER)
    assert Question.objects.get(pk=question.pk).state == Question.State.DRAFT


def test_retiring_needs_a_reason_and_can_be_undone(blueprint: Blueprint, ben: User) -> None:
    question = make_published_question(blueprint).question
    with pytest.raises(AuthoringError, match="no_reason"):
        authoring.retire(question, reason=" ", by=ben, now=LATER)
    authoring.retire(question, reason="The service is gone.", by=ben, now=LATER)
    question.refresh_from_db()
    assert (question.state, question.retired_because) == ("retired", "The service is gone.")
    with pytest.raises(AuthoringError, match="already_retired"):
        authoring.retire(question, reason="Again.", by=ben, now=LATER)
    authoring.restore(question, by=ben, now=LATER)
    question.refresh_from_db()
    assert (question.state, question.retired_because) == ("published", "")


def test_tags_change_without_a_new_version(blueprint: Blueprint, ben: User) -> None:
    version = make_published_question(blueprint)
    assert authoring.retag(version.question, add=["Model  Monitor", "drift, data"], by=ben, now=LATER)
    assert not authoring.retag(version.question, add=["model monitor"], by=ben, now=LATER)
    authoring.retag(version.question, remove=["drift data"], by=ben, now=LATER)
    assert list(version.question.tags.values_list("name", flat=True)) == ["model monitor"]
    assert version.question.versions.count() == 1


def test_a_new_case_text_reaches_every_published_question_of_the_case(
    blueprint: Blueprint, ben: User, iris: User
) -> None:
    case = scenarios.create_scenario(blueprint, code="halden", title="Halden", text="An insurer.")
    one = publish(write(blueprint, ben, scenario=case), by=ben, reviewer=iris)
    other = publish(write(blueprint, ben, scenario=case, stem=STEM + " Two."), by=ben, reviewer=iris)
    shown = scenarios.latest(case)
    assert shown is not None and one.scenario_version == other.scenario_version == shown
    scenarios.save_text(case, title="Halden", text="An insurer in Norway.", base=scenarios.stamp(shown))
    draft = authoring.open_draft(one.question, by=ben, now=LATER)
    new = publish(draft, by=ben, reviewer=iris)
    sibling = Question.objects.get(pk=other.question_id).current
    assert sibling is not None and new.scenario_version is not None
    assert (sibling.number, sibling.scenario_version) == (2, new.scenario_version)
    assert new.scenario_version.text == "An insurer in Norway."
    assert Scenario.objects.get().current == new.scenario_version
    other.refresh_from_db()
    assert other.scenario_version is not None and other.scenario_version.text == "An insurer."


def test_a_case_text_changed_by_somebody_else_is_not_overwritten(blueprint: Blueprint) -> None:
    case = scenarios.create_scenario(blueprint, code="halden", title="Halden", text="An insurer.")
    shown = scenarios.latest(case)
    assert shown is not None
    base = scenarios.stamp(shown)
    scenarios.save_text(case, title="Halden", text="Ben's.", base=base)
    with pytest.raises(scenarios.ScenarioError, match="conflict"):
        scenarios.save_text(case, title="Halden", text="Iris's.", base=base)


def test_a_case_text_changed_after_the_blind_answer_is_answered_anew(
    blueprint: Blueprint, ben: User, iris: User
) -> None:
    case = scenarios.create_scenario(blueprint, code="halden", title="Halden", text="An insurer.")
    shown = scenarios.latest(case)
    assert shown is not None
    draft = write(blueprint, ben, scenario=case)
    review = reviewed(draft, by=ben, reviewer=iris)
    scenarios.save_text(case, title="Halden", text="A bank.", base=scenarios.stamp(shown), by=ben)
    with pytest.raises(AuthoringError, match="conflict"):
        reviewing.publish(review, words="", by=iris, now=LATER)
    draft.refresh_from_db()
    again = reviewing.answer_blind(draft, answer="a", revision=draft.revision, by=iris, now=LATER)
    assert reviewing.publish(again, words="", by=iris, now=LATER).number == 1


def test_who_wrote_the_case_does_not_review_its_questions(
    blueprint: Blueprint, ben: User, iris: User
) -> None:
    case = scenarios.create_scenario(blueprint, code="halden", title="Halden", text="An insurer.")
    shown = scenarios.latest(case)
    assert shown is not None
    draft = write(blueprint, ben, scenario=case)
    scenarios.save_text(case, title="Halden", text="A bank.", base=scenarios.stamp(shown), by=iris)
    assert not reviewing.may_review(draft, iris)


def test_a_retired_question_is_not_written_on(blueprint: Blueprint, ben: User) -> None:
    question = make_published_question(blueprint).question
    authoring.retire(question, reason="Gone.", by=ben, now=NOW)
    with pytest.raises(AuthoringError, match="retired"):
        authoring.open_draft(question, by=ben, now=NOW)


def test_comments_go_with_the_draft_into_its_version(blueprint: Blueprint, ben: User, iris: User) -> None:
    draft = write(blueprint, ben)
    made = reviewing.comment(draft.question, text="Is B wrong?", by=iris, now=LATER, where="options.2")
    assert Notice.objects.get(recipient=ben).text == "Is B wrong?"
    version = publish(draft, by=ben, reviewer=iris)
    made.refresh_from_db()
    assert (made.draft, made.version) == (None, version)


def test_the_list_follows_every_move(blueprint: Blueprint, ben: User, iris: User) -> None:
    draft = write(blueprint, ben)
    row = Listing.objects.get()
    assert (row.state, row.draft_state, row.author, row.blocks) == ("draft", "draft", ben, 0)
    review = reviewed(draft, by=ben, reviewer=iris)
    row.refresh_from_db()
    assert row.draft_state == "in_review"
    reviewing.publish(review, words="", by=iris, now=LATER)
    row.refresh_from_db()
    assert (row.state, row.draft_state) == ("published", "")
    assert "ferry operator" in row.search and "drift" in row.search
