"""Another model for the same library."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from omni_core import Engine, IngestRequest, SearchRequest
from omni_core.encoders import hashing
from omni_core.engine import ReindexStatus, reindex
from omni_core.errors import StoreError
from omni_core.index import versions
from omni_core.index.edge import EdgeIndex
from omni_core.payload import source_filter
from omni_core.points import Point
from omni_core.settings import Settings
from omni_core.types import EncoderInfo, Modality

pytestmark = pytest.mark.timeout(120)


def rename(patch: pytest.MonkeyPatch) -> None:
    """Make the weightless encoder look like a newer revision of itself from now on."""
    before = hashing.HashingEncoder.describe

    def describe(settings: Settings) -> EncoderInfo:
        return replace(before(settings), revision="2")

    patch.setattr(hashing.HashingEncoder, "describe", describe)


@pytest.fixture
def renamed(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """`rename`, for the rest of the test."""
    return lambda: rename(monkeypatch)


async def filled(opened: Callable[..., Any], media: Path, *names: str) -> None:
    async with opened() as engine:
        for name in names:
            status = await engine.ingest(IngestRequest(str(media / name)))
            assert status.state == "ready"


async def test_a_reindexed_library_answers_with_the_new_model(
    opened: Callable[..., Any], settings: Settings, media: Path, renamed: Callable[[], None]
) -> None:
    await filled(opened, media, "colours.mp4", "lake.jpg")
    renamed()
    seen: list[ReindexStatus] = []

    async def note(status: ReindexStatus) -> None:
        seen.append(status)

    async with asyncio.timeout(100):
        report = await reindex(settings, "hashing", note)
    assert (report.state, report.sources_done, report.failed) == ("swapped", 2, ())
    assert seen[-1].sources_done == 2
    async with opened() as engine:
        found = await engine.search(SearchRequest("meadow station"))
        rows = (await engine.sources()).sources
    assert "meadow" in found.hits[0].text
    assert {r.state for r in rows} == {"ready"} and all("@2/" in r.model for r in rows)


@pytest.mark.parametrize("fails", [False, True])
async def test_a_new_index_is_made_quick_to_open_before_it_is_used_and_is_used_where_it_cannot(
    opened: Callable[..., Any], settings: Settings, media: Path, renamed: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch, fails: bool,
) -> None:  # fmt: skip
    await filled(opened, media, "notes.md")
    renamed()
    store = settings.store_path
    before = await asyncio.to_thread(versions.current, store)
    settled: list[bool] = []

    async def optimize(self: EdgeIndex) -> bool:
        settled.append(await asyncio.to_thread(versions.current, store) == before)
        if fails:
            raise StoreError("vacuum of the index died (killed); the index is as it was")
        return True

    monkeypatch.setattr(EdgeIndex, "optimize", optimize)
    async with asyncio.timeout(100):
        report = await reindex(settings, "hashing")
    assert (settled, report.state) == ([True], "swapped")
    assert await asyncio.to_thread(versions.current, store) != before


async def test_the_old_index_answers_until_the_swap_and_later_sources_are_completed(
    opened: Callable[..., Any], settings: Settings, media: Path, renamed: Callable[[], None]
) -> None:
    await filled(opened, media, "colours.mp4")
    async with opened() as engine:  # the store is held, as by a server
        renamed()
        async with asyncio.timeout(100):
            report = await reindex(settings, "hashing")
        assert report.state == "waiting" and "when the store is next opened" in report.message
        found = await engine.search(SearchRequest("meadow station"))
        assert "meadow" in found.hits[0].text
        await engine.ingest(IngestRequest(str(media / "notes.md")))
    async with opened() as engine:
        states = {r.title: r.state for r in (await engine.sources()).sources}
        assert sorted(states.values()) == ["partial", "ready"]
        await engine.ingest(IngestRequest(str(media / "notes.md")))
        found = await engine.search(SearchRequest("magma chamber"))
        assert "magma" in found.hits[0].text


async def test_what_was_done_to_sources_after_they_were_embedded_again_holds_after_the_swap(
    opened: Callable[..., Any], settings: Settings, media: Path, renamed: Callable[[], None]
) -> None:
    await filled(opened, media, "colours.mp4", "lake.jpg", "notes.md")
    async with opened() as engine:  # the store is held, as by a server
        renamed()
        async with asyncio.timeout(100):
            assert (await reindex(settings, "hashing")).state == "waiting"
        film = (await engine.sources(match="colours")).sources[0]
        await engine.forget(film.id)
        again = IngestRequest(str(media / "notes.md"), title="Field book", collection="trips")
        assert (await engine.ingest(again)).changed == ("title", "collection")
    async with opened() as engine:
        index = await engine._context.opened_index()
        assert await index.count(source_filter(film.id)) == 0
        in_trips = await engine.search(SearchRequest("magma chamber", collection="trips"))
        everywhere = await engine.search(SearchRequest("meadow station"))
    assert {hit.title for hit in in_trips.hits} == {"Field book"}
    assert film.id not in {hit.source_id for hit in everywhere.hits}


async def test_a_reindex_that_an_earlier_version_completed_is_swapped_in_whole(
    opened: Callable[..., Any], settings: Settings, media: Path, renamed: Callable[[], None]
) -> None:
    await filled(opened, media, "lake.jpg", "notes.md")
    async with opened():
        renamed()
        async with asyncio.timeout(100):
            assert (await reindex(settings, "hashing")).state == "waiting"
        (ledger,) = (settings.store_path / "index").glob("*.reindex.json")
        facts = json.loads(await asyncio.to_thread(ledger.read_text))
        facts["done"] = sorted(facts["done"])  # it noted the names of the sources alone
        await asyncio.to_thread(ledger.write_text, json.dumps(facts))
    async with opened() as engine:
        assert {r.state for r in (await engine.sources()).sources} == {"ready"}


async def test_a_source_whose_file_is_gone_is_named_and_the_rest_goes_on(
    opened: Callable[..., Any], settings: Settings, media: Path, renamed: Callable[[], None]
) -> None:
    await filled(opened, media, "lake.jpg", "fire_truck.png")
    (media / "lake.jpg").unlink()
    renamed()
    async with asyncio.timeout(100):
        report = await reindex(settings, "hashing")
    assert report.state == "swapped" and [t for t, _ in report.failed] == ["lake"]


@pytest.mark.parametrize("whole_before", [True, False])
async def test_a_source_that_a_limit_ended_while_it_was_embedded_again_is_not_ready(
    opened: Callable[..., Any],
    settings: Settings,
    tmp_path: Path,
    renamed: Callable[[], None],
    whole_before: bool,
) -> None:
    path = tmp_path / "long.md"
    path.write_text("\n\n".join(f"Part {n}. " + "A harbour wall. " * 90 for n in range(20)))
    limited = replace(settings, max_segments=5)
    async with opened(settings if whole_before else limited) as engine:
        before = await engine.ingest(IngestRequest(str(path)))
    assert before.state == ("ready" if whole_before else "partial")
    renamed()
    async with asyncio.timeout(100):
        report = await reindex(limited, "hashing")
    assert [title for title, _ in report.failed] == [path.stem] * whole_before
    async with opened() as engine:
        (row,) = (await engine.sources()).sources
        assert row.state == "partial"
        again = await engine.ingest(IngestRequest(str(path)))
        assert again.state == "ready" and again.segments > 5


async def test_a_source_of_which_the_new_index_lost_segments_is_not_ready(
    opened: Callable[..., Any],
    settings: Settings,
    media: Path,
    renamed: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await filled(opened, media, "colours.mp4", "lake.jpg")
    renamed()
    upsert, lost = EdgeIndex.upsert, 0

    async def losing(index: EdgeIndex, points: Sequence[Point]) -> None:
        nonlocal lost
        kept = [p for p in points if lost or p.stored.modality is not Modality.VIDEO]
        lost = lost or len(points) - len(kept)
        await upsert(index, kept)

    monkeypatch.setattr(EdgeIndex, "upsert", losing)
    async with asyncio.timeout(100):
        report = await reindex(settings, "hashing")
    assert lost and [title for title, _ in report.failed] == ["colours"]
    async with opened() as engine:
        states = {row.title: row.state for row in (await engine.sources()).sources}
    assert states == {"colours": "partial", "lake": "ready"}


@pytest.mark.parametrize("words", [60, 400])
async def test_a_model_that_cuts_files_otherwise_leaves_no_source_that_seems_damaged(
    opened: Callable[..., Any],
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: int,
) -> None:
    path = tmp_path / "long.md"
    path.write_text("\n\n".join(f"Paragraph {n} of the harbour chronicle." for n in range(120)))
    await filled(opened, tmp_path, path.name)
    async with opened() as engine:
        (before,) = (await engine.sources()).sources
    info = hashing.HashingEncoder.describe(settings)
    cut = replace(info.cut, text_window_words=words, text_window_stride=words - 10)
    other = replace(info, revision="2", cut=cut)
    monkeypatch.setattr(hashing.HashingEncoder, "describe", lambda settings: other)
    async with asyncio.timeout(100):
        await reindex(settings, "hashing")
    async with opened() as engine:
        index = await engine._context.opened_index()
        (row,) = (await engine.sources()).sources
        assert row.segments == await index.count() != before.segments
        assert (row.state, row.warnings) == ("ready", ())


async def test_a_run_that_was_cut_off_goes_on_where_it_stopped(
    opened: Callable[..., Any], settings: Settings, media: Path, renamed: Callable[[], None]
) -> None:
    await filled(opened, media, "lake.jpg", "fire_truck.png", "notes.md")
    renamed()

    class CutOff(Exception):
        pass

    async def stop(status: ReindexStatus) -> None:
        if status.sources_done == 2:
            raise CutOff

    with pytest.raises(CutOff):
        await reindex(settings, "hashing", stop)
    worked: list[str] = []

    async def note(status: ReindexStatus) -> None:
        if status.progress < 1:
            worked.append(status.current)

    async with asyncio.timeout(100):
        report = await reindex(settings, "hashing", note)
    assert report.state == "swapped" and len(set(worked)) == 1


async def test_the_same_model_again_is_refused(
    opened: Callable[..., Any], settings: Settings, media: Path
) -> None:
    await filled(opened, media, "lake.jpg")
    with pytest.raises(StoreError, match="already embedded"):
        await reindex(settings, "hashing")
    async with opened() as engine:
        assert isinstance(engine, Engine)


async def test_a_model_that_was_in_use_before_brings_nothing_back_that_is_gone_since(
    opened: Callable[..., Any], settings: Settings, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled(opened, media, "notes.md", "lake.jpg", "fire_truck.png")
    with monkeypatch.context() as patch:
        rename(patch)
        await reindex(settings, "hashing")
        async with opened() as engine:
            await engine.forget("notes.md", now=True)
            (lake,) = (await engine.sources(match="lake")).sources
    former = await asyncio.to_thread(hashing.HashingEncoder.describe, settings)
    target = EdgeIndex.create(settings, former, building=True)
    await target.open()
    (one, *_), _ = await target.scroll(source_filter(lake.id))
    (one,) = await target.get([one.id], vectors=True)
    await target.upsert([replace(one, id=str(uuid.UUID(int=7)))])  # cut otherwise at that time
    await target.close()
    report = await reindex(settings, "hashing")
    assert (report.state, report.failed) == ("swapped", ())
    async with opened() as engine:
        index = await engine._context.opened_index()
        rows = (await engine.sources()).sources
        held = await index.count_by_source(exact=True)
        assert held == {row.id: row.segments for row in rows} and len(held) == 2
        assert lake in [replace(row, model=lake.model) for row in rows]


async def test_what_is_left_of_a_former_model_says_what_the_catalog_says_of_its_source(
    opened: Callable[..., Any], settings: Settings, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A source whose file is gone is not embedded again: what was there of it is found."""
    await filled(opened, media, "notes.md")
    with monkeypatch.context() as patch:
        rename(patch)
        await reindex(settings, "hashing")
        async with opened() as engine:
            notes = str(media / "notes.md")
            await engine.ingest(IngestRequest(notes, title="Renamed", collection="other"))
            (row,) = (await engine.sources()).sources
    (media / "notes.md").unlink()
    report = await reindex(settings, "hashing")
    assert (report.state, len(report.failed)) == ("swapped", 1)
    async with opened() as engine:
        held, _ = await (await engine._context.opened_index()).scroll()
        said = {(p.stored.title, tuple(sorted(p.stored.fields["collections"]))) for p in held}
    assert said == {("Renamed", tuple(sorted(row.collections)))}
