"""What is in a watched folder now. These functions block: call them in a thread."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field

from omni_core.file_calls import go_on
from omni_core.libraries import in_library, is_library
from omni_core.text.subtitle_names import SUBTITLE_FOLDERS, Films, is_subtitle
from omni_core.watch.rules import beside_media, counts, is_in


@dataclass(frozen=True, slots=True)
class FileStat:
    """Size and times of a file; a change of any of them is a change of the file."""

    size: int
    mtime_ns: int
    changed_ns: int
    """The later of mtime and, where the system keeps one, the time of the last change."""

    @classmethod
    def of(cls, found: os.stat_result) -> FileStat:
        """From the system's answer."""
        changed = (
            found.st_mtime_ns if os.name == "nt" else max(found.st_mtime_ns, found.st_ctime_ns)
        )
        return cls(found.st_size, found.st_mtime_ns, changed)


@dataclass
class Seen:
    """What was found at some paths."""

    files: dict[str, FileStat] = field(default_factory=dict)
    """Files that count, by path."""
    absent: set[str] = field(default_factory=set)
    """Paths at which nothing is."""
    hidden: set[str] = field(default_factory=set)
    """Folders that could not be read: nothing can be said about what is in them."""


@dataclass(frozen=True, slots=True)
class Presence:
    """Whether a folder can be reached, and on which device it is (0 when it cannot)."""

    there: bool
    empty: bool
    device: int


def presence(folder: str) -> Presence:
    """The state of the folder itself; a mount point without its disk is an empty folder."""
    try:
        device = os.stat(folder).st_dev
        with os.scandir(folder) as entries:
            return Presence(True, next(entries, None) is None, device)
    except OSError:
        return Presence(False, True, 0)


def look(paths: Iterable[str], folder: str, without: str = "") -> Seen:
    """The files at or under these paths, all inside `folder`, and outside the folder `without` and
    other libraries.

    Hidden and unfinished files and links to elsewhere are not seen, and neither are subtitles
    beside their video.
    """
    seen = Seen()
    siblings: dict[str, list[str]] = {}
    for path in paths:
        go_on()
        if is_in(path, without) or in_library(path, folder):
            continue
        within = os.path.relpath(path, folder)
        if within != "." and not all(counts(part) for part in within.split(os.sep)):
            continue
        try:
            found = os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            seen.absent.add(path)
        except (OSError, ValueError):
            seen.hidden.add(path)
        else:
            if stat.S_ISDIR(found.st_mode):
                _walk(path, seen, without)
            elif stat.S_ISREG(found.st_mode) and not _is_subtitle(path, siblings):
                seen.files[path] = FileStat.of(found)
    return seen


def _walk(top: str, seen: Seen, without: str) -> None:
    folders = [top]  # it is watched, or in no library
    siblings: dict[str, list[str]] = {}
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(folder) as listed:
                entries = list(listed)
        except OSError:
            seen.hidden.add(folder)
            continue
        siblings[folder] = [e.name for e in entries]
        if folder != top and is_library(folder, siblings[folder]):
            continue
        for entry in entries:
            go_on()
            if not counts(entry.name) or entry.path == without:
                continue
            try:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                elif entry.is_file(follow_symlinks=False) and not _is_subtitle(
                    entry.path, siblings
                ):
                    seen.files[entry.path] = FileStat.of(entry.stat(follow_symlinks=False))
            except FileNotFoundError:  # gone since it was listed
                continue
            except OSError:
                seen.hidden.add(entry.path)


def _is_subtitle(path: str, siblings: dict[str, list[str]]) -> bool:
    """Whether it is read with a film: one beside it, or beside its folder `Subs`."""
    folder, name = os.path.split(path)
    if not is_subtitle(name):
        return False
    if beside_media(name, _listed(folder, siblings)):
        return True
    for inner in (folder, os.path.dirname(folder)):
        above, last = os.path.split(inner)
        if last.lower() in SUBTITLE_FOLDERS:
            films = Films(os.path.join(above, n) for n in _listed(above, siblings))
            return films.read(path)
    return False


def _listed(folder: str, siblings: dict[str, list[str]]) -> list[str]:
    if folder not in siblings:
        try:
            siblings[folder] = os.listdir(folder)
        except OSError:
            siblings[folder] = []
    return siblings[folder]


def stat_of(path: str) -> FileStat | None:
    """The file's size and times; None when no regular file is there."""
    try:
        found = os.lstat(path)
    except (OSError, ValueError):
        return None
    return FileStat.of(found) if stat.S_ISREG(found.st_mode) else None


def absent(paths: Iterable[str]) -> list[str]:
    """Those of the paths at which nothing is now."""
    found = []
    for path in paths:
        go_on()
        if not os.path.lexists(path):
            found.append(path)
    return found
