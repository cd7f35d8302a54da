"""Texts that several items of a QTI 1.2 file belong to: the stimuli of Canvas New Quizzes.  Pure."""

from __future__ import annotations

import re
from collections import OrderedDict

from lxml import etree

from questions.content import fingerprint
from questions.formats import canvas_items
from questions.formats.canvas_material import Material
from questions.formats.exchange import ExchangeScenario, Loss
from questions.formats.native import CODE
from questions.formats.xml_reading import child, children, text

Element = etree._Element

_MOST = 100
_PARENT = "parent_stimulus_item_ident"


class Stimuli:
    """A stimulus stands before its items, as an item of text only; the last hundred are remembered."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[ExchangeScenario, Material]] = OrderedDict()

    def note(self, element: Element, material: Material) -> None:
        """Remembers the text where the item is one; its pictures are in `material` then."""
        ident, presentation = (element.get("ident") or "").strip(), child(element, "presentation")
        if not ident or presentation is None or canvas_items.TEXT_ONLY not in canvas_items.kinds(element):
            return
        written = material.markdown(presentation)
        code = ident if re.fullmatch(CODE, ident) else f"scenario-{fingerprint(written)[:8]}"
        title = " ".join((element.get("title") or "").split())
        scenario = ExchangeScenario(code, "" if title.lower() == "question" else title, written)
        self._known[ident] = scenario, material
        if len(self._known) > _MOST:
            self._known.popitem(last=False)

    def of(self, element: Element, material: Material) -> ExchangeScenario | None:
        """The scenario of the item; its pictures and losses are in `material` then."""
        ident = _parent(element)
        if not ident:
            return None
        if ident not in self._known:
            why = (
                "It belongs to a text that does not stand before it in the file. Write it into the question."
            )
            material.losses.setdefault("scenario", Loss("scenario", why))
            return None
        scenario, own = self._known[ident]
        material.pictures |= own.pictures
        material.losses |= own.losses
        return scenario if scenario.text else None


def _parent(element: Element) -> str:
    """The item's metadata say it, or a section around it."""
    for metadata in children(element, "itemmetadata"):
        for field in metadata.iterdescendants():
            if text(child(field, "fieldlabel")) == _PARENT:
                return text(child(field, "fieldentry"))
    return next((str(outer.get(_PARENT)) for outer in element.iterancestors() if outer.get(_PARENT)), "")
