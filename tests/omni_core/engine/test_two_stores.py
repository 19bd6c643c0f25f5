"""Two stores on one Qdrant server never lose each other's data: the second one is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from omni_core import Engine, IngestRequest, SearchRequest
from omni_core.encoders import hashing
from omni_core.engine import reindex
from omni_core.engine.ownership import adopt_collection
from omni_core.errors import BadRequestError, StoreError
from omni_core.settings import Settings
from omni_core.types import EncoderInfo
from tests.omni_core.index.qdrant_standin import StandIn


@pytest.fixture
def qdrant() -> Iterator[StandIn]:
    standin = StandIn()
    yield standin
    standin.close()


@pytest.fixture
def store(qdrant: StandIn, settings: Settings, tmp_path: Path) -> Callable[[str], Settings]:
    def of(name: str) -> Settings:
        there = qdrant.settings()
        return replace(
            settings, store=str(tmp_path / name), index="server", qdrant_url=there.qdrant_url,
            qdrant_api_key=there.qdrant_api_key,
        )  # fmt: skip

    return of


@pytest.fixture
def renamed(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Make the weightless encoder look like a newer revision of itself from now on."""
    before = hashing.HashingEncoder.describe

    def describe(settings: Settings) -> EncoderInfo:
        return replace(before(settings), revision="2")

    return lambda: monkeypatch.setattr(hashing.HashingEncoder, "describe", describe)


@pytest.fixture
def diary(tmp_path: Path) -> str:
    path = tmp_path / "diary.md"
    path.write_text("# Monday\n\nThe ferry to Corfu left at dawn.\n")
    return str(path)


async def found(engine: Engine) -> list[str]:
    return [h.title for h in (await engine.search(SearchRequest(query="ferry to Corfu"))).hits]


async def test_a_second_store_is_refused_and_the_first_one_keeps_what_it_has(
    store: Callable[[str], Settings], diary: str
) -> None:
    async with await Engine.open(store("a")) as a:
        assert (await a.ingest(IngestRequest(diary))).state == "ready"
        async with await Engine.open(store("b")) as b:
            with pytest.raises(StoreError) as refused:
                await b.ingest(IngestRequest(diary, collection="team"))
            assert refused.value.code == "FOREIGN_COLLECTION"
            status = await b.status()
            assert status["waits_for"] == (
                "the index cannot be used: FOREIGN_COLLECTION (the Qdrant collection belongs to "
                "another library)"
            )
        assert await found(a) == ["Monday"]
    async with await Engine.open(store("a")) as again:  # the same store, later
        assert await found(again) == ["Monday"]


async def test_another_name_on_the_same_server_is_a_library_of_its_own(
    store: Callable[[str], Settings], diary: str
) -> None:
    async with await Engine.open(store("a")) as a:
        await a.ingest(IngestRequest(diary))
    async with await Engine.open(replace(store("b"), qdrant_collection="team")) as b:
        await b.ingest(IngestRequest(diary))
        assert await found(b) == ["Monday"]


async def test_a_collection_whose_catalog_is_lost_is_adopted_on_purpose(
    store: Callable[[str], Settings], diary: str
) -> None:
    async with await Engine.open(store("lost")) as lost:
        await lost.ingest(IngestRequest(diary))
    said = await adopt_collection(store("new"))
    assert "'evidence'" in said and "ingest its files again" in said
    async with await Engine.open(store("new")) as new:
        assert (await new.ingest(IngestRequest(diary))).state == "ready"
        assert await found(new) == ["Monday"]
    async with await Engine.open(store("lost")) as former:
        with pytest.raises(StoreError) as refused:
            await found(former)
        assert refused.value.code == "FOREIGN_COLLECTION"


async def test_only_a_collection_on_a_server_can_be_adopted(settings: Settings) -> None:
    with pytest.raises(BadRequestError, match="--qdrant"):
        await adopt_collection(settings)


async def test_a_reindex_of_another_store_does_not_take_the_collection(
    store: Callable[[str], Settings], diary: str, qdrant: StandIn, renamed: Callable[[], None]
) -> None:
    async with await Engine.open(store("a")) as a:
        await a.ingest(IngestRequest(diary))
    other = replace(store("b"), qdrant_collection="team")
    async with await Engine.open(other) as b:
        await b.ingest(IngestRequest(diary))
    before = dict(qdrant.collections.aliases)
    renamed()
    with pytest.raises(StoreError) as refused:
        await reindex(replace(other, qdrant_collection="evidence"), "hashing")
    assert refused.value.code == "FOREIGN_COLLECTION"
    assert qdrant.collections.aliases == before


async def test_a_reindexed_library_stays_that_of_its_store(
    store: Callable[[str], Settings], diary: str, qdrant: StandIn, renamed: Callable[[], None]
) -> None:
    settings = store("a")
    async with await Engine.open(settings) as a:
        await a.ingest(IngestRequest(diary))
    renamed()
    status = await reindex(settings, "hashing")
    assert status.state == "swapped", status
    owners = {c["metadata"].get("library") for c in qdrant.created.values()}
    assert len(qdrant.created) == 2 and len(owners) == 1 and None not in owners
    async with await Engine.open(settings) as a:
        assert await found(a) == ["Monday"]
