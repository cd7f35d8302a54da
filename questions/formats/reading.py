"""Typed fields from a tree of `lined_yaml`, every problem collected.  Pure."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from questions.formats import lined_yaml
from questions.formats.lined_yaml import Mapping, Node, Scalar, Sequence, shown


@dataclass(frozen=True, order=True)
class Problem:
    """What is wrong and how to mend it, and where: file, line, code of the question or scenario."""

    file: str
    line: int
    code: str
    why: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:"
        return f"{where} {self.code}: {self.why}" if self.code else f"{where} {self.why}"


class FormatError(ValueError):
    """A file that can't be taken as it is. `problems` holds all that is wrong with it, by line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(map(str, self.problems)))


def tidy(text: str) -> str:
    """One spelling of a text: composed characters, plain line ends, no blank space around it."""
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n")).strip()


class Reader:
    """Reads fields and remembers problems, under the code of what is being read.

    A `path` such as `options.2.text` names a field inside that thing; `complained` tells whether a problem
    was noted there, so that nothing is reported twice.
    """

    def __init__(self, filename: str) -> None:
        self.filename = filename
        self.code = ""
        self.problems: list[Problem] = []
        self._complaints: set[str] = set()

    def document(self, data: bytes) -> Mapping:
        """The top level of the file; raises `FormatError` when there is none."""
        tree, problems = lined_yaml.load(data)
        for problem in problems:
            self.note(problem.line, problem.why)
        if tree is not None and not isinstance(tree, Mapping):
            self.note(
                tree.line, "The file must start with fields such as “format: …”, not with a list or text."
            )
        if not isinstance(tree, Mapping):
            raise FormatError(self.problems)
        return tree

    def about(self, code: str) -> None:
        """From here on, problems belong to `code`."""
        self.code = code
        self._complaints = set()

    def note(self, line: int, why: str, path: str = "") -> None:
        self.problems.append(Problem(self.filename, line, self.code, why))
        self._complaints.add(path)

    def complained(self, path: str) -> bool:
        return path in self._complaints

    def complained_about_any(self, endings: tuple[str, ...]) -> bool:
        return any(path.endswith(endings) for path in self._complaints)

    def fields(self, node: Mapping, known: Iterable[str], path: str = "") -> None:
        """Note every field of `node` that is not `known`."""
        known = sorted(known)
        for name, line in node.key_lines.items():
            if name in known:
                continue
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"Did you mean “{close[0]}”?" if close else "Known here: " + ", ".join(known) + "."
            self.note(line, f"The field {shown(name)} is not known here. {hint}", f"{path}{name}")
            # A misspelt field is one mistake: that the right one is missing need not be said too.
            self._complaints.update(f"{path}{wanted}" for wanted in close)

    def text(
        self,
        node: Mapping,
        name: str,
        *,
        limit: int,
        path: str = "",
        required: bool = True,
        pattern: str = "",
    ) -> str:
        """The text of a field, tidied; "" when it is missing or wrong (noted)."""
        value = node.entries.get(name)
        path = f"{path}{name}"
        if value is None or (isinstance(value, Scalar) and value.is_null):
            if required and not self.complained(path):
                self.note(
                    node.key_lines.get(name, node.line), f"The field “{name}” is missing. Add it.", path
                )
            return ""
        if not isinstance(value, Scalar):
            self.note(value.line, f"“{name}” must be a text. Put it in quotes or behind “|”.", path)
            return ""
        text = tidy(value.text)
        if not text and required:
            self.note(value.line, f"“{name}” is empty. Write it.", path)
        elif len(text) > limit:
            why = f"“{name}” has {len(text):,} characters; at most {limit:,} are allowed. Shorten it."
            self.note(value.line, why, path)
        elif text and pattern and not re.fullmatch(pattern, text):
            why = f"“{name}” is {shown(text)}: use letters, digits, “.”, “-” and “_”, without spaces."
            self.note(value.line, why, path)
            return ""
        return text

    def choice(self, node: Mapping, name: str, allowed: Iterable[str], path: str = "") -> str:
        text = self.text(node, name, limit=200, path=path)
        allowed = list(allowed)
        if text and text not in allowed:
            line = node.entries[name].line
            self.note(line, f"“{name}” is {shown(text)}. Use one of: {', '.join(allowed)}.", f"{path}{name}")
            return ""
        return text

    def number(
        self, node: Mapping, name: str, *, least: int, most: int, path: str = "", required: bool = True
    ) -> int | None:
        """A whole number; None when it is missing or wrong (noted)."""
        text = self.text(node, name, limit=200, path=path, required=required)
        if not text:
            return None
        if not re.fullmatch(r"\d{1,9}", text) or not least <= int(text) <= most:
            why = f"“{name}” is {shown(text)}. Write a whole number from {least} to {most}."
            self.note(node.entries[name].line, why, f"{path}{name}")
            return None
        return int(text)

    def boolean(self, node: Mapping, name: str, path: str = "") -> bool:
        text = self.text(node, name, limit=200, path=path, required=False)
        if text and text.lower() not in ("true", "false"):
            why = f"“{name}” is {shown(text)}. Write true or false."
            self.note(node.entries[name].line, why, f"{path}{name}")
        return text.lower() == "true"

    def texts(self, node: Mapping, name: str, *, limit: int, path: str = "") -> tuple[str, ...]:
        """A list of texts, each once; () when the field is absent."""
        seen: list[str] = []
        for item in self.sequence(node, name, required=False, path=path):
            text = tidy(item.text) if isinstance(item, Scalar) and not item.is_null else ""
            if not text or len(text) > limit:
                why = f"Each entry of “{name}” must be a text of at most {limit} characters."
                self.note(item.line, why, f"{path}{name}")
            elif text in seen:
                self.note(item.line, f"{shown(text)} stands twice in “{name}”. Remove one.", f"{path}{name}")
            else:
                seen.append(text)
        return tuple(seen)

    def sequence(self, node: Mapping, name: str, *, required: bool = True, path: str = "") -> list[Node]:
        value = node.entries.get(name)
        path = f"{path}{name}"
        if value is None or (isinstance(value, Scalar) and value.is_null):
            if required and not self.complained(path):
                self.note(node.key_lines.get(name, node.line), f"The list “{name}” is missing. Add it.", path)
            return []
        if not isinstance(value, Sequence):
            self.note(value.line, f"“{name}” must be a list: one entry a line, each behind “- ”.", path)
            return []
        if required and not value.items:
            self.note(value.line, f"The list “{name}” is empty. Fill it.", path)
        return value.items

    def mappings(
        self, node: Mapping, name: str, *, required: bool = True, path: str = ""
    ) -> Iterator[tuple[int, Mapping]]:
        """The entries of a list of things with fields, numbered from 1; entries of other kinds are noted."""
        for number, item in enumerate(self.sequence(node, name, required=required, path=path), 1):
            if isinstance(item, Mapping):
                yield number, item
            else:
                why = f"Entry {number} of “{name}” must have fields such as “id: …”, each on its own line."
                self.note(item.line, why, f"{path}{name}")

    def mapping(self, node: Mapping, name: str, *, required: bool = True) -> Mapping | None:
        value = node.entries.get(name)
        if value is None or (isinstance(value, Scalar) and value.is_null):
            if required and not self.complained(name):
                self.note(
                    node.key_lines.get(name, node.line), f"The field “{name}” is missing. Add it.", name
                )
            return None
        if not isinstance(value, Mapping):
            self.note(value.line, f"“{name}” must have fields of its own, indented under it.", name)
            return None
        return value
