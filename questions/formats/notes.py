"""A study note: Markdown below a front matter that names its topic.  Pure.

`parse_note` and `render_note` are inverse to one another, as the parser and renderer of banks are.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from questions.formats import lined_yaml
from questions.formats.lined_yaml import shown
from questions.formats.native import CODE, scalar
from questions.formats.reading import FormatError, Problem, Reader, tidy

FENCE = "---"
MAX_TEXT = 20_000


@dataclass(frozen=True)
class NoteFile:
    """`text` is Markdown; `line` is where the topic is named."""

    topic: str
    title: str
    text: str
    filename: str = field(default="", compare=False)
    line: int = field(default=0, compare=False)

    @property
    def words(self) -> int:
        """Words of the text; a sign without a letter or digit, such as a table's rule, is none."""
        return sum(any(map(str.isalnum, word)) for word in self.text.split())


def parse_note(data: bytes, *, filename: str, topics: Collection[str] | None = None) -> NoteFile:
    """The note in `data`, or `FormatError` with every problem in it.

    `topics` are the topic codes of the blueprint; without them any code passes here.
    """
    whole, problem = lined_yaml.decoded(data)
    if problem is not None:
        raise FormatError([Problem(filename, problem.line, "", problem.why)])
    front, body, body_line = _parts(whole, filename)
    reader = Reader(filename)
    top = reader.document(front.encode())
    reader.fields(top, ("topic", "title"))
    topic = reader.text(top, "topic", limit=16, pattern=CODE)
    line = top.key_lines.get("topic", 1)
    if topic and topics is not None and topic not in topics:
        reader.note(
            line,
            f"The topic {shown(topic)} is not in the blueprint. Use a topic code of its outline.",
            "topic",
        )
    title = reader.text(top, "title", limit=200)
    text = tidy(body)
    if not text:
        reader.note(body_line, "The note has no text. Write it below the front matter.")
    elif len(text) > MAX_TEXT:
        why = f"The note has {len(text):,} characters; at most {MAX_TEXT:,} are allowed. Shorten it."
        reader.note(body_line, why)
    if reader.problems:
        raise FormatError(reader.problems)
    return NoteFile(topic=topic, title=title, text=text, filename=filename, line=line)


def _parts(whole: str, filename: str) -> tuple[str, str, int]:
    """Front matter, text, and the line on which the text begins.

    The opening fence becomes an empty line, so that the lines of the front matter keep their numbers.
    """
    lines = whole.split("\n")
    fences = [number for number, line in enumerate(lines) if line.rstrip() == FENCE]
    why = ""
    if not whole.strip():
        why = "The file is empty."
    elif not fences or fences[0] != 0:
        why = f"The note must begin with a front matter: a line “{FENCE}”, its topic and title, a line “{FENCE}”."
    elif len(fences) < 2:
        why = f"The front matter is not closed. Put a line “{FENCE}” below it."
    elif not "".join(lines[1 : fences[1]]).strip():
        why = "The front matter is empty. Name the topic and the title in it."
    if why:
        raise FormatError([Problem(filename, 1, "", why)])
    end = fences[1]
    return "\n".join(["", *lines[1:end]]), "\n".join(lines[end + 1 :]), end + 2


def render_note(note: NoteFile) -> str:
    front = f"{FENCE}\ntopic: {scalar(note.topic)}\ntitle: {scalar(note.title)}\n{FENCE}\n"
    return f"{front}\n{note.text}\n"
