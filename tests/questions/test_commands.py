from __future__ import annotations

import io
import shutil
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from questions.models import Blueprint, Question, QuestionVersion
from tests.questions.test_blueprint_file import SMALL
from tests.questions.test_native import CHOICE, HEAD

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "mla-c01"


def question_file(*codes: str, topic: str = "1.1.1") -> str:
    bodies = [
        CHOICE.replace("questions:\n", "").replace("q-1", code).replace("1.1.1", topic) for code in codes
    ]
    return HEAD.replace("MLA-C01", "EX-1") + "questions:\n" + "\n".join(bodies)


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    """A whole bank of two files with three questions."""
    folder = tmp_path / "bank"
    (folder / "questions").mkdir(parents=True)
    (folder / "blueprint.yaml").write_text(SMALL)
    (folder / "questions" / "1.1.yaml").write_text(question_file("q-1", "q-2"))
    (folder / "questions" / "2.1.yaml").write_text(question_file("q-3", topic="2.1.1"))
    return folder


def run(name: str, *args: object, **options: object) -> str:
    out = io.StringIO()
    call_command(name, *map(str, args), stdout=out, stderr=io.StringIO(), **options)
    return out.getvalue()


def fails(name: str, *args: object) -> tuple[str, list[str]]:
    """The closing sentence and the lines of errors before it."""
    err = io.StringIO()
    with pytest.raises(CommandError) as caught:
        call_command(name, *map(str, args), stdout=io.StringIO(), stderr=err)
    return str(caught.value), err.getvalue().splitlines()


def states() -> dict[str, str]:
    return dict(Question.objects.values_list("code", "state"))


# load_bank


@pytest.mark.django_db
def test_a_folder_is_loaded_with_its_blueprint(bank: Path) -> None:
    said = run("load_bank", bank)
    assert "blueprint EX-1, 2 topics" in said
    assert "1.1.yaml: 2 created" in said
    assert "3 questions in 2 files are loaded." in said
    assert states() == {"q-1": "published", "q-2": "published", "q-3": "published"}
    assert set(Question.objects.values_list("source", flat=True)) == {"1.1.yaml", "2.1.yaml"}


@pytest.mark.django_db
def test_the_same_folder_again_changes_nothing(bank: Path) -> None:
    run("load_bank", bank)
    before = list(QuestionVersion.objects.values()), list(Question.objects.values())
    said = run("load_bank", bank)
    assert "2 unchanged" in said and "created" not in said
    assert (list(QuestionVersion.objects.values()), list(Question.objects.values())) == before


@pytest.mark.django_db
def test_a_bad_file_does_not_stop_a_good_one_and_nothing_is_retired(bank: Path) -> None:
    run("load_bank", bank)
    first, second = bank / "questions" / "1.1.yaml", bank / "questions" / "2.1.yaml"
    first.write_text(question_file("q-1", "q-4"))
    second.write_text(
        question_file("q-3", topic="2.1.1").replace("level: apply", "level: easy").replace("0.65", "9")
    )
    closing, errors = fails("load_bank", bank)
    assert closing == "2 errors in 1 of 2 files. Nothing was retired."
    assert errors == [
        f"{second}:7: q-3: “level” is “easy”. Use one of: recall, apply, analyse.",
        f"{second}:8: q-3: The difficulty is “9”. Write a share from 0.05 to 0.99 with at most two decimals.",
    ]
    assert states() == {"q-1": "published", "q-2": "published", "q-3": "published", "q-4": "published"}
    second.write_text(question_file("q-3", topic="2.1.1"))
    assert "gone from the files, retired: q-2" in run("load_bank", bank)
    assert states()["q-2"] == "retired"


@pytest.mark.django_db
def test_a_file_that_has_gone_from_the_bank_takes_its_questions_along(bank: Path) -> None:
    run("load_bank", bank)
    (bank / "questions" / "2.1.yaml").unlink()
    assert "retired: q-3" in run("load_bank", bank)
    (bank / "questions" / "2.1.yaml").write_text(question_file("q-3", topic="2.1.1"))
    assert "1 restored" in run("load_bank", bank)
    assert QuestionVersion.objects.count() == 3


