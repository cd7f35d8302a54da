"""HTML of other systems' editors ↔ our Markdown.  Pure.

    to_markdown(html, image=…) → the Markdown and what it can't say
    to_html(markdown, image_address=…) → well-formed XHTML without ids, styles of ours, or scripts
    is_kept(markdown) → whether the way out and back gives exactly the same Markdown

`to_markdown(to_html(text))` renders to the same HTML as `text`, also where its spelling changes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from html import escape

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererProtocol
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from questions.formats import html_blocks, markdown_writing
from questions.formats.exchange import Loss

_ORDINARY = re.compile(r"[A-Za-z][A-Za-z0-9 ,.;:()'%/?“”‘’–—…-]*")
_PARAGRAPH = re.compile(rf"\s*(?:<p(?:\s[^<>]{{0,200}})?>)?(?P<text>{_ORDINARY.pattern}+)(?:</p>)?\s*")
# What XML 1.0 can't hold.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_IMAGE = "image:"


def to_markdown(html: str, *, image: Callable[[str], str | None]) -> tuple[str, tuple[Loss, ...]]:
    """The Markdown of a rich text, and a Loss of each kind for what it can't say.

    `image(src)` gives the name of the Picture that stands for an address, or None where there is none: then
    the alternative text stands in its place, with a Loss “image”. It may be called more than once for an
    address. Never fails, whatever the HTML.
    """
    alone = _PARAGRAPH.fullmatch(html)
    if alone and "  " not in alone["text"]:
        return alone["text"].strip(), ()
    return html_blocks.to_markdown(html, image=image)


def to_html(markdown: str, *, image_address: Callable[[str], str]) -> str:
    """A well-formed XHTML fragment without a root: paragraphs, lists, tables, ….

    `image_address(name)` gives the address of a picture. Formulas stand as `\\( … \\)` and `\\[ … \\]`, as
    MathJax reads them. Characters that XML forbids are dropped.
    """
    html: str = _parser().render(_FORBIDDEN.sub("", markdown), {"image_address": image_address})
    return html.strip()


def is_kept(markdown: str) -> bool:
    """Whether `to_markdown(to_html(markdown))` is the same text, letter by letter."""
    if _ORDINARY.fullmatch(markdown) and not markdown.endswith(" ") and "  " not in markdown:
        return True
    html = to_html(markdown, image_address=lambda name: f"{_IMAGE}{name}")
    back, losses = to_markdown(
        html, image=lambda src: src.removeprefix(_IMAGE) if src.startswith(_IMAGE) else None
    )
    return back == markdown and not losses


@cache
def _parser() -> MarkdownIt:
    parser = markdown_writing.new_parser()
    parser.add_render_rule("image", _image)
    parser.add_render_rule("math_inline", _math_inline)
    parser.add_render_rule("math_block", _math_block)
    parser.add_render_rule("math_block_label", _math_block)
    return parser


def _image(
    _renderer: RendererProtocol, tokens: Sequence[Token], index: int, _options: OptionsDict, env: EnvType
) -> str:
    token = tokens[index]
    alternative = escape(markdown_writing.plain(token.children or []))
    source = str(token.attrGet("src") or "")
    if not source.startswith(_IMAGE):
        return alternative
    address = escape(env["image_address"](source.removeprefix(_IMAGE)))
    return f'<img src="{address}" alt="{alternative}" />'


def _math_inline(
    _renderer: RendererProtocol, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: EnvType
) -> str:
    return f"\\({escape(tokens[index].content.strip(), quote=False)}\\)"


def _math_block(
    _renderer: RendererProtocol, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: EnvType
) -> str:
    return f"<p>\\[{escape(tokens[index].content.strip(), quote=False)}\\]</p>\n"
