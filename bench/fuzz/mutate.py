"""Damage for seeds: that of `bench/fuzz_media.py`, and what hurts parsers of text."""

from __future__ import annotations

import random
from collections.abc import Sequence

from bench.fuzz_media import mutate as damaged

LARGEST = 64 << 10
"""Bytes of an input."""
ODD = (
    b"0", b"-1", b"1e999", b"9" * 40, b"NaN", b"\xef\xbb\xbf", b"\0", b"\xff\xfe", b"\xed\xa0\x80",
    "\u202e".encode(), "\u2028".encode(), "\U0001f6a4".encode(), "\u0130".encode(), b"\r", b"\n\n",
    b"[" * 300, b"{" * 300, b"(" * 300, b"<a>" * 200, b'"', b"'", b"\\", b"%00", b"&#x110000;",
    b"&amp;" * 40, b"**/" * 40, b"99:99:99,999", b"0000-00-00", b"9999-12-31", b"\\u-1 ",
    b"\\bin9999999 ",
)  # fmt: skip


def mutate(seeds: Sequence[bytes], dice: random.Random) -> bytes:
    """One input from these seeds: damaged one to three times, in one of six ways."""
    data = dice.choice(seeds)
    for _ in range(dice.choice((1, 1, 2, 3))):
        data = _once(data, seeds, dice)
    return data[:LARGEST]


def _once(data: bytes, seeds: Sequence[bytes], dice: random.Random) -> bytes:
    at = dice.randrange(len(data) + 1)
    match dice.randrange(6):
        case 0:
            return data[:at] + dice.choice(ODD) + data[at:]
        case 1:  # the beginning of one, the end of another
            other = dice.choice(seeds)
            return data[:at] + other[dice.randrange(len(other) + 1) :]
        case 2:  # a stretch many times
            stretch = data[at : at + dice.choice((1, 4, 20, 80))]
            return data[:at] + stretch * dice.choice((2, 30, 400)) + data[at:]
        case 3:  # another number
            digits = [i for i, c in enumerate(data) if 48 <= c <= 57]
            if digits:
                i = dice.choice(digits)
                return data[:i] + dice.choice(ODD[:4]) + data[i + 1 :]
        case _:
            pass
    return damaged(data, dice) if data else dice.choice(ODD)
