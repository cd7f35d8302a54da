from __future__ import annotations

import io
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from questions.content import ItemType, Level, Option, Prompt, QuestionContent
from questions.formats import gift, text_files
from questions.formats.exchange import (
    ExchangeQuestion,
    Outcome,
    Rejection,
    UnreadableFile,
)
from tests.questions.text_format_makers import nasty


def read(text: str | bytes) -> list[Outcome]:
    data = text if isinstance(text, bytes) else text.encode()
    return list(gift.parse(io.BytesIO(data), "bank.gift"))


def question(text: str | bytes) -> ExchangeQuestion:
    (outcome,) = read(text)
    assert isinstance(outcome, ExchangeQuestion), outcome
    return outcome


def rejection(text: str | bytes) -> Rejection:
    (outcome,) = read(text)
    assert isinstance(outcome, Rejection), outcome
    return outcome


def options(found: ExchangeQuestion) -> list[tuple[str, bool]]:
    return [(option.text, option.is_correct) for option in found.content.options]


def codes(found: ExchangeQuestion) -> list[str]:
    return [loss.code for loss in found.losses]


# Choice


def test_a_multiple_choice() -> None:
    found = question("// a comment\n\n::Tomb:: Who is buried there?{~Grant ~Jefferson =no one}\n")
    assert found.content == QuestionContent(
        ItemType.MULTIPLE_CHOICE,
        "Who is buried there?",
        (Option("a", "Grant"), Option("b", "Jefferson"), Option("c", "no one", is_correct=True)),
    )
    assert (found.title, found.code, found.where, found.losses) == ("Tomb", "", "line 3", ())


@pytest.mark.parametrize(
    ("text", "stem"),
    [
        ("Grant is {~buried =entombed} in a tomb.", "Grant is _____ in a tomb."),
        ("{~One =Two} is even.", "_____ is even."),
        ("[html]<p>Grant is {~buried =entombed} <b>here</b>.</p>", "Grant is _____ **here**."),
        ("Is it {~this =that}?", "Is it _____?"),
        ("[html]<p>Is it so? {~this =that}</p><p>&nbsp;</p>", "Is it so?"),
    ],
)
def test_a_missing_word_leaves_a_gap(text: str, stem: str) -> None:
    assert question(text).content.stem == stem


def test_feedback_is_the_rationale() -> None:
    found = question("Q {\n=right # [html]Because <i>so</i>\n~%50%half#partly\n~wrong\n#not so\n}")
    assert [option.rationale for option in found.content.options] == ["Because *so*", "partly", "not so"]


@pytest.mark.parametrize(
    ("answers", "keys", "losses"),
    [
        ("~%50%a ~%50%b ~%-50%c ~%-50%d", "ab", []),
        ("~%33.33333%a ~%33.33333%b ~%33.33334%c ~%-100%d", "abc", []),
        ("~%33,333%a ~%33,333%b ~%33,333%c ~d", "abc", []),
        ("~%100%a ~b", "a", []),
        ("=%100%a ~%-33.33333%b", "a", ["negative_marks"]),
        ("~% 50 %a ~%50%b ~%0%c", "ab", []),
        ("\n~d\n%50%a\n%50%b\n", "bc", []),
        ("=a ~%50%b ~c", "a", ["partial_credit"]),
        ("~%50%a ~b", "a", ["partial_credit"]),
        ("~%75%a ~%25%b ~c", "ab", ["partial_credit"]),
        ("~%100%a ~%100%b ~c", "ab", ["partial_credit"]),
        ("=a =b ~c", "ab", ["several_right"]),
        ("=%50%a =%50%b ~c", "ab", []),
    ],
)
def test_weights(answers: str, keys: str, losses: list[str]) -> None:
    found = question(f"Which? {{{answers}}}")
    assert "".join(o.id for o in found.content.options if o.is_correct) == keys
    expected = ItemType.MULTIPLE_CHOICE if len(keys) == 1 else ItemType.MULTIPLE_RESPONSE
    assert found.content.item_type is expected
    assert codes(found) == losses


def test_an_answer_a_line_may_hold_what_others_must_escape() -> None:
    found = question("Code? {\n ~int x = 5;\n =if (y == 7)\n ~x => y &#61; z\n =z ~no\n}")
    assert options(found) == [
        ("int x = 5;", False),
        ("if (y == 7)", True),
        ("x => y = z", False),
        ("z", True),
        ("no", False),
    ]
    found = question('Colour? {\n ~<span style="color: #ff0000">red</span>\n =none\n}')
    assert options(found) == [("red", False), ("none", True)]


