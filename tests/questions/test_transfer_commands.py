"""Import and export on the command line."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from accounts.models import User
from questions.models import Blueprint, Draft, ImportChunk, Question
from tests.factories import make_bank, make_blueprint
from tests.questions.transfer_makers import GIFT

FORMATS = ["moodle-xml", "gift", "aiken", "qti2", "qti3", "csv", "xlsx", "yaml"]


@pytest.fixture
def gift(tmp_path: Path) -> Path:
    path = tmp_path / "bank.gift"
    path.write_text(GIFT)
    return path


def run(command: str, *arguments: Any) -> str:
    out = io.StringIO()
    call_command(command, *map(str, arguments), stdout=out, stderr=io.StringIO())
    return out.getvalue()


def test_a_dry_run_asks_no_database(gift: Path) -> None:
    report = json.loads(run("import_questions", gift, "--dry-run", "--json"))
    assert list(report) == ["imported", "degraded", "rejected"]
    assert [entry["title"] for entry in report["imported"]] == ["Objects", "Servers"]
    (half,) = report["degraded"]
    assert set(half) == {"where", "code", "title", "type", "question", "losses"}
    assert half["type"] == "multiple_response" and half["question"]["stem"] == "Which two are managed?"
    assert all(set(loss) == {"code", "why"} for loss in half["losses"])
    (essay,) = report["rejected"]
    assert set(essay) == {"where", "code", "why"} and essay["code"] == "unsupported_type"


def test_the_report_as_a_text(gift: Path) -> None:
    text = run("import_questions", gift, "--dry-run")
    assert text.startswith("will be imported: 2, imported with loss: 1, rejected: 1\n")
    assert "rejected: line 5: This is an essay" in text


def test_an_unreadable_file_is_one_rejection_and_a_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(b"\x01\x02\x03")
    out = io.StringIO()
    with pytest.raises(SystemExit) as caught:
        call_command("import_questions", str(path), "--dry-run", "--json", stdout=out)
    assert caught.value.code == 1
    report = json.loads(out.getvalue())
    assert [entry["where"] for entry in report["rejected"]] == ["x.bin"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["missing.gift", "--dry-run"], "can’t be read"),
        ([".", "--dry-run"], "can’t be read"),
        (["x.gift", "--format", "docx", "--dry-run"], "no format named “docx”"),
    ],
)
def test_errors_are_sentences(arguments: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        run("import_questions", *arguments)


@pytest.mark.django_db
def test_importing_makes_drafts_once(gift: Path, ben: User) -> None:
    make_blueprint(code="EXAM-9")
    arguments = (gift, "--json", "--author", ben.email, "--topic", "1.1.1", "--tag", "Winter")
    report = json.loads(run("import_questions", *arguments))
    assert {name: len(entries) for name, entries in report.items()} == {
        "imported": 2,
        "degraded": 1,
        "duplicates": 0,
        "rejected": 1,
    }
    assert report["imported"][0]["code"] == "exam-1.1-001"
    draft = Draft.objects.get(question__code="exam-1.1-001")
    assert list(draft.authors.all()) == [ben] and draft.question.tags.get().name == "winter"
    again = json.loads(run("import_questions", gift, "--json"))
    assert len(again["duplicates"]) == 3 and Question.objects.count() == 3
    assert not ImportChunk.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (["--blueprint", "NIX"], "Name one with --blueprint"),
        (["--author", "nobody@example.com"], "no account with the address nobody@example.com"),
        (["--topic", "9.9.9"], "has no topic 9.9.9"),
    ],
)
def test_what_an_import_needs(gift: Path, extra: list[str], words: str) -> None:
    make_blueprint(code="EXAM-9")
    with pytest.raises(CommandError, match=words):
        run("import_questions", gift, *extra)
    assert not Question.objects.exists()


@pytest.mark.django_db
def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    make_blueprint()
    path = tmp_path / "empty.gift"
    path.touch()
    with pytest.raises(CommandError, match="The file is empty"):
        run("import_questions", path)


@pytest.fixture
def bank(db: None) -> Blueprint:
    blueprint = make_blueprint(code="EXAM-9")
    make_bank(blueprint, per_task=4)
    return blueprint


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_written_and_read_again(bank: Blueprint, tmp_path: Path, name: str) -> None:
    path = tmp_path / "bank.file"
    told = json.loads(run("export_questions", "--format", name, "--out", path, "--json"))
    report = json.loads(run("import_questions", path, "--format", name, "--dry-run", "--json"))
    assert told["written"] + told["left_out"] == 16
    assert len(report["imported"]) + len(report["degraded"]) == told["written"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["bank.file"]


def test_a_part_of_the_bank(bank: Blueprint, tmp_path: Path) -> None:
    path = tmp_path / "bank.csv"
    codes = list(Question.objects.order_by("code").values_list("code", flat=True))
    for extra, count in (
        (["--task", "1.1"], 4),
        (["--topic", "1.1.1", "--topic", "1.2.1"], 8),
        (["--code", codes[0]], 1),
        (["--status", "all"], 16),
        (["--status", "all", "--code", codes[3], "--code", codes[4]], 2),
    ):
        assert f"{count} written" in run("export_questions", "--format", "csv", "--out", path, *extra)


def test_nothing_is_half_written(bank: Blueprint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bank.csv"
    path.write_text("what was there")

    def broken(*args: Any) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("questions.exporting.write", broken)
    with pytest.raises(CommandError, match="can’t be written: No space left on device"):
        run("export_questions", "--format", "csv", "--out", path)
    assert path.read_text() == "what was there"
    assert [entry.name for entry in tmp_path.iterdir()] == ["bank.csv"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--format", "docx", "--out", "x"], "no format to write named “docx”"),
        (["--format", "canvas-qti", "--out", "x"], "no format to write"),
        (["--format", "csv", "--out", "."], "is a folder"),
        (["--format", "csv", "--out", "missing/x.csv"], "can’t be written"),
        (["--format", "csv", "--out", "x", "--blueprint", "NIX"], "Name one with --blueprint"),
        (["--format", "csv", "--out", "x", "--code", "nix"], "No question fits"),
        (["--format", "csv", "--out", "x", "--status", "draft"], "No question fits"),
    ],
)
def test_what_an_export_needs(
    bank: Blueprint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CommandError, match=words):
        run("export_questions", *arguments)
    assert not list(tmp_path.iterdir())


@pytest.mark.django_db
def test_a_database_without_tables_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unmigrated(code: str) -> Blueprint:
        raise OperationalError("no such table: questions_blueprint")

    monkeypatch.setattr("questions.management.commands.export_questions.find_blueprint", unmigrated)
    with pytest.raises(CommandError, match="Run “migrate” first"):
        run("export_questions", "--format", "csv", "--out", tmp_path / "x.csv")