@pytest.mark.django_db
def test_a_folder_without_a_blueprint_is_only_a_part(bank: Path, tmp_path: Path) -> None:
    run("load_bank", bank)
    part = tmp_path / "part"
    part.mkdir()
    (part / "1.1.yaml").write_text(question_file("q-1"))
    assert "retired: q-2" in run("load_bank", part)
    assert states() == {"q-1": "published", "q-2": "retired", "q-3": "published"}


@pytest.mark.django_db
def test_a_question_that_moves_between_files_is_neither_retired_nor_new(bank: Path) -> None:
    run("load_bank", bank)
    (bank / "questions" / "1.1.yaml").write_text(question_file("q-1"))
    (bank / "questions" / "2.1.yaml").write_text(
        question_file("q-3", topic="2.1.1") + question_file("q-2").partition("questions:\n")[2]
    )
    said = run("load_bank", bank)
    assert "retired" not in said and "updated" not in said
    assert Question.objects.get(code="q-2").source == "2.1.yaml"


@pytest.mark.django_db
def test_one_file_retires_what_has_gone_from_it(bank: Path) -> None:
    run("load_bank", bank)
    path = bank / "questions" / "1.1.yaml"
    path.write_text(question_file("q-2"))
    assert "1 unchanged, 1 retired" in run("load_bank", path)
    assert states() == {"q-1": "retired", "q-2": "published", "q-3": "published"}


@pytest.mark.django_db
def test_a_code_in_two_files_is_an_error(bank: Path) -> None:
    second = bank / "questions" / "2.1.yaml"
    second.write_text(question_file("q-1", topic="2.1.1"))
    closing, errors = fails("load_bank", bank)
    first = bank / "questions" / "1.1.yaml"
    assert errors == [f"{second}:4: q-1: The code is already used in {first}. Give each question its own."]
    assert closing.startswith("1 error in 1 of 2 files.")
    assert Question.objects.get(code="q-1").source == "1.1.yaml"


@pytest.mark.django_db
def test_a_file_whose_blueprint_is_not_loaded(bank: Path) -> None:
    _, errors = fails("load_bank", bank / "questions" / "1.1.yaml")
    # The blueprint stands beside the folder, but loading one file does not load it.
    assert "The blueprint “EX-1” is not loaded. Load the folder that has its blueprint.yaml." in errors[0]


@pytest.mark.django_db
def test_a_bad_blueprint_loads_no_questions(bank: Path) -> None:
    (bank / "blueprint.yaml").write_text(SMALL.replace("weight: 60", "weight: 61"))
    closing, errors = fails("load_bank", bank)
    assert "add up to 101" in errors[0]
    assert not Question.objects.exists()
    assert not Blueprint.objects.exists()
    assert closing.startswith("3 errors in 3 of 3 files.")


@pytest.mark.django_db
def test_a_topic_in_use_can_not_leave_the_blueprint(bank: Path) -> None:
    run("load_bank", bank)
    (bank / "blueprint.yaml").write_text(SMALL.replace("2.1.1", "2.1.2"))
    (bank / "questions" / "2.1.yaml").write_text(question_file("q-3", topic="2.1.2"))
    closing, _ = fails("load_bank", bank)
    assert "These have gone from the outline but are still in use: 2.1.1 Another. Keep them in it." in closing


@pytest.mark.django_db
def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    assert fails("load_bank", tmp_path / "nowhere")[0] == f"{tmp_path / 'nowhere'} does not exist."


# export_bank


@pytest.mark.django_db
def test_load_export_load_is_no_change(bank: Path, tmp_path: Path) -> None:
    run("load_bank", bank)
    out = tmp_path / "out"
    assert f"2 files are in {out}." in run("export_bank", "--out", out)
    shutil.copy(bank / "blueprint.yaml", out)
    said = run("load_bank", out)
    assert "2 unchanged" in said and "updated" not in said and "retired" not in said
    first = {path.name: path.read_bytes() for path in out.glob("?.?.yaml")}
    run("export_bank", "--out", out, "--blueprint", "EX-1")
    assert {path.name: path.read_bytes() for path in out.glob("?.?.yaml")} == first


