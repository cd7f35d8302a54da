"""Cuts a GIFT file into questions and takes the escapes out of the way.  Pure.

While a question is being read, an escaped character stands as a lone surrogate, which no decoded file
contains: what is left of `= ~ # { } :` is then syntax. `unmask` gives the characters back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from questions.formats.text_files import LINE_OVERHEAD, MAX_BLOCK, Line

_ESCAPED = "\\:#={}~n"
_MASKS = {character: chr(0xD800 + number) for number, character in enumerate(_ESCAPED)}
_UNMASK = {ord(mask): "\n" if character == "n" else character for character, mask in _MASKS.items()}
_BARE = str.maketrans({c: mask for c, mask in _MASKS.items() if c not in "\\n"})

_ESCAPE = re.compile(r"\\([\\:#={}~n])")
# Exporters often leave the attributes of tags and the # of entities unescaped; they never are syntax.
_TAG = re.compile(
    r"<[A-Za-z][A-Za-z0-9]*(?:\s+[A-Za-z][\w:-]*\s*\\?=\s*(?:\"[^\"<>]*\"|'[^'<>]*'))+\s*/?>|&#x?[0-9A-Fa-f]+;"
)
# Nor is what stands in a formula of somebody who didn't escape its backslashes either.
_FORMULA = re.compile(
    r"(?<!\\)\\\([^\n\\]*+(?:\\(?![()])[^\n\\]*+)*+\\\)|(?<!\\)\\\[[^\\]*+(?:\\(?![\[\]])[^\\]*+)*+\\\]"
    r"|\$\$[^$~\n]*+\$\$"
)
_COMMAND = re.compile(r"\\(?=n[A-Za-z])")
_ANSWER_START = re.compile(r"\s*(?:[=~#%}]|(?:T|TRUE|F|FALSE)\s*[#}])", re.IGNORECASE)
_CATEGORY = re.compile(r"\$CATEGORY\s*:\s*(.*)", re.IGNORECASE)
_CONTEXT = re.compile(r"\$\w+\$")
_SEPARATOR = re.compile(r"(?<!/)/(?!/)")
_COMMENT_START = re.compile(r"\[(?:id|tag):")
_MAX_COMMENT, _MAX_COMMENTS = 4_000, 50
_MOST_TITLE_LINES = 20
_COMMENT_FIELD = re.compile(r"\[(id|tag):((?:\\.|[^]\\])*)\]")


@dataclass
class Block:
    """The lines of one question, its comments apart. `fault` says why it can't be one."""

    line: int
    category: tuple[str, ...] = ()
    text: str = ""
    comments: list[str] = field(default_factory=list)
    is_guessed: bool = False
    is_joined: bool = False
    fault: str = ""

    def fields(self, name: str) -> list[str]:
        """The values of `[name:…]` in the comments."""
        found = (f for comment in self.comments for f in _COMMENT_FIELD.finditer(comment))
        return [re.sub(r"\\([]\\])", r"\1", f[2]).strip() for f in found if f[1] == name]


def mask(text: str) -> str:
    """Escaped characters, and those inside formulas and a tag's attributes, out of the way."""
    if "\\(" in text or "\\[" in text or "$$" in text:
        text = _FORMULA.sub(lambda found: _masked_formula(found[0]), text)
    if "<" in text or "&#" in text:
        text = _TAG.sub(lambda found: _mask_escapes(found[0]).translate(_BARE), text)
    return _mask_escapes(text)


def unmask(text: str) -> str:
    return text.translate(_UNMASK)


def blocks(lines: Iterable[Line]) -> Iterator[Block]:
    """The questions of a file, each held alone; what begins after one that is never closed is its own."""
    category: tuple[str, ...] = ()
    block = _Collected()
    for line in lines:
        text = line.text.strip()
        found = _CATEGORY.fullmatch(text) if text.startswith("$") else None
        if found:
            yield from block.ended(category)
            block = _Collected()
            category = _category(found[1])
        elif block.goes_on_with(text):
            restart = block.add(line, text)
            if restart is not None:
                yield from block.ended(category)
                block = restart
        else:
            yield from block.ended(category)
            block = _Collected()
            block.add(line, text)
    yield from block.ended(category)


