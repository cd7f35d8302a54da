"""Learners who read no question: what they score shows what the options give away.  Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from questions import wording
from questions.content import Option, QuestionContent


def length(option: Option) -> int:
    return len(wording.plain(option.text))


def guess(content: QuestionContent, scores: Sequence[float]) -> float:
    """The chance that taking the options with the highest scores, ties at random, hits the whole key."""
    wanted = key_count(content)
    threshold = sorted(scores, reverse=True)[wanted - 1]
    sure = [o.is_correct for o, s in zip(content.options, scores, strict=True) if s > threshold]
    tied = [o.is_correct for o, s in zip(content.options, scores, strict=True) if s == threshold]
    missing = wanted - len(sure)
    if not all(sure) or sum(tied) != missing:
        return 0.0
    return 1 / math.comb(len(tied), missing)


def _scores_of(score: Callable[[Option], float]) -> Callable[[QuestionContent], list[float]]:
    return lambda content: [score(option) for option in content.options]


def _overlaps(content: QuestionContent) -> list[float]:
    stem = wording.content_words(content.stem)
    return [len(stem & wording.content_words(option.text)) for option in content.options]


GUESSERS: dict[str, Callable[[QuestionContent], list[float]]] = {
    "longest": _scores_of(length),
    "shortest": _scores_of(lambda option: -length(option)),
    "most words of the stem": _overlaps,
    "most hedged": _scores_of(lambda option: wording.count_in(option.text, wording.HEDGES)),
    "most absolute": _scores_of(lambda option: wording.count_in(option.text, wording.ABSOLUTES)),
}


def key_count(content: QuestionContent) -> int:
    return sum(option.is_correct for option in content.options)