@pytest.mark.django_db
def test_one_task_goes_to_the_output(bank: Path) -> None:
    run("load_bank", bank)
    said = run("export_bank", "--task", "2.1")
    assert said.startswith("format: cutscore-bank/1\nblueprint: EX-1\nquestions:\n  - code: q-3\n")
    assert fails("export_bank")[0] == "There are 2 files: name a folder (--out DIR) or one --task."
    assert fails("export_bank", "--task", "9.9")[0] == "The task statement 9.9 has no published questions."


@pytest.mark.django_db
def test_which_blueprint_is_meant(bank: Path) -> None:
    assert fails("export_bank", "--task", "1.1")[0] == "No blueprint is loaded."
    run("load_bank", bank)
    assert fails("export_bank", "--blueprint", "EX-9")[0] == "Name one with --blueprint. Loaded: EX-1."
    Blueprint.objects.create(code="EX-0", title="Other", items=2, scored_items=1, minutes=1)
    assert fails("export_bank", "--task", "1.1")[0] == "Name one with --blueprint. Loaded: EX-0, EX-1."


@pytest.mark.django_db
def test_a_folder_that_can_not_be_made(bank: Path) -> None:
    run("load_bank", bank)
    closing, _ = fails("export_bank", "--out", bank / "blueprint.yaml" / "below")
    assert "cannot be written to" in closing


# check_bank: with a path, these run without a database (pytest-django refuses every access)


def test_the_bank_that_ships_passes() -> None:
    said = run("check_bank", FIXTURES)
    assert "All 26 checks passed" in said
    assert "54 of 54 topics" in said


def test_a_thin_bank_fails_and_says_for_what(bank: Path) -> None:
    out = io.StringIO()
    with pytest.raises(CommandError, match=r"^2 of 24 checks failed: near-duplicate .*; topic coverage\.$"):
        call_command("check_bank", str(bank), stdout=out)
    said = out.getvalue()
    assert "FAILED topic coverage" in said
    assert "1.1.1 (2)" in said
    assert "q-1 ~ q-2 (1.00)" in said
    assert "ok     unfit questions" in said


def test_the_coverage_is_shown_per_topic_type_and_level(bank: Path) -> None:
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("check_bank", str(bank), stdout=out)
    row = next(line for line in out.getvalue().splitlines() if line.startswith("1.1.1"))
    assert row.split() == ["1.1.1", "2", "0", "0", "0", "0", "2", "0", "2"]


def test_one_file_is_checked_against_the_blueprint_above_it(bank: Path) -> None:
    path = bank / "questions" / "2.1.yaml"
    assert "topic coverage" in fails("check_bank", path)[0]
    path.write_text(question_file("q-3", topic="2.1.9"))
    _, errors = fails("check_bank", path)
    assert errors == [
        f"{path}:6: q-3: The topic “2.1.9” is not in the blueprint. Use a topic code of its outline."
    ]


def test_the_blueprint_says_what_no_key_may_name(bank: Path) -> None:
    path = bank / "questions" / "2.1.yaml"
    path.write_text(path.read_text().replace("Parquet", "The Old Thing"))
    assert "retired or out-of-scope things in a key" in fails("check_bank", bank)[0]


def test_the_linter_speaks_when_asked(bank: Path) -> None:
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("check_bank", str(bank), "--lint", stdout=out)
    assert "warn  q-3 stem: The stem has 31 characters" in out.getvalue()


def test_a_bank_that_is_not_there(tmp_path: Path) -> None:
    assert fails("check_bank", tmp_path / "nowhere")[0] == f"{tmp_path / 'nowhere'} does not exist."


@pytest.mark.django_db
def test_the_database_is_checked_like_the_files(bank: Path) -> None:
    run("load_bank", bank)
    from_files, _ = fails("check_bank", bank)
    assert fails("check_bank")[0] == from_files
    assert fails("check_bank", "--blueprint", "EX-1")[0] == from_files
