"""A server that only searches creates and writes nothing, and needs a key that may read."""

from __future__ import annotations

import pickle
import uuid
from typing import Any

import numpy as np
import pytest

from omni_core.errors import NotIndexedError, StoreError, pack, unpack
from omni_core.index.server import ServerIndex
from omni_core.payload import StoredSegment
from omni_core.points import Point
from omni_core.query import Filter, In, Prefetch
from omni_core.types import Channel, EncoderInfo

INFO = EncoderInfo("tests/tiny", "r1", 32, frozenset(Channel))
VECTOR = np.ones(32, np.float32)
POINT = Point(str(uuid.UUID(int=1)), VECTOR, None, StoredSegment({"source_id": "s"}))
OF_SOURCE = Filter(must=(In("source_id", ("s",)),))


@pytest.fixture
async def filled(qdrant: Any) -> Any:
    index = ServerIndex(qdrant.settings(), INFO)
    await index.open()
    await index.claim("a" * 32)
    await index.upsert([POINT])
    qdrant.requests.clear()
    yield qdrant
    await index.close()


@pytest.mark.parametrize("says_so", [True, False])
async def test_a_reading_key_is_enough_to_open_and_search(filled: Any, says_so: bool) -> None:
    index = ServerIndex(
        filled.settings(qdrant_api_key=filled.read_only_key, qdrant_read_only=says_so), INFO
    )
    await index.open()
    await index.claim("a" * 32)
    (found,) = await index.search([Prefetch(VECTOR)])
    assert [h.id for h in found] == [POINT.id]
    assert {verb for verb, _, _ in filled.requests} == {"GET", "POST"}  # nothing was put or patched
    await index.close()


@pytest.mark.parametrize("says_so", [True, False])
async def test_writing_is_refused_in_one_line(filled: Any, says_so: bool) -> None:
    index = ServerIndex(
        filled.settings(qdrant_api_key=filled.read_only_key, qdrant_read_only=says_so), INFO
    )
    await index.open()
    for write in (
        index.upsert([POINT]), index.delete(OF_SOURCE), index.set_payload(OF_SOURCE, {"a": 1})
    ):  # fmt: skip
        with pytest.raises(StoreError, match="a key that may write") as refused:
            await write
        assert refused.value.code == "READ_ONLY" and "\n" not in str(refused.value)
    assert await index.count() == 1
    await index.close()


@pytest.mark.parametrize("says_so", [True, False])
async def test_a_library_that_is_not_there_is_not_made(qdrant: Any, says_so: bool) -> None:
    key = qdrant.key if says_so else qdrant.read_only_key
    index = ServerIndex(qdrant.settings(qdrant_api_key=key, qdrant_read_only=says_so), INFO)
    with pytest.raises(StoreError, match="a key that may write") as refused:
        await index.open()
        assert await index.count() == 0
        await index.upsert([POINT])
    assert refused.value.code == ("NO_LIBRARY" if says_so else "READ_ONLY")
    assert not any(verb in ("PUT", "PATCH") for verb, _, _ in qdrant.requests) or not says_so
    assert qdrant.created == {}
    await index.close()


async def test_a_reader_uses_a_library_as_soon_as_a_writer_has_made_it(qdrant: Any) -> None:
    reader = ServerIndex(qdrant.settings(qdrant_read_only=True), INFO)
    with pytest.raises(StoreError, match=r"ingest something once .* without a restart"):
        await reader.open()
    writer = ServerIndex(qdrant.settings(), INFO)
    await writer.open()
    await writer.upsert([POINT])
    await reader.open()
    assert await reader.count() == 1
    await writer.close()
    await reader.close()


async def test_a_collection_that_lacks_its_alias_as_from_a_snapshot_is_found(filled: Any) -> None:
    filled.collections.aliases.clear()
    index = ServerIndex(filled.settings(), INFO)
    await index.open()
    with pytest.raises(StoreError) as foreign:
        await index.claim("b" * 32)
    assert foreign.value.code == "FOREIGN_COLLECTION"
    assert await index.count() == 1
    await index.close()


async def test_a_library_that_is_only_looked_at_reads_as_empty_and_is_made_by_the_first_write(
    qdrant: Any,
) -> None:
    looks, writes, other = (ServerIndex(qdrant.settings(), INFO) for _ in range(3))
    for index, library in ((looks, "a" * 32), (writes, "a" * 32), (other, "b" * 32)):
        await index.open()
        await index.claim(library)
    assert await looks.search([Prefetch(VECTOR)] * 2) == [[], []]
    assert (await looks.get([POINT.id]), await looks.scroll(), await looks.count()) == (
        [], ([], None), 0,
    )  # fmt: skip
    assert await looks.count_by_source() == {}
    await looks.delete(OF_SOURCE)
    await looks.set_payload(OF_SOURCE, {"a": 1})
    assert qdrant.created == {} and not any(verb == "PUT" for verb, _, _ in qdrant.requests)
    await writes.upsert([POINT])
    assert await looks.count() == 1  # at once
    with pytest.raises(StoreError) as foreign:
        await other.upsert([POINT])
    assert foreign.value.code == "FOREIGN_COLLECTION"
    [made] = qdrant.created.values()
    assert made["metadata"]["library"] == "a" * 32
    for index in (looks, writes, other):
        await index.close()


async def test_a_missing_payload_index_is_made_by_a_writer_and_named_to_a_reader(
    filled: Any,
) -> None:
    [name] = filled.created
    filled.answer("DELETE", f"/collections/{name}/index/page", None)
    reading = ServerIndex(filled.settings(qdrant_read_only=True), INFO)
    with pytest.raises(NotIndexedError, match="lacks indexes of page") as refused:
        await reading.open()
    pickled = pickle.loads(pickle.dumps(refused.value))  # noqa: S301
    for error in (refused.value, pickled, unpack(pack(refused.value))):
        assert isinstance(error, NotIndexedError)
        assert (error.code, error.collection, error.lacks) == ("NOT_INDEXED", name, ("page",))
    writing = ServerIndex(filled.settings(), INFO)
    await writing.open()
    assert "page" in filled.indexed[name]
    await writing.close()
