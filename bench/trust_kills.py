"""Kills at random moments, with the weightless encoder: what is stored is whole or absent."""

from __future__ import annotations

from bench.hostile.rounds import HASHING, table_of
from bench.trust_table import Line


async def measure(small: bool) -> list[Line]:
    """120 kills of the server, its index, a decoder or its models."""
    kills = 4 if small else 120
    return await table_of(
        "kills", HASHING, kills, 3 if small else 6, lambda rounds: rounds.kill(kills)
    )
