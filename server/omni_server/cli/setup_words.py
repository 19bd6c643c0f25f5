"""What `omni-mcp setup` says: the machine, the choices, the plan, what was done, how to undo it."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path

from omni_core.setup.choices import Download, Extra
from omni_core.setup.plan import Plan, is_here
from omni_server.cli.printing import say
from omni_server.cli.setup_facts import Around
from omni_server.cli.setup_meter import size
from omni_server.text import counted

MAX_COLUMNS = 100


def surroundings(around: Around) -> None:
    """What was found."""
    found = around.machine
    gpu = f"{found.gpu.name} ({found.gpu.memory_gb:.0f} GB)" if found.gpu else "no GPU"
    _wrapped(
        f"This machine: {counted(found.cores, 'core')}, {found.memory_gb:.0f} GB of memory "
        f"({found.available_gb:.0f} free), {gpu}, "
        f"{found.free_gb:.0f} GB free in {short(found.disk)}",
    )
    hub = "answers"
    if around.unreachable:
        hub = f"not reachable ({around.unreachable}): only what is here already can be chosen"
    _wrapped(f"The model hub: {hub}")
    held = "empty"
    if around.library:
        model = around.library.model.split("@")[0]
        held = f"{counted(around.library.sources, 'file')}, embedded with {model}"
    _wrapped(f"The library {short(str(around.settings.store_path))}: {held}")


def profiles(around: Around) -> None:
    """The table of what may embed; those that do not run here have one line."""
    say("\nWhat finds things: the model that embeds")
    say(f"      {'':34}{'download':>9}  {'needs':<16}runs here")
    hidden = []
    for number, row in enumerate(around.all.profiles.values(), 1):
        why = around.machine.hosts(row.memory_gb, gpu=row.gpu)
        states = (("now", around.now.profile), ("best here", around.best))
        marks = [mark for mark, profile in states if row == profile]
        name = f"{row.name} ({', '.join(marks)})" if marks else row.name
        needs = f"{row.memory_gb:g} GB {'of GPU' if row.gpu else 'memory'}"
        verdict = "no" if why else "yes" if _available(row.download, around) else "not now"
        say(f"  {number:>2}  {name:<34}{_came(row.download, around):>9}  {needs:<16}{verdict}")
        if not why or marks:
            _about(row.gives, row.costs, row.licence, row.warning)
        else:
            hidden.append(row.name)
    if hidden:
        _wrapped("what those that do not run here would give: docs/setup.md, or --json", 6)


def listening(around: Around) -> None:
    """The table of what may hear speech."""
    say("\nWhat hears speech")
    for number, row in enumerate(around.all.listening.values(), 1):
        name = f"{row.name} (now)" if row == around.now.listening else row.name
        verdict = "" if _available(row.download, around) else "  not now"
        say(f"  {number:>2}  {name:<34}{_came(row.download, around):>9}{verdict}")
        _about(row.gives, row.costs, row.licence, "")


def ability(row: Extra) -> None:
    """One more ability."""
    say(f"\n{row.title} ({size(row.download.size)} from PyPI)")
    _about(row.gives, row.costs, row.download.licence, "")


def plan(made: Plan, around: Around, overruled: Mapping[str, str]) -> None:
    """What will be done."""
    say("\nTo do")
    for step in made.steps:
        where, came = short(str(step.path)), step.download
        if step.here:
            _item("have", f"{came.origin}, in {where}")
            continue
        if not step.missing:
            _item("take", f"{came.origin} from where it was downloaded before, into {where}")
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
        _item("settings", f'{key} = "{value}" in {short(str(around.file))}')
    for key, name in overruled.items():
        _item("note", f"unset {name}: it wins over {key} in the file")
    if made.changes_encoder and made.library:
        again = f"{counted(made.library.sources, 'file')} embedded again with the new model"
        _item("reindex", f"{again}, from the files; searches use the old one until it is done")
    wanted = made.choice.profile
    if why := around.machine.hosts(wanted.memory_gb, gpu=wanted.gpu):
        _item("slow", f"{wanted.name} {why}: here everything will take many times as long")
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


def _came(download: Download | None, around: Around) -> str:
    if download is None or is_here(around.root, download):
        return "is here"
    return f"{'' if download.exact else '~'}{size(download.size)}"


def _available(download: Download | None, around: Around) -> bool:
    return not around.unreachable or is_here(around.root, download)


def _about(gives: str, costs: str, licence: str, warning: str) -> None:
    terms = f"licence: {licence}" + (f"; {warning}" if warning else "")
    for text in (gives, f"costs: {costs}" if costs else "", terms):
        _wrapped(text, 6)


def _item(name: str, text: str) -> None:
    lines = textwrap.wrap(text, _columns() - 12, break_long_words=False, break_on_hyphens=False)
    for mark, line in zip([name, *[""] * len(lines)], lines, strict=False):
        say(f"  {mark:<10}{line}".rstrip())


def _wrapped(text: str, indent: int = 0) -> None:
    margin = " " * indent
    for line in textwrap.wrap(text, _columns() - indent, break_on_hyphens=False):
        say(margin + line)


def _columns() -> int:
    if not sys.stdout.isatty():
        return MAX_COLUMNS
    return max(60, min(MAX_COLUMNS, shutil.get_terminal_size((80, 24)).columns))
