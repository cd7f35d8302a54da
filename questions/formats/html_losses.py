"""What HTML says and Markdown can’t, noted once for each kind.  Pure."""

from __future__ import annotations

from questions.formats import html_tree
from questions.formats.exchange import Loss

_WHY = {
    "image": "A picture could not be brought along; its description stands in its place.",
    "table": "A table was simplified: merged cells, lists inside cells or a missing header row.",
    "link": "A link that is not a full web or mail address was removed; its text stays.",
    "underline": "Underlined words are emphasised instead.",
    "subscript": "A subscript or superscript is written with _ or ^, for lack of such a character.",
    "math": "A formula could not be read; its characters stay as text.",
    "nesting": f"Elements nested more than {html_tree.MAX_DEPTH} deep were flattened; the text stays.",
    "markup": "Some emphasis was removed because Markdown can’t mark it there; the text stays.",
}


class Notes:
    """`add` a code, with the name of the element where that tells more."""

    def __init__(self) -> None:
        self.found: dict[str, set[str]] = {}

    def add(self, code: str, name: str = "") -> None:
        self.found.setdefault(code, set()).add(name)

    def losses(self) -> tuple[Loss, ...]:
        return tuple(Loss(code, self._why(code, names)) for code, names in self.found.items())

    def _why(self, code: str, names: set[str]) -> str:
        if code == "languages":
            return f"One of its languages was kept; left out: {', '.join(sorted(names))}."
        return _WHY.get(code) or f"Left out, for a question can’t hold it: {', '.join(sorted(names))}."
