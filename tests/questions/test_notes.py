"""Study notes: read from files, loaded, checked and written back."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from questions import bank_folder, note_checks, notes, rendering
from questions.formats.notes import MAX_TEXT, NoteFile, parse_note, render_note
from questions.formats.reading import FormatError
from questions.models import Blueprint, StudyNote
from tests.factories import NOW, make_blueprint, make_note
from tests.questions.test_blueprint_file import SMALL
from tests.questions.test_commands import fails, question_file, run

SHIPPED = Path(__file__).resolve().parents[2] / "fixtures" / "mla-c01"

NOTE = """\
---
topic: 1.1.1
title: Data formats
---

What it is *for*.

## Which one when

| If … | then … |
|---|---|
| rows | `CSV` |
"""

COLON = (
    "n.md:3: This is not YAML: mapping values are not allowed in this context. "
    "Put a text that contains “: ” in quotes, or write it as a block after “|”."
)
TAG = "n.md:3: The tag “tag:yaml.org,2002:python/name:os.system” is refused. Quote a text that starts with !."


def parse(text: str | bytes, topics: tuple[str, ...] | None = None) -> NoteFile:
    data = text.encode() if isinstance(text, str) else text
    return parse_note(data, filename="n.md", topics=topics)


def refused(text: str | bytes, topics: tuple[str, ...] | None = None) -> list[str]:
    with pytest.raises(FormatError) as caught:
        parse(text, topics)
    return [str(problem) for problem in caught.value.problems]


# The format


def test_a_note_is_read() -> None:
    note = parse(NOTE, ("1.1.1",))
    assert (note.topic, note.title, note.line) == ("1.1.1", "Data formats", 2)
    assert note.text.startswith("What it is *for*.\n\n## Which") and note.text.endswith("| rows | `CSV` |")


def test_windows_line_ends_and_a_byte_order_mark_change_nothing() -> None:
    assert parse(b"\xef\xbb\xbf" + NOTE.replace("\n", "\r\n").encode()) == parse(NOTE)


def test_a_rule_of_three_hyphens_in_the_text_is_text() -> None:
    assert parse(NOTE + "\n---\n\nMore.\n").text.endswith("---\n\nMore.")


def test_words_are_counted_as_a_reader_counts() -> None:
    assert parse(NOTE).words == 11


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ["n.md:1: The file is empty."]),
        ("\n \n", ["n.md:1: The file is empty."]),
        (
            "# Data formats\n",
            [
                "n.md:1: The note must begin with a front matter: a line “---”, its topic and title, a line “---”."
            ],
        ),
        ("---\ntopic: 1.1.1\n", ["n.md:1: The front matter is not closed. Put a line “---” below it."]),
        (
            "---\n---\nText\n",
            ["n.md:1: The front matter is empty. Name the topic and the title in it."],
        ),
        (
            NOTE.replace("topic:", "tpoic:"),
            [
                "n.md:2: The field “tpoic” is not known here. Did you mean “topic”?",
            ],
        ),
        (NOTE.replace("title: Data formats\n", ""), ["n.md:2: The field “title” is missing. Add it."]),
        (NOTE.replace("title: Data formats", "title:"), ["n.md:3: The field “title” is missing. Add it."]),
        (
            NOTE.replace("title: Data", "title: A: b"),
            [
                (
                    "n.md:3: This is not YAML: mapping values are not allowed in this context. "
                    "Put a text that contains “: ” in quotes, or write it as a block after “|”."
                )
            ],
        ),
        (
            NOTE.replace("title: Data", "\ttitle: Data"),
            ["n.md:3: The line is indented with a tab. Indent with spaces."],
        ),
        (
            NOTE.replace("title: Data formats", "title: !!python/name:os.system"),
            [
                "n.md:3: The field “title” is missing. Add it.",
                (
                    "n.md:3: The tag “tag:yaml.org,2002:python/name:os.system” is refused. "
                    "Quote a text that starts with !."
                ),
            ],
        ),
        (
            NOTE.replace("1.1.1", "a b"),
            ["n.md:2: “topic” is “a b”: use letters, digits, “.”, “-” and “_”, without spaces."],
        ),
        (
            NOTE.partition("What")[0],
            ["n.md:5: The note has no text. Write it below the front matter."],
        ),
        (
            NOTE + "x" * MAX_TEXT,
            ["n.md:5: The note has 20,083 characters; at most 20,000 are allowed. Shorten it."],
        ),
    ],
)
def test_each_mistake_is_named_with_its_line(text: str, said: list[str]) -> None:
    assert refused(text) == said


def test_bytes_that_are_no_text() -> None:
    assert refused(NOTE.encode() + b"\xff") == [
        "n.md:13: The file is not UTF-8 (byte 130). Save it with the encoding UTF-8."
    ]
    assert refused(NOTE + "\x00") == [
        "n.md:13: The control character U+0000 does not belong in a text. Delete it."
    ]
    assert refused(b"-" * 10_000_000) == ["n.md:1: The file has 10.0 MB; at most 5 MB are read. Split it."]


def test_a_topic_that_the_blueprint_lacks() -> None:
    said = "n.md:2: The topic “1.1.1” is not in the blueprint. Use a topic code of its outline."
    assert refused(NOTE, ("2.1.1",)) == [said]


def test_what_was_rendered_parses_to_the_same_and_renders_to_itself() -> None:
    for title in ("Data formats", "yes", "A: b # c", '"quoted"', "1.1", "über ‘quotes’"):
        note = NoteFile(topic="1.1", title=title, text="One\n\n---\n\ntwo")
        rendered = render_note(note)
        assert parse(rendered) == note
        assert render_note(parse(rendered)) == rendered


@given(st.binary(max_size=200))
def test_anything_is_read_or_refused(data: bytes) -> None:
    for whole in (data, b"---\ntopic: t\ntitle: t\n---\n" + data, b"---\n" + data + b"\n---\ntext\n"):
        try:
            note = parse(whole)
        except FormatError as error:
            assert error.problems
        else:
            assert parse(render_note(note)) == note


# As HTML


def test_a_table_names_the_column_of_each_cell() -> None:
    html = rendering.render_note("| If `x` | then & so |\n|---|:-:|\n| a | b |\n")
    assert '<td data-label="If x">a</td>' in html
    assert '<td class="align-center" data-label="then &amp; so">b</td>' in html
    assert '<th class="align-center">' in html


def test_no_markup_gets_out_of_a_label() -> None:
    html = rendering.render_note('| "><script>alert(1)</script> |\n|---|\n| a |\n')
    assert "<script" not in html and "alert(1)" in html


def test_two_tables_do_not_share_labels() -> None:
    html = rendering.render_note("| One |\n|---|\n| a |\n\n| Two |\n|---|\n| b |\n")
    assert 'data-label="One">a' in html and 'data-label="Two">b' in html


def test_html_in_a_note_is_text() -> None:
    assert "<img" not in rendering.render_note("<img src=x onerror=alert(1)> [x](javascript:alert(1))")
    assert "<a" not in rendering.render_note("[x](javascript:alert(1))")


# The database


@pytest.fixture
def blueprint(db: None) -> Blueprint:
    return make_blueprint()


def load(
    blueprint: Blueprint, *files: NoteFile, hours: int = 0, remove_gone: bool = True
) -> notes.NotesReport:
    return notes.load_notes(
        files, blueprint=blueprint, now=NOW + timedelta(hours=hours), remove_gone=remove_gone
    )


def note_file(topic: str = "1.1.1", text: str = "Text", title: str = "Title") -> NoteFile:
    return NoteFile(topic=topic, title=title, text=text, filename=f"folder/{topic}.md", line=2)


def test_notes_are_created_once(blueprint: Blueprint) -> None:
    assert load(blueprint, note_file(), note_file("1.2.1")).created == ("1.1.1", "1.2.1")
    before = list(StudyNote.objects.values())
    assert load(blueprint, note_file(), note_file("1.2.1"), hours=1).unchanged == ("1.1.1", "1.2.1")
    assert list(StudyNote.objects.values()) == before
    assert {row["source"] for row in before} == {"1.1.1.md", "1.2.1.md"}


@pytest.mark.parametrize("change", [{"text": "Another *text*"}, {"title": "Another title"}])
def test_a_changed_note_changes_in_place(blueprint: Blueprint, change: dict[str, str]) -> None:
    load(blueprint, note_file())
    assert load(blueprint, note_file(**change), hours=1).updated == ("1.1.1",)
    note = StudyNote.objects.get()
    assert note.updated_at == NOW + timedelta(hours=1)
    assert (note.title, note.text) == (change.get("title", "Title"), change.get("text", "Text"))
    assert note.rendered == rendering.render_note(note.text)


def test_a_note_whose_file_has_gone_goes_unless_more_files_may_come(blueprint: Blueprint) -> None:
    by_hand = make_note(blueprint, topic="2.1.1")
    load(blueprint, note_file(), note_file("1.2.1"))
    assert load(blueprint, note_file(), remove_gone=False).removed == ()
    assert StudyNote.objects.count() == 3
    assert load(blueprint, note_file()).removed == ("1.2.1",)
    assert set(StudyNote.objects.values_list("topic__code", flat=True)) == {"1.1.1", by_hand.topic.code}


def test_another_exams_notes_stay(blueprint: Blueprint) -> None:
    other = make_blueprint()
    load(other, note_file())
    load(blueprint, note_file("1.2.1"))
    assert StudyNote.objects.filter(topic__task__domain__blueprint=other).count() == 1


def test_an_unknown_topic_loads_nothing(blueprint: Blueprint) -> None:
    with pytest.raises(FormatError, match="folder/9.9.9.md:2: The topic “9.9.9” is not in the blueprint."):
        load(blueprint, note_file(), note_file("9.9.9"))
    assert not StudyNote.objects.exists()


def test_what_was_exported_loads_without_a_change(blueprint: Blueprint) -> None:
    load(blueprint, note_file("2.1.1"), note_file(title="yes: #1"))
    texts = notes.export_notes(blueprint)
    assert list(texts) == ["1.1.1.md", "2.1.1.md"]
    again = [parse_note(text.encode(), filename=name) for name, text in texts.items()]
    assert load(blueprint, *again).unchanged == ("1.1.1", "2.1.1")


def test_two_and_twenty_unchanged_notes_take_as_many_queries(blueprint: Blueprint) -> None:
    def queries(*files: NoteFile) -> int:
        load(blueprint, *files)
        with CaptureQueriesContext(connection) as captured:
            load(blueprint, *files)
        return len(captured)

    task = blueprint.domains.get(code="1").tasks.get(code="1.1")
    for number in range(2, 21):
        task.topics.create(code=f"1.1.{number}", title="T", position=number)
    assert queries(*(note_file(f"1.1.{n}") for n in (1, 2))) == queries(
        *(note_file(f"1.1.{n}") for n in range(1, 21))
    )


# Folders and commands


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    """A whole bank with a note on one of its two topics."""
    folder = tmp_path / "bank"
    (folder / "questions").mkdir(parents=True)
    (folder / "notes").mkdir()
    (folder / "blueprint.yaml").write_text(SMALL)
    (folder / "questions" / "1.1.yaml").write_text(question_file("q-1", "q-2"))
    (folder / "notes" / "1.1.1.md").write_text(NOTE)
    return folder


def write(bank: Path, topic: str, text: str = NOTE, name: str = "") -> Path:
    path = bank / "notes" / (name or f"{topic}.md")
    path.write_text(text.replace("1.1.1", topic))
    return path


@pytest.mark.django_db
def test_a_folder_is_loaded_with_its_notes(bank: Path) -> None:
    write(bank, "2.1.1")
    (bank / "notes" / ".hidden.md").write_text("no note")
    (bank / "notes" / "README.txt").write_text("no note")
    assert "notes: 2 created" in run("load_bank", bank)
    assert "notes: 2 unchanged" in run("load_bank", bank)
    (bank / "notes" / "2.1.1.md").unlink()
    assert "notes: 1 unchanged, 1 removed" in run("load_bank", bank)


@pytest.mark.django_db
def test_no_note_is_removed_while_a_file_is_bad(bank: Path) -> None:
    write(bank, "2.1.1")
    run("load_bank", bank)
    (bank / "notes" / "2.1.1.md").unlink()
    bad = write(bank, "7.7.7")
    closing, errors = fails("load_bank", bank)
    assert errors == [f"{bad}:2: The topic “7.7.7” is not in the blueprint. Use a topic code of its outline."]
    assert closing == "1 error in 1 of 3 files. Nothing was retired."
    assert StudyNote.objects.count() == 2
    bad.unlink()
    question = bank / "questions" / "1.1.yaml"
    question.write_text(question_file("q-1").replace("level: apply", "level: easy"))
    fails("load_bank", bank)
    assert StudyNote.objects.count() == 2


@pytest.mark.django_db
def test_a_bad_note_does_not_stop_the_others(bank: Path) -> None:
    write(bank, "2.1.1", "no front matter")
    fails("load_bank", bank)
    assert list(StudyNote.objects.values_list("topic__code", flat=True)) == ["1.1.1"]


def test_two_notes_on_one_topic_are_both_named(bank: Path) -> None:
    first, second = bank / "notes" / "1.1.1.md", write(bank, "1.1.1", name="2nd.md")
    read = bank_folder.read(bank)
    assert list(map(str, read.problems)) == [
        f"{second}:2: The topic “1.1.1” already has a note: {first}. Keep one of them."
    ]
    assert [note.filename for note in read.notes] == [str(first)]


@pytest.mark.django_db
def test_a_folder_without_a_blueprint_takes_that_of_its_questions(bank: Path) -> None:
    write(bank, "2.1.1")
    run("load_bank", bank)
    (bank / "blueprint.yaml").unlink()
    (bank / "notes" / "2.1.1.md").unlink()
    # A part of a bank says nothing about what it doesn't hold.
    assert "notes: 1 unchanged\n" in run("load_bank", bank)
    shutil.rmtree(bank / "questions")
    assert fails("load_bank", bank)[1][0].endswith(
        "Whose notes these are is not clear: load them with the blueprint.yaml of their bank."
    )


@pytest.mark.django_db
def test_a_folder_without_notes_leaves_those_of_the_site(bank: Path) -> None:
    run("load_bank", bank)
    shutil.rmtree(bank / "notes")
    assert "notes: " not in run("load_bank", bank)
    assert StudyNote.objects.count() == 1


@pytest.mark.django_db
def test_the_export_has_the_notes_in_their_folder(bank: Path, tmp_path: Path) -> None:
    run("load_bank", bank)
    out = tmp_path / "out"
    assert "1 files are in" in run("export_bank", "--out", out)
    assert (out / "notes" / "1.1.1.md").read_text() == NOTE
    assert "notes: 1 unchanged" in run("load_bank", out)
    task_only = tmp_path / "task"
    run("export_bank", "--out", task_only, "--task", "1.1")
    assert [path.name for path in task_only.iterdir()] == ["1.1.yaml"]


# The checks of a bank


def test_every_topic_needs_a_note_of_the_right_length() -> None:
    good = NoteFile("1.1.1", "T", "word " * 200)
    topics, lengths = note_checks.check([good], topics=["1.1.1", "2.1.1"])
    assert (topics.value, topics.passed, topics.offenders) == ("1 of 2 topics", False, ("2.1.1",))
    assert (lengths.value, lengths.passed) == ("200-200, mean 200", True)
    rest = [NoteFile("a", "T", "word " * 149), NoteFile("b", "T", "word " * 500)]
    topics, lengths = note_checks.check([good, *rest], topics=["1.1.1"])
    assert topics.passed and not lengths.passed
    assert lengths.offenders == ("b (500)", "a (149)")


@pytest.mark.parametrize(("words", "passed"), [(149, False), (150, True), (400, True), (401, False)])
def test_the_bounds_belong_to_the_right_length(words: int, passed: bool) -> None:
    assert note_checks.check([NoteFile("t", "T", "word " * words)], topics=["t"])[1].passed is passed


@pytest.mark.parametrize(("words", "warned"), [(99, True), (100, False), (600, False), (601, True)])
def test_a_stub_and_a_chapter_are_warned_of(words: int, warned: bool) -> None:
    assert bool(note_checks.warnings([NoteFile("t", "T", "word " * words)])) is warned


def test_a_folder_with_no_note_in_it_fails() -> None:
    topics, lengths = note_checks.check([], topics=["1.1.1"])
    assert (topics.passed, lengths.passed, lengths.value) == (False, True, "no notes")


@pytest.mark.django_db
def test_check_bank_looks_at_notes_where_there_are_any(bank: Path) -> None:
    closing, _ = fails("check_bank", bank)
    assert "topics with a note" in closing and "words in a note" in closing
    run("load_bank", bank)
    assert fails("check_bank")[0] == closing
    shutil.rmtree(bank / "notes")
    assert "note" not in fails("check_bank", bank)[0]


def test_the_notes_that_ship_are_good() -> None:
    read = bank_folder.read(SHIPPED)
    assert read.spec is not None
    assert not read.problems
    assert all(row.passed for row in note_checks.check(read.notes, topics=read.spec.topic_codes))
