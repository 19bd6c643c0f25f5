"""Kills at random moments, with the encoder of the default install (`trust_kills` says more)."""

from __future__ import annotations

from bench.hostile.rounds import EMBEDDED, table_of
from bench.trust_table import Line


async def measure(small: bool) -> list[Line]:
    """50 kills of the server, its index, a decoder or its models. More files than without weights:
    each start loads the models, and so meets more kills before all is read."""
    kills = 1 if small else 50
    return await table_of(
        "kills", EMBEDDED, kills, 3 if small else 18, lambda rounds: rounds.kill(kills)
    )
