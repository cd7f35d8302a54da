"""Study notes into the database and out of it again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.db import transaction

from questions import content, rendering
from questions.formats.notes import NoteFile, render_note
from questions.formats.reading import FormatError, Problem
from questions.models import Blueprint, StudyNote, Topic


@dataclass(frozen=True)
class NotesReport:
    """The topics whose notes each thing happened to; `removed` had a file once."""

    created: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@transaction.atomic
def load_notes(
    files: Sequence[NoteFile], *, blueprint: Blueprint, now: datetime, remove_gone: bool
) -> NotesReport:
    """Bring the blueprint's notes to what the files say; `FormatError`, and nothing, if a topic is unknown.

    remove_gone: `files` are all there are, so notes that were loaded from others go. Notes without a file
    stay.
    """
    # Two loads at once would both create the same note; they queue here.
    Blueprint.objects.select_for_update().get(pk=blueprint.pk)
    topics = {topic.code: topic for topic in Topic.objects.filter(task__domain__blueprint=blueprint)}
    unknown = [file for file in files if file.topic not in topics]
    if unknown:
        raise FormatError(
            Problem(file.filename, file.line, "", f"The topic “{file.topic}” is not in the blueprint.")
            for file in unknown
        )
    notes = StudyNote.objects.filter(topic__task__domain__blueprint=blueprint).select_related("topic")
    known = {note.topic.code: note for note in notes}
    outcome: dict[str, list[str]] = defaultdict(list)
    for file in files:
        note = known.get(file.topic) or StudyNote(topic=topics[file.topic])
        fingerprint = content.fingerprint({"title": file.title, "text": file.text})
        fate = "created" if note.pk is None else "updated"
        if note.fingerprint == fingerprint:
            fate = "unchanged"
        else:
            note.title, note.text, note.fingerprint = file.title, file.text, fingerprint
            note.rendered, note.updated_at = rendering.render_note(file.text), now
        source = Path(file.filename).name
        if fate != "unchanged" or note.source != source:
            note.source = source
            note.save()
        outcome[fate].append(file.topic)
    if remove_gone:
        gone = [note for code, note in known.items() if note.source and code not in {f.topic for f in files}]
        StudyNote.objects.filter(pk__in=[note.pk for note in gone]).delete()
        outcome["removed"] = sorted(note.topic.code for note in gone)
    return NotesReport(**{fate: tuple(codes) for fate, codes in outcome.items()})


def note_files(blueprint: Blueprint) -> list[NoteFile]:
    """The blueprint's notes as files, in the order of its outline."""
    notes = (
        StudyNote.objects.filter(topic__task__domain__blueprint=blueprint)
        .select_related("topic")
        .order_by("topic__task__domain__position", "topic__task__position", "topic__position", "topic__code")
    )
    return [
        NoteFile(topic=note.topic.code, title=note.title, text=note.text, filename=note_name(note.topic.code))
        for note in notes
    ]


def export_notes(blueprint: Blueprint) -> dict[str, str]:
    """Name → text of the note files; loading them again changes nothing."""
    return {file.filename: render_note(file) for file in note_files(blueprint)}


def note_name(topic: str) -> str:
    return f"{topic}.md"
