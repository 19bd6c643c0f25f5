"""install, uninstall, doctor --client: this server in the configuration of MCP clients."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from omni_core.errors import BadRequestError
from omni_server.cli.printing import as_json, hint, say, table
from omni_server.clients import change, checks, server
from omni_server.clients.change import Change
from omni_server.clients.document import CannotEditError
from omni_server.clients.forms import Entry
from omni_server.clients.paths import Place, here
from omni_server.clients.probe import probe
from omni_server.clients.server import Server
from omni_server.clients.table import CLIENTS, Client, client
from omni_server.clients.variables import INPUT, expand
from omni_server.doctor import Finding
from omni_server.text import one_line


def install(args: argparse.Namespace) -> int:
    """Show what changes in the client's file, ask, write."""
    place = here()
    if args.list:
        return _list(place, args.json)
    if not args.client:
        raise BadRequestError(f"name a client ({', '.join(CLIENTS)}), or give --list")
    chosen = client(args.client)
    wanted = _server(args)
    file = _file(args, chosen, place)
    try:
        made = change.install(chosen, file, args.name, wanted)
    except CannotEditError:
        entry = chosen.form(wanted, chosen.variables.write)
        hint(f"put this into {file} yourself:\n\n{chosen.document.snippet(args.name, entry)}")
        raise
    if isinstance(wanted, server.Link) and not wanted.token_env:
        hint("no token is sent; if the server wants one, give --token-env OMNI_TOKEN")
    if not chosen.is_here(place):
        hint(f"{chosen.title} was not found here; its file is prepared for when it comes")
    done = _apply(args, made, f"{args.name!r} is in {file} already, just so: nothing to do")
    if done and not args.json:
        say(f"next: {chosen.after}")
        say(f"to check it: omni-mcp doctor --client {chosen.name}{_again(args)}")
    return 0


def uninstall(args: argparse.Namespace) -> int:
    """Take the entry out of the client's file; the library stays."""
    place = here()
    chosen = client(args.client)
    file = _file(args, chosen, place)
    made = change.uninstall(chosen, file, args.name)
    elsewhere = [h for h in checks.find_entries(chosen, place)[0] if h.name == args.name]
    nothing = f"{args.name!r} is not in {file}: nothing to do"
    for other in elsewhere:
        if other.scope == "local":
            nothing += f"; one for this folder: claude mcp remove --scope local {other.name}"
        elif other.file != file and not args.config:
            nothing += f"; --scope {other.scope} has it"
    if _apply(args, made, nothing) and not args.json:
        say("the library and its files are untouched")
    return 0


def check(args: argparse.Namespace) -> int:
    """Print the findings on a client's entry; 1 when it cannot work."""
    place = here()
    chosen = client(args.client)
    file = Path(args.client_file).expanduser().absolute() if args.client_file else None
    findings = checks.examine(chosen, place, args.name, file)
    held = checks.current(chosen, place, args.name, file)
    works = all(f.state != "missing" for f in findings)
    if works and held is not None:
        entry = expand(chosen.variables, held.entry, place.names).entry
        findings.append(_probed(chosen, entry))
        works = findings[-1].state != "missing"
    if args.json:
        as_json({"works": works, "findings": findings})
        return int(not works)
    mark = {"ok": "ok     ", "missing": "WRONG  ", "warning": "warning", "absent": "-      "}
    for f in findings:
        fix = f". Fix: {one_line(f.get, 600)}" if f.state != "ok" and f.get else ""
        say(f"{mark[f.state]}  {f.name}: {one_line(f.detail, 1000)}{fix}")
    say(f"{chosen.title} can use this server." if works else f"{chosen.title} cannot use it yet.")
    return int(not works)


def _probed(chosen: Client, entry: Entry) -> Finding:
    if asked := INPUT.search(json.dumps(entry)):
        detail = f"{chosen.title} asks its user for {asked.group()}, so it was not tried here"
        return Finding("start", "absent", detail)
    return asyncio.run(probe(chosen, entry))


def _server(args: argparse.Namespace) -> Server:
    """The server that the options describe; raises BadRequestError where they conflict."""
    if args.http:
        if args.root or args.store or args.encoder:
            raise BadRequestError(
                "--root, --store and --encoder are of a server that the client starts; with --http "
                "they belong to `omni-mcp serve --http`"
            )
        variable = args.token_env or ("OMNI_TOKEN" if os.environ.get("OMNI_TOKEN") else "")
        return server.link(args.http, variable)
    if args.token_env:
        raise BadRequestError("--token-env is of --http: a server that the client starts has none")
    made = server.command(args.root or (), args.store or "", args.encoder or "")
    if not args.root:
        hint("no --root is given: agents can search what is in the library, but ingest no file")
    if server.is_temporary(made.command):
        hint(f"{made.command} is in a cache that may be cleared: install omni-mcp to stay")
    return made


def _file(args: argparse.Namespace, chosen: Client, place: Place) -> Path:
    if args.config:
        return Path(args.config).expanduser().absolute()
    return chosen.file(args.scope, place)


def _apply(args: argparse.Namespace, made: Change, nothing: str) -> bool:
    """Show the change, ask, write it; whether it was written. Raises when it cannot ask."""
    written = False
    backup: Path | None = None
    if made.changes:
        if not args.json:
            say(_shown(made.diff()))
        written = not args.dry_run and (args.yes or _agreed(args.json))
        backup = made.write() if written else None
    if args.json:
        as_json({
            "file": str(made.file), "changes": made.changes, "written": written,
            "backup": str(backup) if backup else "", "diff": made.diff(),
        })  # fmt: skip
    elif not made.changes:
        say(nothing)
    elif written:
        say(f"written: {made.file}" + (f" (as it was: {backup})" if backup else ""))
    else:
        say("nothing was written")
    return written


def _shown(diff: str) -> str:
    """The difference, safe for a terminal: what does not print becomes a question mark."""
    return "".join(c if c.isprintable() or c in "\n\t" else "?" for c in diff)


def _agreed(as_data: bool) -> bool:
    if as_data or not sys.stdin.isatty():
        raise BadRequestError("it asks before it writes; give --yes, or --dry-run to look only")
    return input("Write this? [y/N] ").strip().lower() in ("y", "yes")


def _again(args: argparse.Namespace) -> str:
    """The options that `doctor --client` needs to look at the same entry."""
    name = "" if args.name == "omni" else f" --name {args.name}"
    return name + (f" --client-file {args.config}" if args.config else "")


def _list(place: Place, as_data: bool) -> int:
    """List the clients that are installed, and their entries of this server."""
    rows = []
    for each in CLIENTS.values():
        held, bad = checks.find_entries(each, place)
        mine = [h for h in held if checks.starts_this_server(h.entry) or h.name == "omni"]
        rows.append(
            Row(
                each.name,
                each.is_here(place),
                tuple(f"{h.name} ({h.scope})" for h in mine),
                str(each.file("user", place)),
                "; ".join(f.detail for f in bad),
            )
        )
    if as_data:
        as_json(rows)
        return 0
    cells = [
        (r.client, "yes" if r.here else "no", ", ".join(r.entries) or "no", r.problem or r.file)
        for r in rows
    ]
    table(cells, ("client", "is here", "has omni", "its file"))
    return 0


@dataclass(frozen=True, slots=True)
class Row:
    """A client in `install --list`; `problem` says which of its files cannot be read, and why."""

    client: str
    here: bool
    entries: tuple[str, ...]
    file: str
    problem: str
