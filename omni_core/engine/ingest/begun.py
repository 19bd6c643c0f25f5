"""The record of what was begun: it goes on when the store is opened again.

A request is taken off the record when its ingest ends, is stopped, or is cancelled by its caller;
it stays when the engine is closed or killed. A request with a password is not recorded.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from omni_core import file_calls
from omni_core.engine.context import Context
from omni_core.engine.results import IngestRequest
from omni_core.errors import StoreError, UnavailableError
from omni_core.tasks import in_thread

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FolderRequest:
    """The ingest of a set of files."""

    paths: tuple[str, ...]
    collection: str = "default"
    fast: bool = False
    links: bool = True
    apart: bool = False
    """As in `IngestRequest`."""


class Record:
    """The requests that are on record, of this engine."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._noted: set[str] = set()

    @asynccontextmanager
    async def keeping(self, request: IngestRequest | FolderRequest) -> AsyncIterator[None]:
        """Within the block the request is on record. It stays so where the store refused to take
        more, and goes on when that is opened again."""
        await self.note(request)
        refused = False
        try:
            yield
        except StoreError as e:
            refused = e.code not in ("BUSY", "LEASE_LOST")
            raise
        finally:
            self._noted.discard(key := key_of(request))
            if not (self._context.closing or refused):
                await in_thread(self._end, key)

    def holds(self, key: str) -> bool:
        """Whether the request of this key is under way."""
        return key in self._noted

    async def note(self, request: IngestRequest | FolderRequest) -> None:
        """Put the request on record; durable when this returns."""
        if isinstance(request, IngestRequest) and request.password is not None:
            return
        key = key_of(request)
        if key not in self._noted:
            self._noted.add(key)
            values = _values(request)
            if isinstance(request, IngestRequest):
                values["seen"] = await seen_now(request.path)
            await asyncio.to_thread(self._context.catalog.note_begun, key, values)

    def _end(self, key: str) -> None:
        try:
            self._context.catalog.end_begun(key)
        except StoreError as e:  # what was ingested is in: the next start finds nothing to do
            log.warning("an ingest that has ended stays on record: %s", e)


async def seen_now(path: str) -> list[int] | None:
    """`seen`; None also where the drive does not answer."""
    try:
        return await file_calls.run(partial(seen, Path(path)), on=os.path.dirname(path))
    except UnavailableError:
        return None


def seen(path: Path) -> list[int] | None:
    """Size and time of change of a file, by which it is known again; None when it is gone."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return [stat.st_size, stat.st_mtime_ns]


def key_of(request: IngestRequest | FolderRequest) -> str:
    """The same for equal requests."""
    return hashlib.sha256(json.dumps(_values(request)).encode()).hexdigest()


def _values(request: IngestRequest | FolderRequest) -> dict[str, Any]:
    shared: dict[str, Any] = {"collection": request.collection, "fast": request.fast}
    if not request.links:
        shared["links"] = False
    if request.apart:
        shared["apart"] = True
    if isinstance(request, FolderRequest):
        return {"paths": list(request.paths), **shared}
    at = request.recorded_at
    return {
        "path": request.path,
        "title": request.title,
        "recorded_at": None if at is None else at.isoformat(),
        "transcript": request.transcript,
        **({"name": request.name} if request.name else {}),
        **shared,
    }


def request_of(values: Mapping[str, Any]) -> IngestRequest | FolderRequest:
    """The request of a record."""
    if "paths" in values:
        return FolderRequest(
            tuple(values["paths"]), values["collection"], values["fast"],
            values.get("links", True), values.get("apart", False),
        )  # fmt: skip
    at = values["recorded_at"]
    return IngestRequest(
        values["path"],
        title=values["title"],
        recorded_at=None if at is None else datetime.fromisoformat(at),
        collection=values["collection"],
        transcript=values["transcript"],
        fast=values["fast"],
        name=values.get("name", ""),
        links=values.get("links", True),
        apart=values.get("apart", False),
    )


def lies_under(path: str, folders: Sequence[Path]) -> bool:
    """Whether a path, with symbolic links resolved, lies in one of the folders."""
    real = Path(path).resolve()
    return any(real.is_relative_to(folder) for folder in folders)
