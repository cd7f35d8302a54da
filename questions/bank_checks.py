"""What a whole bank must pass before anybody sits a paper from it.  Pure.

A bank can be wrong although each question is right: a learner who reads no question and takes the longest
option every time must not do better than chance.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from questions import guessers, linting, shape, wording
from questions.content import ItemType, Level, QuestionContent
from questions.formats.native import BankFile
from questions.linting import Forbidden

ENOUGH = 30
"""Below so many questions of a type, shares and ratios say nothing and pass."""

NEAR_DUPLICATE = 0.6
MIN_P = 0.05
MAX_LONGEST = 0.30
GUESSER_MARGIN = 0.05
LENGTH_RATIO = (0.90, 1.10)
MAX_RECALL = 0.15
DIFFICULTY = (0.35, 0.95)
CUE_WORDS = 5
"""A key of fewer words (“Amazon Athena”) may stand in a stem elsewhere; in a case study two are too many."""


@dataclass(frozen=True)
class BankItem:
    code: str
    topic: str
    level: Level
    difficulty: float
    content: QuestionContent
    scenario: str | None = None


@dataclass(frozen=True)
class CheckResult:
    """One row: what was measured, what it may be, and the codes that broke it (worst first, all of them)."""

    name: str
    value: str
    bound: str
    passed: bool
    offenders: tuple[str, ...] = ()


def bank_items(files: Iterable[BankFile]) -> list[BankItem]:
    """The questions of bank files as the bank's checks want them."""
    return [
        BankItem(
            code=entry.code,
            topic=entry.topic,
            level=entry.level,
            difficulty=float(entry.difficulty),
            content=entry.content,
            scenario=entry.scenario,
        )
        for file in files
        for entry in file.questions
    ]


def check(
    items: Sequence[BankItem], *, topics: Collection[str], coverage: int, forbidden: Sequence[Forbidden]
) -> list[CheckResult]:
    """Every check of a bank, in the order of the table in the guide for authors."""
    return [
        _shape(items),
        _codes(items),
        _known_topics(items, topics),
        _phrases(items),
        _forbidden(items, forbidden),
        _near_duplicates(items),
        _longest_keys(items),
        *_length_ratios(items),
        _key_positions(items),
        *_guessers(items),
        _cueing(items),
        _coverage(items, topics, coverage),
        _recall(items),
        _difficulty(items),
    ]


# Each question


def _each(name: str, bound: str, offenders: Iterable[str]) -> CheckResult:
    listed = tuple(dict.fromkeys(offenders))
    return CheckResult(name, str(len(listed)), bound, not listed, listed)


def _shape(items: Sequence[BankItem]) -> CheckResult:
    broken = (f"{i.code} ({fault.code})" for i in items for fault in shape.faults(i.content))
    return _each("unfit questions (shape, key, rationales)", "0", broken)


def _codes(items: Sequence[BankItem]) -> CheckResult:
    counts = Counter(item.code for item in items)
    return _each("codes used twice", "0", (code for code, count in counts.items() if count > 1))


def _known_topics(items: Sequence[BankItem], topics: Collection[str]) -> CheckResult:
    return _each("unknown topics", "0", (f"{i.code} ({i.topic})" for i in items if i.topic not in topics))


def _phrases(items: Sequence[BankItem]) -> CheckResult:
    found = (i.code for i in items for _ in linting.forbidden_phrases(i.content))
    return _each("forbidden phrases", "0", found)


def _forbidden(items: Sequence[BankItem], forbidden: Sequence[Forbidden]) -> CheckResult:
    found = (
        f"{item.code} ({words})"
        for item in items
        for _, words, _rule in linting.forbidden_in_key(item.content, forbidden)
    )
    return _each("retired or out-of-scope things in a key", "0", found)


def _difficulty(items: Sequence[BankItem]) -> CheckResult:
    low, high = DIFFICULTY
    outside = [i.code for i in items if not low <= i.difficulty <= high]
    mean = sum(i.difficulty for i in items) / len(items) if items else 0.0
    value = f"{len(outside)} outside, mean {mean:.2f}"
    return CheckResult("difficulty", value, f"each {low:.2f}-{high:.2f}", not outside, tuple(outside))


def _recall(items: Sequence[BankItem]) -> CheckResult:
    recall = [i.code for i in items if i.level is Level.RECALL]
    share = len(recall) / len(items) if items else 0.0
    passed = share <= MAX_RECALL or len(items) < ENOUGH
    return CheckResult(
        "share of recall questions",
        f"{share:.1%}",
        f"≤ {MAX_RECALL:.0%}",
        passed,
        () if passed else tuple(recall),
    )


# Near-duplicates and cueing


def _near_duplicates(items: Sequence[BankItem]) -> CheckResult:
    pairs = near_duplicates(items)
    listed = tuple(f"{one} ~ {other} ({value:.2f})" for one, other, value in pairs)
    bound = f"0 (similarity ≥ {NEAR_DUPLICATE})"
    return CheckResult("near-duplicate stems in a topic", str(len(pairs)), bound, not pairs, listed)