def test_escapes() -> None:
    found = question(
        r"::A\:\:B::[markdown]5 \{x\: y\} \~ z \= \# \\n \\ \frac [html]{ = \= 2 \\\= 3 ~ a\nb#c \# d }"
    )
    assert found.title == "A::B"
    assert found.content.stem == "5 {x: y} ~ z = # \\n \\ \\frac [html]"
    assert options(found) == [("= 2 \\= 3", True), ("a\nb", False)]
    assert found.content.options[1].rationale == "c # d"


@pytest.mark.parametrize(
    ("word", "key", "rationales"),
    [
        ("T", "a", ["", ""]),
        ("TRUE", "a", ["", ""]),
        ("false", "b", ["", ""]),
        ("F#You were wrong#You were right", "b", ["You were wrong", "You were right"]),
        ("T#You were wrong#You were right", "a", ["You were right", "You were wrong"]),
    ],
)
def test_true_or_false_becomes_a_multiple_choice(word: str, key: str, rationales: list[str]) -> None:
    found = question(f"The sun rises in the east.{{{word}}}")
    assert [option.text for option in found.content.options] == ["True", "False"]
    assert [option.rationale for option in found.content.options] == rationales
    assert found.content.key == key


@pytest.mark.parametrize(
    ("answers", "rationale", "losses"),
    [
        ("=a ~b ####All of it", "All of it", ["general_feedback_moved"]),
        ("=a#mine ~b ####All of it", "mine", ["general_feedback"]),
        ("=a#mine ~b ####", "mine", []),
        ("T####All of it", "All of it", ["general_feedback_moved"]),
    ],
)
def test_general_feedback(answers: str, rationale: str, losses: list[str]) -> None:
    found = question(f"Q{{{answers}}}")
    assert found.content.options[0].rationale == rationale
    assert codes(found) == losses


# Matching


def test_matching_with_surplus_and_repeated_responses() -> None:
    found = question("Match.{\n=Canada -> Ottawa\n= Italy->Rome\n=[markdown]a -\\> *b* -> Rome\n= -> Bern\n}")
    assert found.content == QuestionContent(
        ItemType.MATCHING,
        "Match.",
        (Option("a", "Ottawa"), Option("b", "Rome"), Option("c", "Bern")),
        (Prompt("p1", "Canada", "a"), Prompt("p2", "Italy", "b"), Prompt("p3", "a -> *b*", "b")),
    )
    assert found.losses == ()


def test_matching_on_one_line_and_with_unescaped_equals() -> None:
    assert len(question("M {=a->1 =b->2 =c->3}").content.prompts) == 3
    assert question("M {\n=MS -> C#\n=JetBrains -> Kotlin\n}").content.options[0].text == "C#"
    assert question("M {\n=x = 1 -> a\n=y -> b = 2\n}").content.prompts[0].text == "x = 1"


# Formats of texts


@pytest.mark.parametrize(
    ("text", "stem"),
    [
        ("[html]<p>A <b>bold</b> &lt;tag&gt;</p>\n<p>B</p>", "A **bold** <tag>\n\nB"),
        ("[markdown]A **bold** `x`", "A **bold** `x`"),
        ("[plain]A **bold**", "A \\*\\*bold\\*\\*"),
        ("A **bold**", "A \\*\\*bold\\*\\*"),
        ("[moodle]A <b>bold</b> if 5 < 6", "A **bold** if 5 < 6"),
        ("A &amp; B", "A & B"),
        ("[markdown]one\\n\\ntwo", "one\n\ntwo"),
    ],
)
def test_text_formats(text: str, stem: str) -> None:
    assert question(f"::t::{text}{{=a ~b}}").content.stem == stem


def test_answers_have_the_format_of_the_stem() -> None:
    found = question("[markdown]Q{=**a**#*b* ~[plain]**c**}")
    assert options(found) == [("**a**", True), ("\\*\\*c\\*\\*", False)]
    assert found.content.options[0].rationale == "*b*"


def test_pictures_stay_behind_and_that_is_told() -> None:
    html = question('[html]See <img src\\="@@PLUGINFILE@@/a.png" alt\\="a chart">{=a ~b}')
    markdown = question("[markdown]See ![a chart](@@PLUGINFILE@@/a.png){=a ~b}")
    assert codes(html) == codes(markdown) == ["image"]
    assert markdown.content.stem == "See a chart"
    inline = question(f'[html]See <img src\\="data\\:image/png;base64,{"A" * 300_000}\\=">{{=a ~b}}')
    assert (inline.content.stem, codes(inline)) == ("See", ["image"])


