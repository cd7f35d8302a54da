"""Files on their way in: what becomes of each question, and of a worker that dies."""

from __future__ import annotations

import base64
import io
import uuid
import zipfile
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from accounts.models import User
from questions import applying, authoring, blueprints, exporting, importing, incoming, known, runs, tasks
from questions.content import QuestionContent
from questions.formats import registry
from questions.formats.exchange import ExchangeQuestion, Picture
from questions.importing import ImportingError
from questions.models import (
    Blueprint,
    CategoryMapping,
    Draft,
    Image,
    ImportChunk,
    ImportRun,
    Listing,
    Question,
    Topic,
)
from tests.factories import NOW, make_blueprint, make_content, make_published_question
from tests.questions.transfer_makers import (
    AIKEN,
    GIFT,
    begin,
    fall_silent,
    imported,
    outcomes,
    png,
    previewed,
    row,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def blueprint() -> Blueprint:
    return make_blueprint(code="EXAM-9")


def csv_of(*rows: str) -> str:
    return "\n".join(("code,topic,level,difficulty,type,stem,option 1,option 2,option 3,correct", *rows))


# Reading


def test_the_preview_says_what_becomes_of_each_question(blueprint: Blueprint, ben: User) -> None:
    run = previewed(blueprint, ben)
    assert run.state == "ready" and run.format_name == "gift" and run.total == 4
    assert outcomes(run) == [
        ("imported", ""),
        ("rejected", "unsupported_type"),
        ("degraded", ""),
        ("imported", ""),
    ]
    assert run.counts == {"imported": 2, "rejected": 1, "degraded": 1}
    assert row(run).title == "Objects" and row(run).category == "Storage"
    assert row(run, 3).losses[0]["why"].endswith(".")
    assert not Question.objects.exists()


def test_an_unreadable_file_says_why(blueprint: Blueprint, ben: User) -> None:
    run = previewed(blueprint, ben, b"\x00\x01\x02", name="x.bin")
    assert run.state == "failed" and run.error.endswith(".") and not run.rows.exists()


def test_a_broken_package_is_told_from_an_unknown_one(blueprint: Blueprint, ben: User) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("1.yaml", b"#" * 5_000_000)
    run = previewed(blueprint, ben, out.getvalue(), name="bank.zip")
    assert run.state == "failed" and "unpacks to" in run.error
    run = previewed(blueprint, ben, b"PK\x03\x04 and no more", name="bank.zip")
    assert run.state == "failed" and "zip" in run.error


@pytest.mark.parametrize(
    ("size", "format_name", "code"),
    [(0, "auto", "empty"), (10**9, "auto", "too_large"), (5, "docx", "unknown_format")],
)
def test_what_is_refused_at_once(
    blueprint: Blueprint, ben: User, size: int, format_name: str, code: str
) -> None:
    with pytest.raises(ImportingError) as caught:
        importing.begin_import(
            io.BytesIO(b""),
            filename="x",
            size=size,
            format_name=format_name,
            blueprint=blueprint,
            by=ben,
            now=NOW,
        )
    assert caught.value.code == code
    assert not ImportRun.objects.exists()


def test_a_file_comes_back_from_its_pieces(
    blueprint: Blueprint, ben: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("questions.run_files.PIECE", 50)
    run = previewed(blueprint, ben)
    assert ImportChunk.objects.filter(run=run).count() > 5
    assert run.total == 4


def test_a_question_that_is_here_already_is_a_duplicate(blueprint: Blueprint, ben: User) -> None:
    imported(blueprint, ben)
    again = previewed(blueprint, ben, name="another.gift")
    assert [outcome for outcome, _ in outcomes(again)] == ["duplicate", "rejected", "duplicate", "duplicate"]
    assert "says the same" in row(again).why


def test_importing_again_makes_nothing_twice(blueprint: Blueprint, ben: User) -> None:
    imported(blueprint, ben)
    before = Question.objects.count()
    imported(blueprint, ben)
    assert Question.objects.count() == before == 3


def test_a_question_twice_in_a_file_comes_once(blueprint: Blueprint, ben: User) -> None:
    run = imported(blueprint, ben, AIKEN.format(name="it") * 2, name="x.txt")
    assert outcomes(run) == [("imported", ""), ("duplicate", "twice_in_file")]
    assert Question.objects.count() == 1


def test_another_text_under_our_code_is_the_next_draft(blueprint: Blueprint, ben: User) -> None:
    version = make_published_question(blueprint, code="exam-1.1-001")
    run = imported(blueprint, ben, csv_of("exam-1.1-001,,,,,Which is new?,yes,no,perhaps,A"), name="bank.csv")
    draft = Draft.objects.get()
    assert run.counts == {"imported": 1} and row(run).updates
    assert draft.question == version.question and draft.based_on == version
    assert draft.parsed.stem == "Which is new?"
    assert (draft.topic, draft.level, draft.difficulty) == (version.topic, "apply", version.difficulty)


def test_another_level_alone_is_a_change(blueprint: Blueprint, ben: User) -> None:
    text = csv_of("exam-1.1-001,1.1.1,recall,0.5,,Which?,yes,no,perhaps,A")
    imported(blueprint, ben, text, name="bank.csv")
    again = previewed(blueprint, ben, text.replace("recall", "apply"), name="bank.csv")
    assert outcomes(again) == [("rejected", "has_draft")]
    assert outcomes(previewed(blueprint, ben, text, name="bank.csv")) == [("duplicate", "same_content")]


def test_a_retired_question_is_not_written_over(blueprint: Blueprint, ben: User) -> None:
    version = make_published_question(blueprint, code="exam-1.1-001")
    authoring.retire(version.question, reason="old", by=ben, now=NOW)
    run = previewed(blueprint, ben, csv_of("exam-1.1-001,,,,,New?,a,b,c,A"), name="bank.csv")
    assert outcomes(run) == [("rejected", "retired")]


def test_an_equal_number_of_another_system_is_another_question(blueprint: Blueprint, ben: User) -> None:
    make_published_question(blueprint, code="q1", content=make_content(stem="How are models deployed?"))
    run = imported(blueprint, ben, "// [id:q1]\n::A::Which service stores objects? {=S3 ~EBS}", name="b.gift")
    assert outcomes(run) == [("imported", "")]
    question = Question.objects.exclude(code="q1").get()
    assert not row(run).updates and question.origin == "gift:b.gift#q1"


def test_a_corrected_foreign_question_is_known_by_where_it_came_from(blueprint: Blueprint, ben: User) -> None:
    text = "// [id:q1]\nWhich service stores objects for a training job? {=S3 ~EBS}"
    imported(blueprint, ben, text, name="b.gift")
    again = previewed(blueprint, ben, text.replace("EBS", "EFS"), name="b.gift")
    assert outcomes(again) == [("rejected", "has_draft")]
    elsewhere = previewed(blueprint, ben, text.replace("EBS", "EFS"), name="c.gift")
    assert outcomes(elsewhere) == [("imported", "")]


def test_worldwide_identifiers_need_no_filename() -> None:
    question = ExchangeQuestion(make_content(), code="i1234567890abcdef1234567890abcdef")
    assert "x.zip" not in known.origin_of(question, format_name="canvas-qti", filename="x.zip")
    short = replace(question, code="q_1")
    assert known.origin_of(short, format_name="qti2", filename="x.zip") == "qti2:x.zip#q_1"


def test_a_file_that_came_in_before_does_not_undo_what_was_edited(blueprint: Blueprint, ben: User) -> None:
    text = csv_of("exam-1.1-001,1.1.1,apply,0.5,,Which is it?,yes,no,perhaps,A")
    run = imported(blueprint, ben, text, name="bank.csv")
    draft = Draft.objects.get()
    draft.content = {**draft.content, "stem": "Which one is it?"}
    draft.save()
    again = previewed(blueprint, ben, text, name="bank.csv")
    assert outcomes(again) == [("duplicate", "said_before")]
    assert row(again).same_as == row(run).question


def test_an_earlier_version_is_no_news(blueprint: Blueprint, ben: User) -> None:
    first = make_published_question(blueprint, code="exam-1.1-001", content=make_content(stem="Once?"))
    ids = [first.question_id]
    out = io.BytesIO()
    exporting.write(registry.by_name("csv"), exporting.exchanged(ids, text=exporting.PUBLISHED), out)
    first.pk, first.number, first.content = None, 2, make_content(stem="Now?").to_json()
    first.save(force_insert=True)
    Question.objects.filter(pk=first.question_id).update(current=first)
    assert outcomes(previewed(blueprint, ben, out.getvalue(), name="b.csv")) == [("duplicate", "said_before")]


def test_folders_find_their_topics(blueprint: Blueprint, ben: User) -> None:
    topic = Topic.objects.get(code="1.2.1", task__domain__blueprint=blueprint)
    text = "$CATEGORY: $course$/top/1.2.1 Whatever\n\nWhich? {=a ~b}\n\n$CATEGORY: Odd\n\nWhat? {=a ~b}"
    run = previewed(blueprint, ben, text)
    assert [each.topic for each in run.rows.order_by("number")] == [topic, None]
    assert [(c["category"], c["count"]) for c in importing.categories(run)] == [
        ("1.2.1 Whatever", 1),
        ("Odd", 1),
    ]
    importing.map_categories(run, {"Odd": topic})
    assert row(run, 2).topic == topic
    assert row(previewed(blueprint, ben, text), 2).topic == topic
    importing.map_categories(run, {"Odd": None})
    assert not CategoryMapping.objects.exists()


def test_a_topic_that_the_file_names_needs_no_mapping(blueprint: Blueprint, ben: User) -> None:
    run = previewed(blueprint, ben, "// [tag:topic:2.1.1]\nWhich? {=a ~b}")
    found = row(run)
    assert found.names_topic and found.topic is not None and found.topic.code == "2.1.1"
    assert not importing.categories(run)


def test_a_topic_for_the_rest(blueprint: Blueprint, ben: User) -> None:
    topic = Topic.objects.get(code="2.2.1", task__domain__blueprint=blueprint)
    run = imported(blueprint, ben, topic=topic)
    assert set(Draft.objects.values_list("topic", flat=True)) == {topic.pk}
    assert min(Question.objects.values_list("code", flat=True)).startswith("exam-2.2-")
    assert run.counts["imported"] == 2


# Pictures


def moodle_with(picture: bytes) -> str:
    data = base64.b64encode(picture).decode()
    return f"""<quiz><question type="multichoice"><name><text>P</text></name>
    <questiontext format="html"><text><![CDATA[<p>What is <img src="@@PLUGINFILE@@/p.png" alt="a red field"> here?</p>]]></text>
    <file name="p.png" path="/" encoding="base64">{data}</file></questiontext>
    <answer fraction="100" format="html"><text>yes</text></answer>
    <answer fraction="0" format="html"><text>no</text></answer></question></quiz>"""


def test_pictures_come_along(blueprint: Blueprint, ben: User) -> None:
    run = imported(blueprint, ben, moodle_with(png()), name="q.xml")
    image = Image.objects.get()
    assert outcomes(run) == [("imported", "")]
    assert f"![a red field](image:{image.name})" in Draft.objects.get().parsed.stem
    assert (image.width, image.height, image.uploaded_by) == (8, 6, ben)
    again = previewed(blueprint, ben, moodle_with(png()), name="q.xml")
    assert outcomes(again) == [("duplicate", "same_content")]


def test_an_unreadable_picture_leaves_its_description(blueprint: Blueprint, ben: User) -> None:
    run = imported(blueprint, ben, moodle_with(b"no picture at all"), name="q.xml")
    assert outcomes(run) == [("degraded", "")]
    assert row(run).losses[0]["code"] == "image"
    stem = Draft.objects.get().parsed.stem
    assert "a red field" in stem and "image:" not in stem
    assert not Image.objects.exists()


def test_a_picture_that_is_here_is_not_encoded_again() -> None:
    data = png()
    content = replace(make_content(), stem="See ![it](image:x.png)")
    question = ExchangeQuestion(content, pictures=(Picture("x.png", data),))
    came = incoming.incoming(question, known=lambda digest: f"{digest}-8x6.png")
    assert not came.pictures and came.question.content.stem.endswith("-8x6.png)")


def test_pictures_are_written_before_they_fill_the_memory(
    blueprint: Blueprint, ben: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "_BATCH_BYTES", 50)
    written: list[int] = []
    write = importing._write

    def watched(run: ImportRun, batch: list[Any], *args: Any, **kwargs: Any) -> None:
        written.append(len(batch))
        write(run, batch, *args, **kwargs)

    monkeypatch.setattr(importing, "_write", watched)
    one, other = moodle_with(png()), moodle_with(png("blue")).replace("What is", "And what is")
    both = one.replace("</quiz>", other.partition("<quiz>")[2])
    run = imported(blueprint, ben, both, name="q.xml")
    assert written == [1, 1, 0] and run.counts == {"imported": 2} and Image.objects.count() == 2


def test_a_worker_with_slow_pictures_is_heard_of(
    blueprint: Blueprint, ben: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "_BATCH_SECONDS", 0.0)
    touched: list[int] = []
    touch = runs.touch

    def watched(run: ImportRun, *, done: int) -> None:
        touched.append(done)
        touch(run, done=done)

    monkeypatch.setattr(runs, "touch", watched)
    previewed(blueprint, ben)
    assert touched == [0, 1, 2, 3, 4, 4]


# Workers that die, and people who change their mind


def test_a_silent_run_is_taken_up_again(blueprint: Blueprint, ben: User) -> None:
    run = begin(blueprint, ben)
    runs.claim(ImportRun, run.pk, steps=importing._STEPS, now=NOW)
    importing.read(run.pk, now=NOW)
    run.refresh_from_db()
    assert run.state == "reading" and not run.rows.exists(), "another worker has it"
    fall_silent(run)
    assert importing.lost_runs(now=NOW) == ([run.pk], [])
    importing.read(run.pk, now=NOW)
    run.refresh_from_db()
    assert run.state == "ready" and run.total == 4


def test_a_run_is_given_up_after_three_workers(blueprint: Blueprint, ben: User) -> None:
    run = begin(blueprint, ben)
    for _ in range(3):
        assert runs.claim(ImportRun, run.pk, steps=importing._STEPS, now=NOW) is not None
        fall_silent(run)
    importing.read(run.pk, now=NOW)
    run.refresh_from_db()
    assert (run.state, run.error) == ("failed", runs.GIVEN_UP)


def test_a_worker_that_was_taken_over_writes_nothing(blueprint: Blueprint, ben: User) -> None:
    run = begin(blueprint, ben)
    mine = runs.claim(ImportRun, run.pk, steps=importing._STEPS, now=NOW)
    assert mine is not None
    ImportRun.objects.filter(pk=run.pk).update(claim=uuid.uuid4())
    with pytest.raises(runs.RunEndedError):
        importing._read(mine)
    assert not runs.release(mine, state="ready", now=NOW)
    assert not run.rows.exists()


def test_cancelling_while_it_is_read(
    blueprint: Blueprint, ben: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "_BATCH", 1)
    run = begin(blueprint, ben)
    write = importing._write

    def watched(*args: Any, **kwargs: Any) -> None:
        write(*args, **kwargs)
        ImportRun.objects.filter(pk=run.pk).update(wants_cancel=True)

    monkeypatch.setattr(importing, "_write", watched)
    importing.read(run.pk, now=NOW)
    run.refresh_from_db()
    assert run.state == "cancelled" and run.rows.count() == 1


def test_cancelling_a_preview_and_what_is_in_already(blueprint: Blueprint, ben: User) -> None:
    run = previewed(blueprint, ben)
    importing.cancel(run, now=NOW)
    run.refresh_from_db()
    assert run.state == "cancelled"
    with pytest.raises(ImportingError) as caught:
        importing.cancel(imported(blueprint, ben), now=NOW)
    assert caught.value.code == "too_late"


def test_old_imports_are_forgotten(blueprint: Blueprint, ben: User) -> None:
    done, left = imported(blueprint, ben), previewed(blueprint, ben, AIKEN.format(name="it"), name="x.txt")
    importing.forget_old(now=NOW)
    assert done.rows.exists() and left.chunks.exists()
    ImportRun.objects.update(touched_at=NOW - timedelta(days=15))
    importing.forget_old(now=NOW)
    left.refresh_from_db()
    assert left.state == "cancelled" and not left.chunks.exists()
    assert not done.rows.exists()


def test_the_tasks_do_the_work(blueprint: Blueprint, ben: User) -> None:
    run = begin(blueprint, ben)
    tasks.read_import(str(run.pk))
    run.refresh_from_db()
    applying.start(run, tag="", now=NOW)
    tasks.apply_import(str(run.pk))
    tasks.forget_runs()
    assert Question.objects.count() == 3
    Listing.objects.all().delete()
    tasks.refresh_listings(list(Question.objects.values_list("pk", flat=True)))
    assert Listing.objects.count() == 3


def test_text_that_no_database_holds_is_mended() -> None:
    content = QuestionContent.from_json(make_content(stem="a\x00b \ud800").to_json())
    question = incoming.incoming(ExchangeQuestion(content, title="\x00", tags=("x" * 70,))).question
    assert question.content.stem == "a�b �" and question.title == "�"
    assert [loss.code for loss in question.losses] == ["tag"]


def test_gift_is_what_the_makers_say() -> None:
    assert len(list(incoming.outcomes(io.BytesIO(GIFT.encode()), "x", format_name="gift"))) == 4


def test_the_questions_of_the_exam_before_come_under_what_their_task_became(ben: User) -> None:
    before = make_blueprint(weights=(100,), tasks=3)
    kept, renamed, gone = (make_published_question(before, topic=f"1.{n}.1") for n in (1, 2, 3))
    became = {
        "1.1": [blueprints.NewTask("1.2", "Task 1.1")],
        "1.2": [blueprints.NewTask("1.1", "Something else")],
        "1.3": [],
    }
    new = blueprints.copy_blueprint(before, code="NEXT-2", title="Next", became=became)

    for expected in ({"imported": 2, "rejected": 1}, {"duplicate": 2, "rejected": 1}):
        run = importing.begin_following(new, by=ben, now=NOW)
        importing.read(run.pk, now=NOW)
        run.refresh_from_db()
        assert run.counts == expected
        assert run.rows.get(outcome="rejected").code == "task_gone"
        assert run.rows.get(outcome="rejected").where == gone.question.code
        if "imported" in expected:
            applying.start(run, tag="", now=NOW)
            applying.apply(run.pk, now=NOW)

    tasks = dict(
        Draft.objects.filter(question__blueprint=new).values_list("content__stem", "topic__task__title")
    )
    assert tasks == {
        kept.parsed.stem: "Task 1.1",
        renamed.parsed.stem: "Something else",
    }


def test_an_exam_that_follows_none_has_nothing_to_bring(blueprint: Blueprint, ben: User) -> None:
    with pytest.raises(ImportingError) as refused:
        importing.begin_following(blueprint, by=ben, now=NOW)
    assert refused.value.code == "nothing"