def near_duplicates(items: Iterable[BankItem]) -> list[tuple[str, str, float]]:
    """Pairs of one topic whose stems share 60 % of their trigrams, most alike first.

    Each stem is one whole number with a bit per trigram, so that a pair costs an `&` and a count of bits;
    sorted by size, a stem need only be compared with those at least 60 % as rich.
    """
    by_topic: dict[str, list[BankItem]] = defaultdict(list)
    for item in items:
        by_topic[item.topic].append(item)
    pairs = []
    for group in by_topic.values():
        bits: dict[str, int] = {}
        of_word: dict[str, int] = {}
        masks = []
        for item in group:
            mask = 0
            for word in set(wording.words(item.content.stem)):
                if word not in of_word:
                    places = (bits.setdefault(t, len(bits)) for t in wording.trigrams_of_word(word))
                    of_word[word] = sum(1 << place for place in places)
                mask |= of_word[word]
            masks.append((mask.bit_count(), mask, item.code))
        masks.sort(key=lambda entry: entry[0])
        for number, (size, mask, code) in enumerate(masks):
            for other_size, other_mask, other_code in masks[number + 1 :]:
                if size < NEAR_DUPLICATE * other_size:
                    break
                shared = (mask & other_mask).bit_count()
                together = size + other_size - shared
                if shared and shared >= NEAR_DUPLICATE * together:
                    pairs.append((min(code, other_code), max(code, other_code), shared / together))
    return sorted(pairs, key=lambda pair: (-pair[2], pair))


def _cueing(items: Sequence[BankItem]) -> CheckResult:
    found = [f"key of {one} in stem of {other}" for one, other in cues(items)]
    return _each("cueing (a key's text in another stem)", "0", found)


def cues(items: Sequence[BankItem]) -> list[tuple[str, str]]:
    """Pairs (a, b) where a key of question a, five words or more, stands in the stem of question b.

    Within one case study, whose questions are always sat together, two words are enough. A paper's
    assembly can ask the same of the paper alone.
    """
    keys: dict[tuple[str, ...], list[tuple[tuple[str, ...], BankItem]]] = defaultdict(list)
    cases: dict[str, list[BankItem]] = defaultdict(list)
    for item in items:
        if item.scenario:
            cases[item.scenario].append(item)
        for _, text in linting.key_texts(item.content):
            key = wording.words(text)
            if len(key) >= CUE_WORDS and item.content.item_type is not ItemType.MATCHING:
                keys[key[:CUE_WORDS]].append((key, item))
    found = set()
    for item in items:
        stem = wording.words(item.content.stem)
        for start in range(len(stem) - CUE_WORDS + 1):
            for key, owner in keys.get(stem[start : start + CUE_WORDS], ()):
                if owner is not item and stem[start : start + len(key)] == key:
                    found.add((owner.code, item.code))
    for case in cases.values():
        found.update(_cues_of_case(case))
    return sorted(found)


def _cues_of_case(case: Sequence[BankItem]) -> Iterable[tuple[str, str]]:
    for owner in case:
        for _, text in linting.key_texts(owner.content):
            key = wording.words(text)
            phrase = f" {' '.join(key)} "
            for item in case:
                if (
                    item is not owner
                    and len(key) >= 2
                    and phrase in f" {' '.join(wording.words(item.content.stem))} "
                ):
                    yield owner.code, item.code


# What somebody could score who reads no question


def _of_type(items: Iterable[BankItem], item_type: ItemType) -> list[BankItem]:
    return [i for i in items if i.content.item_type is item_type and _has_both(i.content)]


def _has_both(content: QuestionContent) -> bool:
    """Whether a choice question has both keys and distractors, without which no share can be reckoned."""
    keys = sum(o.is_correct for o in content.options)
    return 0 < keys < len(content.options)


def _longest_keys(items: Sequence[BankItem]) -> CheckResult:
    judged = _of_type(items, ItemType.MULTIPLE_CHOICE)
    longest = []
    for item in judged:
        ranked = sorted(item.content.options, key=guessers.length, reverse=True)
        if ranked[0].is_correct and guessers.length(ranked[0]) > guessers.length(ranked[1]):
            longest.append((guessers.length(ranked[0]) / max(guessers.length(ranked[1]), 1), item.code))
    share = len(longest) / len(judged) if judged else 0.0
    passed = share <= MAX_LONGEST or len(judged) < ENOUGH
    offenders = () if passed else tuple(code for _, code in sorted(longest, reverse=True))
    value = f"{share:.1%} of {len(judged)}"
    return CheckResult("key is the single longest option", value, f"≤ {MAX_LONGEST:.0%}", passed, offenders)


