"""What the study notes of a bank must pass.  Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from questions.bank_checks import CheckResult
from questions.formats.notes import NoteFile

WORDS = (150, 400)
PLAUSIBLE_WORDS = (100, 600)
"""Outside it a note is hardly one: a stub, or a chapter."""


def check(notes: Sequence[NoteFile], *, topics: Collection[str]) -> list[CheckResult]:
    """The rows for a bank that has notes."""
    return [_topics_with_a_note(notes, topics), _lengths(notes)]


def warnings(notes: Sequence[NoteFile]) -> list[str]:
    """One sentence for each note that is far too short or far too long."""
    low, high = PLAUSIBLE_WORDS
    return [
        f"{note.filename}: {note.words} words; fewer than {low} say little, more than {high} nobody reads."
        for note in notes
        if not low <= note.words <= high
    ]


def _topics_with_a_note(notes: Sequence[NoteFile], topics: Collection[str]) -> CheckResult:
    written = {note.topic for note in notes}
    missing = tuple(topic for topic in topics if topic not in written)
    value = f"{len(topics) - len(missing)} of {len(topics)} topics"
    return CheckResult("topics with a note", value, "every topic", not missing, missing)


def _lengths(notes: Sequence[NoteFile]) -> CheckResult:
    low, high = WORDS
    counts = sorted(note.words for note in notes)
    outside = [note for note in notes if not low <= note.words <= high]
    # Worst first: by how many words each is off.
    outside.sort(key=lambda note: max(low - note.words, note.words - high), reverse=True)
    value = f"{counts[0]}-{counts[-1]}, mean {sum(counts) / len(counts):.0f}" if counts else "no notes"
    offenders = tuple(f"{note.topic} ({note.words})" for note in outside)
    return CheckResult("words in a note", value, f"each {low}-{high}", not outside, offenders)
