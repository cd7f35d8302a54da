"""What the style of an HTML element says that Markdown can say too.  Pure."""

from __future__ import annotations

import re

from questions.formats.html_tree import Element
from questions.formats.markdown_writing import Mark


def marks(element: Element) -> list[Mark]:
    style = element.attributes.get("style", "").lower().replace(" ", "")
    found: list[Mark] = []
    if re.search(r"font-weight:(bold|[6-9]00)", style):
        found.append(("strong", ""))
    if "font-style:italic" in style:
        found.append(("em", ""))
    if "line-through" in style:
        found.append(("s", ""))
    return found


def is_underlined(element: Element) -> bool:
    return (
        re.search(r"text-decoration[^;]{0,60}underline", element.attributes.get("style", "").lower())
        is not None
    )