def _length_ratios(items: Sequence[BankItem]) -> list[CheckResult]:
    low, high = LENGTH_RATIO
    rows = []
    # The types apart: a multiple response has more keys, and its options may be longer for another reason.
    for item_type in (ItemType.MULTIPLE_CHOICE, ItemType.MULTIPLE_RESPONSE):
        judged = _of_type(items, item_type)
        options = [o for item in judged for o in item.content.options]
        ratio = _mean(guessers.length(o) for o in options if o.is_correct) / max(
            _mean(guessers.length(o) for o in options if not o.is_correct), 1.0
        )
        passed = not judged or len(judged) < ENOUGH or low <= ratio <= high
        name = f"length of keys / distractors, {_named(item_type)}"
        rows.append(CheckResult(name, f"{ratio:.2f} of {len(judged)}", f"{low:.2f}-{high:.2f}", passed))
    return rows


def _key_positions(items: Sequence[BankItem]) -> CheckResult:
    judged = _of_type(items, ItemType.MULTIPLE_CHOICE)
    width = Counter(len(i.content.options) for i in judged).most_common(1)[0][0] if judged else 4
    counts = [0] * width
    for item in judged:
        if len(item.content.options) == width:
            counts[next(n for n, o in enumerate(item.content.options) if o.is_correct)] += 1
    p = chi_square_p(counts)
    passed = p > MIN_P or sum(counts) < ENOUGH
    letters = ", ".join(f"{chr(97 + n)} {count}" for n, count in enumerate(counts))
    return CheckResult(
        "position of the key before shuffling", f"p = {p:.3f} ({letters})", f"p > {MIN_P}", passed
    )


def _guessers(items: Sequence[BankItem]) -> list[CheckResult]:
    rows = []
    for name, score in guessers.GUESSERS.items():
        for item_type in (ItemType.MULTIPLE_CHOICE, ItemType.MULTIPLE_RESPONSE):
            judged = _of_type(items, item_type)
            hits = {i.code: guessers.guess(i.content, score(i.content)) for i in judged}
            chance = _mean(
                1 / math.comb(len(i.content.options), guessers.key_count(i.content)) for i in judged
            )
            share = _mean(hits.values())
            bound = chance + GUESSER_MARGIN
            passed = share <= bound or len(judged) < ENOUGH
            offenders = () if passed else tuple(code for code, hit in hits.items() if hit > chance)
            label = f"guesser “{name}”, {_named(item_type)}"
            rows.append(
                CheckResult(label, f"{share:.1%} of {len(judged)}", f"≤ {bound:.1%}", passed, offenders)
            )
    return rows


# The whole


def _coverage(items: Sequence[BankItem], topics: Collection[str], least: int) -> CheckResult:
    counts = Counter(item.topic for item in items)
    thin = sorted((counts[topic], topic) for topic in topics if counts[topic] < least)
    value = f"{len(topics) - len(thin)} of {len(topics)} topics"
    offenders = tuple(f"{topic} ({count})" for count, topic in thin)
    return CheckResult("topic coverage", value, f"every topic ≥ {least}", not thin, offenders)


def coverage_table(items: Iterable[BankItem], topics: Iterable[str]) -> dict[str, Counter[str]]:
    """Per topic: how many questions of each type and of each level, and `all`."""
    table: dict[str, Counter[str]] = {topic: Counter() for topic in topics}
    for item in items:
        counts = table.setdefault(item.topic, Counter())
        counts.update((str(item.content.item_type), str(item.level), "all"))
    return table


def chi_square_p(counts: Sequence[int]) -> float:
    """The p-value of Pearson's χ² test that every place is equally likely; 1 without counts."""
    total = sum(counts)
    if total == 0 or len(counts) < 2:
        return 1.0
    expected = total / len(counts)
    statistic = sum((count - expected) ** 2 / expected for count in counts)
    return upper_gamma((len(counts) - 1) / 2, statistic / 2)


def upper_gamma(a: float, x: float) -> float:
    """The regularised upper incomplete gamma function Q(a, x), to about 1e-12.

    Abramowitz and Stegun, Handbook of Mathematical Functions (1964): the series 6.5.29 for P below a + 1,
    the continued fraction 6.5.31 above it, evaluated by Lentz's method (Applied Optics 15, 1976, p. 668).
    """
    if x <= 0:
        return 1.0
    front = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1:
        term = total = 1 / a
        n = a
        while term > total * 1e-15:
            n += 1
            term *= x / n
            total += term
        return max(0.0, 1 - front * total)
    tiny = 1e-300
    b = x + 1 - a
    c = 1 / tiny
    d = 1 / b
    fraction = d
    for i in range(1, 10_000):
        numerator = -i * (i - a)
        b += 2
        d = 1 / (numerator * d + b or tiny)
        c = b + numerator / c or tiny
        fraction *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return front * fraction


def _mean(values: Iterable[Any]) -> float:
    listed = list(values)
    return sum(listed) / len(listed) if listed else 0.0


def _named(item_type: ItemType) -> str:
    return str(item_type).replace("_", " ")
