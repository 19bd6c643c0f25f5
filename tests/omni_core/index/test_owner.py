"""One library owns a collection on a Qdrant server; the others are refused in one line."""

from __future__ import annotations

import logging
import uuid
from typing import Any

import numpy as np
import pytest

from omni_core.errors import StoreError
from omni_core.index import server
from omni_core.index.server import ServerIndex
from omni_core.payload import StoredSegment
from omni_core.points import Point
from omni_core.types import Channel, EncoderInfo

INFO = EncoderInfo("tests/tiny", "r1", 32, frozenset(Channel))
OTHER = EncoderInfo("tests/tiny", "r2", 32, frozenset(Channel))
MINE, THEIRS = "a" * 32, "b" * 32
VECTOR = np.eye(32, dtype=np.float32)[0]
POINT = Point(str(uuid.UUID(int=1)), VECTOR, None, StoredSegment({"source_id": "s"}))


async def opened(qdrant: Any, info: EncoderInfo = INFO, **more: Any) -> ServerIndex:
    building = more.pop("building", False)
    index = ServerIndex(qdrant.settings(**more), info, building=building)
    await index.open()
    await index.make()
    return index


def owner(qdrant: Any, collection: str) -> Any:
    return qdrant.created[collection]["metadata"].get("library")


async def test_the_first_library_owns_the_collection_and_a_second_one_is_told_how_to_share(
    qdrant: Any,
) -> None:
    mine, theirs = await opened(qdrant), await opened(qdrant)
    await mine.claim(MINE)
    await mine.claim(MINE)  # again: nothing happens
    with pytest.raises(StoreError) as foreign:
        await theirs.claim(THEIRS)
    said = str(foreign.value)
    assert foreign.value.code == "FOREIGN_COLLECTION" and "\n" not in said
    for word in ("--catalog", "OMNI_QDRANT_COLLECTION", "omni-mcp doctor --adopt"):
        assert word in said
    assert owner(qdrant, mine.collection) == MINE
    for index in (mine, theirs):
        await index.close()
    assert qdrant.violations == []


