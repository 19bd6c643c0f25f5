"""How far the server can be trusted: kills, swapped files, damage, arguments, bombs and more.

    python bench/trust.py [PART ...] [--small] [--json FILE]

Each part is a module `bench/trust_PART.py` whose `measure(small)` attacks a real server or engine
and returns its figures; without a name all of them run, one after the other (hours; `--small`:
minutes each). Exit status 1 when a figure misses what is asked.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import importlib
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.trust_table import Line, Measure, table

NO_PART = {"trust_table"}


def parts() -> list[str]:
    """The names of all parts, in order."""
    found = sorted(p.stem for p in Path(__file__).parent.glob("trust_*.py"))
    return [name.removeprefix("trust_") for name in found if name not in NO_PART]


async def run(names: list[str], small: bool) -> dict[str, list[Line]]:
    """The figures of each part; each table is printed as soon as it is there."""
    figures: dict[str, list[Line]] = {}
    for name in names:
        measure: Measure = importlib.import_module(f"bench.trust_{name}").measure
        figures[name] = await measure(small)
        print(table(name, figures[name]), flush=True)
    return figures


def main() -> int:
    """Run the parts that are asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("part", nargs="*", help=f"of {', '.join(parts())}; none: all")
    parser.add_argument("--small", action="store_true", help="minutes instead of hours")
    parser.add_argument("--json", type=Path, help="write the figures there")
    args = parser.parse_args()
    unknown = set(args.part) - set(parts())
    if unknown:
        parser.error(f"no part {', '.join(sorted(unknown))}: there are {', '.join(parts())}")
    figures = asyncio.run(run(args.part or parts(), args.small))
    if args.json:
        as_json = {name: [dataclasses.asdict(e) for e in lines] for name, lines in figures.items()}
        args.json.write_text(json.dumps(as_json, indent=1, ensure_ascii=False))
    return 0 if all(e.met for lines in figures.values() for e in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
