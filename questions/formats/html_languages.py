"""One language of a text that holds several, as the multi-language filters of Moodle choose it.  Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from questions.formats.html_tree import Element

_PREFERRED = "en"
_BRACED = re.compile(
    r"\{mlang\s+(?P<names>[A-Za-z_,-]{2,40})\s*\}(?P<text>(?:[^{]|\{(?!mlang))*+)\{mlang\}", re.IGNORECASE
)

Note = Callable[[str], None]


def unbraced(html: str, note: Note) -> str:
    """`{mlang de}Ja{mlang}{mlang en}Yes{mlang}` → `Yes`; `note` gets each language that is left out."""
    if "{mlang" not in html:
        return html
    kept = _kept([name for found in _BRACED.finditer(html) for name in _names(found)])

    def chosen(found: re.Match[str]) -> str:
        if kept in _names(found):
            return found["text"]
        note(", ".join(_names(found)))
        return ""

    return _BRACED.sub(chosen, html)


def chosen(children: Sequence[Element | str], note: Note) -> Sequence[Element | str]:
    """The children, with one of each run of `<span lang="de" class="multilang">`."""
    if not any(isinstance(found, Element) and _language(found) for found in children):
        return children
    kept: list[Element | str] = []
    run: list[Element] = []
    blank: list[Element | str] = []
    for found in children:
        if isinstance(found, Element) and _language(found):
            run.append(found)
            blank = []
        elif run and isinstance(found, str) and not found.strip():
            blank.append(found)
        else:
            kept += [*_one(run, note), *blank, found]
            run, blank = [], []
    return [*kept, *_one(run, note), *blank]


def _one(run: list[Element], note: Note) -> list[Element]:
    if not run:
        return []
    name = _kept([_language(found) for found in run])
    taken = next(found for found in run if _language(found) == name)
    for found in run:
        if found is not taken:
            note(_language(found))
    return [taken]


def _language(element: Element) -> str:
    if element.name != "span" or "multilang" not in element.attributes.get("class", "").split():
        return ""
    return element.attributes.get("lang", "").lower()[:20]


def _names(found: re.Match[str]) -> list[str]:
    return [name.strip().lower() for name in found["names"].split(",") if name.strip()]


def _kept(names: list[str]) -> str:
    return next((name for name in names if name.startswith(_PREFERRED)), names[0] if names else "")