async def test_a_collection_is_its_library_s_from_the_first_moment_and_else_not_written_into(
    qdrant: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it cannot be marked nothing is written, until it can."""
    mine, ask = ServerIndex(qdrant.settings(), INFO), ServerIndex._call
    theirs = ServerIndex(qdrant.settings(), INFO)
    for index, library in ((mine, MINE), (theirs, THEIRS)):
        await index.open()
        await index.claim(library)
    owners: list[Any] = []

    async def seen(self: ServerIndex, method: str, *args: Any, **kwargs: Any) -> Any:
        if method == "update_collection_aliases":
            owners.append(owner(qdrant, self.collection))
            raise StoreError("away", code="INDEX_UNREACHABLE")
        return await ask(self, method, *args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(ServerIndex, "_call", seen)
        with pytest.raises(StoreError, match="away"):
            await mine.upsert([POINT])
    assert owners == [MINE]
    with pytest.raises(StoreError) as foreign:
        await theirs.upsert([POINT])
    assert foreign.value.code == "FOREIGN_COLLECTION"
    await mine.upsert([POINT])
    assert await mine.count() == 1
    for index in (mine, theirs):
        await index.close()


async def test_a_collection_whose_owner_cannot_be_asked_is_not_written_into(
    qdrant: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was made by another process meanwhile, and is nobody's yet."""
    late, first = ServerIndex(qdrant.settings(), INFO), ServerIndex(qdrant.settings(), INFO)
    await late.open()
    await late.claim(MINE)
    await first.open()

    async def away(self: ServerIndex, library: str, **more: bool) -> None:
        raise StoreError("away", code="INDEX_UNREACHABLE")

    monkeypatch.setattr(server, "LOOK_S", 3600.0)
    looks = ServerIndex._look

    async def look_before(self: ServerIndex) -> None:
        await looks(self)
        if self is late and not first._facts:
            await first.make()

    with monkeypatch.context() as patched:
        patched.setattr(ServerIndex, "_look", look_before)
        patched.setattr(ServerIndex, "claim", away)
        with pytest.raises(StoreError, match="away"):
            await late.upsert([POINT])
    assert late._facts is None
    await late.make()
    assert owner(qdrant, late.collection) == MINE
    for index in (late, first):
        await index.close()


async def test_a_process_that_opens_the_library_at_the_same_time_as_the_first_follows_it(
    qdrant: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first one makes the alias after the second has asked for aliases."""
    second, ask = ServerIndex(qdrant.settings(), INFO), ServerIndex._call
    others: list[ServerIndex] = []

    async def late(self: ServerIndex, method: str, *args: Any, **kwargs: Any) -> Any:
        answer = await ask(self, method, *args, **kwargs)
        if self is second and method == "get_aliases" and not others:
            others.append(ServerIndex(qdrant.settings(), INFO))
            await others[0].open()
        return answer

    monkeypatch.setattr(ServerIndex, "_call", late)
    await second.open()
    await second.make()
    assert second.collection == others[0].collection
    for index in (second, *others):
        await index.close()
    assert qdrant.violations == []


async def test_a_collection_of_an_older_version_is_adopted_by_whoever_opens_it_first(
    qdrant: Any,
) -> None:
    index = await opened(qdrant)
    qdrant.created[index.collection].pop("metadata")
    await index.close()
    again = await opened(qdrant)
    await again.claim(MINE)
    assert owner(qdrant, again.collection) == MINE
    await again.close()


async def test_who_loses_the_collection_to_another_library_notices_it(
    qdrant: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "LOOK_S", 0.0)
    mine, theirs = await opened(qdrant), await opened(qdrant)
    await mine.claim(MINE)
    await theirs.claim(THEIRS, adopt=True)
    assert await theirs.count() == 0
    with pytest.raises(StoreError, match="belongs to another library") as lost:
        await mine.count()
    assert lost.value.code == "FOREIGN_COLLECTION"
    for index in (mine, theirs):
        await index.close()


async def test_a_reindex_cannot_take_the_alias_of_another_library(qdrant: Any) -> None:
    mine = await opened(qdrant)
    await mine.claim(MINE)
    theirs = await opened(qdrant, OTHER, building=True)
    with pytest.raises(StoreError, match="belongs to another library"):
        await theirs.claim(THEIRS)
    own = await opened(qdrant, OTHER, building=True)
    await own.claim(MINE)
    assert owner(qdrant, own.collection) == MINE
    for index in (mine, theirs, own):
        await index.close()


async def test_a_reindex_elsewhere_is_noticed_and_no_question_is_answered_by_another_model(
    qdrant: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "LOOK_S", 0.0)
    searching = await opened(qdrant)
    rebuilt = await opened(qdrant, OTHER, building=True)
    await rebuilt.activate()
    with pytest.raises(StoreError, match="indexed by another model") as other:
        await searching.count()
    assert other.value.code == "MODEL_MISMATCH" and "\n" not in str(other.value)
    for index in (searching, rebuilt):
        await index.close()


async def test_a_collection_of_the_same_model_under_another_name_is_followed(
    qdrant: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a snapshot was restored under a new name."""
    monkeypatch.setattr(server, "LOOK_S", 0.0)
    searching = await opened(qdrant)
    first = searching.collection
    qdrant.answer("PUT", "/collections/restored", qdrant.created[first])
    for key, schema in qdrant.indexed[first].items():
        index = {"field_name": key, "field_schema": schema}
        qdrant.answer("PUT", "/collections/restored/index", index)
    moved = {"collection_name": "restored", "alias_name": "evidence"}
    delete = {"delete_alias": {"alias_name": "evidence"}}
    qdrant.answer("POST", "/collections/aliases", {"actions": [delete, {"create_alias": moved}]})
    assert await searching.count() == 0
    assert searching.collection == "restored"
    await searching.close()
    again = await opened(qdrant)
    assert again.collection == "restored"
    await again.close()


async def test_a_library_that_is_gone_says_so(qdrant: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "LOOK_S", 0.0)
    index = await opened(qdrant)
    qdrant.answer("DELETE", f"/collections/{index.collection}", None)
    with pytest.raises(StoreError, match="is gone from"):
        await index.count()
    await index.close()


async def test_a_key_that_may_not_mark_the_collection_may_still_search(
    qdrant: Any, caplog: pytest.LogCaptureFixture
) -> None:
    first = await opened(qdrant)
    reading = await opened(qdrant, qdrant_api_key=qdrant.read_only_key)
    with caplog.at_level(logging.WARNING):
        await reading.claim(MINE)
    assert "is not marked" in caplog.text
    assert await reading.count() == 0
    for index in (first, reading):
        await index.close()


async def test_a_library_that_is_open_read_only_writes_no_mark_and_makes_nothing(
    qdrant: Any,
) -> None:
    index = await opened(qdrant)
    await index.close()
    reader = await opened(qdrant, read_only=True)
    await reader.claim(MINE)
    assert not owner(qdrant, reader.collection)
    with pytest.raises(StoreError) as refused:
        await opened(qdrant, read_only=True, qdrant_collection="none_yet")
    assert refused.value.code == "NO_LIBRARY"
    assert list(qdrant.created) == [reader.collection]
    await reader.close()
