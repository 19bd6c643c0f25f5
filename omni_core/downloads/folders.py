"""A folder of pinned files that appears in one step, when all of them are there and checked.

While it is built it lies in `.incoming/` of the root; what is there is kept when a run breaks off.
A record (`.omni-mcp.json`) in the finished folder says where the files are from, so that a later
look need not read gigabytes again: sizes and times of change must be as recorded.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from omni_core.downloads.pins import Pin
from omni_core.downloads.transfer import PART
from omni_core.errors import UnavailableError
from omni_core.files import put_in_place, write_atomically

RECORD = ".omni-mcp.json"
INCOMING = ".incoming"

Fetch = Callable[[Pin, Path], None]
"""Makes the path the pinned file."""
Reused = Callable[[Pin], None]
"""Told of a file that is here already."""


class Folder:
    """One folder of weights below a root."""

    def __init__(self, root: Path, name: str, facts: Mapping[str, str]) -> None:
        """`name` is its path below the root; `facts` (origin, revision, licence) are recorded."""
        self.path = root / name
        self._facts = dict(facts)
        self._incoming = root / INCOMING / name.replace("/", "--")

    def holds(self, files: Sequence[Pin]) -> bool:
        """Whether the finished folder has all of these files, by its record or by their bytes."""
        record = self._record()
        return all(_recorded(record, self.path, f) or f.matches(self.path / f.path) for f in files)

    def missing(self, files: Sequence[Pin]) -> int:
        """Bytes that are still to come, as far as sizes tell."""
        return sum(max(0, f.size - self._present(f)) for f in files)

    def recorded_files(self, origin: str, revision: str) -> tuple[Pin, ...]:
        """The files of the finished folder, where its record names this origin and revision."""
        record = self._whole_record()
        if (record.get("from"), record.get("revision")) != (origin, revision):
            return ()
        found = []
        try:
            for path, known in record["files"].items():
                kind, _, digest = str(known["digest"]).partition(":")
                sha256, blob = (digest, "") if kind == "sha256" else ("", digest)
                found.append(Pin(path, int(known["size"]), sha256, blob))
        except (UnavailableError, KeyError, TypeError, ValueError):
            return ()  # a record that cannot be understood counts as none
        return tuple(found)

    def build(self, files: Sequence[Pin], fetch: Fetch, reused: Reused) -> None:
        """Bring the files together and put the folder in place.

        A file that an earlier version of the folder has is taken from there. Raises what `fetch`
        raises; the finished folder is then as it was.
        """
        for file in files:
            target = self._incoming / file.path
            if file.matches(target):
                reused(file)
                continue
            target.unlink(missing_ok=True)
            target.parent.mkdir(parents=True, exist_ok=True)
            if file.matches(self.path / file.path):
                link(self.path / file.path, target)
                reused(file)
            else:
                fetch(file, target)
        self._keep_only(files)
        self._take_along(files)
        write_atomically(self._incoming / RECORD, self._new_record(files))
        self._put_in_place()

    def _present(self, file: Pin) -> int:
        here = self._incoming / file.path
        part = here.with_name(here.name + PART)
        for path in (self.path / file.path, here):
            if path.is_file() and path.stat().st_size == file.size:
                return file.size
        return part.stat().st_size if part.is_file() else 0

    def _keep_only(self, files: Sequence[Pin]) -> None:
        """Remove what an earlier run, perhaps for another revision, has left."""
        wanted = {self._incoming / f.path for f in files}
        for path in self._incoming.rglob("*"):
            if path.is_file() and path not in wanted:
                path.unlink()

    def _take_along(self, files: Sequence[Pin]) -> None:
        """What a person has put into the finished folder, such as an omni.toml, stays in it."""
        ours = {f.path for f in files} | set(self._record()) | {RECORD}
        for path in sorted(self.path.rglob("*")):
            relative = path.relative_to(self.path).as_posix()
            if path.is_file() and relative not in ours:
                (self._incoming / relative).parent.mkdir(parents=True, exist_ok=True)
                link(path, self._incoming / relative)

    def _new_record(self, files: Sequence[Pin]) -> bytes:
        held = {}
        for file in files:
            stat = (self._incoming / file.path).stat()
            held[file.path] = {
                "digest": file.digest, "size": file.size, "mtime_ns": stat.st_mtime_ns
            }  # fmt: skip
        return json.dumps({**self._facts, "files": held}, indent=1).encode()

    def _put_in_place(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        former = self._incoming.with_name(self._incoming.name + ".former")
        shutil.rmtree(former, ignore_errors=True)
        if self.path.exists():
            self.path.rename(former)
        put_in_place(self._incoming, self.path)
        shutil.rmtree(former, ignore_errors=True)
        if not any(self._incoming.parent.iterdir()):
            self._incoming.parent.rmdir()

    def _record(self) -> dict[str, Any]:
        return dict(self._whole_record().get("files") or {})

    def _whole_record(self) -> dict[str, Any]:
        """The record; empty where there is none that can be read: the bytes are read instead."""
        try:
            record = json.loads((self.path / RECORD).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return record if isinstance(record, dict) and isinstance(record.get("files"), dict) else {}


def recorded_revision(folder: Path, origin: str) -> str:
    """The revision of `origin` that a folder was downloaded from, by its record; "" where it has
    none, or where a file no longer has its size."""
    own = Folder(folder.parent, folder.name, {})
    record = own._whole_record()
    if record.get("from") != origin:
        return ""
    files = own.recorded_files(origin, str(record.get("revision", "")))
    same = all((folder / f.path).is_file() for f in files)
    same = same and all((folder / f.path).stat().st_size == f.size for f in files)
    return str(record["revision"]) if files and same else ""


def _recorded(record: Mapping[str, Any], folder: Path, file: Pin) -> bool:
    """Whether the file is recorded with this digest and has not been touched since."""
    known, path = record.get(file.path), folder / file.path
    if not isinstance(known, dict) or not path.is_file():
        return False
    stat = path.stat()
    now = {"digest": file.digest, "size": stat.st_size, "mtime_ns": stat.st_mtime_ns}
    return known == now and stat.st_size == file.size


def link(source: Path, target: Path) -> None:
    """The same file under a second name; a copy where the file system has none."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
