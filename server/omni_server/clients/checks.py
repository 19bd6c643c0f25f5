"""Checks of a client's entry, without starting anything."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from omni_core.errors import OmniError
from omni_server.clients import change
from omni_server.clients.forms import Entry
from omni_server.clients.paths import Place
from omni_server.clients.table import Client, Scope
from omni_server.clients.variables import expand
from omni_server.doctor import Finding

CALL_S = 50
"""Least time limit of a call: one of this server may take 45 s."""
ORDER: tuple[Scope, ...] = ("project", "user")
"""Precedence of entries with the same name: the project's before the user's."""


@dataclass(frozen=True, slots=True)
class FoundEntry:
    """An entry and the file that it is in."""

    name: str
    entry: Entry
    file: Path
    scope: Scope | Literal["local"]
    """`local` is in the user's file, for one folder alone."""


def find_entries(
    client: Client, place: Place, file: Path | None = None
) -> tuple[list[FoundEntry], list[Finding]]:
    """Every entry in the client's files (or in `file` alone), and the files that cannot be read."""
    held: list[FoundEntry] = []
    bad: list[Finding] = []
    files: dict[Path, Scope] = {file: "user"} if file else {}
    for scope in ORDER:
        if scope in client.places and not file:
            files.setdefault(client.file(scope, place), scope)  # one file in the user's own folder
    for path, scope in files.items():
        if not path.is_file():
            continue
        try:
            entries = client.document.entries(change.read(path).removeprefix(change.BOM))
        except OmniError as e:
            bad.append(Finding("file", "missing", f"{path}: {e}", get="repair it in an editor"))
            continue
        held += [FoundEntry(name, entry, path, scope) for name, entry in entries.items()]
        if client.by_folder and scope == "user":
            held = [*_local(client, place, path), *held]
    return held, bad


def _local(client: Client, place: Place, path: Path) -> Iterator[FoundEntry]:
    """Claude Code's entries for the current folder: `projects` in the user's file."""
    projects = client.document.data(change.read(path).removeprefix(change.BOM)).get("projects")
    folder = projects.get(place.cwd) if isinstance(projects, Mapping) else None
    servers = folder.get("mcpServers") if isinstance(folder, Mapping) else None
    if isinstance(servers, Mapping):
        for name, entry in servers.items():
            yield FoundEntry(name, dict(entry) if isinstance(entry, Mapping) else {}, path, "local")


def starts_this_server(entry: Mapping[str, Any]) -> bool:
    """Whether an entry starts this server, under whatever name."""
    words = [entry.get("command"), *_words(entry.get("args"))]
    names = {Path(str(w).replace("\\", "/")).name.removesuffix(".exe") for w in words if w}
    return bool(names & {"omni-mcp", "omni_server"})


def examine(client: Client, place: Place, name: str, file: Path | None = None) -> list[Finding]:
    """All findings that need no running server, that on the entry itself first."""
    held, found = find_entries(client, place, file)
    named = [h for h in held if h.name == name]
    install = f"omni-mcp install {client.name}"
    if not named:
        other = next((h.name for h in held if starts_this_server(h.entry)), "")
        where = file or client.file("user", place)
        if not found:
            state = "has no entry" if where.is_file() else "is not there, so it has no entry"
            fix = f"--name {other}, which starts omni-mcp" if other else install
            found.append(Finding("entry", "missing", f"{where} {state} {name!r}", get=fix))
        return found
    first = named[0]
    found.append(Finding("entry", "ok", f"{name!r} in {first.file}"))
    found += _duplicates(client, held, first)
    if problem := change.name_problem(client, name):
        found.append(Finding("name", "missing", problem, get=f"{install} --name omni"))
    found += _switched_off(first.entry)
    found += _unread_keys(client, first.entry, install)
    ready = expand(client.variables, first.entry, place.names)
    found += [
        Finding(
            "environment", "missing", f"the variable {variable} is not set",
            get=f"set {variable} where {client.title} is started from",
        )
        for variable in sorted(ready.unset)
    ]  # fmt: skip
    if "command" in ready.entry:
        found += _command(ready.entry, install)
        found += _folders(ready.entry, install)
    return found + list(_timeouts(client, first.entry))


def current(client: Client, place: Place, name: str, file: Path | None = None) -> FoundEntry | None:
    """The entry that the client uses."""
    return next((h for h in find_entries(client, place, file)[0] if h.name == name), None)


