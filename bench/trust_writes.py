"""Full disks and writes that fail: what is stored is whole or absent."""

from __future__ import annotations

from bench.hostile.rounds import HASHING, table_of
from bench.trust_table import Line


async def measure(small: bool) -> list[Line]:
    """30 ingests, in each of which a write to the index, the catalog or a thumbnail fails, or the
    disk is full."""
    faults = 4 if small else 30
    return await table_of(
        "writes that fail", HASHING, faults, 3 if small else 6, lambda rounds: rounds.fail(faults)
    )
