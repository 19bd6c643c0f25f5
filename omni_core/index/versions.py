"""Index versions side by side on disk: one folder for each model, one of them current.

    <store>/index/CURRENT                       the name of the folder that searches use
    <store>/index/<slug>/index.json             which model filled it
    <store>/index/<slug>/shard/                 Qdrant Edge's files

A re-index fills a second folder while searches use the first; then `activate` replaces `CURRENT`
atomically.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omni_core.errors import StoreError
from omni_core.files import used_bytes, write_atomically
from omni_core.types import EncoderInfo

log = logging.getLogger(__name__)

MEND = "restore it, or run `omni-mcp doctor --repair`"

LAYOUT = 1
"""Incremented when newer code cannot search points written by older code."""


@dataclass(frozen=True, slots=True)
class Version:
    """One index on disk."""

    slug: str
    fingerprint: str
    model: str
    current: bool
    bytes: int
    """Disk blocks in use; Edge's files are sparse, with an apparent size hundreds of MB larger."""


def folder(store: Path) -> Path:
    """The folder of all index versions of a store."""
    return store / "index"


def slug(info: EncoderInfo) -> str:
    """Folder and collection name of a model's index: `minilm-l6-384-1f0c2b9a`."""
    name = re.sub(r"[^a-z0-9]+", "-", info.name.rsplit("/", 1)[-1].lower()).strip("-")[:40]
    key = f"{info.fingerprint}/{info.multi_vector}/{LAYOUT}".encode()
    return f"{name or 'model'}-{info.dim}-{hashlib.blake2b(key, digest_size=4).hexdigest()}"


@contextmanager
def writing(store: Path) -> Iterator[None]:
    """Raise StoreError where something that says which index is used cannot be written."""
    try:
        yield
    except OSError as e:
        raise StoreError(
            f"cannot write the index under {store}: {e.strerror}; free some space on its disk, or "
            "choose another folder with --store"
        ) from e


def list_versions(store: Path) -> list[Version]:
    """Every index on disk, the current one first."""
    now = current(store)
    found = []
    for path in sorted(folder(store).glob("*/index.json")):
        record = _read(path)
        name = path.parent.name
        size = used_bytes(path.parent)
        found.append(Version(name, record["fingerprint"], record["model"], name == now, size))
    return sorted(found, key=lambda v: not v.current)


def current(store: Path) -> str | None:
    """The slug that searches use; None in a new store. Raises StoreError where the file cannot be
    read."""
    path = folder(store) / "CURRENT"
    try:
        return path.read_bytes().decode("utf-8", "replace").strip() or None
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as e:
        raise StoreError(f"{path} cannot be read ({e.strerror}): {MEND}") from e


def is_current(store: Path, info: EncoderInfo) -> bool:
    """Whether the index in use says that this model filled it."""
    name = slug(info)
    record = folder(store) / name / "index.json"
    return current(store) == name and _fingerprint(record) == info.fingerprint


def is_of_another(store: Path, info: EncoderInfo) -> bool:
    """Whether searches use a version that is there, of another model."""
    now = current(store)
    return now not in (None, slug(info)) and _is_version(store, str(now))


def leave_current(store: Path) -> None:
    """Let searches use no version: the one that is prepared next becomes current."""
    with writing(store):
        (folder(store) / "CURRENT").unlink(missing_ok=True)


def faults(store: Path, info: EncoderInfo) -> list[str]:
    """What is wrong with the files that say which index is used, a line each; nothing is changed.
    None in a store without an index."""
    name = slug(info)
    if not (folder(store) / name).is_dir():
        return []
    try:
        now = current(store)
    except StoreError as e:
        return [str(e)]
    if now != name:
        if now is not None and _is_version(store, now):
            return [f"CURRENT names the index of {_model_of(store, now)}, not that of {info.name}"]
        return [f"CURRENT is damaged: it names {now[:40]!r}" if now else "CURRENT is missing"]
    record = folder(store) / name / "index.json"
    try:
        _read(record)
    except StoreError as e:
        return [str(e)]
    there = any((folder(store) / name / at).is_dir() for at in ("shard", "shard.old"))
    return [] if there else [f"the shard in {name} is gone"]  # opening one names it again


def activate(store: Path, slug: str) -> None:
    """Make this version the one that searches use; atomic."""
    if not (folder(store) / slug / "index.json").is_file():
        raise StoreError(f"there is no index {slug!r} to switch to")
    with writing(store):
        write_atomically(folder(store) / "CURRENT", slug.encode())


def prepare(store: Path, info: EncoderInfo, *, building: bool = False) -> Path:
    """The folder of this model's index, created where missing; the first one becomes current.

    Raises StoreError MODEL_MISMATCH when the library was filled by another model, unless
    `building` (a re-index beside it).
    """
    name = slug(info)
    path = folder(store) / name
    now = current(store)
    if now is not None and now != name and not _is_version(store, now):
        if not building and not _is_version(store, name):
            raise StoreError(
                f"{folder(store) / 'CURRENT'} is damaged: it names {now[:40]!r}, and there is no "
                f"such index; {MEND}"
            )
        log.warning("CURRENT named no index (%.40r): it names this model's again", now)
        now = None
    if now not in (None, name) and not building:
        raise StoreError(
            f"this library was indexed by {_model_of(store, str(now))}, not by {info.name}: "
            "start with that encoder, or run `omni-mcp reindex`",
            code="MODEL_MISMATCH",
        )
    path.mkdir(parents=True, exist_ok=True)
    record = path / "index.json"
    if (was := _fingerprint(record)) not in ("", info.fingerprint):
        raise StoreError(
            f"index {name} was filled by {was}, not by {info.fingerprint}; move it away",
            code="MODEL_MISMATCH",
        )
    if not was:  # new, or damaged: the name of the folder says the same
        facts: dict[str, Any] = {"fingerprint": info.fingerprint, "model": info.name}
        facts |= {
            "revision": info.revision,
            "dim": info.dim,
            "multi_vector": info.multi_vector,
            "layout": LAYOUT,
        }
        write_atomically(record, json.dumps(facts, indent=1).encode())
    if now is None and not building:
        activate(store, name)
    return path


def _is_version(store: Path, slug: str) -> bool:
    return bool(re.fullmatch(r"[a-z0-9-]+", slug)) and (folder(store) / slug).is_dir()


def _fingerprint(record: Path) -> str:
    """Of the model that filled an index; "" where nothing says so."""
    if not record.is_file():
        return ""
    try:
        return str(_read(record)["fingerprint"])
    except StoreError as e:
        log.warning("%s: it is written again", e)
        return ""


def _model_of(store: Path, slug: str) -> str:
    record = folder(store) / slug / "index.json"
    return str(_read(record)["model"]) if record.is_file() else f"another model ({slug})"


def _read(path: Path) -> dict[str, Any]:
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        return {**facts, "fingerprint": facts["fingerprint"], "model": facts["model"]}
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise StoreError(f"{path} is damaged ({type(e).__name__}); restore it or move it") from e
