"""Which options the key of a table's row means: letters, numbers or the options' own texts.  Pure.

“2” can be the second option or the option that reads “2”. Where both are possible, the other rows of the
file decide; where they don't, the row is refused: a wrong key that nobody sees is the worst of outcomes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

Options = Mapping[int, str]
"""The texts of a row's options by the number of their column, from 0."""


class Reading(StrEnum):
    LETTER = "letter"
    NUMBER = "number"
    TEXT = "text"


class KeyFault(ValueError):
    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code
        self.why = why


@dataclass(frozen=True)
class Habits:
    """How the rows of a file give their keys, as far as single rows are clear."""

    readings: frozenset[Reading] = frozenset()
    counts_from: int = 1
    is_sure: bool = True
    """Whether the keys show where they count from, or are no numbers."""


@dataclass(frozen=True)
class Key:
    """Numbers of the options' columns; in order, where the key says so with “>”."""

    options: tuple[int, ...]
    is_order: bool = False


_NAMED = re.compile(r"(?:option|answer|choice|opt|response|ans)[ _-]*\(?([a-z]|\d{1,2})\)?", re.IGNORECASE)
_LETTER = re.compile(r"\(?([a-z])[).:]?", re.IGNORECASE)
_NUMBER = re.compile(r"\(?(\d{1,2})(?:\.0|[).:])?")
_PREFIXED = re.compile(r"\(?([a-z]|\d{1,2})[).:\]-]\s*(.+)", re.IGNORECASE | re.DOTALL)
_LIST = re.compile(r"[\[{](.*)[\]}]", re.DOTALL)
_ENTRY = re.compile(r"\"([^\"]*)\"|'([^']*)'|([^,\s][^,]*)")
_SEPARATORS = (r"\n", r"\s*>\s*", r"\|", r";", r",", r"\s+(?:and|&|\+)\s+|\s*&\s*", r"/", r"\s+", r"")


def learn_habits(
    rows: Iterable[tuple[str, Options]], *, is_index: bool = False, options_from: int | None = None
) -> Habits:
    """What the keys of some rows show; `rows` are keys with the options they choose from.

    `is_index`: the column is called an index, which counts from 0 where nothing shows otherwise;
    `options_from`: the number that the first option's own column has.
    """
    kept = list(rows)
    counts_from, is_sure = _counting(kept, is_index)
    if not is_sure and not is_index and options_from is not None:
        counts_from, is_sure = min(options_from, 1), True
    seen: set[Reading] = set()
    for key, options in kept:
        for token in _tokens(key, options, counts_from):
            readings = _readings(token, options, counts_from)
            if len(readings) == 1:
                seen.update(readings)
    return Habits(frozenset(seen), counts_from, is_sure)


def _counting(rows: Sequence[tuple[str, Options]], is_index: bool) -> tuple[int, bool]:
    """Whether the keys count the options from 0 or 1, and whether they show it."""
    numbers: list[tuple[int, int]] = []
    is_text = True
    for key, options in rows:
        if not re.fullmatch(r"\d{1,2}(\.0)?(\s*[,;|]\s*\d{1,2})*", key.strip()):
            continue
        texts = {_plain(text) for text in options.values()}
        for token in re.split(r"\s*[,;|]\s*", key.strip()):
            numbers.append((int(float(token)), len(options)))
            is_text = is_text and _plain(token) in texts
    if not numbers or is_text:
        return 1, True
    if any(number == count for number, count in numbers):
        return 1, True
    if any(number == 0 for number, _ in numbers):
        return 0, True
    return (0 if is_index else 1), False


