"""YAML as plain data in which everything knows its line.  Pure.

PyYAML's own loader keeps the last of two equal keys without a word, follows aliases (a few hundred bytes
can expand to gigabytes), builds objects from tags and forgets the lines. So the tree is built here from
the parser's events: every problem is collected with its line, and no scalar is guessed at (`1.1` is not a
number and `no` not a boolean until the schema that reads the tree says so).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NoReturn

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

MAX_BYTES = 5_000_000
MAX_DEPTH = 12
MAX_NODES = 400_000

# The C parser is forty times faster; PyYAML is sometimes built without it.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_NULLS = {"", "~", "null", "Null", "NULL"}
# PostgreSQL refuses NUL and lone surrogates in text, U+2028 breaks lines for YAML but not for an editor, and
# no other control character belongs in a question.
_UNWANTED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


@dataclass(frozen=True)
class Scalar:
    line: int
    text: str
    is_plain: bool

    @property
    def is_null(self) -> bool:
        return self.is_plain and self.text in _NULLS


@dataclass(frozen=True)
class Sequence:
    line: int
    items: list[Node] = field(default_factory=list)


@dataclass(frozen=True)
class Mapping:
    line: int
    entries: dict[str, Node] = field(default_factory=dict)
    key_lines: dict[str, int] = field(default_factory=dict)


Node = Scalar | Sequence | Mapping


@dataclass(frozen=True)
class YamlProblem:
    line: int
    why: str


class _Stop(Exception):
    """Reading on makes no sense: what follows would be judged wrongly, or is an attack."""


def load(data: bytes) -> tuple[Node | None, list[YamlProblem]]:
    """The document as a tree, and what is wrong with it. The tree is None when nothing can be made of it."""
    text, problem = decoded(data)
    if problem is not None:
        return None, [problem]
    builder = _Builder()
    try:
        builder.read(text)
    except yaml.MarkedYAMLError as error:
        builder.problems.append(_syntax_problem(error, text))
        return None, builder.problems
    except _Stop:
        return None, builder.problems
    if builder.root is None:
        builder.problems.append(YamlProblem(1, "The file is empty."))
    return builder.root, builder.problems


def decoded(data: bytes) -> tuple[str, YamlProblem | None]:
    """The text of a file with plain line ends; or "" and why it can't be taken for one."""
    if len(data) > MAX_BYTES:
        size = f"{len(data) / 1_000_000:.1f}"
        return "", YamlProblem(1, f"The file has {size} MB; at most 5 MB are read. Split it.")
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        why = f"The file is not UTF-8 (byte {error.start + 1}). Save it with the encoding UTF-8."
        return "", YamlProblem(line, why)
    unwanted = _UNWANTED.search(text)
    if unwanted:
        line = text[: unwanted.start()].count("\n") + 1
        why = f"The control character U+{ord(unwanted.group()):04X} does not belong in a text. Delete it."
        return "", YamlProblem(line, why)
    return text, None


class _Builder:
    def __init__(self) -> None:
        self.root: Node | None = None
        self.problems: list[YamlProblem] = []
        self._open: list[Sequence | Mapping] = []
        self._keys: list[Scalar | None] = []
        self._nodes = 0

    def read(self, text: str) -> None:
        documents = 0
        for event in yaml.parse(text, Loader=_Loader):
            line = event.start_mark.line + 1 if event.start_mark else 1
            match event:
                case DocumentStartEvent():
                    documents += 1
                    if documents > 1:
                        self._stop(line, "A second document starts here. Write one document to a file.")
                case AliasEvent():
                    self._note(line, f"The alias *{event.anchor} is refused. Write the text out.")
                    self._add(Scalar(line, "", True))
                case ScalarEvent():
                    self._check_decorations(event, line)
                    self._add(Scalar(line, self._clean(event.value, line), not event.style))
                case SequenceStartEvent() | MappingStartEvent():
                    self._check_decorations(event, line)
                    node = Sequence(line) if isinstance(event, SequenceStartEvent) else Mapping(line)
                    self._add(node)
                    self._open.append(node)
                    self._keys.append(None)
                    if len(self._open) > MAX_DEPTH:
                        self._stop(
                            line, f"Lists and fields are nested more than {MAX_DEPTH} deep. Flatten them."
                        )
                case SequenceEndEvent() | MappingEndEvent():
                    self._open.pop()
                    self._keys.pop()

    def _add(self, node: Node) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            self._stop(node.line, f"The file holds more than {MAX_NODES:,} values. Split it.")
        if not self._open:
            self.root = node
            return
        parent = self._open[-1]
        if isinstance(parent, Sequence):
            parent.items.append(node)
            return
        key = self._keys[-1]
        if key is None:
            if not isinstance(node, Scalar):
                self._stop(node.line, "A field's name must be a word. Quote text that starts with [, { or ?.")
            self._keys[-1] = node
            return
        self._keys[-1] = None
        if key.text in parent.entries:
            first = parent.key_lines[key.text]
            self._note(key.line, f"The field {shown(key.text)} is already given in line {first}. Remove one.")
            return
        parent.entries[key.text] = node
        parent.key_lines[key.text] = key.line

    def _check_decorations(
        self, event: ScalarEvent | SequenceStartEvent | MappingStartEvent, line: int
    ) -> None:
        if event.anchor is not None:
            self._note(line, f"The anchor &{event.anchor} is refused. Write the text out where it is needed.")
        if event.tag is not None:
            self._note(line, f"The tag {shown(event.tag)} is refused. Quote a text that starts with !.")

    def _clean(self, text: str, line: int) -> str:
        unwanted = _UNWANTED.search(text)
        if unwanted is None:
            return text
        self._note(
            line, f"The control character U+{ord(unwanted.group()):04X} does not belong here. Delete it."
        )
        return _UNWANTED.sub("", text)

    def _note(self, line: int, why: str) -> None:
        self.problems.append(YamlProblem(line, why))

    def _stop(self, line: int, why: str) -> NoReturn:
        self._note(line, why)
        raise _Stop


def shown(text: str) -> str:
    """A foreign text, short and on one line, for a message."""
    flat = " ".join(text.split())
    return f"“{flat[:57]}…”" if len(flat) > 60 else f"“{flat}”"


def _syntax_problem(error: yaml.MarkedYAMLError, text: str) -> YamlProblem:
    mark = error.problem_mark or error.context_mark
    number = mark.line if mark else 0
    lines = text.splitlines()
    source = lines[number] if number < len(lines) else ""
    problem = (error.problem or "it cannot be read").strip()
    if re.match(r" *\t", source):
        return YamlProblem(number + 1, "The line is indented with a tab. Indent with spaces.")
    hint = "Check the indentation and the quotes of this line and the one before it."
    if "mapping values are not allowed" in problem:
        hint = "Put a text that contains “: ” in quotes, or write it as a block after “|”."
    elif "cannot start any token" in problem:
        hint = "Put a text that starts with this character in quotes."
    elif "unexpected end of stream" in problem or "found unexpected document" in problem:
        hint = "A quotation mark that was opened is not closed."
    elif "unknown escape character" in problem:
        hint = "Write the backslash twice, or use single quotes."
    elif "undefined tag handle" in problem or "expected alphabetic" in problem:
        hint = "Quote a text that starts with !, & or *."
    return YamlProblem(number + 1, f"This is not YAML: {problem}. {hint}")
