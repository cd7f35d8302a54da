from __future__ import annotations

import io
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from questions.content import ItemType, Level, Option, QuestionContent
from questions.formats import gift
from questions.formats.exchange import ExchangeQuestion, letter_ids
from tests.questions.test_gift import read
from tests.questions.text_format_makers import exchanged


def written(*questions: ExchangeQuestion) -> bytes:
    out = io.BytesIO()
    gift.render(questions, out)
    return out.getvalue()


def test_what_is_written_is_moodles_own_spelling() -> None:
    content = QuestionContent(
        ItemType.MULTIPLE_CHOICE,
        "Which `{}`?\n\n```\na: b\n```",
        (Option("x", "%5 = a", "no", False), Option("y", "b", "", True)),
    )
    told = ExchangeQuestion(
        content,
        code="s3-1",
        topic="1.1.2",
        level=Level.APPLY,
        difficulty=Decimal("0.65"),
        tags=("s3",),
        category=("AWS", "S3/EBS"),
    )
    assert written(told).decode() == (
        "$CATEGORY: $course$/top/AWS/S3//EBS\n\n"
        "// [id:s3-1] [tag:topic:1.1.2] [tag:level:apply] [tag:difficulty:0.65] [tag:s3]\n"
        "::s3-1::[markdown]Which `\\{\\}`?\\n\\n```\\na\\: b\\n```{\n"
        "\t~[markdown]%5 \\= a#no\n"
        "\t=b\n"
        "}\n\n"
    )


@pytest.mark.parametrize(("count", "weight"), [(2, "50"), (3, "33.33333"), (6, "16.66667"), (8, "12.5")])
def test_weights_are_those_that_moodle_knows(count: int, weight: str) -> None:
    parts = tuple(Option(str(n), f"o{n}", is_correct=n < count) for n in range(count + 1))
    text = written(ExchangeQuestion(QuestionContent(ItemType.MULTIPLE_RESPONSE, "Q", parts))).decode()
    assert text.count(f"~%{weight}%") == count
    assert text.count("~%-100%") == 1


@settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(st.lists(exchanged(), min_size=1, max_size=3))
def test_a_round_trip_changes_what_was_announced_and_nothing_else(told: list[ExchangeQuestion]) -> None:
    kept = [q for q in told if not any(loss.leaves_out for loss in gift.losses(q))]
    found = read(written(*told))
    assert len(found) == len(kept)
    for before, after in zip(kept, found, strict=True):
        assert isinstance(after, ExchangeQuestion), after
        assert after.losses == ()
        lost = {loss.code for loss in gift.losses(before)}
        if not lost & {"spacing", "image"}:
            assert degraded(before, lost) == replace(after, where="")


def degraded(before: ExchangeQuestion, lost: set[str]) -> ExchangeQuestion:
    """The question without what was announced to be lost, in GIFT's order of responses."""
    content = before.content
    if "references" in lost:
        content = replace(content, references=())
    if "rationales" in lost:
        content = replace(
            content,
            options=tuple(replace(o, rationale="") for o in content.options),
            prompts=tuple(replace(p, rationale="") for p in content.prompts),
        )
    if "response_order" in lost:
        content = in_order_of_use(content)
    return replace(
        before,
        content=letter_ids(content),
        title="" if before.title == before.code else before.title,
        scenario=None if "scenario_left_out" in lost else before.scenario,
        keep_order=before.keep_order and "keep_order" not in lost,
    )


def in_order_of_use(content: QuestionContent) -> QuestionContent:
    by_id = {o.id: o for o in content.options}
    ordered = dict.fromkeys([*(p.match for p in content.prompts), *by_id])
    first: dict[str, str] = {}
    for name in ordered:
        first.setdefault(by_id[name].text, name)
    prompts = tuple(replace(p, match=first[by_id[p.match].text]) for p in content.prompts)
    return replace(content, options=tuple(by_id[name] for name in first.values()), prompts=prompts)
