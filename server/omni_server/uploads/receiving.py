"""Takes uploads: one writer for each, a limit per sender, a quota over all, expiry."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import logging
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from omni_core import read_only
from omni_core.errors import (
    BadRequestError,
    NotFoundError,
    TooLargeError,
    UnavailableError,
)
from omni_core.files import sha256_of
from omni_core.settings import Settings
from omni_core.tasks import in_thread
from omni_server.uploads.body import Body, Broken, blocks
from omni_server.uploads.part_file import Digests, PartFile
from omni_server.uploads.records import Records, Upload
from omni_server.uploads.room import Room

log = logging.getLogger(__name__)

SWEEP_S = 600.0
ALL_SENDERS = 8
"""All senders together may be sending as many uploads as so many senders."""
SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Checksum:
    """The checksum of one request's body: an algorithm of `ALGORITHMS`, and the digest."""

    algorithm: str
    digest: bytes


ALGORITHMS = ("sha1", "sha256")


class Uploads:
    """The uploads of a store. One object for each store: it knows which are being received."""

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.time) -> None:
        self.records = Records(settings.store_path / "uploads")
        self.room = Room(settings.max_file_mb << 20, settings.uploads_mb << 20)
        self.ended: Counter[str] = Counter()
        """How many uploads were completed, removed, expired, or refused for their checksum."""
        self.received = 0
        """Bytes taken since the start."""
        self._settings = settings
        self._at_once = settings.uploads_at_once
        self._expiry_s = settings.upload_expiry_h * 3600
        self._clock = clock
        self._swept = 0.0
        self._writing: dict[str, str] = {}
        self._digests = Digests()
        self._creating = asyncio.Lock()

    @property
    def writing(self) -> int:
        """How many uploads are being received now."""
        return len(self._writing)

    def expires(self, upload: Upload) -> float | None:
        """When an unfinished upload is deleted, seconds since 1970; None for a whole one."""
        return None if upload.complete else upload.touched + self._expiry_s

    async def create(self, name: str, size: int, owner: str, sha256: str = "") -> Upload:
        """A new upload of `size` bytes (-1: not known yet).

        Raises TooLargeError (TOO_LARGE, UPLOADS_FULL), StoreError (DISK_FULL, READ_ONLY),
        BadRequestError.
        """
        read_only.refuse(self._settings)
        if sha256 and not SHA256.fullmatch(sha256 := sha256.lower()):
            raise BadRequestError("sha256 is 64 hexadecimal digits, as `sha256sum FILE` prints")
        if size == 0:
            raise BadRequestError("the file is empty: send the file itself")
        if self._clock() - self._swept > SWEEP_S:
            await self.sweep()
        async with self._creating:
            used, free = await asyncio.to_thread(lambda: (self.records.used(), self.records.free()))
            self.room.check(size, used, free)
            return await asyncio.to_thread(self.records.create, name, size, owner, sha256)

    async def own(self, id_: str, owner: str) -> Upload:
        """The upload, for the one who sent it. Raises NotFoundError for everybody else.

        A server may have ended between the last byte and the check of the whole file, which is
        made up for here: who asks how far an upload is takes all bytes for success. Then raises
        BadRequestError (BAD_CHECKSUM); UnavailableError (BUSY) during that check.
        """
        upload = await asyncio.to_thread(self.records.get, id_)
        if upload.record.owner != owner:
            raise NotFoundError(f"there is no upload {id_!r}; it may have expired: send it again")
        if self._settings.read_only or upload.complete or upload.offset != upload.record.size:
            return upload
        with self._sole_writer(upload, counted=False):
            upload = await asyncio.to_thread(self.records.get, id_)
            if not upload.complete:
                await self._complete(upload)
        return await asyncio.to_thread(self.records.get, id_)

    async def of(self, owner: str) -> list[Upload]:
        """The uploads of one sender, oldest first."""
        uploads = await asyncio.to_thread(self.records.all)
        return [u for u in uploads if u.record.owner == owner]

    async def remove(self, upload: Upload) -> None:
        """Delete an upload, whole or not. Raises UnavailableError (BUSY) while it is received,
        StoreError (READ_ONLY)."""
        read_only.refuse(self._settings)
        with self._sole_writer(upload, counted=False):
            await asyncio.to_thread(self.records.remove, upload.record.id)
        self.ended["removed"] += 1

    async def append(
        self, upload: Upload, offset: int, body: Body, checksum: Checksum | None = None
    ) -> Upload:
        """Append the body at `offset`; the upload as it is then, complete after its last byte.

        A body that breaks off is stored as far as it came (without a checksum) and Broken raised.
        Raises BadRequestError (WRONG_OFFSET, BAD_CHECKSUM), TooLargeError, UnavailableError (BUSY)
        while another request sends the same upload, StoreError (DISK_FULL, READ_ONLY).
        """
        read_only.refuse(self._settings)
        with self._sole_writer(upload):
            upload = await asyncio.to_thread(self.records.get, upload.record.id)
            if offset != upload.offset:
                raise BadRequestError(
                    f"the server has {upload.offset} bytes, so the rest starts at that offset",
                    code="WRONG_OFFSET",
                )
            if upload.complete:
                return upload
            size = await self._append(upload, body, checksum)
            if size == upload.record.size:
                await self._complete(upload)
            return await asyncio.to_thread(self.records.get, upload.record.id)

    async def take(self, name: str, size: int, owner: str, sha256: str, body: Body) -> Upload:
        """A whole file in one request; nothing is left of a failure. Raises as `append` does."""
        upload = await self.create(name, size, owner, sha256)
        try:
            with self._sole_writer(upload):
                came = await self._append(upload, body, None)
                if not came:
                    raise BadRequestError("the body is empty: send the file itself")
                if came < size:
                    raise Broken
                await self._complete(upload)
        except BaseException:
            await in_thread(self.records.remove, upload.record.id)
            raise
        return await asyncio.to_thread(self.records.get, upload.record.id)

    async def sweep(self) -> list[str]:
        """Delete unfinished uploads that have expired; their ids. None of a read-only library."""
        if self._settings.read_only:
            return []
        self._swept = self._clock()
        before = self._swept - self._expiry_s
        swept = await asyncio.to_thread(self.records.sweep, before, frozenset(self._writing))
        self.ended["expired"] += len(swept)
        if swept:
            log.info("%d unfinished uploads expired", len(swept))
        return swept

    @contextlib.contextmanager
    def _sole_writer(self, upload: Upload, *, counted: bool = True) -> Iterator[None]:
        id_, owner = upload.record.id, upload.record.owner
        if id_ in self._writing:
            raise UnavailableError(
                "another request is sending this upload; try again when it has ended", code="BUSY"
            )
        if counted and len(self._writing) >= self._at_once * ALL_SENDERS:
            raise UnavailableError(
                f"{len(self._writing)} uploads are being received (uploads_at_once); send this one "
                "when some have ended",
                code="TOO_MANY_UPLOADS",
            )
        if counted and sum(o == owner for o in self._writing.values()) >= self._at_once:
            raise UnavailableError(
                f"{self._at_once} uploads of yours are being received (uploads_at_once); "
                "send this one after them",
                code="TOO_MANY_UPLOADS",
            )
        self._writing[id_] = owner
        try:
            yield
        finally:
            del self._writing[id_]

    async def _append(self, upload: Upload, body: Body, checksum: Checksum | None) -> int:
        """Write the body behind what there is; the size of the file then."""
        record = upload.record
        limit = await self._limit(upload)
        file = await asyncio.to_thread(PartFile, self.records.part(record))
        whole = self._digests.at(record.id, file.start) if record.sha256 else None
        one = hashlib.new(checksum.algorithm, usedforsecurity=False) if checksum else None

        def write(data: bytes) -> None:
            before = file.size
            try:
                file.write(data)
            finally:
                came = data[: file.size - before]
                self.received += len(came)
                for digest in (whole, one):
                    if digest is not None:
                        digest.update(came)

        def end(keep: bool) -> None:
            try:
                if not keep:
                    file.undo()
                elif whole is not None:
                    self._digests.keep(record.id, file.size, whole)
            finally:
                file.close()

        keep = checksum is None  # what breaks off cannot be compared with its checksum
        try:
            async with contextlib.aclosing(blocks(body)) as pieces:
                async for block in pieces:
                    if file.size + len(block) > limit:
                        raise self._more_than(upload, limit)
                    await in_thread(write, block)
            if checksum and one and not hmac.compare_digest(one.digest(), checksum.digest):
                raise BadRequestError(
                    "the bytes that came do not have the checksum that was sent with them; "
                    "none was kept: send them again",
                    code="BAD_CHECKSUM",
                )
            keep = True
        except (BadRequestError, TooLargeError):
            keep = False
            raise
        finally:
            await in_thread(end, keep)
        return file.size

    async def _limit(self, upload: Upload) -> int:
        """The most bytes that this file may have."""
        if upload.record.size >= 0:
            return upload.record.size
        left = self.room.all - await asyncio.to_thread(self.records.used)
        return min(self.room.one, left)

    def _more_than(self, upload: Upload, limit: int) -> TooLargeError:
        if upload.record.size >= 0:
            return TooLargeError(f"more bytes came than the {limit} that were announced")
        return self.room.too_large() if limit == self.room.one else self.room.full()

    async def _complete(self, upload: Upload) -> None:
        """Check the whole file and give it its place; a file with another sha256 is removed."""
        record = upload.record
        if record.sha256:
            part = self.records.part(record)
            size = (await asyncio.to_thread(part.stat)).st_size
            known = self._digests.at(record.id, size)
            found = known.hexdigest() if known else await asyncio.to_thread(sha256_of, part)
            if not hmac.compare_digest(found, record.sha256):
                await asyncio.to_thread(self.records.remove, record.id)
                self.ended["refused"] += 1
                raise BadRequestError(
                    "the file that came does not have the sha256 that was announced, and was "
                    "removed: send it again",
                    code="BAD_CHECKSUM",
                )
        await asyncio.to_thread(self.records.finish, record)
        self.ended["completed"] += 1
