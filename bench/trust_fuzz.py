"""Damaged input for `bench/trust.py`: mutated media through the decoders, and a fuzz target for
each parser of ours (`bench/fuzz`)."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import fuzz_media
from bench.trust_table import Line

ROOT = Path(__file__).resolve().parent.parent
MEDIA, MEDIA_SMALL = 25_000, 500
INPUTS, INPUTS_SMALL = 5_000, 200


async def measure(small: bool) -> list[Line]:
    """Deaths and late answers of decoders; errors, time and memory of parsers."""
    return [*await _media(MEDIA_SMALL if small else MEDIA), await _parsers(small)]


async def _media(inputs: int) -> list[Line]:
    with tempfile.TemporaryDirectory() as folder:
        tally = await fuzz_media.run(inputs, 1, Path(folder), limit_s=20.0)
    wrong = [*tally.deaths, *tally.late, *tally.unexpected]
    figure = (
        f"{len(tally.deaths)} deaths, {len(tally.late)} late, {len(tally.unexpected)} errors "
        f"outside the tree; slowest {tally.slowest_s:.1f} s; {'; '.join(wrong[:3])}"
    ).rstrip("; ")
    goal = "0 deaths, 0 later than 21 s, 0 errors outside the tree"
    return [Line("damaged media", tally.inputs, figure, goal, not wrong)]


async def _parsers(small: bool) -> Line:
    """Each in a process of its own: a target limits its memory."""
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-W", "ignore", "-m", "bench.fuzz", "--json",
         "--inputs", str(INPUTS_SMALL if small else INPUTS)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    wrong = [f"{row['name']}: {why}" for row in rows for why in row["wrong"]]
    if not rows:
        wrong = [done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "no answer"]
    slowest = max((row["slowest_s"] for row in rows), default=0.0)
    figure = f"{len(wrong)} wrong of {len(rows)} parsers; slowest {slowest:.1f} s"
    return Line(
        "mutated input to our own parsers", sum(row["inputs"] for row in rows),
        f"{figure}; {'; '.join(wrong[:3])}".rstrip("; "),
        "0 wrong: only errors that are caught, within 10 s and 4 GB", not wrong,
    )  # fmt: skip
