"""setup: look at the machine, explain the choices, download, check, write the settings."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from omni_core.config import edit
from omni_core.config.environment import CONFIG, variable
from omni_core.downloads import Hub, Transfer, Wheels
from omni_core.engine import ReindexStatus
from omni_core.engine import reindex as embed_again
from omni_core.errors import BadRequestError, UnavailableError
from omni_core.settings import Settings, own_file
from omni_core.setup import carrying_out, library, machine, packages, plan
from omni_core.setup.choices import Extra, Listening, Profile, choices
from omni_core.setup.library import Library
from omni_core.setup.plan import Choice, Plan
from omni_server.cli import setup_words as words
from omni_server.cli.printing import Bar, as_json, hint, say
from omni_server.cli.settings import settings_of
from omni_server.cli.setup_facts import Around, facts
from omni_server.cli.setup_meter import Meter
from omni_server.clients.change import Change
from omni_server.clients.change import read as read_text
from omni_server.text import counted, one_line


def setup(args: argparse.Namespace) -> int:
    """Choose, show the plan, ask, carry it out."""
    around = _look(args)
    asks = _asks(args)
    if not args.json:
        words.surroundings(around)
    choice = _choose(args, around, asks)
    if why := plan.why_not(choice.profile, around.machine):
        raise BadRequestError(why)
    with Transfer() as transfer:
        hub = None if around.unreachable else around.hub
        made = plan.make(choice, around.settings, around.root, around.library, hub, transfer)
        if not args.json:
            words.plan(made, around, _overruled(made))
        look_only = args.dry_run or (args.json and not args.yes)
        if look_only or made.nothing_to_do:
            if args.json:
                as_json(facts(around, made, done=not look_only) | {"written": {}, "reindex": None})
            return 0
        _check_possible(made, around)
        if asks and not _yes("\nGo on? [Y/n] ", default=True):
            say("nothing was changed")
            return 0
        if not args.yes and not asks:
            raise BadRequestError("it asks before it does this; add --yes, or --dry-run")
        return _carry_out(args, around, made, transfer, asks)


def _look(args: argparse.Namespace) -> Around:
    settings = settings_of(args)
    named = args.config or os.environ.get(CONFIG, "")
    file = Path(named).expanduser().absolute() if named else own_file(settings.store).absolute()
    given = args.weights or settings.weights_dir or settings.store_path / "weights"
    root = Path(given).expanduser().absolute()
    hub = Hub.of(os.environ)
    unreachable = hub.unreachable()
    found, every = machine.look(root), choices()
    extras = tuple(e for e in every.extras.values() if plan.is_here(root, e.download))
    now = Choice(every.profile_of(settings.encoder), every.listening_of(settings.speech), extras)
    best = plan.recommended(every, found, reachable=not unreachable, root=root)
    return Around(
        settings, file, root, found, hub, unreachable, library.look(settings), every, now, best
    )


def _asks(args: argparse.Namespace) -> bool:
    """Whether there is a person to ask."""
    return sys.stdin.isatty() and not (args.yes or args.dry_run or args.json)


def _choose(args: argparse.Namespace, around: Around, asks: bool) -> Choice:
    """By the options; without any by questions, or else what suits this machine."""
    every, now = around.all, around.now
    asked = [extra for extra in every.extras.values() if getattr(args, extra.name)]
    if args.profile or args.listening or asked:
        profile = _named_profile(args.profile, around) if args.profile else now.profile
        listening = every.heard_by(args.listening) if args.listening else now.listening
        return _with(around, profile, listening, asked)
    if not asks:
        if not args.json:
            words.profiles(around)
        return replace(now, profile=around.best)
    profiles = list(every.profiles.values())
    words.profiles(around)
    profile = _pick("\nWhich one?", profiles, around.best)
    while why := plan.why_not(profile, around.machine):
        say(why)
        profile = _pick("Which one?", profiles, around.best)
    hearing = list(every.listening.values())
    words.listening(around)
    listening = _pick("\nWhich one?", hearing, now.listening)
    for extra in every.extras.values():
        if extra not in now.extras:
            words.ability(extra)
            if _yes("\nFetch it? [y/N] ", default=False):
                asked.append(extra)
    return _with(around, profile, listening, asked)


def _named_profile(name: str, around: Around) -> Profile:
    """The profile of --profile; `gpu` is the best for the GPU that is here."""
    if name != "gpu":
        return around.all.profile(name)
    if not around.best.gpu:
        raise BadRequestError(
            "no GPU here is large enough for a profile with free terms; name one: "
            + ", ".join(p.name for p in around.all.profiles.values() if p.gpu)
        )
    return around.best


def _with(around: Around, profile: Profile, listening: Listening, asked: Sequence[Extra]) -> Choice:
    """The choice with the abilities that are here already and those that are asked for."""
    extras = tuple(e for e in around.all.extras.values() if e in asked or e in around.now.extras)
    return Choice(profile, listening, extras, tuple(asked))


def _pick(question: str, rows: Sequence[Any], default: Any) -> Any:
    """One of the rows, by its number or name; Enter takes the default."""
    names = [r.name for r in rows]
    first = str(names.index(default.name) + 1) if default.name in names else default.name
    while True:
        said = input(f"{question} number or name, Enter for {first} ({default.name}): ").strip()
        if not said:
            return default
        if said.isdecimal() and 1 <= int(said) <= len(rows):
            return rows[int(said) - 1]
        if said.lower() in names:
            return rows[names.index(said.lower())]
        say(f"{said!r} is none of them: 1 to {len(rows)}, or {', '.join(names)}")


def _yes(question: str, *, default: bool) -> bool:
    said = input(question).strip().lower()
    return said in ("y", "yes") if said else default


def _overruled(made: Plan) -> dict[str, str]:
    """Settings that will be written, and the variable that wins over each."""
    return {key: variable(key) for key in made.settings if variable(key) in os.environ}


def _check_possible(made: Plan, around: Around) -> None:
    """Raise UnavailableError for what would fail after minutes."""
    made.check_room()
    if made.asks_hub and around.unreachable:
        raise UnavailableError(
            f"the model hub cannot be reached ({around.unreachable}), and not everything is here: "
            "try later, set HF_ENDPOINT to a mirror, or copy the weights folder of a machine that "
            "has it (docs/setup.md)"
        )


def _carry_out(
    args: argparse.Namespace, around: Around, made: Plan, transfer: Transfer, asks: bool
) -> int:
    if made.packages:
        packages.install(made.choice.profile.extra)
    with Bar() as bar:
        wheels = Wheels.of(os.environ)
        carrying_out.fetch(made, transfer, around.hub, wheels, Meter(bar).show)
    if not args.json and any(not s.here for s in made.steps):
        say("downloaded and checked")
    values: dict[str, Any] = dict(made.settings)
    new = replace(around.settings, **values)
    if "encoder" in made.settings or "speech" in made.settings:
        _try(new, args.json)
    report: ReindexStatus | None = None
    written = dict(made.settings)
    if around.library and around.library.needs_reindex(new):
        if _agrees_to_reindex(args, around.library, asks):
            report = _reindex(replace(new, encoder=around.settings.encoder), new.encoder, args.json)
        else:
            written = _without_model(around.library, around.settings, written)
    backup = _write(around.file, written)
    if args.json:
        as_json(facts(around, made, done=True) | {"written": written, "reindex": report})
        return int(bool(report and report.failed))
    _tell(around, made, written, backup)
    return int(bool(report and report.failed))


def _without_model(held: Library, now: Settings, values: dict[str, str]) -> dict[str, str]:
    """The settings to write where the library stays with its model."""
    kept: dict[str, Any] = {k: v for k, v in values.items() if k != "encoder"}
    if held.needs_reindex(replace(now, **kept)):  # the same model, but other files of it
        kept.pop("weights_dir", None)
    return kept


def _try(new: Settings, quiet: bool) -> None:
    """Load the models once; nothing is written where that fails."""
    began = time.monotonic()
    if not quiet:
        hint("loading the models once, to see that they work ...")
    asyncio.run(carrying_out.trial(new))
    if not quiet:
        say(f"they work: loaded in {time.monotonic() - began:.0f} s")


def _agrees_to_reindex(args: argparse.Namespace, held: Library, asks: bool) -> bool:
    if args.reindex is not None or not asks:
        return args.reindex is not False
    say(
        f"\nThe library's {counted(held.sources, 'file')} must be embedded again. That takes about "
        "as long as reading\nthem for the first time; it can be stopped and goes on later."
    )
    return _yes("Do it now? [Y/n] ", default=True)


def _reindex(settings: Settings, encoder: str, quiet: bool) -> ReindexStatus:
    with Bar() as bar:

        async def progress(s: ReindexStatus) -> None:
            part = (s.sources_done + (s.progress if s.progress < 1 else 0)) / (s.sources_total or 1)
            bar.show(part, f"{s.sources_done}/{s.sources_total} {s.current}")

        report = asyncio.run(embed_again(settings, encoder, progress))
    if not quiet:
        for title, why in report.failed:
            say(f"not embedded: {one_line(title)}: {one_line(why)}")
        say(f"{report.state}: {one_line(report.message, 1000)}")
    return report


def _write(file: Path, values: dict[str, str]) -> Path | None:
    """Write the settings; returns the backup of the file that was there."""
    old = read_text(file) if file.exists() else None
    try:
        made = Change(file, old, edit.changed(old or "", values))
    except BadRequestError as e:
        raise BadRequestError(f"{file}: {e}; nothing was written") from e
    return made.write() if made.changes else None


def _tell(around: Around, made: Plan, written: dict[str, str], backup: Path | None) -> None:
    if written:
        say(f"written: {words.short(str(around.file))}")
    if "encoder" in made.settings and "encoder" not in written:
        say(
            f"the library stays with {around.now.profile.name}: to change over, run this again "
            "and let it embed the library (nothing is downloaded twice)"
        )
    if written.get("encoder") and not around.library:
        say("next: omni-mcp ingest FOLDER")
    if written.get("encoder") and made.choice.profile.download:
        say(f"to compare it with its card: omni-mcp models check {made.choice.profile.encoder}")
    came = made.choice.extras != around.now.extras
    if around.library and ("speech" in written or came):
        say("files that are in the library stay as they were heard, until they are read again")
    former = {}
    if "encoder" in written:
        former["profile"] = around.now.profile.name
    if "speech" in written:
        former["listening"] = around.now.listening.name
    words.undo(made, former, backup)
    if written:
        say("\nservers that are running take the new settings at their next start")
