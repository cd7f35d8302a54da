"""A bank on disk: which files belong to it, and what they hold.  No database.

A bank is a file, or a folder with the question files in it or in its `questions/`, and study notes in its
`notes/`; a folder with a `blueprint.yaml` at its top is a whole bank, and what is not in it is gone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from questions.formats import blueprint, native
from questions.formats.blueprint import BlueprintSpec
from questions.formats.native import BankFile
from questions.formats.notes import NoteFile, parse_note
from questions.formats.reading import FormatError, Problem

BLUEPRINT_NAME = "blueprint.yaml"
NOTES_FOLDER = "notes"


@dataclass(frozen=True)
class Bank:
    """What could be read of a bank. `problems` lists everything that was wrong, of every file."""

    spec: BlueprintSpec | None
    files: tuple[BankFile, ...]
    problems: tuple[Problem, ...]
    file_count: int
    notes: tuple[NoteFile, ...] = ()
    has_notes: bool = False
    """There is a folder for notes, so that each topic should have one."""


def read(path: Path) -> Bank:
    """Read the bank at `path`; `FileNotFoundError` when there is none."""
    if not path.exists():
        raise FileNotFoundError(path)
    problems: list[Problem] = []
    spec = _read_spec(path, problems)
    paths = question_files(path)
    topics = spec.topic_codes if spec else None
    files = list(_read_files(paths, topics=topics, problems=problems))
    note_paths = note_files(path)
    notes = list(_read_notes(note_paths or [], topics=topics, problems=problems))
    clashing = [*_clashes(files), *_clashes_of_notes(notes)]
    problems += clashing
    spoilt = {problem.file for problem in clashing}
    return Bank(
        spec=spec,
        files=tuple(file for file in files if file.filename not in spoilt),
        problems=tuple(sorted(problems)),
        file_count=len(paths) + len(note_paths or ()),
        notes=tuple(note for note in notes if note.filename not in spoilt),
        has_notes=note_paths is not None,
    )


def question_files(path: Path) -> list[Path]:
    if path.is_file():
        return [] if path.name == BLUEPRINT_NAME else [path]
    folder = path / "questions" if (path / "questions").is_dir() else path
    found = [p for p in folder.iterdir() if p.suffix in (".yaml", ".yml") and p.name != BLUEPRINT_NAME]
    return sorted(p for p in found if p.is_file() and not p.name.startswith("."))


def note_files(path: Path) -> list[Path] | None:
    """The Markdown files in the bank's folder for notes; None when it has no such folder."""
    folder = path / NOTES_FOLDER
    if not folder.is_dir():
        return None
    found = [p for p in folder.iterdir() if p.suffix == ".md" and not p.name.startswith(".")]
    return sorted(p for p in found if p.is_file())


def blueprint_file(path: Path) -> Path | None:
    """The blueprint that goes with the bank at `path`: in it, or above the folder of a question file."""
    if path.is_file():
        candidates = [path.parent / BLUEPRINT_NAME, path.parent.parent / BLUEPRINT_NAME]
    else:
        candidates = [path / BLUEPRINT_NAME]
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def _read_spec(path: Path, problems: list[Problem]) -> BlueprintSpec | None:
    found = blueprint_file(path)
    if found is None:
        return None
    try:
        return blueprint.parse_blueprint(found.read_bytes(), filename=str(found))
    except FormatError as error:
        problems.extend(error.problems)
    except OSError as error:
        problems.append(_unreadable(found, error))
    return None


def _read_files(
    paths: list[Path], *, topics: Collection[str] | None, problems: list[Problem]
) -> Iterator[BankFile]:
    for path in paths:
        try:
            yield native.parse_bank(path.read_bytes(), filename=str(path), topics=topics)
        except FormatError as error:
            problems.extend(error.problems)
        except OSError as error:
            problems.append(_unreadable(path, error))


def _read_notes(
    paths: list[Path], *, topics: Collection[str] | None, problems: list[Problem]
) -> Iterator[NoteFile]:
    for path in paths:
        try:
            yield parse_note(path.read_bytes(), filename=str(path), topics=topics)
        except FormatError as error:
            problems.extend(error.problems)
        except OSError as error:
            problems.append(_unreadable(path, error))


def _unreadable(path: Path, error: OSError) -> Problem:
    return Problem(str(path), 1, "", f"The file cannot be read: {error.strerror}. Check its permissions.")


def _clashes(files: list[BankFile]) -> Iterator[Problem]:
    """Codes that two files claim. A scenario may stand in two files if both say the same."""
    owners: dict[str, str] = {}
    texts: dict[str, tuple[str, str, str]] = {}
    for file in files:
        for question in file.questions:
            if question.code in owners:
                why = f"The code is already used in {owners[question.code]}. Give each question its own."
                yield Problem(file.filename, question.line, question.code, why)
            owners.setdefault(question.code, file.filename)
        for scenario in file.scenarios:
            other = texts.setdefault(scenario.code, (file.filename, scenario.title, scenario.text))
            if other[1:] != (scenario.title, scenario.text):
                why = f"The scenario stands in {other[0]} with another text. Make them the same."
                yield Problem(file.filename, scenario.line, scenario.code, why)


def _clashes_of_notes(notes: list[NoteFile]) -> Iterator[Problem]:
    owners: dict[str, str] = {}
    for note in notes:
        if note.topic in owners:
            why = f"The topic “{note.topic}” already has a note: {owners[note.topic]}. Keep one of them."
            yield Problem(note.filename, note.line, "", why)
        owners.setdefault(note.topic, note.filename)