def _duplicates(client: Client, held: list[FoundEntry], first: FoundEntry) -> Iterator[Finding]:
    for other in held:
        if other is first or not (other.name == first.name or _same_library(other, first)):
            continue
        fix = f"omni-mcp uninstall {client.name} --scope {other.scope} --name {other.name}"
        if other.scope == "local":
            fix = f"claude mcp remove --scope local {other.name}"
        detail = f"a second entry, {other.name!r} in {other.file}, uses the same library"
        if other.name == first.name:
            detail = f"{other.file} has {other.name!r} as well; that of {first.file} counts"
            if first.scope == "local":
                detail = f"{first.file} has a second {first.name!r}, for this folder; it counts"
                fix = f"claude mcp remove --scope local {first.name}, or {fix}"
        yield Finding("entry", "warning", detail, get=fix)


def _same_library(a: FoundEntry, b: FoundEntry) -> bool:
    """Whether both start this server on one store."""
    stores = [options(_words(held.entry.get("args")))[1] for held in (a, b)]
    return starts_this_server(a.entry) and starts_this_server(b.entry) and stores[0] == stores[1]


def _switched_off(entry: Entry) -> Iterator[Finding]:
    for key, off in (("disabled", True), ("enabled", False)):
        if entry.get(key) is off:
            yield Finding(
                "entry", "missing", f"it is switched off ({key})", get=f"take {key} out of it"
            )


def _unread_keys(client: Client, entry: Entry, install: str) -> Iterator[Finding]:
    """Findings on keys that this client ignores or interprets differently."""
    url = "url" in entry or "httpUrl" in entry
    if not url and "command" not in entry:
        yield Finding("entry", "missing", "it has neither a command nor a URL", get=install)
    problem, fix = "", f"{install} --http {entry.get('url', 'URL')}"
    if client.name == "claude-desktop" and url:
        problem = "Claude Desktop takes URLs under Settings, Connectors, not in this file"
        fix = install
    elif client.name == "claude-code" and url and "type" not in entry:
        problem = 'a URL without "type": "http" is taken for a command'
    elif client.name == "gemini" and "url" in entry and entry.get("type") != "http":
        problem = "`url` means the older SSE transport, which this server does not speak"
    elif client.name == "codex" and "headers" in entry:
        problem = "Codex ignores `headers`; it takes bearer_token_env_var and http_headers"
    if problem:
        yield Finding("entry", "missing", problem, get=fix)


def _command(entry: Entry, install: str) -> Iterator[Finding]:
    command = str(entry["command"])
    found = shutil.which(command)
    if os.path.isabs(command):
        if found:
            yield Finding("command", "ok", command)
        elif Path(command).exists():
            yield Finding("command", "missing", f"{command} cannot be executed", get=install)
        else:
            yield Finding("command", "missing", f"{command} does not exist", get=install)
    elif found:
        yield Finding(
            "command", "warning",
            f"{command} is no full path: a client started from the desktop may not find it",
            get=f"write {Path(found).absolute()}, as {install} does",
        )  # fmt: skip
    else:
        yield Finding("command", "missing", f"{command} is not on the PATH", get=install)


def _folders(entry: Entry, install: str) -> Iterator[Finding]:
    roots, store = options(_words(entry.get("args")))
    for root in roots:
        path = Path(root).expanduser()
        if not path.is_dir():
            yield Finding("root", "missing", f"{root} is not a folder", get=f"{install} --root DIR")
        elif not path.is_absolute():
            yield Finding(
                "root", "warning", f"{root} depends on the folder the client is started in",
                get=f"{install} --root {path.absolute()}",
            )  # fmt: skip
    if not roots and starts_this_server(entry):
        yield Finding(
            "root", "warning", "none: agents can search, but ingest no file",
            get=f"{install} --root DIR",
        )  # fmt: skip
    if store and Path(store).expanduser().is_file():
        yield Finding("store", "missing", f"{store} is a file", get=f"{install} --store DIR")


def options(args: list[str]) -> tuple[list[str], str]:
    """The roots and the store that `serve` is given."""
    roots: list[str] = []
    store = option = ""
    for word in args:
        if word.startswith("--"):
            option, _, word = word.partition("=")
            if not word:
                continue
        if option == "--root":
            roots.append(word)
        elif option == "--store":
            store = word
    return roots, store


def _timeouts(client: Client, entry: Entry) -> Iterator[Finding]:
    for key, units in client.timeouts.items():
        value = entry.get(key)
        if isinstance(value, int | float) and value < CALL_S * units:
            yield Finding(
                "timeout", "warning",
                f"{key} = {value:g} ends calls after {value / units:g} s; one may take 45 s",
                get=f"set {key} to {CALL_S * units * 1.2:g} or more, or take it out",
            )  # fmt: skip


def _words(args: Any) -> list[str]:
    return [str(a) for a in args] if isinstance(args, list) else []
