"""HTML of other systems ↔ our Markdown."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from questions.formats import html_text
from questions.rendering import render


def image(src: str) -> str | None:
    return src.removeprefix("image:") if src.startswith("image:") else None


def address(name: str) -> str:
    return f"image:{name}"


def markdown(html: str) -> str:
    return html_text.to_markdown(html, image=image)[0]


def lost(html: str) -> list[str]:
    return [loss.code for loss in html_text.to_markdown(html, image=image)[1]]


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("plain text", "plain text"),
        ("<p>Hello <b>world</b></p>", "Hello **world**"),
        ("<p>one<br>two</p><div>three</div>", "one\\\ntwo\n\nthree"),
        ("a&nbsp;&nbsp;b &lt;T&gt; &amp;amp; &eacute;", "a b <T> \\&amp; é"),
        ("<b>a </b><b>b</b> <strong></strong>", "**a b**"),
        ("foo<b>(bar)</b>baz", "foo(**bar**)baz"),
        ("<i>a<b>b</b></i>", "*a**b***"),
        ("<strong><em>a</em></strong> x", "**_a_** x"),
        ("<del>no</del> <s>no</s>", "~~no~~ ~~no~~"),
        ("it costs $5, or $6", "it costs $5, or $6"),
        ("$x$ is *not* `code`", "\\$x\\$ is \\*not\\* \\`code\\`"),
        ("2 * 3 snake_case", "2 * 3 snake_case"),
        ("<p>1. no list</p><p># no heading</p>", "1\\. no list\n\n\\# no heading"),
        ("<ul><li>a</li><li>b<ol><li>c</li></ol></li></ul>", "- a\n- b\n  1. c"),
        ("<ul><li>a</li><ul><li>b</li></ul></ul>", "- a\n  - b"),
        ("<ol start='3'><li><p>a</p></li><li>b</li></ol>", "3. a\n\n4. b"),
        ("<ul><li>a</li></ul><ul><li>b</li></ul>", "- a\n\n* b"),
        ("<blockquote><p>a</p><p>b</p></blockquote>", "> a\n>\n> b"),
        ("<h2>T</h2>x", "## T\n\nx"),
        (
            "<pre><code class='language-python'>a = 1\n  b&nbsp;c\n</code></pre>",
            "```python\na = 1\n  b c\n```",
        ),
        ("<pre>```</pre>", "````\n```\n````"),
        ("<code>a`b</code>", "``a`b``"),
        ("<tt>x &lt; y</tt>", "`x < y`"),
        (
            "<table><tr><th>a</th><th>b|c</th></tr><tr><td>1</td><td><code>x|y</code></td></tr></table>",
            "| a | b\\|c |\n|---|---|\n| 1 | `x\\|y` |",
        ),
        ("<table><tr><td>just a frame</td></tr></table>", "just a frame"),
        ("<a href='https://e.org/a b'>x</a>", "[x](https://e.org/a%20b)"),
        ("<a href='https://e.org'>https://e.org</a>", "<https://e.org>"),
        ("H<sub>2</sub>O x<sup>2</sup>", "H₂O x²"),
        ("let \\(a<b\\) and $$x^2$$", "let $a<b$ and $x^2$"),
        ("<p>\\[ \\frac{1}{2} \\]</p>", "$$\n\\frac{1}{2}\n$$"),
        (
            '<math><semantics><mi>x</mi><annotation encoding="application/x-tex">x</annotation></semantics></math>',
            "$x$",
        ),
        ('<img src="image:x.png" alt="a [b]">', "![a \\[b\\]](image:x.png)"),
        ("<span style='font-weight: bold'>x</span><o:p></o:p>", "**x**"),
        ("a < b and c > d", "a < b and c > d"),
        ('unclosed <a href="foo', 'unclosed <a href="foo'),
        ("<p>a\n   wrapped line</p>", "a\nwrapped line"),
        ("x<!-- <b>comment</b> -->y<![endif]-->", "xy"),
        ("<p>unclosed <b>bold<p>next", "unclosed **bold**\n\nnext"),
        ("", ""),
    ],
)
def test_rich_text_becomes_markdown(html: str, expected: str) -> None:
    assert html_text.to_markdown(html, image=image) == (expected, ())


@pytest.mark.parametrize(
    ("html", "expected", "losses"),
    [
        ("<img src='https://e.org/x.png' alt='A curve'>", "A curve", ["image"]),
        (
            "<table><tr><td>a</td><td>b</td></tr><tr><td>1</td></tr></table>",
            "| a | b |\n|---|---|\n| 1 | |",
            ["table"],
        ),
        ("<a href='javascript:x()'>text</a>", "text", ["link"]),
        ("<a href='/relative'>text</a>", "text", ["link"]),
        ("x<sup>q</sup>", "x^q", ["subscript"]),
        ("<u>not</u>", "*not*", ["underline"]),
        ("<script>alert(1)</script>x<style>p{}</style>", "x", ["script"]),
        ("<video src='v'></video><iframe src='f'></iframe>", "", ["media"]),
        ("a<input name='x'>b", "ab", ["form"]),
        ("<math><mmultiscripts><mi>x</mi><mn>2</mn></mmultiscripts></math>", "x2", ["math"]),
        ("<div>" * 100 + "deep", "deep", ["nesting"]),
    ],
)
def test_what_markdown_cannot_say_is_told(html: str, expected: str, losses: list[str]) -> None:
    assert (markdown(html), lost(html)) == (expected, losses)


def test_what_was_left_out_is_named() -> None:
    _, (loss,) = html_text.to_markdown("<video></video><audio></audio>", image=image)
    assert "audio, video" in loss.why


DOCUMENTS = [
    "a **b** c",
    "***a***",
    "**_a_** b",
    "**a *b***",
    "- a\n- b\n  - c",
    "1. a\n2. b",
    "```python\nx = 1\n\ny\n```",
    "| a | b |\n|---|---|\n| 1 | `x\\|y` |",
    "$x_1$ and $5",
    "$$\nx\n$$",
    "![what it shows](image:foo.png)",
    "line one\nline two\\\nthree",
    "> q\n>\n> - r",
    "## H",
    "~~a~~ `b`",
    "[l](https://e.org/?a=1&b=2)",
    "<https://e.org>",
    "5 < 6 && x",
    "“q” — é 😀",
    "a\n\n---\n\nb",
]


@pytest.mark.parametrize("text", DOCUMENTS)
def test_our_own_spelling_is_kept(text: str) -> None:
    assert html_text.is_kept(text)


@pytest.mark.parametrize(
    "text", ["* a\n* b", "1) a", "a  \nb", "\\(x\\)", "    code", "a\u00a0 b", " a", "__a__"]
)
def test_another_spelling_is_not(text: str) -> None:
    assert not html_text.is_kept(text)


@pytest.mark.parametrize(
    "text", [*DOCUMENTS, "* a\n* b", "1) a", "a  \nb", "    code", "__a__ *b*\n\n***\n\nc"]
)
def test_the_way_out_and_back_renders_to_the_same(text: str) -> None:
    html = html_text.to_html(text, image_address=address)
    assert render(markdown(html)) == render(text)


def test_html_is_well_formed_and_its_pictures_and_formulas_are_addressed() -> None:
    html = html_text.to_html(
        '![a "b" & c](image:x.png) $a<b$ <b>', image_address=lambda name: f"media/{name}?a&b"
    )
    assert html == (
        '<p><img src="media/x.png?a&amp;b" alt="a &quot;b&quot; &amp; c" /> \\(a&lt;b\\) &lt;b&gt;</p>'
    )


def test_characters_that_xml_forbids_do_not_go_out() -> None:
    html = html_text.to_html("a\x0bb\x00 `\x1f`c\ufffe", image_address=address)
    assert html == "<p>ab ``c</p>"
    assert not html_text.is_kept("a\x0bb")


WORDS = st.text(st.sampled_from("ab *_`[]()<>&$\\~!#-+=|.1)\n"), min_size=1, max_size=25)


@given(WORDS)
@settings(max_examples=200, deadline=None)
def test_any_text_stays_as_it_is(text: str) -> None:
    """What was plain text there reads the same here, whatever characters it has."""
    html = text.replace("&", "&amp;").replace("<", "&lt;")
    if re.search(r"\\[(\[]", text):
        return
    shown = re.sub(r"<[^>]*>", "", render(markdown(html)))
    assert "".join(shown.split()) == "".join(
        text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").split()
    )


@given(
    st.lists(
        st.sampled_from(
            [
                "<b>",
                "</b>",
                "<i>",
                "</i>",
                "<p>",
                "<ul>",
                "<li>",
                "</ul>",
                "<table>",
                "<td>",
                "<a href='https://e.org'>",
                "</a>",
                "x",
                " ",
                "y*",
                "(z)",
                "<br>",
                "<code>",
                "</code>",
                "<pre>",
                "<",
            ]
        ),
        max_size=25,
    )
)
@settings(max_examples=200, deadline=None)
def test_any_soup_is_read_and_goes_out_well_formed(parts: list[str]) -> None:
    text = markdown("".join(parts))
    html = html_text.to_html(text, image_address=address)
    etree.fromstring(f"<div>{html}</div>")


@given(WORDS)
@settings(max_examples=200, deadline=None)
def test_any_markdown_goes_out_well_formed_and_kept_means_kept(text: str) -> None:
    html = html_text.to_html(text, image_address=address)
    etree.fromstring(f"<div>{html}</div>")
    if html_text.is_kept(text):
        assert markdown(html) == text


@pytest.mark.parametrize(
    "html",
    [
        "<b>" * 100_000,
        "<a '>' " * 50_000,
        "<!--" * 50_000,
        "[" * 100_000,
        "\\(" * 50_000,
        "<table>" * 20_000,
        "<ul><li>" * 20_000,
        "<sub>" * 20_000 + "x",
        "</i>" * 50_000 + "<b>" * 50_000 + "</i>" * 50_000,
    ],
)
def test_a_hostile_text_is_read_too(html: str) -> None:
    assert isinstance(markdown(html), str)
