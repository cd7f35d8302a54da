"""Questions with the nastiest texts, for the formats that are plain text."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import strategies as st

from questions.content import ItemType, Level, Option, Prompt, QuestionContent
from questions.formats import plain_text, text_files
from questions.formats.exchange import ExchangeQuestion, ExchangeScenario

_pieces = st.sampled_from(
    [
        *("=", "~", "#", "####", "{", "}", ":", "::", "\\", "\\\\", "\\n", "//", "->", "-\\>", "%50%", "%"),
        *("\n", "\n\n", "\n    code", "```\nx = {1: 2}\n```", " ", "  ", "\t", "[html]", "[markdown]", "]"),
        *("word", "Amazon S3", "é", "e\u0301", "日本", "🙂", "\u2028", "\u0085", "\ufeff", "\u200b"),
        *("$CATEGORY: x", "// [id:x]", "A. ", "ANSWER: B", "T", "FALSE", "_____", "**bold**", "`a|b`", "<b>"),
        *("&lt;", "&#35;", '<p title="a=b">', "![alt](image:p1.png)", "![a](@@PLUGINFILE@@/x.png)", "1. "),
    ]
)
nasty = st.lists(_pieces, max_size=7).map("".join) | st.text(
    st.characters(exclude_categories=["Cs"]), max_size=30
)
_tidy = nasty.map(lambda text: text_files.tidied(plain_text.without_pictures(text_files.tidied(text))[0]))
_labels = st.sampled_from(
    ["a", "web] x", "topic:1", "tag\\", "tag:b", "S3 & co: x", "a/b", "/", "top", "x\\", "[y]", "$x$"]
)


def _text(draw: st.DrawFn, *, is_raw: bool) -> str:
    """Anything at all, or (mostly) what our editor saves: neither empty nor with blank space around it."""
    return draw(nasty) if is_raw else draw(_tidy) or "x"


@st.composite
def contents(draw: st.DrawFn) -> QuestionContent:
    item_type = draw(st.sampled_from(ItemType))
    is_raw = draw(st.integers(0, 5)) == 5
    is_plain = draw(st.booleans())
    count = draw(st.integers(0 if is_raw else 2, 6))

    def text(*, or_none: bool = False) -> str:
        if or_none and draw(st.booleans()):
            return ""
        return "word" if is_plain and draw(st.booleans()) else _text(draw, is_raw=is_raw)

    ids = [f"o{number}" for number in range(count)]
    is_choice = item_type in (ItemType.MULTIPLE_CHOICE, ItemType.MULTIPLE_RESPONSE)
    right = draw(st.integers(1 if is_raw else 2, 4)) if item_type is ItemType.MULTIPLE_RESPONSE else 1
    options = tuple(
        Option(
            id=name,
            text=text(),
            rationale=text(or_none=True),
            is_correct=is_choice and number < right,
            position=number + 1 if item_type is ItemType.ORDERING else None,
        )
        for number, name in enumerate(draw(st.permutations(ids)))
    )
    prompts = tuple(
        Prompt(f"q{n}", text(), draw(st.sampled_from(ids)), rationale=text(or_none=True))
        for n in range(
            draw(st.integers(1 if is_raw else 2, 4)) if item_type is ItemType.MATCHING and ids else 0
        )
    )
    references = draw(st.just(()) | st.just(("https://example.com/",)))
    return QuestionContent(item_type, text(), options, prompts, references)


@st.composite
def exchanged(draw: st.DrawFn) -> ExchangeQuestion:
    labels = _labels | nasty if draw(st.integers(0, 5)) == 5 else _labels
    return ExchangeQuestion(
        content=draw(contents()),
        code=draw(labels),
        title=draw(labels),
        topic=draw(st.sampled_from(["", "1.1.2"]) | labels),
        level=draw(st.none() | st.sampled_from(Level)),
        difficulty=draw(st.none() | st.integers(5, 99).map(lambda n: Decimal(n).scaleb(-2))),
        keep_order=draw(st.booleans()),
        tags=tuple(draw(st.lists(labels, max_size=3, unique=True))),
        category=tuple(draw(st.lists(labels, max_size=3))),
        scenario=draw(st.none() | st.just(ExchangeScenario("s", "Case", "A bank."))),
    )
