"""Words of a question as the checks see them: no Markdown, lower case, no function words.  Pure."""

from __future__ import annotations

import re
from functools import lru_cache


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


HEDGES = _set(
    """
    may might could usually typically generally often sometimes likely probably possibly tend tends
    perhaps approximately roughly mostly commonly
    """
)
ABSOLUTES = _set(
    """
    always never only all every none must cannot entirely completely guarantee guarantees guaranteed
    impossible exclusively solely any fully
    """
)
_FUNCTION_WORDS = _set(
    """
    a an the and or but nor so yet of to in on at by for from with without into onto over under between
    among through during before after above below up down out off about against as than then that this
    these those which who whom whose what when where why how is are was were be been being has have had
    having do does did will would shall should can could may might must not no it its they them their
    there here he she his her we our you your i one two three each every all any both few more most
    other some such own same too very just also if because while until once again further only use uses
    used using make makes made per via new needs need needed want wants team company data model models
    """
)
_WORD = re.compile(r"[a-z0-9]+(?:[-'.][a-z0-9]+)*")
_MARKUP = re.compile(r"```.*?```|[`*_~#>|]", re.DOTALL)
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")


def plain(markdown: str) -> str:
    """The text without Markdown's signs, on one line."""
    return " ".join(_MARKUP.sub(" ", _LINK.sub(r"\1", markdown)).split())


@lru_cache(maxsize=65_536)
def words(markdown: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(plain(markdown).lower().replace("’", "'")))


@lru_cache(maxsize=65_536)
def content_words(markdown: str) -> frozenset[str]:
    """The words that carry meaning, with plural and simple verb endings cut, so that `jobs` equals `job`."""
    return frozenset(
        _stemmed(word) for word in words(markdown) if word not in _FUNCTION_WORDS and len(word) > 2
    )


def count_in(markdown: str, vocabulary: frozenset[str]) -> int:
    return sum(word in vocabulary for word in words(markdown))


def sentences(markdown: str) -> list[str]:
    parts = re.split(r"(?<=[.?!])\)?\s+(?=[A-Z(\"“*])|\n{2,}", _LINK.sub(r"\1", markdown).strip())
    return [part.strip() for part in parts if part.strip()]


def trigrams(text: str) -> frozenset[str]:
    """Trigrams of the words, each padded as PostgreSQL's pg_trgm does it."""
    return frozenset().union(*map(trigrams_of_word, words(text)))


@lru_cache(maxsize=65_536)
def trigrams_of_word(word: str) -> frozenset[str]:
    padded = f"  {word} "
    return frozenset(padded[i : i + 3] for i in range(len(padded) - 2))


def similarity(one: str, other: str) -> float:
    """Shared trigrams over all trigrams of two texts, 0 to 1."""
    left, right = trigrams(one), trigrams(other)
    return len(left & right) / len(left | right) if left or right else 1.0


def _stemmed(word: str) -> str:
    for ending in ("ing", "ies", "es", "ed", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            return word[: -len(ending)]
    return word
