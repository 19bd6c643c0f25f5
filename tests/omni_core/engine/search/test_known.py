"""What the catalog does not know is no answer, also where the index has segments of it, as after a
snapshot of one of the two was brought back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from omni_core import Engine, IngestRequest, NotFoundError, OpenRequest, SearchRequest
from omni_core.engine.checking.looking import look
from omni_core.engine.checking.mending import mend
from omni_core.engine.search import known
from omni_core.errors import StoreError
from omni_core.payload import changes, source_filter
from omni_core.settings import Settings

pytestmark = pytest.mark.timeout(300)

ASKED = ("ferry leaves at seven", "first time of ferry", "how often is the ferry mentioned",
         "what comes after the ferry leaves")  # fmt: skip


async def put(engine: Engine, folder: Path, name: str, collection: str = "default") -> str:
    path = folder / f"{name}.md"
    path.write_text(f"# {name}\n\nThe ferry of {name} leaves at seven.\n\nThen tea is served.\n")
    status = await engine.ingest(IngestRequest(str(path), collection=collection))
    assert status.state == "ready", status
    return str(status.source_id)


async def back_again(engine: Engine, source: str, *, now: bool) -> None:
    """Forget a source, for good or into the bin, and put its segments back as an older snapshot
    does."""
    index = await engine._context.opened_index()
    page, _ = await index.scroll(source_filter(source))
    points = await index.get([p.id for p in page], vectors=True)
    assert points
    await engine.forget(source, now=now)
    await index.upsert(points)


async def test_no_search_shows_a_source_that_was_forgotten_though_the_index_has_it_again(
    opened: Callable[..., Any], settings: Settings, tmp_path: Path
) -> None:
    async with opened() as engine:
        gone = [await put(engine, tmp_path, f"gone{n}") for n in range(25)]
        kept = await put(engine, tmp_path, "kept")
        for number, source in enumerate(gone):
            await back_again(engine, source, now=number % 2 == 0)
        index = await engine._context.opened_index()
        assert await index.count() > 25
        for query in ASKED:
            result = await engine.search(SearchRequest(query, limit=20, per_source=20))
            assert {hit.source_id for hit in result.hits} == {kept}, query
            assert "gone" not in str(result)
        similar = await engine.search(SearchRequest("", ref=kept))
        assert not similar.hits
        page, _ = await index.scroll(source_filter(gone[0]))
        with pytest.raises(NotFoundError):
            await engine.open_ref(OpenRequest(f"seg_{page[0].id}"))
    assert any("does not know" in fault.detail for fault in (await look(settings)).faults)
    await mend(settings)
    assert (await look(settings)).faults == ()
    async with opened() as engine:
        await engine.restore_source(gone[1])
        found = await engine.search(SearchRequest("ferry of gone1"))
        assert gone[1] in {hit.source_id for hit in found.hits}


async def test_no_page_repeats_what_an_earlier_one_showed_in_the_place_of_a_forgotten_source(
    opened: Callable[..., Any], tmp_path: Path
) -> None:
    async with opened() as engine:
        gone = [await put(engine, tmp_path, f"gone{n}") for n in range(3)]
        kept = [await put(engine, tmp_path, f"kept{n}") for n in range(6)]
        for source in gone:
            await back_again(engine, source, now=True)
        query, shown, cursor = "the ferry of gone0 gone1 gone2 leaves at seven", list[str](), ""
        while True:
            page = await engine.search(SearchRequest(query, limit=2, per_source=1, cursor=cursor))
            shown += [hit.source_id for hit in page.hits]
            if not (cursor := page.next_cursor):
                break
        assert sorted(shown) == sorted(kept)


async def test_a_source_that_left_a_collection_is_not_shown_there_by_an_index_that_says_otherwise(
    opened: Callable[..., Any], settings: Settings, tmp_path: Path
) -> None:
    async with opened() as engine:
        theirs = await put(engine, tmp_path, "theirs", "board")
        seen = await put(engine, tmp_path, "seen", "hr")
        index = await engine._context.opened_index()
        await index.set_payload(source_filter(theirs), changes(title="old", collections=["hr"]))
        bounded = engine.within(["hr:read"])
        for query in ASKED:
            result = await bounded.search(SearchRequest(query, limit=20, per_source=20))
            assert {hit.source_id for hit in result.hits} == {seen}, query
            assert "theirs" not in str(result) and "old" not in str(result)
        assert not (await engine.search(SearchRequest("ferry of theirs", collection="board"))).hits
    said = (await look(settings)).faults
    assert [f.detail for f in said] == [
        "of 1 source it has another title, date or collection than the catalog"
    ]
    assert "were written into the index: 1 source" in (await mend(settings)).done[0]
    assert (await look(settings)).faults == ()
    async with opened() as engine:
        found = await engine.search(SearchRequest("ferry of theirs", collection="board"))
        assert found.hits[0].source_id == theirs


async def test_a_search_that_never_ends_meeting_them_says_what_to_do(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def search(*_: Any) -> Any:
        raise known.UnknownSourcesError(frozenset({"src_x"}))

    with pytest.raises(StoreError, match="doctor --repair"):
        await known.with_known_sources(search, engine._context, SearchRequest("ferry"))
