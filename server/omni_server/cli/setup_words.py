"""What `omni-mcp setup` says: the machine, the choices, the plan, what was done, how to undo it."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

from omni_core.setup.choices import Download, Extra, Listening, Profile
from omni_core.setup.library import Library
from omni_core.setup.machine import Machine
from omni_core.setup.plan import Plan, is_here
from omni_server.cli.printing import say
from omni_server.cli.setup_meter import size
from omni_server.text import counted

MAX_COLUMNS = 100


def machine(found: Machine, hub: str, library: Library | None, store: Path) -> None:
    """What was found: two or three lines."""
    gpu = f"{found.gpu.name} ({found.gpu.memory_gb:.0f} GB)" if found.gpu else "no GPU"
    say(
        f"This machine: {counted(found.cores, 'core')}, {found.memory_gb:.0f} GB of memory "
        f"({found.available_gb:.0f} free), {gpu}, "
        f"{found.free_gb:.0f} GB free in {short(found.disk)}"
    )
    say(f"The model hub: {f'not reachable ({hub})' if hub else 'answers'}")
    if library:
        held = f"{counted(library.sources, 'file')}, embedded with {library.model.split('@')[0]}"
        say(f"The library {short(str(store))}: {held}")
    else:
        say(f"The library {short(str(store))}: empty")


def profiles(
    rows: Sequence[Profile], found: Machine, root: Path, now: Profile, best: Profile
) -> None:
    """The table of what may embed; those that do not run here have one line."""
    say("\nWhat finds things: the model that embeds")
    say(f"      {'':24}{'download':>9}  {'needs':<16}runs here")
    for number, row in enumerate(rows, 1):
        why = found.hosts(row.memory_gb, gpu=row.gpu)
        marks = [m for m, on in (("now", row == now), ("suits", row == best)) if on]
        name = f"{row.name} ({', '.join(marks)})" if marks else row.name
        needs = f"{row.memory_gb:g} GB {'of GPU' if row.gpu else 'memory'}"
        verdict = "no" if why else "yes"
        say(f"  {number:>2}  {name:<24}{_came(row.download, root):>9}  {needs:<16}{verdict}")
        if not why or row in (now, best):
            _about(row.gives, row.costs, row.licence, row.warning)


def listening(rows: Sequence[Listening], root: Path, now: Listening) -> None:
    """The table of what may hear speech."""
    say("\nWhat hears speech")
    for number, row in enumerate(rows, 1):
        name = f"{row.name} (now)" if row == now else row.name
        say(f"  {number:>2}  {name:<24}{_came(row.download, root):>9}")
        _about(row.gives, row.costs, row.licence, "")


def ability(row: Extra) -> None:
    """One more ability."""
    say(f"\nTelling speakers apart ({size(row.download.size)} from PyPI)")
    _about(row.gives, "", row.download.licence, "")


def plan(made: Plan, file: Path, overruled: Mapping[str, str]) -> None:
    """What will be done."""
    say("\nTo do")
    for step in made.steps:
        where, came = short(str(step.path)), step.download
        if step.here:
            _item("have", f"{came.origin}, in {where}")
            continue
        how = "each file checked by the sha256 on record here"
        if not came.repo:
            how = "wheel and file checked by the sha256 on record here, nothing installed"
        elif came.patterns:
            how = "each file checked by the digest that the hub publishes for this commit"
        about = "about " if not came.exact else ""
        many = f", {counted(len(came.files), 'file')}" if came.files else ""
        _item("download", f"{about}{size(step.missing)}{many}: {came.origin} ({how}) into {where}")
    if made.packages:
        _item("install", f"omni-mcp[{made.choice.profile.extra}]: {', '.join(made.packages)}")
    for key, value in made.settings.items():
        _item("settings", f'{key} = "{value}" in {short(str(file))}')
    for key, name in overruled.items():
        _item(
            "note", f"{name} is set in your environment and wins over {key} in the file: unset it"
        )
    if made.changes_encoder and made.library:
        again = f"{counted(made.library.sources, 'file')} embedded again with the new model"
        _item("reindex", f"{again}, from the files; searches use the old one until it is done")
    if made.choice.profile.warning:
        _item("licence", made.choice.profile.warning)
    if made.nothing_to_do:
        _item("nothing", "everything is there, and the settings say so")


def undo(made: Plan, former: Mapping[str, str], backup: Path | None) -> None:
    """How to go back."""
    options = " ".join(f"--{key} {value}" for key, value in former.items())
    if options:
        say(f"\nto go back: omni-mcp setup {options}")
    if backup:
        say(f"the settings as they were: {short(str(backup))}")
    folders = [short(str(s.path)) for s in made.steps]
    if folders:
        say(f"the weights, if you no longer want them: rm -r {' '.join(folders)}")


def short(path: str) -> str:
    """A path with `~` for the home folder."""
    home = str(Path.home())
    return f"~{path[len(home) :]}" if path == home or path.startswith(home + "/") else path


def _came(download: Download | None, root: Path) -> str:
    if download is None or is_here(root, download):
        return "is here"
    return f"{'' if download.exact else '~'}{size(download.size)}"


def _about(gives: str, costs: str, licence: str, warning: str) -> None:
    terms = f"licence: {licence}" + (f"; {warning}" if warning else "")
    for text in (gives, f"costs: {costs}" if costs else "", terms):
        _wrapped(text, 6)


def _item(name: str, text: str) -> None:
    lines = textwrap.wrap(text, _columns() - 12, break_long_words=False, break_on_hyphens=False)
    for mark, line in zip([name, *[""] * len(lines)], lines, strict=False):
        say(f"  {mark:<10}{line}".rstrip())


def _wrapped(text: str, indent: int) -> None:
    margin = " " * indent
    for line in textwrap.wrap(text, _columns() - indent, break_on_hyphens=False):
        say(margin + line)


def _columns() -> int:
    if not sys.stdout.isatty():
        return MAX_COLUMNS
    return max(60, min(MAX_COLUMNS, shutil.get_terminal_size((80, 24)).columns))
