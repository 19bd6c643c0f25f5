"""Kills at random moments, with the encoder of the default install (`trust_kills` says more)."""

from __future__ import annotations

from bench.hostile.rounds import EMBEDDED, table_of
from bench.trust_table import Line


async def measure(small: bool) -> list[Line]:
    """50 kills of the server, its index, a decoder or its models."""
    kills = 1 if small else 50
    return await table_of(
        "kills", EMBEDDED, kills, 3 if small else 6, lambda rounds: rounds.kill(kills)
    )