class _Collected:
    """The lines of the question being read, and where its braces stand."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.comments: list[str] = []
        self.size = 0
        self.depth = 0
        self.closings = 0
        self.is_opened = False
        # Whether braces held answers, and whether an outer brace stood last on its line: then the next one tells.
        self.is_answered = False
        self.is_awaited = False
        # Lines and comments up to the last blank line inside open braces, and up to the closing brace.
        self.gap = (0, 0)
        self.end = (0, 0)
        self.is_after_blank = False
        self.is_joined = False
        self.is_too_long = False

    @property
    def is_open(self) -> bool:
        return self.is_opened and self.closings == 0

    @property
    def is_titled(self) -> bool:
        return bool(self.lines) and self.lines[0].text.lstrip().startswith("::")

    @property
    def is_title_open(self) -> bool:
        return self.is_titled and "::" not in "\n".join(line.text for line in self.lines).strip()[2:]

    @property
    def has_stem(self) -> bool:
        """Whether anything stands after the title, which is one line or a few."""
        if len(self.lines) > _MOST_TITLE_LINES:
            return True
        text = "\n".join(line.text for line in self.lines).strip()
        return bool(text.removeprefix("::").partition("::")[2].strip())

    def goes_on_with(self, text: str) -> bool:
        """Whether a line still belongs to this question."""
        if not self.lines:
            return bool(text) or not self.comments
        if self.is_too_long:
            return bool(text) and not text.startswith("::")
        if not text:
            return not self.is_opened or self.is_open
        if text.startswith("::") and not self.is_title_open:
            return False
        if text.startswith("//"):
            return self.is_open or not (self.is_after_blank or self.is_opened)
        if self.is_after_blank and not self.is_opened:
            return text.startswith("{") or self.is_titled
        return True

    def add(self, line: Line, text: str) -> _Collected | None:
        """Take the line; returns what must be begun anew where it shows that a brace was never closed."""
        if not text and not self.lines:
            return None
        if text.startswith("//"):
            if _COMMENT_START.search(text) and len(self.comments) < _MAX_COMMENTS:
                self.comments.append(text[:_MAX_COMMENT])
            return None
        if not text:
            self.is_after_blank = True
        elif self.is_after_blank:
            if not (self.is_joined or self.is_opened or text.startswith("{")):
                self.is_joined = self.has_stem
            self.is_after_blank = False
            if self.is_open and not text.startswith("{"):
                self.gap = len(self.lines), len(self.comments)
        self.size += len(line.text) + LINE_OVERHEAD
        self.is_too_long = self.is_too_long or line.is_cut or self.size > MAX_BLOCK
        if self.is_too_long:
            self.lines = self.lines[:1] or [Line(line.number, line.text[:200], line.is_guessed)]
            return None
        self.lines.append(line)
        return self._count_braces(line.text)

    def _count_braces(self, text: str) -> _Collected | None:
        if self.is_awaited and text.strip():
            self.is_awaited = False
            self.is_answered = _ANSWER_START.match(text) is not None
        if "{" not in text and "}" not in text:
            return None
        masked = mask(text)
        for found in re.finditer(r"[{}]", masked):
            brace = found[0]
            if brace == "{" and self.gap[0] and not self.closings:
                return self._begun_after(self.gap)
            is_next = self.is_answered and bool(self.end[0]) and not self._follows_end(text)
            if brace == "{" and self.depth <= 0 and is_next:
                return self._begun_after(self.end)
            if brace == "{" and self.depth <= 0 and not self.is_answered:
                self.is_answered = _ANSWER_START.match(masked, found.end()) is not None
                self.is_awaited = not masked[found.end() :].strip()
            self.is_opened = self.is_opened or brace == "{"
            if self.is_opened:
                self.depth += 1 if brace == "{" else -1
                self.closings += brace == "}"
        if self.closings and self.depth <= 0 and text.rstrip().endswith("}"):
            self.end = len(self.lines), len(self.comments)
        return None

    def _follows_end(self, text: str) -> bool:
        """Braces right below braces: the first ones belonged to the text, for there is no other."""
        return text.lstrip().startswith("{") and len(self.lines) - 1 == self.end[0]

    def _begun_after(self, place: tuple[int, int]) -> _Collected:
        """What a further { shows to be the next question, no blank line or no closing brace being there."""
        lines, comments = place
        again = _Collected()
        again.comments = self.comments[comments:]
        for line in self.lines[lines:]:
            again.add(line, line.text.strip())
        self.lines, self.comments = self.lines[:lines], self.comments[:comments]
        return again

    def ended(self, category: tuple[str, ...]) -> Iterator[Block]:
        if not self.lines:
            return
        yield Block(
            line=self.lines[0].number,
            category=category,
            text="\n".join(line.text for line in self.lines).strip(),
            comments=self.comments,
            is_guessed=any(line.is_guessed for line in self.lines),
            is_joined=self.is_joined,
            fault="too_long" if self.is_too_long else "unclosed_brace" if self.is_open else "",
        )


def _masked_formula(text: str) -> str:
    text = _COMMAND.sub(_MASKS["\\"], text)  # `\neq` is no line end
    return _mask_escapes(text).translate(_BARE)


def _mask_escapes(text: str) -> str:
    return _ESCAPE.sub(lambda found: _MASKS[found[1]], text) if "\\" in text else text


def _category(path: str) -> tuple[str, ...]:
    """`$course$/top/A/B` → A, B; a doubled slash belongs to a name."""
    parts = [part.strip().replace("//", "/") for part in _SEPARATOR.split(path)]
    if parts and _CONTEXT.fullmatch(parts[0]):
        del parts[0]
    if parts and parts[0] == "top":
        del parts[0]
    return tuple(part for part in parts if part)
