"""Uploads on disk. Every function here blocks.

    uploads/upload_x.json        its record, written once, when it is created
    uploads/upload_x.part/NAME   what has arrived so far; its size is the offset
    uploads/upload_x/NAME        the whole file, renamed from the part in one step

`ingest_media` opens only the last, so a half file never looks whole, whenever the server ends.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from omni_core.errors import NotFoundError
from omni_core.files import put_in_place, write_atomically
from omni_server.text import file_name

ID = re.compile(r"upload_[a-z2-7]{26}")


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of an upload when it begins."""

    id: str
    """Its id, which `ingest_media` takes as a source once the file is whole."""
    name: str
    """A safe file name."""
    size: int
    """Bytes announced; -1 when they were not."""
    owner: str
    """Who sends it; see `observe.principals`."""
    sha256: str = ""
    """Announced by the client, in lower case; empty when it was not."""
    created: float = 0.0
    """Seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A record, and how far the upload is."""

    record: Record
    offset: int
    """Bytes stored."""
    complete: bool
    """Whether it is whole, and so can be ingested."""
    touched: float
    """When its last byte came, seconds since 1970."""


class Records:
    """The uploads of one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def create(self, name: str, size: int, owner: str, sha256: str) -> Upload:
        """A new upload without a byte."""
        token = base64.b32encode(secrets.token_bytes(16)).decode().lower().rstrip("=")
        record = Record(
            f"upload_{token}", file_name(name) or "upload", size, owner, sha256, time.time()
        )
        part = self.part(record)
        part.parent.mkdir(mode=0o700, parents=True)
        part.touch(mode=0o600)
        write_atomically(self._json(record.id), json.dumps(asdict(record)).encode(), mode=0o600)
        return Upload(record, 0, False, record.created)

    def get(self, id_: str) -> Upload:
        """The upload of this id. Raises NotFoundError."""
        gone = NotFoundError(f"there is no upload {id_[:40]!r}; it may have expired: send it again")
        if not ID.fullmatch(id_):
            raise gone
        try:
            record = Record(**json.loads(self._json(id_).read_bytes()))
        except (OSError, ValueError, TypeError):
            raise gone from None
        for path, complete in ((self.whole(record), True), (self.part(record), False)):
            try:
                stat = path.stat()
            except OSError:
                continue
            return Upload(record, stat.st_size, complete, stat.st_mtime)
        raise gone

    def all(self) -> list[Upload]:
        """Every upload, oldest first."""
        return sorted(self._every(), key=lambda u: u.record.created)

    def _every(self) -> Iterator[Upload]:
        for path in self.folder.glob("upload_*.json"):
            try:
                yield self.get(path.stem)
            except NotFoundError:
                continue

    def finish(self, record: Record) -> None:
        """Rename the part to the whole file's place, durably."""
        put_in_place(self.part(record).parent, self.whole(record).parent)

    def remove(self, id_: str) -> None:
        """Delete the file and then the record; nothing happens if there is none."""
        for folder in (self.folder / id_, self.folder / f"{id_}.part"):
            shutil.rmtree(folder, ignore_errors=True)
        self._json(id_).unlink(missing_ok=True)

    def used(self) -> int:
        """Bytes of all uploads: those stored, and those still to come where they are announced."""
        held = {f.name.split(".")[0]: 0 for f in self.folder.glob("upload_*")}
        for id_ in held:
            for folder in (self.folder / id_, self.folder / f"{id_}.part"):
                held[id_] += sum(f.stat().st_size for f in folder.glob("*") if f.is_file())
        for upload in self._every():
            held[upload.record.id] = max(upload.offset, upload.record.size)
        return sum(held.values())

    def free(self) -> int:
        """Free bytes of the disk."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return shutil.disk_usage(self.folder).free

    def sweep(self, older_than: float, busy: frozenset[str]) -> list[str]:
        """Delete unfinished uploads whose last byte came before `older_than` (seconds since 1970),
        and what a crash left of others; returns their ids."""
        known = {u.record.id: u for u in self._every()}
        found = {f.name.split(".")[0] for f in self.folder.glob("upload_*")}
        swept = []
        for id_ in sorted(found - busy):
            upload = known.get(id_)
            if upload is not None and (upload.complete or upload.touched >= older_than):
                continue
            if upload is None and ((self.folder / id_).is_dir() or self._newest(id_) >= older_than):
                continue  # a file from before there were records, or one that has just begun
            self.remove(id_)
            swept.append(id_)
        return swept

    def part(self, record: Record) -> Path:
        """Where an unfinished file grows."""
        return self.folder / f"{record.id}.part" / record.name

    def whole(self, record: Record) -> Path:
        """Where the whole file is."""
        return self.folder / record.id / record.name

    def _json(self, id_: str) -> Path:
        return self.folder / f"{id_}.json"

    def _newest(self, id_: str) -> float:
        return max(
            (f.stat().st_mtime for f in self.folder.glob(f"{id_}.*") if f.exists()), default=0.0
        )
