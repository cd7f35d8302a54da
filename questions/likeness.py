"""Near-duplicates in a bank of any size: compare with the few stems that share a band of a minhash.  Pure.

Broder (1997), "On the resemblance and containment of documents"; one permutation in place of many: Li, Owen
and Zhang (2012), "One permutation hashing". With 20 bands of 3 values, stems that share 60 % of their trigrams
share a band with a chance of 1 − (1 − .6³)²⁰ = 99 %, those that share 20 % with 15 %.
"""

from __future__ import annotations

import zlib

from questions import wording

BANDS = 20
ROWS = 3
ALIKE = 0.6
"""From here on two stems are near-duplicates, as in the bank's checks."""
NOTABLE = 0.4
"""From here on a writer is shown the other stem."""

_BUCKETS = BANDS * ROWS
_EMPTY = -1


def bands(stem: str) -> tuple[int, ...]:
    """`BANDS` signed 64-bit numbers, equal for equal stems; () for a stem without words."""
    shingles = wording.trigrams(stem)
    if not shingles:
        return ()
    smallest = [_EMPTY] * _BUCKETS
    for shingle in shingles:
        rest, bucket = divmod(_hash(shingle), _BUCKETS)
        if smallest[bucket] == _EMPTY or rest < smallest[bucket]:
            smallest[bucket] = rest
    filled = _densified(smallest)
    return tuple(_fold(number, filled[number * ROWS : (number + 1) * ROWS]) for number in range(BANDS))


def _densified(values: list[int]) -> list[int]:
    """An empty bucket borrows from the next full one (Shrivastava and Li, 2014)."""
    count = len(values)
    dense = list(values)
    borrowed, distance = _EMPTY, 0
    for place in range(2 * count - 1, -1, -1):
        value = values[place % count]
        if value == _EMPTY:
            distance += 1
            if place < count:
                dense[place] = borrowed + distance * 0x1_0000_0001
        else:
            borrowed, distance = value, 0
    return dense


def _hash(text: str) -> int:
    data = text.encode()
    return zlib.crc32(data) << 24 ^ zlib.adler32(data)


def _fold(number: int, values: list[int]) -> int:
    folded = zlib.crc32(repr((number, values)).encode()) << 32 | zlib.crc32(repr((values, number)).encode())
    return folded - (1 << 63)
