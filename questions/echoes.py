"""Whether a question of a file only repeats what the bank says, or once said.

A format that can't hold everything gives a question back poorer than it went out. Taken for news, it would
replace the better text, or stand beside it as a second question.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

from questions import exporting, incoming
from questions.content import QuestionContent
from questions.formats import registry
from questions.formats.exchange import ExchangeQuestion, Format, UnreadableFile
from questions.models import Image, QuestionEvent, QuestionVersion

_NO_WORD = re.compile(r"[\W_]+")
_MARKUP = re.compile(r"!?\[([^\]]*)\]\([^)]*\)|</?[a-z]+>|^[ \t]*(?:```|~~~).*$", re.MULTILINE)


def words_of(stem: str) -> int:
    """Equal for stems of the same letters, whatever has become of their formatting."""
    return hash(_NO_WORD.sub("", _MARKUP.sub(r"\1", stem)).casefold())


def is_poorer_copy(fingerprint: str, question_id: int, *, format_name: str) -> bool:
    """Whether the file says what this format can hold of the question, and nothing else."""
    known = registry.by_name(format_name)
    if known.render is None:
        return False
    return any(
        _as_read_back(question, known) == fingerprint
        for text in (exporting.PUBLISHED, exporting.NEWEST)
        for question in exporting.exchanged([question_id], text=text)
    )


def was_said_before(fingerprint: str, question_id: int) -> bool:
    """Whether an earlier version says it, or it came in before and was edited then."""
    imports = QuestionEvent.objects.filter(question=question_id, kind=QuestionEvent.Kind.IMPORTED)
    if imports.filter(detail__print=fingerprint).exists():
        return True
    versions = QuestionVersion.objects.filter(question=question_id).values_list("content", flat=True)
    return any(incoming.print_of(QuestionContent.from_json(content)) == fingerprint for content in versions)


def _as_read_back(question: ExchangeQuestion, known: Format) -> str:
    if any(loss.leaves_out for loss in known.losses(question)):
        return ""
    assert known.render is not None
    out = io.BytesIO()
    known.render([question], out)
    for outcome in _parsed(known, out):
        return incoming.incoming(outcome, known=image_name).fingerprint
    return ""


def _parsed(known: Format, file: io.BytesIO) -> Iterator[ExchangeQuestion]:
    file.seek(0)
    try:
        for outcome in known.parse(file, ""):
            if isinstance(outcome, ExchangeQuestion):
                yield outcome
    except UnreadableFile:
        return


def image_name(digest: str) -> str:
    """The picture that is here already under the first 32 digits of its SHA-256; empty where none is."""
    return Image.objects.filter(name__startswith=f"{digest}-").values_list("name", flat=True).first() or ""
