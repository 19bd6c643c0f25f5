"""A file whose times have changed is read once to know it again, not at each opening."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from omni_core import Engine, IngestRequest, OpenRequest
from omni_core.engine import hashing
from omni_core.errors import StoreError
from omni_core.originals import Original, hashed
from omni_core.settings import Settings


@pytest.fixture
async def engine(settings: Settings) -> AsyncIterator[Engine]:
    async with await Engine.open(replace(settings, index="memory")) as engine:
        yield engine


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that were hashed, as often as they were."""
    paths: list[str] = []

    def counted(path: str, *, links: bool = True) -> tuple[str, Original]:
        paths.append(path)
        return hashed(path, links=links)

    monkeypatch.setattr(hashing, "hashed", counted)
    return paths


@pytest.fixture
async def note(engine: Engine, tmp_path: Path, read: list[str]) -> Path:
    path = tmp_path / "note.md"
    path.write_text("A heron stands in the river.")
    status = await engine.ingest(IngestRequest(str(path)))
    assert status.state == "ready"
    read.clear()
    return path


async def openings(engine: Engine, read: list[str]) -> tuple[list[str], int]:
    """The warnings of the last of three openings, and how often the file was read for them."""
    for _ in range(3):
        moment = await engine.open_ref(OpenRequest("note"))
    return list(moment.warnings), len(read)


async def test_a_file_as_it_was_is_not_read_again(
    engine: Engine, note: Path, read: list[str]
) -> None:
    assert await openings(engine, read) == ([], 0)


async def test_where_the_store_cannot_note_it_a_copied_file_is_read_once(
    engine: Engine, note: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*args: object, **kwargs: object) -> None:
        raise StoreError("the library cannot be written", code="READ_ONLY")

    monkeypatch.setattr(engine._context.catalog, "note_state", refused)
    os.utime(note, (1, 1))
    assert await openings(engine, read) == ([], 1)


async def test_a_file_with_other_bytes_of_the_same_size_is_read_once(
    engine: Engine, note: Path, read: list[str]
) -> None:
    note.write_text("A stork stands in the river.")
    warnings, times = await openings(engine, read)
    assert "SOURCE_CHANGED" in warnings[0] and times == 1
