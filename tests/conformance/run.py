"""Run the official suite against the server with fixtures; `./scripts/conformance` calls this.

Leaves results.json, table.md and the suite's own files in the folder. Exits with 0 when every
required scenario passes and docs/conformance.md says so, or when the suite cannot be had here.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

from mcp import Client

from tests.conformance import report
from tests.conformance.fixture_app import fixture_app, serving
from tests.conformance.suite import (
    PACKAGE,
    REVISIONS,
    VERSION,
    Scenario,
    Suite,
    UnavailableError,
)

REPO = Path(__file__).parents[2]
PAGE = REPO / "docs" / "conformance.md"
FOLDER = REPO / ".conformance"


def main(argv: list[str] | None = None) -> int:
    """The exit status: 0 passed or skipped, 1 failed, 2 the page is out of date."""
    parser = argparse.ArgumentParser(prog="./scripts/conformance", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the tables into the page")
    parser.add_argument(
        "--bare", action="store_true", help="the product without fixtures: shows what it lacks"
    )
    parser.add_argument(
        "--required", action="store_true", help="fail where the suite cannot be had, do not skip"
    )
    args = parser.parse_args(argv)
    started = time.monotonic()
    try:
        suite = Suite.install(FOLDER)
    except UnavailableError as e:
        print(f"{'failed' if args.required else 'skipped'}: {e}")
        return int(args.required)
    logging.basicConfig(filename=FOLDER / "server.log", filemode="w", level=logging.WARNING)
    found = asyncio.run(_run(suite, fixtures=not args.bare))
    tables = report.as_markdown(found)
    versions = {PACKAGE: VERSION, "mcp": version("mcp"), "omni-mcp": version("omni-mcp")}
    (FOLDER / "results.json").write_text(report.as_json(found, versions), encoding="utf-8")
    (FOLDER / "table.md").write_text(tables, encoding="utf-8")
    print(tables)
    print(f"{time.monotonic() - started:.0f} s; details in {FOLDER.name}/")
    if failures := [*report.wrong(found), *_unmirrored(found)]:
        print("\n".join(f"failed: {line}" for line in failures))
        return 1
    return 0 if args.bare else _page(tables, write=args.write)


async def _run(suite: Suite, *, fixtures: bool) -> report.Found:
    with tempfile.TemporaryDirectory() as store:
        async with serving(fixture_app(Path(store), fixtures=fixtures)) as base:
            url = f"{base}/mcp"
            async with Client(url) as client:  # an engine that opens takes the interpreter
                await client.read_resource("omni://library")
            return {r: await _revision(suite, url, r, again=fixtures) for r in REVISIONS}


async def _revision(suite: Suite, url: str, revision: str, *, again: bool) -> dict[str, Scenario]:
    """What was found; a failed run is made again, said aloud: the suite waits half a second for
    some answers, which a busy machine may miss."""
    found = await suite.run(url, revision, FOLDER / revision)
    if again and (failed := report.wrong({revision: found})):
        print("\n".join(f"once more: {line}" for line in failed), flush=True)
        found = await suite.run(url, revision, FOLDER / revision)
    return found


def _unmirrored(found: report.Found) -> list[str]:
    """One line for each required scenario that requirements.json does not name yet."""
    known = json.loads((Path(__file__).parent / "requirements.json").read_text(encoding="utf-8"))
    return [
        f"{revision} {s.name}: not in requirements.json; add it, and a test that says the same"
        for revision, scenarios in found.items()
        for s in scenarios.values()
        if not s.unscored and s.name not in known[revision]
    ]


def _page(tables: str, *, write: bool) -> int:
    page = PAGE.read_text(encoding="utf-8")
    if write:
        PAGE.write_text(report.replaced(page, tables), encoding="utf-8")
    elif report.between(page) != tables:
        print(f"failed: {PAGE.relative_to(REPO)} has other figures; run with --write")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