# What surrounds a question


def test_categories_comments_and_tags() -> None:
    found = read(
        "$CATEGORY: $course$/top/Storage//Files/S3\n\n"
        "// question: 12  name: x\n"
        "// [id:abc-1] [tag:topic:1.1.2] [tag:level:apply] [tag:difficulty:0.65] [tag:a\\]b] [tag:x]\n"
        "::S3::Q{=a ~b}\n\n"
        "Q2{T}\n\n$category: $module$/\n\nQ3{T}\n\n// [tag:lost]\n\nQ4{T}\n"
    )
    first, second, third, fourth = (outcome for outcome in found if isinstance(outcome, ExchangeQuestion))
    assert first.category == second.category == ("Storage/Files", "S3")
    assert (first.code, first.title, first.topic) == ("abc-1", "S3", "1.1.2")
    assert (first.level, first.difficulty) == (Level.APPLY, Decimal("0.65"))
    assert first.tags == ("a]b", "x")
    assert (third.category, second.tags, fourth.tags) == ((), (), ())


def test_absurd_tags_are_just_tags() -> None:
    found = question("// [tag:level:expert] [tag:difficulty:NaN] [tag:difficulty:1e999999] [tag:]\nQ{T}")
    assert (found.level, found.difficulty) == (None, None)
    assert found.tags == ("level:expert", "difficulty:NaN", "difficulty:1e999999")


def test_blank_lines_inside_a_question() -> None:
    found = question("Stem\n\n{\n=a\n\n~b\n}\n")
    assert (found.content.stem, codes(found)) == ("Stem", [])
    found = question("::T::[markdown]Stem\n\n    code\n\nmore {=a\n~b}\n")
    assert found.content.stem == "Stem\n\n    code\n\nmore"
    assert codes(found) == ["joined_paragraphs"]
    found = question("::T::\n\nStem {=a\n~b}\n")
    assert (found.title, found.content.stem, codes(found)) == ("T", "Stem", [])


def test_questions_without_a_blank_line_between() -> None:
    found = read("::1::A{T}\n::2::B{F}\n// c\nC {=a\n~b}\nD\nd {T}\n[html]E<br>\n{T}\n$CATEGORY: x\nF{T}")
    stems = [outcome.content.stem for outcome in found if isinstance(outcome, ExchangeQuestion)]
    assert stems == ["A", "B", "C", "D\\\nd", "E", "F"]


def test_braces_of_the_text_are_told_from_those_of_the_answers() -> None:
    assert question("[markdown]Solve \\frac{1}{2} {=a ~b}").content.stem == "Solve \\frac{1}{2}"
    assert options(question("Q {=a {x} ~b { c}")) == [("a {x}", True), ("b { c", False)]


# Rejections


@pytest.mark.parametrize(
    ("text", "code", "word"),
    [
        ("How are you? {}", "unsupported_type", "essay"),
        ("When? {#1822:1}", "unsupported_type", "numerical"),
        ("When? {#\n=1822:0\n=%50%1822:2}", "unsupported_type", "numerical"),
        ("Two plus two? {=four =4}", "unsupported_type", "short answer"),
        ("Two plus two? {=%100%four#yes}", "unsupported_type", "short answer"),
        ("Read this first.", "unsupported_type", "description"),
        ("Q {=a\n~b", "unclosed_brace", "}"),
        ("::Q {=a ~b}", "unclosed_title", "::"),
        ("{=a ~b}", "empty_stem", "question"),
        ("Q {~a ~b}", "no_key", "="),
        ("Q {~%-50%a ~%0%b}", "no_key", "="),
        ("Q {~=a}", "too_few_options", "second"),
        ("Q {a, b}", "no_answers", "~"),
        ("Q {=a ~b} and {=c ~d}", "two_answer_blocks", "blank line"),
        ("Q {=a -> x}", "too_few_pairs", "two pairs"),
        ("Q {=a -> x\n=b ->\n=c -> y}", "matching_pair", "Pair 2"),
        ("Q {=a -> x =b}", "matching_pair", "Pair 2"),
        ('[html]Q {=<img src\\="x.png"> ~b}', "empty_option", "picture"),
        (f"{'x ' * 20_000}{{=a ~b}}", "long_stem", "20,000"),
        (f"Q {{={'x ' * 5_000} ~b}}", "long_text", "5,000"),
        (f"[html]Q {{={'<a ' * 100_000} ~b}}", "long_text", "299,999"),
        (f"Q {{={'~b' * 101}}}", "too_many_options", "100"),
        (f"M {{{'=a->b' * 101}}}", "too_many_options", "100"),
        ("{}" * 2_000, "no_answers", "="),
    ],
)
def test_rejections_say_what_to_do(text: str, code: str, word: str) -> None:
    found = rejection(text)
    assert (found.code, found.where) == (code, "line 1")
    assert word in found.why and found.why.endswith(".")


