"""Questions on their way out, and back again: equal, up to the losses that were told."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta
from decimal import Decimal

import pytest
from django.http import QueryDict

from accounts.models import User
from questions import authoring, exporting, images, incoming, listing, run_files, runs, scenarios, tasks
from questions.content import ItemType, QuestionContent
from questions.exporting import ExportingError
from questions.formats import registry
from questions.models import Blueprint, Draft, ExportChunk, ExportRun, Question, QuestionTag
from tests.factories import NOW, make_blueprint, make_content, make_published_question
from tests.questions.transfer_makers import fall_silent, imported, png

pytestmark = pytest.mark.django_db

WRITABLE = [name for name, known in registry.FORMATS.items() if known.render is not None]


@pytest.fixture
def blueprint() -> Blueprint:
    return make_blueprint(code="EXAM-9")


@pytest.fixture
def bank(blueprint: Blueprint) -> Blueprint:
    """One published question of each type, with a tag, a picture and a case."""
    image = images.store(png(), by=None, now=NOW)
    scenario = scenarios.create_scenario(blueprint, code="case-1", title="Shop", text="A shop sells things.")
    version, _ = scenarios.publish(scenario, now=NOW)
    for number, item_type in enumerate(ItemType):
        picture = f" ![a field](image:{image.name})" if number == 0 else ""
        made = make_published_question(
            blueprint,
            topic="1.2.1",
            code=f"exam-1.2-00{number + 1}",
            content=make_content(item_type, stem=f"Which of these {item_type} fits?{picture}"),
            scenario_version=version if number == 1 else None,
            keeps_order=number == 1,
        )
        QuestionTag.objects.create(question=made.question, name="storage")
    listing.refresh_all()
    return blueprint


def written(bank: Blueprint, name: str, *, text: str = exporting.PUBLISHED) -> bytes:
    ids = list(Question.objects.filter(blueprint=bank).order_by("code").values_list("pk", flat=True))
    out = io.BytesIO()
    exporting.write(registry.by_name(name), exporting.exchanged(ids, text=text), out)
    return out.getvalue()


@pytest.mark.parametrize("name", WRITABLE)
def test_a_bank_comes_back_into_an_empty_copy_up_to_what_was_told(
    bank: Blueprint, ben: User, name: str
) -> None:
    known = registry.by_name(name)
    ids = list(Question.objects.order_by("code").values_list("pk", flat=True))
    sent = list(exporting.exchanged(ids, text=exporting.PUBLISHED))
    losses = {q.code: {loss.code: loss for loss in known.losses(q)} for q in sent}
    kept = [q for q in sent if not any(loss.leaves_out for loss in losses[q.code].values())]
    data = written(bank, name)
    copy = make_blueprint(code="COPY-1")
    run = imported(copy, ben, data, name=f"bank{known.extension}")
    assert sum(run.counts.values()) == len(kept)
    assert set(run.counts) <= {"imported", "degraded"}
    drafts = list(Draft.objects.filter(question__blueprint=copy).order_by("pk"))
    for before, draft in zip(kept, drafts, strict=True):
        is_whole = not losses[before.code]
        assert draft.item_type == str(before.content.item_type)
        assert not is_whole or incoming.print_of(draft.parsed) == incoming.print_of(before.content)
        assert not is_whole or (draft.level, draft.difficulty) == ("apply", Decimal("0.60"))
        assert not is_whole or (draft.topic is not None and draft.topic.code == "1.2.1")
        assert not is_whole or [tag.name for tag in draft.question.tags.all()] == ["storage"]
        assert not is_whole or draft.keeps_order == before.keep_order
        assert not is_whole or (draft.scenario is None) == (before.scenario is None)
        assert "details" in losses[before.code] or draft.topic is not None


@pytest.mark.parametrize("name", ["csv", "xlsx", "qti2", "qti3"])
def test_formats_that_hold_everything_but_pictures_lose_nothing(bank: Blueprint, name: str) -> None:
    ids = list(Question.objects.values_list("pk", flat=True))
    account = exporting.Account()
    for question in exporting.exchanged(ids, text=exporting.PUBLISHED):
        account.add(question, registry.by_name(name))
    assert account.count == 4 and account.left_out == 0
    assert {entry["code"] for entry in account.listed()} <= {"image", "pictures"}


def test_importing_our_own_file_again_finds_everything_there(bank: Blueprint, ben: User) -> None:
    for name in ("yaml", "csv", "xlsx", "qti2", "qti3"):
        run = imported(bank, ben, written(bank, name), name=f"bank{registry.by_name(name).extension}")
        assert set(run.counts) == {"duplicate"}, name


def test_categories_lead_to_the_topic(bank: Blueprint) -> None:
    question = next(exporting.exchanged([Question.objects.order_by("code")[0].pk], text=exporting.PUBLISHED))
    assert question.category == ("EXAM-9", "1 Domain 1", "1.2 Task 1.2", "1.2.1")
    assert question.pictures[0].name in question.content.stem


def test_the_newest_text_is_the_draft(bank: Blueprint, ben: User) -> None:
    question = Question.objects.order_by("code")[0]
    draft = authoring.open_draft(question, by=ben, now=NOW)
    fields = authoring.fields_of(Question.objects.get(pk=question.pk))
    changed = QuestionContent.from_json({**fields.content.to_json(), "stem": "A new stem?"})
    new = authoring.DraftFields(content=changed, topic=draft.topic)
    authoring.save_draft(draft, fields=new, revision=1, by=ben, now=NOW)
    (newest,) = exporting.exchanged([question.pk], text=exporting.NEWEST)
    (published,) = exporting.exchanged([question.pk], text=exporting.PUBLISHED)
    assert newest.content.stem == "A new stem?" and published.content.stem != "A new stem?"


def test_a_draft_has_no_published_text(blueprint: Blueprint, ben: User) -> None:
    fields = authoring.DraftFields(content=make_content())
    draft = authoring.create_draft(blueprint, fields=fields, by=ben, now=NOW)
    assert not list(exporting.exchanged([draft.question_id], text=exporting.PUBLISHED))
    (newest,) = exporting.exchanged([draft.question_id], text=exporting.NEWEST)
    assert newest.category == ("EXAM-9",)


def test_a_large_bank_file_is_a_zip_of_small_ones(
    bank: Blueprint, ben: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("questions.exporting.MOST_BYTES", 100)
    make_published_question(bank, topic="2.1.1", code="exam-2.1-001")
    data = written(bank, "yaml")
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        assert package.namelist() == ["EXAM-9-1.2.yaml", "EXAM-9-2.1.yaml"]
    run = imported(bank, ben, data, name="bank.zip")
    assert set(run.counts) == {"duplicate"} and run.format_name == "yaml"


# Runs


def begin(by: User, query: str = "", *, name: str = "gift", text: str = exporting.PUBLISHED) -> ExportRun:
    return exporting.begin_export(QueryDict(query), format_name=name, text=text, by=by, now=NOW)


def test_a_run_tells_what_is_lost_before_it_writes(bank: Blueprint, ben: User) -> None:
    run = begin(ben)
    tasks.check_export(str(run.pk))
    run.refresh_from_db()
    assert (run.state, run.total, run.left_out) == ("checked", 4, 1)
    first = run.losses[0]
    assert first["code"] == "unsupported_type" and first["left_out"] == 1
    assert first["examples"] == [{"code": "exam-1.2-003", "why": first["why"]}]
    assert not ExportChunk.objects.exists()
    exporting.start_writing(run, now=NOW)
    tasks.write_export(str(run.pk))
    run.refresh_from_db()
    data = b"".join(run_files.streamed(run))
    assert run.state == "ready" and run.size == len(data)
    assert run.filename == "questions-2026-09-07.gift"
    assert len(list(registry.read(io.BytesIO(data), run.filename))) == 3


def test_a_filter_selects(bank: Blueprint, ben: User) -> None:
    assert begin(ben, "type=matching").total == 1
    with pytest.raises(ExportingError) as caught:
        begin(ben, "type=matching&q=nowhere")
    assert caught.value.code == "nothing"


@pytest.mark.parametrize(("name", "code"), [("canvas-qti", "read_only"), ("docx", "unknown_format")])
def test_formats_that_are_not_written(bank: Blueprint, ben: User, name: str, code: str) -> None:
    with pytest.raises(ExportingError) as caught:
        begin(ben, name=name)
    assert caught.value.code == code


def test_writing_needs_a_check_and_can_be_cancelled(bank: Blueprint, ben: User) -> None:
    run = begin(ben)
    with pytest.raises(ExportingError) as caught:
        exporting.start_writing(run, now=NOW)
    assert caught.value.code == "not_checked"
    exporting.check(run.pk, now=NOW)
    run.refresh_from_db()
    exporting.start_writing(run, now=NOW)
    run.refresh_from_db()
    exporting.cancel(run, now=NOW)
    exporting.write_file(run.pk, now=NOW)
    run.refresh_from_db()
    assert run.state == "cancelled" and not ExportChunk.objects.exists()


def test_what_is_written_can_not_be_cancelled(bank: Blueprint, ben: User) -> None:
    run = begin(ben)
    ExportRun.objects.filter(pk=run.pk).update(state="ready")
    run.refresh_from_db()
    with pytest.raises(ExportingError):
        exporting.cancel(run, now=NOW)


def test_a_silent_export_is_taken_up_again(bank: Blueprint, ben: User) -> None:
    run = begin(ben)
    assert runs.claim(ExportRun, run.pk, steps=exporting._CHECKING, now=NOW) is not None
    fall_silent(run)
    assert exporting.lost_runs(now=NOW) == ([run.pk], [])
    exporting.check(run.pk, now=NOW)
    run.refresh_from_db()
    assert run.state == "checked"


def test_an_error_of_ours_is_told(bank: Blueprint, ben: User, monkeypatch: pytest.MonkeyPatch) -> None:
    run = begin(ben)
    monkeypatch.setattr(exporting, "exchange_of", None)
    exporting.check(run.pk, now=NOW)
    run.refresh_from_db()
    assert (run.state, run.error) == ("failed", exporting.BROKEN)


def test_old_files_are_taken_away(bank: Blueprint, ben: User) -> None:
    run = begin(ben)
    exporting.check(run.pk, now=NOW)
    run.refresh_from_db()
    exporting.start_writing(run, now=NOW)
    exporting.write_file(run.pk, now=NOW)
    exporting.forget_old(now=NOW)
    assert ExportChunk.objects.exists()
    ExportRun.objects.update(touched_at=NOW - timedelta(days=15))
    exporting.forget_old(now=NOW)
    run.refresh_from_db()
    assert run.state == "cancelled" and not ExportChunk.objects.exists()


@pytest.mark.parametrize("name", WRITABLE)
def test_what_was_written_brings_nothing_new_back(bank: Blueprint, ben: User, name: str) -> None:
    """Also where the format holds less than the bank: the poorer text is no second question and no next draft."""
    known = registry.by_name(name)
    run = imported(bank, ben, written(bank, name), name=f"bank{known.extension}")
    assert {row.outcome for row in run.rows.all()} == {"duplicate"}
    assert not Draft.objects.exists() and Question.objects.count() == len(ItemType)


def test_a_corrected_copy_in_a_poorer_format_is_news(bank: Blueprint, ben: User) -> None:
    text = written(bank, "gift").decode().replace("Which of these multiple", "Which one of these multiple")
    run = imported(bank, ben, text)
    (row,) = run.rows.exclude(outcome="duplicate").filter(code="")[:1]
    assert row.updates and Draft.objects.filter(content__stem__startswith="Which one of").exists()
