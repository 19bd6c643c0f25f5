"""./scripts/clients: installs the clients, drives each, prints the table, writes it to the docs."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.clients.install import UnavailableError, clients
from tests.clients.matrix import REPO, TRANSPORTS, Outcome, run

PAGE = REPO / "docs" / "clients.md"
BEGIN, END = "<!-- matrix: begin -->", "<!-- matrix: end -->"
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
    if args.write:
        _write(outcomes)
    return int(not all(outcome.green for outcome in outcomes))


def _line(outcome: Outcome) -> str:
    name = f"{outcome.client.name} {outcome.client.version} {outcome.transport}"
    bad = [f"{step}: {said}" for step, said in outcome.steps.items() if said != "ok"]
    notes = ", ".join(f"{k}: {v}" for k, v in outcome.notes.items())
    said = "; ".join(bad) if bad else "ok"
    return f"{name:40} {outcome.seconds:5.0f} s  {said}  ({notes})"


def table(outcomes: Sequence[Outcome], day: str) -> str:
    """Markdown: a row for each client and transport."""
    lines = [
        f"Run on {day}, each client at its default settings; no model is called.",
        "",
        f"| client | version | transport | {' | '.join(STEPS)} |",
        f"|{'---|' * (3 + len(STEPS))}",
    ]
    for outcome in outcomes:
        cells = [_cell(outcome, step) for step in STEPS]
        names = (outcome.client.title, outcome.client.version, outcome.transport)
        lines.append(f"| {' | '.join((*names, *cells))} |")
    return "\n".join(lines)


def _cell(outcome: Outcome, step: str) -> str:
    said = outcome.steps.get(step)
    if said is None:
        return "–"
    note = outcome.notes.get(step, "")
    short = note.rsplit(", ", 1)[0] if step.startswith("ingest") else note
    return f"yes ({short})" if said == "ok" and short else "yes" if said == "ok" else "**no**"


def _write(outcomes: Sequence[Outcome]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    made = table(outcomes, f"{datetime.now(UTC):%Y-%m-%d}")
    PAGE.write_text(f"{before}{BEGIN}\n{made}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