@pytest.mark.parametrize(
    "bad",
    [
        "Unclosed {\n=a\n~b",
        "::t:: Unclosed {\n=a\n\n~b",
        "Essay {}",
        "::no end {=a ~b}",
        "}{",
        "{{{",
        "{",
        "}",
        "\\",
        "text",
        "a {=b",
    ],
)
def test_a_bad_question_takes_no_other_with_it(bad: str) -> None:
    before, *between, after = read(f"Before {{=a ~b}}\n\n{bad}\n\nAfter {{=a ~b}}\n")
    assert isinstance(before, ExchangeQuestion) and isinstance(after, ExchangeQuestion)
    assert all(isinstance(outcome, Rejection) for outcome in between) and between
    assert (before.content.stem, after.content.stem) == ("Before", "After")


def test_the_line_and_the_title_of_a_rejection() -> None:
    found = read("Fine {T}\n\n// c\n\n::My essay::Write {}\n\n[html]<p>Long</p> {}")
    assert [(o.where, o.title) for o in found if isinstance(o, Rejection)] == [
        ("line 5", "My essay"),
        ("line 7", "<p>Long</p>"),
    ]


# Files


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings_and_line_ends(encoding: str, line_end: str) -> None:
    text = "::Café::Où est l’été ?{\n=là\n~ici}\n\nQ2{T}\n"
    first, second = read(text.replace("\n", line_end).encode(encoding))
    assert isinstance(first, ExchangeQuestion) and isinstance(second, ExchangeQuestion)
    assert (first.title, first.content.stem) == ("Café", "Où est l’été ?")
    assert (first.where, second.where) == ("line 1", "line 5")
    assert codes(first) == (["encoding_guessed"] if encoding == "cp1252" else [])
    assert codes(second) == []


def test_a_nul_byte_ends_the_file() -> None:
    outcomes = gift.parse(io.BytesIO(b"Q{T}\n\nQ2{\0T}\n"), "x.gift")
    assert isinstance(next(outcomes), ExchangeQuestion)
    with pytest.raises(UnreadableFile) as caught:
        next(outcomes)
    assert (caught.value.code, caught.value.where) == ("not_text", "line 3")


def test_a_huge_question_is_refused_and_the_next_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_files, "MAX_LINE", 1_000)
    monkeypatch.setattr("questions.formats.gift_blocks.MAX_BLOCK", 1_500)
    long_line, many_lines = "x" * 5_000, "~ab\n" * 1_000
    found = read(f"Q {long_line} {{=a ~b}}\n\nQ2{{T}}\n\nQ3 {{\n{many_lines}}}\n\nQ4{{T}}")
    assert [getattr(outcome, "code", "") for outcome in found] == ["too_long", "", "too_long", ""]


def test_large_files_are_read_a_piece_at_a_time() -> None:
    class Endless(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            return (b"Question {=a ~b}\n\n" * 10)[:size]

    outcomes = gift.parse(Endless(), "x.gift")  # type: ignore[arg-type]
    assert sum(isinstance(next(outcomes), (ExchangeQuestion, Rejection)) for _ in range(2_000)) == 2_000


@settings(max_examples=300, deadline=None)
@given(
    st.text(alphabet="ab:=~#{}%\\/[]->$ \n\tT1", max_size=120).map(str.encode)
    | st.binary(max_size=80)
    | st.lists(nasty, max_size=8).map(lambda pieces: "".join(pieces).encode())
)
def test_nothing_but_outcomes_comes_out_of_rubbish(data: bytes) -> None:
    try:
        for outcome in read(data):
            if isinstance(outcome, Rejection):
                assert outcome.why.endswith(".") and outcome.where.startswith("line ")
            else:
                outcome.content.stem.encode()
    except UnreadableFile as error:
        assert error.code == "not_text"
