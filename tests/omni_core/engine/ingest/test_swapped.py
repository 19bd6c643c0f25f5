"""What is swapped while it is ingested or opened: a small share of `bench/trust.py swaps`."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench import swaps
from bench.trust_swaps import Library
from omni_core import Engine, IngestRequest, IngestStatus, OpenRequest
from omni_core.engine import hashing
from omni_core.engine.ingest import file as ingest_file
from omni_core.originals import Original, hashed
from omni_core.settings import Settings

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux says who writes a file")


@pytest.fixture
async def library(settings: Settings, tmp_path: Path) -> AsyncIterator[Library]:
    top = await asyncio.to_thread(tmp_path.resolve)
    async with await Engine.open(replace(settings, index="memory")) as engine:
        yield await asyncio.to_thread(Library, engine, top)


def documents(path: Path, word: str) -> None:
    path.write_bytes(swaps.text(word))


@pytest.mark.parametrize(
    ("move", "stage"),
    [
        ("linked_out", "hash"), ("linked_out", "hashed"), ("folder_linked_out", "cut"),
        ("there_and_back", "probe"), ("renamed", "hashed"), ("rewritten", "hashed"),
        ("rewritten", "next 2"), ("truncated", "cut"), ("appended", "next 2"),
        ("deleted", "finish"),
    ],
)  # fmt: skip
async def test_nothing_outside_is_read_and_every_word_is_of_its_hash(
    library: Library, move: str, stage: str
) -> None:
    hand = await asyncio.to_thread(library.place, "report.md", documents)
    with swaps.at(stage, getattr(hand, move), hand.undo):
        said = await library.ingest(hand.path)
    hand.undo()
    await library.look(f"{move} at {stage}", said)
    assert not library.outside_read and not library.wrong
    assert sum(library.ended.values()) == 1


async def test_a_file_that_is_replaced_while_it_waits_is_ingested_as_it_is_now(
    library: Library,
) -> None:
    hand = await asyncio.to_thread(library.place, "report.md", documents)
    with swaps.at("probe", hand.renamed, hand.undo):
        said = await library.ingest(hand.path)
    assert isinstance(said, IngestStatus) and said.state == "ready"
    [row] = (await library.engine.sources()).sources
    assert library.known[row.sha256] == "new"
    assert row.segments == said.segments


async def test_one_that_never_keeps_still_fails_and_leaves_nothing(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest_file, "AGAIN_AFTER_S", (0.0, 0.0))
    monkeypatch.setattr(ingest_file, "is_unchanged", lambda file: False)
    hand = await asyncio.to_thread(library.place, "report.md", documents)
    said = await library.ingest(hand.path)
    assert isinstance(said, IngestStatus) and said.state == "failed"
    assert said.failure is not None and said.failure.code == "SOURCE_CHANGED"
    assert "report.md" in str(said.failure) and "ingest it again" in str(said.failure)
    assert (await library.engine.sources()).total == 0


@linux
async def test_one_that_is_still_being_written_is_partial_until_it_is_complete(
    library: Library,
) -> None:
    hand = await asyncio.to_thread(library.place, "report.md", documents)
    with hand.path.open("ab"):
        said = await library.ingest(hand.path)
        assert isinstance(said, IngestStatus) and said.state == "partial"
        assert said.failure is not None and "still being written" in str(said.failure)
        again = await library.ingest(hand.path)
        assert isinstance(again, IngestStatus) and again.state == "partial"
    whole = await library.ingest(hand.path)
    assert isinstance(whole, IngestStatus) and whole.state == "ready" and not whole.warnings


async def test_a_link_that_leads_from_the_root_into_itself_is_still_read(library: Library) -> None:
    hand = await asyncio.to_thread(library.place, "report.md", documents)
    link = hand.path.with_name("link.md")
    link.symlink_to(hand.path)
    said = await library.ingest(link)
    assert isinstance(said, IngestStatus) and said.state == "ready"
    plain = await library.engine.ingest(IngestRequest(str(link)))
    assert plain.state == "ready" and plain.already


@pytest.mark.parametrize("move", ["linked_out", "rewritten", "renamed", "folder_linked_out"])
@pytest.mark.parametrize("stage", ["asked", "open"])
async def test_a_picture_of_other_bytes_is_not_shown(
    library: Library, move: str, stage: str
) -> None:
    hand = await asyncio.to_thread(library.place, "view.png", swaps.write_picture)
    said = await library.ingest(hand.path)
    assert isinstance(said, IngestStatus)
    with swaps.at(stage, getattr(hand, move), hand.undo):
        opened = await library.engine.open_ref(OpenRequest(said.source_id, ("frame",)))
    hand.undo()
    assert not any("thumbnail" not in picture.caption for picture in opened.pictures)
    assert any(line.startswith("SOURCE_") for line in opened.warnings)


async def test_a_copied_file_is_hashed_once_and_known_from_then_on(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand = await asyncio.to_thread(library.place, "view.png", swaps.write_picture)
    said = await library.ingest(hand.path)
    assert isinstance(said, IngestStatus)
    os.utime(hand.path)
    read: list[str] = []

    def counted(path: str, *, links: bool) -> tuple[str, Original]:
        read.append(path)
        return hashed(path, links=links)

    monkeypatch.setattr(hashing, "hashed", counted)
    for _ in range(2):
        opened = await library.engine.open_ref(OpenRequest(said.source_id, ("frame",)))
        assert opened.pictures and not opened.warnings
    assert len(read) == 1
