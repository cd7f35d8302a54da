"""Formulas in HTML: between TeX delimiters in the text, or as MathML.  Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from questions.formats import mathml
from questions.formats.html_tree import Element

_DELIMITER = re.compile(r"\\[()\[\]]|\$\$")


def delimited(text: str) -> Iterator[tuple[int, int, bool]]:
    """Begin, end and whether it is inline, of each `\\(…\\)`, `\\[…\\]` and `$$…$$`."""
    closers = {"\\(": "\\)", "\\[": "\\]", "$$": "$$"}
    opened: re.Match[str] | None = None
    for found in _DELIMITER.finditer(text):
        if opened and found.group() == closers[opened.group()]:
            if text[opened.end() : found.start()].strip():
                yield opened.start(), found.end(), opened.group() == "\\("
            opened = None
        elif found.group() in closers and not (opened and opened.group() == "$$"):
            opened = found


def annotation(element: Element) -> str:
    for found in element.elements():
        if found.name == "annotation" and "tex" in found.attributes.get("encoding", "").lower():
            return found.text().strip()
        inner = annotation(found)
        if inner:
            return inner
    return ""


def of_mathml(element: Element) -> str:
    """The TeX that stands with the formula, or what its elements say; "" where neither can be told."""
    told = element.attributes.get("alttext", "").strip()
    # Some write there what is to be read aloud.
    return annotation(element) or (told if "\\" in told else mathml.tex(element) or told)
