"""./scripts/clients: installs the clients, drives each, prints the table, writes it to the docs."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.clients.install import UnavailableError, clients
from tests.clients.matrix import REPO, TRANSPORTS, Outcome, run

PAGE = REPO / "docs" / "clients.md"
BEGIN, END = "<!-- matrix: begin -->", "<!-- matrix: end -->"
NOT_REACHED = "not reached"
STEPS = ("list", "ingest speech", "ingest pdf", "search", "open", "similar")


def main(argv: Sequence[str] | None = None) -> int:
    """0 when every client that could be installed did everything."""
    names = [client.name for client in clients()]
    parser = argparse.ArgumentParser(prog="./scripts/clients", description=__doc__)
    parser.add_argument("clients", nargs="*", metavar="CLIENT", help=f"of: {', '.join(names)}")
    parser.add_argument("--transport", choices=TRANSPORTS, help="only this one")
    parser.add_argument("--write", action="store_true", help="write the table to docs/clients.md")
    args = parser.parse_args(argv)
    if unknown := set(args.clients) - set(names):
        parser.error(f"no client {sorted(unknown)[0]!r}; there are: {', '.join(names)}")
    outcomes: list[Outcome] = []
    for client in clients():
        if args.clients and client.name not in args.clients:
            continue
        for transport in (args.transport,) if args.transport else TRANSPORTS:
            with tempfile.TemporaryDirectory(prefix="omni-clients-") as folder:
                try:
                    outcome = run(client, transport, Path(folder))
                except UnavailableError as e:
                    print(f"skipped: {client.name}: {e}", flush=True)
                    break
            outcomes.append(outcome)
            print(_line(outcome), flush=True)
    if args.write and not _write(outcomes, whole=not args.clients and not args.transport):
        print("not written: the page holds a run of another day or with other settings; run all")
    return int(not all(outcome.green for outcome in outcomes))


def _line(outcome: Outcome) -> str:
    name = f"{outcome.client.name} {outcome.client.version} {outcome.transport}"
    bad = [f"{step}: {said}" for step, said in outcome.steps.items() if said != "ok"]
    notes = ", ".join(f"{k}: {v}" for k, v in outcome.notes.items())
    said = "; ".join(bad) if bad else "ok"
    return f"{name:40} {outcome.seconds:5.0f} s  {said}  ({notes})"


def heading(day: str) -> str:
    """When and how the clients were run."""
    changed = [
        f"`{k}={v}`"
        for k, v in sorted(os.environ.items())
        if k.startswith("OMNI_") and k not in ("OMNI_CLIENTS", "OMNI_TOKEN")
    ]
    server = f"the server with {', '.join(changed)}" if changed else "the server too"
    return f"Run on {day}, each client at its default settings, {server}."


def rows(outcomes: Sequence[Outcome]) -> list[str]:
    """A row of Markdown for each client and transport."""
    return [
        f"{_start(outcome)} {' | '.join(_cell(outcome, step) for step in STEPS)} |"
        for outcome in outcomes
    ]


def _start(outcome: Outcome) -> str:
    return f"| {outcome.client.title} | {outcome.client.version} | {outcome.transport} |"


def _cell(outcome: Outcome, step: str) -> str:
    said = outcome.steps.get(step, NOT_REACHED)
    if said != "ok":
        return "–" if said == NOT_REACHED else "**no**"
    note = outcome.notes.get(step, "")
    short = note.rpartition(", ")[0] if step.startswith("ingest") else note
    return "yes" if short in ("", "1 calls") else f"yes ({short})"


def _write(outcomes: Sequence[Outcome], *, whole: bool) -> bool:
    """Write the table, or the rows of some clients into that of the same day and settings."""
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    held, after = rest.split(END)
    head = heading(f"{datetime.now(UTC):%Y-%m-%d}")
    made = rows(outcomes)
    if not whole:
        first, *lines = held.strip().splitlines() or [""]
        if first != head:
            return False
        new = {_start(outcome): row for outcome, row in zip(outcomes, made, strict=True)}
        old = [line for line in lines if line.startswith("| ")][1:]
        made = [next((r for s, r in new.items() if line.startswith(s)), line) for line in old]
    columns = f"| client | version | transport | {' | '.join(STEPS)} |"
    lines = [head, "", columns, f"|{'---|' * (3 + len(STEPS))}", *made]
    PAGE.write_text("\n".join((before + BEGIN, *lines, END + after)), encoding="utf-8")
    return True


if __name__ == "__main__":
    sys.exit(main())
