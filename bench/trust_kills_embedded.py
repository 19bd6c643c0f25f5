"""Kills at random moments, with the encoder of the default install (`trust_kills` says more)."""

from __future__ import annotations

from bench.hostile.rounds import EMBEDDED, table_of
from bench.trust_table import Line


async def measure(small: bool) -> list[Line]:
    """50 kills of the server, its index, a decoder or its models. Few files, and more time until a
    kill: each start loads the models first."""
    kills = 1 if small else 50
    return await table_of("kills", EMBEDDED, kills, 3, lambda rounds: rounds.kill(kills), 8.0)
