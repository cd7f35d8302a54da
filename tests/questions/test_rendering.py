from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from questions import rendering
from questions.content import ItemType, Option, Prompt, QuestionContent
from questions.rendering import render, render_content, render_inline


def test_paragraphs_emphasis_lists_and_tables() -> None:
    html = render("One **two**\n\n- a\n- ~~b~~\n\n| a | b |\n|:--|--:|\n| 1 | 2 |\n")
    assert "<p>One <strong>two</strong></p>" in html
    assert "<li><s>b</s></li>" in html
    assert '<th class="align-left">a</th>' in html
    assert '<td class="align-right">2</td>' in html
    assert "style" not in html


def test_an_option_comes_without_its_paragraph() -> None:
    assert render_inline("Use `gp3`") == "Use <code>gp3</code>"
    assert render_inline("One\n\nTwo") == "<p>One</p>\n<p>Two</p>"
    assert render_inline("") == ""


def test_code_is_coloured_by_classes() -> None:
    html = render('```python\nx = "<b>"\n```')
    assert '<pre class="highlight"><code><span class="n">x</span>' in html
    assert "&lt;b&gt;" in html


@pytest.mark.parametrize("fence", ["```\nx < 1\n```", "```no-such-language\nx < 1\n```", "    x < 1"])
def test_code_of_an_unknown_language_is_shown_plain(fence: str) -> None:
    assert "x &lt; 1" in render(fence)


def test_a_formula_is_mathml() -> None:
    html = render(r"The loss $\frac{1}{n}\sum_i x_i^2$ falls.")
    assert "<math" in html and "<mfrac>" in html and "$" not in html


def test_a_formula_of_its_own_is_a_block() -> None:
    assert '<math display="block">' in render("$$\nx^2\n$$")


@pytest.mark.parametrize("money", ["It costs $5.", "from $5 to $7 a month", "$5-$7", "a $ sign"])
def test_money_is_no_formula(money: str) -> None:
    assert render(money) == f"<p>{money}</p>\n"


@pytest.mark.parametrize("source", [r"\frac{", r"\begin{x}", "x" * 3_000])
def test_bad_or_huge_tex_shows_its_source(source: str) -> None:
    html = render(f"${source}$")
    assert f"<code>{source}</code>" in html
    assert "<math" not in html


@pytest.mark.parametrize(
    "attack",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<svg onload=alert(1)>",
        "<iframe src=https://example.com></iframe>",
        "<style>*{display:none}</style>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](java&#10;script:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](vbscript:msgbox)",
        "<javascript:alert(1)>",
        "![x](https://example.com/track.png)",
        "![x](data:image/svg+xml,x)",
        '[x](https://example.com "\\" onclick=alert(1) \\"")',
        '[x](<https://example.com/" onclick="alert(1)>)',
        '```"><script>alert(1)</script>\nx\n```',
        "$\\text{<script>alert(1)</script>}$",
        "$\\text{</mtext><img src=x onerror=alert(1)>}$",
        "$\\href{javascript:alert(1)}{x}$",
        "$\\style{background:url(https://example.com)}{x}$",
        "<math><mtext><style><img src=x onerror=alert(1)></style></mtext></math>",
        "| <b onclick=alert(1)>a</b> |\n|---|\n| 1 |",
    ],
)
def test_nothing_can_run_or_load(attack: str) -> None:
    for html in (render(attack), render_inline(attack)):
        assert _is_harmless(html), html


def _is_harmless(html: str) -> bool:
    tags = re.findall(r"<[^>]*>", html)
    forbidden = re.compile(
        r"<\s*/?\s*(script|img|svg|iframe|style|object|embed|form|link|base)\b|\son\w+\s*=|\sstyle\s*="
        r"|href\s*=\s*[\"']?\s*(?!https?:|mailto:)[a-z]+:",
        re.IGNORECASE,
    )
    # A quoted attribute may hold anything, so quotes are emptied before handlers are looked for.
    return not any(forbidden.search(re.sub(r'(?<!href)="[^"]*"', '=""', tag)) for tag in tags)


@pytest.mark.parametrize(
    "html",
    [
        "<img src=x>",
        '<p onclick="x">',
        '<p style="x">',
        '<a href="javascript:x">',
        "<a href=data:x>",
        "<SCRIPT >",
    ],
)
def test_the_judge_of_harm_knows_harm(html: str) -> None:
    assert not _is_harmless(html)


def test_a_link_does_not_hand_over_the_window() -> None:
    assert render_inline("[x](https://example.com)") == '<a href="https://example.com" rel="noopener">x</a>'


def test_of_a_picture_its_description_is_kept() -> None:
    assert render_inline("![a <b> chart](https://example.com/x.png)") == "a &lt;b&gt; chart"


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="<>\"'=&;:/()[]!`$\\ \nabonscriptjv", max_size=80))
def test_no_text_renders_to_harm(text: str) -> None:
    assert _is_harmless(render(text))


@settings(max_examples=500, deadline=None)
@given(
    st.from_regex(rendering._ORDINARY, fullmatch=True)
    | st.text(alphabet="aZ09 ,.;:()'\"%/?+“’–…-", max_size=40)
)
def test_the_short_cut_for_ordinary_text_changes_nothing(text: str) -> None:
    assert render(text) == rendering._render_fully(text)


def test_a_whole_question() -> None:
    content = QuestionContent(
        item_type=ItemType.MATCHING,
        stem="Match **each**.",
        options=(Option(id="a", text="*One*"), Option(id="b", text="Two")),
        prompts=(Prompt(id="p1", text="`x`", match="a", rationale="Because.\n\nTwice."),),
    )
    assert render_content(content) == {
        "stem": "<p>Match <strong>each</strong>.</p>\n",
        "options": {
            "a": {"text": "<em>One</em>", "rationale": ""},
            "b": {"text": "Two", "rationale": ""},
        },
        "prompts": {"p1": {"text": "<code>x</code>", "rationale": "<p>Because.</p>\n<p>Twice.</p>"}},
    }
