"""Run the official suite against the server with fixtures; `./scripts/conformance` calls this.

Leaves results.json, table.md and the suite's own files in the folder. Exits with 0 when every
required scenario passes and docs/conformance.md says so, or when the suite cannot be had here.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

from tests.conformance import report
from tests.conformance.fixture_app import fixture_app, serving
from tests.conformance.suite import PACKAGE, REVISIONS, VERSION, Suite, UnavailableError

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
    if failures := report.wrong(found):
        print("\n".join(f"failed: {line}" for line in failures))
        return 1
    return 0 if args.bare else _page(tables, write=args.write)


async def _run(suite: Suite, *, fixtures: bool) -> report.Found:
    with tempfile.TemporaryDirectory() as store:
        async with serving(fixture_app(Path(store), fixtures=fixtures)) as base:
            return {
                revision: await suite.run(f"{base}/mcp", revision, FOLDER / revision)
                for revision in REVISIONS
            }


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
