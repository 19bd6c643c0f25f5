"""Damage to a store at rest: does the doctor find it, is it mended or named, does nothing break?

69 kinds (`bench/damages.py`) are each done to a copy of a small library on the weightless encoder.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from bench.damage_trial import Outcome, build, try_out
from bench.damages import KINDS
from bench.trust_table import Line

SMALL = 5
"""Every which kind a small run tries."""


async def measure(small: bool) -> list[Line]:
    """The figures over all kinds; what went wrong is printed as it is seen."""
    kinds = KINDS[::SMALL] if small else KINDS
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="damage-") as folder:
        template = Path(folder) / "template"
        before = await build(template)
        for at, kind in enumerate(kinds):
            outcome = await try_out(kind, template, Path(folder) / str(at), before)
            outcomes.append(outcome)
            if not outcome.good:
                print(f"- {kind.name}: {outcome}", file=sys.stderr, flush=True)
    return _lines(outcomes)


def _lines(outcomes: list[Outcome]) -> list[Line]:
    total = len(outcomes)
    whole = [o for o in outcomes if o.kind.whole]
    found, sound = sum(o.found for o in outcomes), sum(o.sound for o in outcomes)
    same, internal = sum(o.same for o in whole), sum(len(o.internal) for o in outcomes)
    return [
        Line("found by the doctor", total, f"{found} found", "all", found == total),
        Line("mended, or named as lost", total, f"{sound} of {total}", "all", sound == total),
        Line("answers as before, where all can be had again", len(whole), f"{same} the same",
             "all", same == len(whole)),
        Line("calls on the damaged library", total, f"{internal} INTERNAL", "0", internal == 0),
    ]  # fmt: skip
