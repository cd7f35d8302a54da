from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from questions import bank_checks, guessers, wording
from questions.bank_checks import BankItem, CheckResult
from questions.content import ItemType, Level, Option, Prompt, QuestionContent
from questions.linting import Forbidden

_numbers = itertools.count(1)
TOPICS = ("1.1.1", "1.1.2")
SUBJECTS = (
    *(
        "glacier",
        "harbour",
        "orchard",
        "railway",
        "theatre",
        "quarry",
        "vineyard",
        "lighthouse",
        "brewery",
        "museum",
    ),
    *(
        "archive",
        "bakery",
        "cathedral",
        "dairy",
        "embassy",
        "foundry",
        "garage",
        "hospital",
        "island",
        "jetty",
    ),
)
VERBS = (
    "forecasts",
    "labels",
    "merges",
    "encrypts",
    "samples",
    "streams",
    "caches",
    "tunes",
    "prunes",
    "audits",
)


def make_item(
    *,
    number: int | None = None,
    topic: str = "1.1.1",
    stem: str = "",
    texts: Sequence[str] = ("one two three", "six five four", "ten nine yes", "cat dog owl"),
    keys: Sequence[int] = (),
    item_type: ItemType = ItemType.MULTIPLE_CHOICE,
    level: Level = Level.APPLY,
    difficulty: float = 0.6,
    scenario: str | None = None,
) -> BankItem:
    """A question whose key is its (number modulo options)-th option, so that a run of them is balanced."""
    n = next(_numbers) if number is None else number
    right = set(keys) or {n % len(texts)}
    subject, verb = SUBJECTS[n % len(SUBJECTS)], VERBS[n // len(SUBJECTS) % len(VERBS)]
    options = tuple(
        Option("abcdefgh"[i], text, "A reason of some length.", i in right) for i, text in enumerate(texts)
    )
    stem = stem or f"The {subject} {verb} its {n}{subject[::-1]} {verb[::-1]}. Which?"
    return BankItem(f"q-{n}", topic, level, difficulty, QuestionContent(item_type, stem, options), scenario)


def make_bank(count: int = 40, **fields: object) -> list[BankItem]:
    return [make_item(number=n, topic=TOPICS[n % 2], **fields) for n in range(count)]  # type: ignore[arg-type]


def row(items: Sequence[BankItem], name: str, *, forbidden: Sequence[Forbidden] = ()) -> CheckResult:
    rows = bank_checks.check(items, topics=TOPICS, coverage=3, forbidden=forbidden)
    return next(r for r in rows if r.name.startswith(name))


def test_a_sound_bank_passes_every_check() -> None:
    rows = bank_checks.check(make_bank(), topics=TOPICS, coverage=3, forbidden=())
    assert [r.name for r in rows if not r.passed] == []
    assert len(rows) == len({r.name for r in rows}) == 24


def test_an_empty_bank_fails_for_its_coverage_alone() -> None:
    rows = bank_checks.check([], topics=TOPICS, coverage=3, forbidden=())
    assert [r.name for r in rows if not r.passed] == ["topic coverage"]


@pytest.mark.parametrize(
    ("extra", "name", "offender"),
    [
        (lambda: make_item(number=90, keys=(0, 1)), "unfit", "q-90 (two_keys)"),
        (lambda: make_item(number=1), "codes used twice", "q-1"),
        (lambda: make_item(number=90, topic="9.9.9"), "unknown topics", "q-90 (9.9.9)"),
        (
            lambda: make_item(number=90, texts=("one two", "three", "four", "None of the above")),
            "forbidden phrases",
            "q-90",
        ),
        (
            lambda: make_item(number=90, keys=(0,), texts=("The Old Thing", "three", "four", "five")),
            "retired",
            "q-90 (Old Thing)",
        ),
        (lambda: make_item(number=90, difficulty=0.30), "difficulty", "q-90"),
        (lambda: make_item(number=90, difficulty=0.96), "difficulty", "q-90"),
    ],
)
def test_one_bad_question_fails_one_check(extra: Callable[[], BankItem], name: str, offender: str) -> None:
    items = [*make_bank(), extra()]
    rows = bank_checks.check(
        items, topics=TOPICS, coverage=3, forbidden=(Forbidden(r"\bold thing\b", "it is old"),)
    )
    failed = [r for r in rows if not r.passed]
    assert [r.name for r in failed if r.name.startswith(name)] == [r.name for r in failed]
    assert failed[0].offenders == (offender,)


def test_a_retired_thing_in_a_distractor_is_no_offence() -> None:
    item = make_item(number=90, keys=(1,), texts=("The Old Thing", "three", "four", "five"))
    assert row([item], "retired", forbidden=(Forbidden("old thing", "it is old"),)).passed


# Near-duplicates and cueing


def test_near_duplicates_of_one_topic_are_found_with_their_likeness() -> None:
    stem = "The harbour forecasts its arrivals by the hour. Which service fits the budget of the office?"
    one = make_item(number=1, stem=stem)
    other = make_item(number=2, stem=stem.replace("hour", "day"))
    ((first, second, likeness),) = bank_checks.near_duplicates([other, one])
    assert (first, second) == ("q-1", "q-2")
    assert likeness == pytest.approx(wording.similarity(one.content.stem, other.content.stem))
    assert 0.6 <= likeness < 1
    assert not row([one, other], "near-duplicate").passed


def test_the_same_stem_in_another_topic_is_no_duplicate() -> None:
    stem = "The harbour forecasts its arrivals by the hour. Which service fits?"
    assert bank_checks.near_duplicates([make_item(stem=stem), make_item(stem=stem, topic="1.1.2")]) == []


@given(st.lists(st.text(alphabet="abc ", min_size=1, max_size=12), min_size=2, max_size=8))
def test_near_duplicates_are_those_that_comparing_each_pair_finds(stems: list[str]) -> None:
    items = [make_item(number=n, stem=stem) for n, stem in enumerate(stems)]
    expected = {
        tuple(sorted((one.code, other.code)))
        for one, other in itertools.combinations(items, 2)
        if wording.trigrams(one.content.stem) & wording.trigrams(other.content.stem)
        and wording.similarity(one.content.stem, other.content.stem) >= 0.6
    }
    assert {(one, other) for one, other, _ in bank_checks.near_duplicates(items)} == expected


def test_similarity_is_that_of_pg_trgm() -> None:
    # SELECT similarity('word', 'two words') → 0.36363637 (the PostgreSQL manual, F.35, gives 0.36)
    assert wording.similarity("word", "two words") == pytest.approx(4 / 11)


def test_a_long_key_in_another_stem_cues_it() -> None:
    key = "a gateway endpoint for the bucket"
    owner = make_item(number=1, keys=(0,), texts=(key, "b", "c", "d"))
    cued = make_item(number=2, stem=f"The office has added {key.upper()} already. Which step is next?")
    assert bank_checks.cues([owner, cued]) == [("q-1", "q-2")]
    assert not row([owner, cued], "cueing").passed


def test_a_short_key_cues_only_within_its_case_study() -> None:
    owner = make_item(number=1, keys=(0,), texts=("model registry", "b", "c", "d"))
    other = make_item(number=2, stem="The office has a model registry. Which step is next?")
    assert bank_checks.cues([owner, other]) == []
    case = [replace(owner, scenario="sc-1"), replace(other, scenario="sc-1")]
    assert bank_checks.cues(case) == [("q-1", "q-2")]


# What the options give away


def test_keys_that_are_longest_too_often() -> None:
    texts = ("the longest of them all", "six five four", "ten nine yes", "cat dog owl")
    items = [make_item(number=n, texts=texts, keys=(0,)) for n in range(16)] + make_bank(34)
    found = row(items, "key is the single longest")
    assert (found.passed, found.value) == (False, "32.0% of 50")
    assert len(found.offenders) == 16
    assert row(items[1:], "key is the single longest").value == "30.6% of 49"
    assert row(items[2:], "key is the single longest").passed


def test_too_few_questions_are_not_judged_by_shares() -> None:
    texts = ("the longest of them all", "six five four", "ten nine yes", "cat dog owl")
    items = [make_item(number=n, texts=texts, keys=(0,)) for n in range(bank_checks.ENOUGH - 1)]
    assert row(items, "key is the single longest").passed
    more = [*items, make_item(number=99, texts=texts, keys=(0,))]
    assert not row(more, "key is the single longest").passed
    assert not row(more, "length of keys / distractors, multiple choice").passed
    assert not row(more, "position of the key").passed


def test_the_length_ratio_is_that_of_the_means() -> None:
    items = [make_item(number=n, keys=(0,), texts=("x" * 12, "y" * 10, "z" * 8, "w" * 6)) for n in range(40)]
    found = row(items, "length of keys / distractors, multiple choice")
    assert (found.value, found.passed) == ("1.50 of 40", False)


def test_a_guesser_who_beats_chance_is_caught() -> None:
    items = make_bank(40)
    hedged = [
        make_item(number=n, texts=["one two", "six five", "ten nine", "usually ok"], keys=(3,))
        for n in range(40, 60)
    ]
    found = row([*items, *hedged], "guesser “most hedged”, multiple choice")
    assert (found.passed, found.value, found.bound) == (False, "50.0% of 60", "≤ 30.0%")
    assert set(found.offenders) == {item.code for item in hedged}


@pytest.mark.parametrize(
    ("keys", "scores", "chance"),
    [
        ((0,), (3, 2, 1, 0), 1),
        ((1,), (3, 2, 1, 0), 0),
        ((0,), (1, 1, 1, 1), 1 / 4),
        ((0,), (1, 1, 0, 0), 1 / 2),
        ((2,), (1, 1, 0, 0), 0),
        ((0, 1), (3, 2, 1, 0), 1),
        ((0, 1), (3, 1, 1, 0), 1 / 2),
        ((0, 1), (3, 0, 0, 0), 1 / 3),
        ((0, 1), (1, 1, 1, 0), 1 / 3),
        ((0, 1), (0, 0, 0, 1), 0),
        ((0, 1), (0, 0, 0, 0), 1 / 6),
    ],
)
def test_a_guesser_shares_ties_fairly(keys: tuple[int, ...], scores: tuple[int, ...], chance: float) -> None:
    content = make_item(number=1, texts=("a", "b", "c", "d"), keys=keys).content
    assert guessers.guess(content, scores) == pytest.approx(chance)


@given(st.lists(st.integers(0, 2), min_size=5, max_size=5), st.integers(1, 4))
def test_over_all_keys_a_guesser_hits_exactly_once(scores: list[int], wanted: int) -> None:
    total = sum(
        guessers.guess(make_item(number=1, texts=tuple("abcde"), keys=keys).content, scores)
        for keys in itertools.combinations(range(5), wanted)
    )
    assert total == pytest.approx(1)


def test_the_guessers_see_what_they_say() -> None:
    content = make_item(
        stem="Analysts query ticket sales. Which change lowers the bill?",
        texts=("It may lower the bill of tickets", "Always copy", "Query it", "A"),
    ).content
    scores = {name: score(content) for name, score in guessers.GUESSERS.items()}
    assert scores["longest"].index(max(scores["longest"])) == 0
    assert scores["shortest"].index(max(scores["shortest"])) == 3
    assert scores["most words of the stem"] == [3, 0, 1, 0]
    assert scores["most hedged"] == [1, 0, 0, 0]
    assert scores["most absolute"] == [0, 1, 0, 0]


# The whole


def test_thin_topics_are_named() -> None:
    items = [make_item(number=n) for n in range(3)] + [make_item(number=9, topic="1.1.2")]
    found = row(items, "topic coverage")
    assert (found.passed, found.value, found.offenders) == (False, "1 of 2 topics", ("1.1.2 (1)",))


def test_too_much_recall() -> None:
    items = make_bank(40)
    recall = [replace(item, level=Level.RECALL) for item in items[:7]]
    assert not row([*recall, *items[7:]], "share of recall").passed
    assert row([*recall[:6], *items[6:]], "share of recall").passed


def test_the_coverage_table_counts_types_and_levels() -> None:
    matching = QuestionContent(
        ItemType.MATCHING, "Match.", (Option("a", "A"),), (Prompt("p", "P", "a", "A reason."),)
    )
    items = [make_item(number=1), replace(make_item(number=2), content=matching, level=Level.RECALL)]
    table = bank_checks.coverage_table(items, TOPICS)
    assert table["1.1.1"] == {"multiple_choice": 1, "matching": 1, "apply": 1, "recall": 1, "all": 2}
    assert table["1.1.2"]["all"] == 0


# Reference values from scipy.stats.chisquare (1.17)


@pytest.mark.parametrize(
    ("counts", "p"),
    [
        ([10, 20, 30, 40], 0.00016974243555282632),
        ([25, 25, 25, 25], 1.0),
        ([26, 26, 28, 25], 0.9806040308724278),
        ([12, 25, 18], 0.09935153009054186),
        ([100, 0], 1.523970604832094e-23),
        ([], 1.0),
        ([0, 0, 0, 0], 1.0),
    ],
)
def test_chi_square_p(counts: list[int], p: float) -> None:
    assert bank_checks.chi_square_p(counts) == pytest.approx(p, rel=1e-9)


@pytest.mark.parametrize("x", [0.001, 0.5, 1.0, 1.9, 2.1, 7.5, 40.0])
def test_upper_gamma_against_closed_forms(x: float) -> None:
    assert bank_checks.upper_gamma(1, x) == pytest.approx(math.exp(-x), rel=1e-12)
    assert bank_checks.upper_gamma(0.5, x) == pytest.approx(math.erfc(math.sqrt(x)), rel=1e-9)
    assert bank_checks.upper_gamma(2, x) == pytest.approx((1 + x) * math.exp(-x), rel=1e-12)


@given(st.floats(0.5, 30), st.floats(0, 80), st.floats(0, 10))
def test_upper_gamma_falls_from_one_to_nought(a: float, x: float, more: float) -> None:
    here, further = bank_checks.upper_gamma(a, x), bank_checks.upper_gamma(a, x + more)
    assert 0 <= further <= here + 1e-12 <= 1 + 2e-12
