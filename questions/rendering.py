"""Markdown → safe HTML: rendered once per question version, stored, and put into pages as it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from html import escape
from typing import Any

import nh3
from django.utils.safestring import SafeString, mark_safe
from latex2mathml.converter import convert
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererProtocol
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from mdit_py_plugins.dollarmath import dollarmath_plugin
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from questions.content import QuestionContent

_HTML_TAGS = {
    *("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "ul", "ol", "li"),
    *("em", "strong", "s", "code", "pre", "span", "div", "a", "img"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
_MATH_TAGS = {
    *("math", "mrow", "mi", "mn", "mo", "ms", "mtext", "mspace", "mfrac", "msqrt", "mroot", "mstyle"),
    *("msub", "msup", "msubsup", "munder", "mover", "munderover", "mmultiscripts", "mprescripts"),
    *("mtable", "mtr", "mtd", "menclose", "mpadded", "mphantom"),
}
_MATH_ATTRIBUTES = {
    *("display", "displaystyle", "scriptlevel", "mathvariant", "stretchy", "fence", "separator", "form"),
    *(
        "largeop",
        "movablelimits",
        "accent",
        "accentunder",
        "symmetric",
        "minsize",
        "maxsize",
        "width",
        "height",
    ),
    *("depth", "lspace", "rspace", "linethickness", "columnalign", "columnlines", "rowlines", "notation"),
}
_ATTRIBUTES = {
    "a": {"href", "title"},
    "ol": {"start"},
    "div": {"class"},
    "pre": {"class"},
    "code": {"class"},
    "span": {"class"},
    "th": {"class"},
    "td": {"class", "data-label"},
    "img": {"src", "alt", "width", "height", "loading"},
    **{tag: _MATH_ATTRIBUTES for tag in _MATH_TAGS},
}
_MAX_FORMULA = 2_000
IMAGE_PATH = "/bank/images/"
_IMAGE = re.compile(r"image:(?P<name>[0-9a-f]{32}-(?P<width>\d{1,5})x(?P<height>\d{1,5})\.(?:png|jpg))")
# Nothing in such a text means anything to Markdown or HTML. Most options and rationales are like this, and
# parsing and cleaning them would be nine tenths of the time that loading a bank takes.
_ORDINARY = re.compile(r"[A-Za-z][A-Za-z0-9 ,.;:()'\"%/?+“”‘’–—…-]*")
_ALIGNMENT = re.compile(r"text-align:(left|center|right)")


def render(markdown: str) -> SafeString:
    """A text with paragraphs as HTML in which nothing can run, load or leave the page unasked."""
    if _ORDINARY.fullmatch(markdown) and not markdown.endswith(" "):
        return mark_safe(f"<p>{markdown}</p>\n")
    return _render_fully(markdown)


def _render_fully(markdown: str) -> SafeString:
    return _cleaned(_parser().render(markdown))


def render_note(markdown: str) -> SafeString:
    """The same for a study note, whose tables name each cell's column: on a phone a row becomes a card."""
    tokens = _parser().parse(markdown)
    labels: list[str] = []
    column, is_head = 0, False
    for number, token in enumerate(tokens):
        match token.type:
            case "thead_open":
                labels, is_head = [], True
            case "tbody_open":
                is_head = False
            case "tr_open":
                column = 0
            case "th_open" | "td_open":
                if is_head:
                    labels.append(_plain(tokens[number + 1]))
                elif column < len(labels):
                    token.attrSet("data-label", labels[column])
                column += 1
    return _cleaned(_parser().renderer.render(tokens, _parser().options, {}))


def _plain(inline: Token) -> str:
    return "".join(child.content for child in inline.children or ()).strip()


def render_inline(markdown: str) -> SafeString:
    """The same for an option: a single paragraph comes without its `<p>`, so that it can stand in a label."""
    html = render(markdown).strip()
    if html.startswith("<p>") and html.endswith("</p>") and html.count("<p>") == 1:
        html = html[3:-4]
    return mark_safe(html)


def render_content(content: QuestionContent) -> dict[str, Any]:
    """What `QuestionVersion.rendered` holds: the HTML of the stem, of each option and prompt by its id."""
    return {
        "stem": str(render(content.stem)),
        "options": {o.id: _rendered_part(o.text, o.rationale) for o in content.options},
        "prompts": {p.id: _rendered_part(p.text, p.rationale) for p in content.prompts},
    }


def _rendered_part(text: str, rationale: str) -> dict[str, str]:
    return {"text": str(render_inline(text)), "rationale": str(render_inline(rationale))}


def _cleaned(html: str) -> SafeString:
    clean = nh3.clean(
        html,
        tags=_HTML_TAGS | _MATH_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener",
    )
    return mark_safe(clean)


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "highlight": _highlighted}).enable(
        ["table", "strikethrough"]
    )
    # A lone $5 is money: a formula neither begins nor ends with a space, nor touches a digit outside.
    parser.use(dollarmath_plugin, allow_space=False, allow_digits=False, renderer=_formula)
    parser.add_render_rule("image", _image)
    parser.add_render_rule("th_open", _cell)
    parser.add_render_rule("td_open", _cell)
    return parser


def _highlighted(code: str, language: str, _attributes: str) -> str:
    """Coloured by classes; "" (the parser then escapes the code itself) where the language is unknown."""
    if not language:
        return ""
    try:
        lexer = get_lexer_by_name(language)
    except ClassNotFound:
        return ""
    coloured: str = highlight(code, lexer, HtmlFormatter(nowrap=True))
    return f'<pre class="highlight"><code>{coloured}</code></pre>\n'


def _formula(source: str, options: dict[str, Any]) -> str:
    display = "block" if options.get("display_mode") else "inline"
    if len(source) > _MAX_FORMULA:
        return f"<code>{escape(source)}</code>"
    try:
        return str(convert(source, display=display))
    except Exception:  # noqa: BLE001 - bad TeX raises what it likes; the reader then sees the source
        return f"<code>{escape(source)}</code>"


def _image(
    _renderer: RendererProtocol, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: EnvType
) -> str:
    # Only our own pictures are shown; of any other, what it would show is said.
    token = tokens[index]
    alt = escape(token.content)
    found = _IMAGE.fullmatch(str(token.attrGet("src") or ""))
    if not found:
        return alt
    name, width, height = found["name"], found["width"], found["height"]
    # Eager: a paper is loaded whole at its start, and must stay whole when the network goes.
    return f'<img src="{IMAGE_PATH}{name}" alt="{alt}" width="{width}" height="{height}" loading="eager">'


def _cell(
    renderer: RendererProtocol, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: EnvType
) -> str:
    # Markdown's column alignment comes as a style attribute, which the content security policy blocks.
    token = tokens[index]
    aligned = _ALIGNMENT.search(str(token.attrGet("style") or ""))
    label = token.attrGet("data-label")
    attributes = f' class="align-{aligned.group(1)}"' if aligned else ""
    attributes += f' data-label="{escape(str(label))}"' if label else ""
    return f"<{token.tag}{attributes}>"
