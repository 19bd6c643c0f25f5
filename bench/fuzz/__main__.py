"""Fuzzing of every parser of ours, a table of targets.

    python -m bench.fuzz                                  every target, 2,000 inputs each
    python -m bench.fuzz "subtitles .srt" --inputs 50000  one of them, longer
    python -m bench.fuzz mail --atheris --seconds 60      guided by coverage (pip install atheris)
    python -m bench.fuzz --list

A target is given its seeds and mutations of them. Only the errors that its caller catches may come
out, within 10 s and 4 GB. Inputs that break this are kept with --keep DIR. Exit status 1 then.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import logging
import sys
import tempfile
import time
from pathlib import Path

from bench.fuzz.running import Tally, limit_memory, run
from bench.fuzz.table import first, targets

INSTRUMENTED = [
    "omni_core.media", "omni_core.text", "omni_core.retrieval", "omni_core.evidence",
    "omni_core.codec", "omni_core.config", "omni_core.cursors", "omni_core.index.wire",
    "omni_core.encoders.remote.wire", "omni_core.readers.state", "omni_core.sharing.link",
    "omni_server.clients", "omni_server.globs", "omni_server.links", "omni_server.http.tus",
]  # fmt: skip
"""Packages whose coverage guides atheris."""


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.fuzz", description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )  # fmt: skip
    parser.add_argument("target", nargs="*", help="names, or beginnings of them; none: all")
    parser.add_argument("--inputs", type=int, default=2_000, help="for each target")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="for each target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--atheris", action="store_true", help="one target, guided by coverage")
    parser.add_argument("--keep", type=Path, help="folder for inputs that break a target")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--json", action="store_true", help="a line of JSON for each target")
    args = parser.parse_args()
    if args.atheris:
        if len(args.target) != 1:
            parser.error("--atheris takes one target")
        return _guided(args.target[0], args.seconds)
    known = [t for t in targets() if not args.target or t.name.startswith(tuple(args.target))]
    if args.list:
        print("\n".join(t.name for t in known))
        return 0
    if not known:
        parser.error(f"no target begins with {' or '.join(args.target)}; see --list")
    limit_memory()
    broken = 0
    for target in known:
        tally = run(target, args.inputs, args.seed, time.monotonic() + args.seconds)
        broken += len(tally.wrong)
        if args.json:
            facts = {"name": tally.name, "inputs": tally.inputs, "slowest_s": tally.slowest_s}
            print(json.dumps({**facts, "wrong": [*tally.wrong]}), flush=True)
        else:
            _report(tally)
        if args.keep:
            _keep(tally, args.keep)
    return int(broken > 0)


def _guided(name: str, seconds: float) -> int:
    import atheris

    with atheris.instrument_imports(include=INSTRUMENTED):
        target = first(name)
    if target is None:
        return 2
    found = target

    def one(data: bytes) -> None:
        with contextlib.suppress(*found.allowed):
            found.call(data)

    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as corpus:
        for n, seed in enumerate(target.seeds):
            Path(corpus, str(n)).write_bytes(seed)
        options = ["-max_len=4096", "-timeout=10", "-rss_limit_mb=4096", corpus]
        if seconds < float("inf"):
            options.insert(0, f"-max_total_time={round(seconds)}")
        atheris.Setup([sys.argv[0], *options], one)
        atheris.Fuzz()
    return 0


def _report(tally: Tally) -> None:
    print(
        f"{tally.name:28} {tally.inputs:7,} inputs, {tally.accepted:7,} read, slowest "
        f"{tally.slowest_s:6.3f} s, {len(tally.wrong)} wrong", flush=True,
    )  # fmt: skip
    for wrong in tally.wrong:
        print(f"    {wrong}")


def _keep(tally: Tally, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for data in tally.wrong.values():
        name = f"{tally.name.replace(' ', '-')}-{hashlib.sha256(data).hexdigest()[:12]}"
        (folder / name).write_bytes(data)


if __name__ == "__main__":
    sys.exit(main())