def read_key(key: str, options: Options, habits: Habits) -> Key:
    """The options that `key` names; raises `KeyFault` when it names none, or could mean several."""
    counts_from = habits.counts_from
    tokens = _tokens(key, options, counts_from)
    if not tokens:
        listed = ", ".join(chr(ord("a") + number) for number in options)
        why = (
            f"The key {_shown(key)} is none of its options. Write the letter of the right option "
            f"({listed}), its number or its exact text."
        )
        raise KeyFault("unknown_key", why)
    chosen: list[int] = []
    for token in tokens:
        readings = _readings(token, options, counts_from)
        meant = set(readings.values())
        if len(meant) > 1:
            meant = {place for reading, place in readings.items() if reading in habits.readings}
        if len(meant) != 1:
            places = " or ".join(
                f"option {chr(ord('a') + place)}" for place in sorted(set(readings.values()))
            )
            why = f"The key {_shown(token)} could mean {places}. Write “option_a”, “option_b” or the like."
            raise KeyFault("ambiguous_key", why)
        place = meant.pop()
        if place not in chosen:
            chosen.append(place)
    is_order = len(chosen) > 1 and ">" in key and not _readings(key, options, counts_from)
    return Key(tuple(chosen), is_order)


def write_option(place: int, options: Options) -> str:
    """The letter; “option_b” where the letter alone is the text of another option."""
    letter = chr(ord("a") + place)
    is_plain = all(_plain(text) != letter for text in options.values())
    return letter if is_plain else f"option_{letter}"


def _tokens(key: str, options: Options, counts_from: int) -> list[str]:
    """The parts of the key, each of which names an option; [] when it can't be taken apart so."""
    if _readings(key, options, counts_from):
        return [key.strip()]
    if len(key) > 20_000:
        return []
    if inside := _LIST.fullmatch(key.strip()):
        # A list as programs write it: its entries may hold commas.
        tokens = [one or two or three.strip() for one, two, three in _ENTRY.findall(inside[1])]
        is_list = tokens and all(_readings(token, options, counts_from) for token in tokens)
        return tokens if is_list else []
    for separator in _SEPARATORS:
        parts = re.split(separator, key) if separator else list(_glued(key))
        tokens = [part.strip() for part in parts if part.strip()]
        is_apart = len(tokens) > 1 or (tokens and tokens[0] != key.strip())
        if is_apart and len(tokens) <= 60 and all(_readings(t, options, counts_from) for t in tokens):
            return tokens
    return []


def _glued(key: str) -> str:
    """“AC” are two letters; “BAD” is a word, and “13” more likely a number."""
    text = key.strip()
    return text if re.fullmatch(r"[A-Z]{2,10}", text) and list(text) == sorted(set(text)) else ""


def _readings(token: str, options: Options, counts_from: int) -> dict[Reading, int]:
    """Each way in which the token names one of the options."""
    token = token.strip()
    found: dict[Reading, int] = {}
    named = _NAMED.fullmatch(token)
    which = named[1] if named else token
    if letter := _LETTER.fullmatch(which):
        found[Reading.LETTER] = ord(letter[1].lower()) - ord("a")
    elif number := _NUMBER.fullmatch(which):
        found[Reading.NUMBER] = int(number[1]) - counts_from
    found = {reading: place for reading, place in found.items() if place in options}
    texts = [place for place, text in options.items() if _plain(text) == _plain(token)]
    if named and found and not texts:
        return found
    if texts:
        found[Reading.TEXT] = texts[0]
    if not found and (prefixed := _PREFIXED.fullmatch(token)):
        return _prefixed(prefixed, options, counts_from)
    if not found:
        bare = [place for place, text in options.items() if _without_prefix(text) == _plain(token)]
        if len(bare) == 1:
            found[Reading.TEXT] = bare[0]
    return found


def _prefixed(token: re.Match[str], options: Options, counts_from: int) -> dict[Reading, int]:
    """“B. Amazon S3”, when option b reads “Amazon S3” or “B. Amazon S3”."""
    which = token[1].lower()
    place = int(which) - counts_from if which.isdigit() else ord(which) - ord("a")
    text = options.get(place)
    if text is None or _plain(token[2]) not in (_plain(text), _without_prefix(text)):
        return {}
    return {Reading.NUMBER if which.isdigit() else Reading.LETTER: place}


def _without_prefix(text: str) -> str:
    found = _PREFIXED.fullmatch(text.strip())
    return _plain(found[2]) if found else _plain(text)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(".")


def _shown(key: str) -> str:
    flat = " ".join(key.split())
    return f"“{flat[:57]}…”" if len(flat) > 60 else f"“{flat}”"
