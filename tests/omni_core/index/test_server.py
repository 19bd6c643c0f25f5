"""What only a Qdrant server brings: keys, a network that fails, limited requests, aliases."""

from __future__ import annotations

import logging
import socket
import sys
import threading
import uuid
from typing import Any

import numpy as np
import pytest

from omni_core import index as indexes
from omni_core.errors import BadRequestError, StoreError
from omni_core.index import qdrant as package
from omni_core.index import server
from omni_core.index.qdrant import nodes
from omni_core.index.server import ServerIndex
from omni_core.payload import StoredSegment
from omni_core.points import Point
from omni_core.query import Filter, In, Prefetch
from omni_core.settings import Settings
from omni_core.text import bm25
from omni_core.types import Channel, EncoderInfo

DIM = 32
INFO = EncoderInfo("tests/tiny", "r1", DIM, frozenset(Channel))
OTHER = EncoderInfo("tests/tiny", "r2", DIM, frozenset(Channel))


def point(i: int, words: str = "words") -> Point:
    v = np.random.default_rng(i).normal(size=DIM).astype(np.float32)
    ident = str(uuid.uuid5(uuid.NAMESPACE_URL, str(i)))
    return Point(ident, v, bm25.document(words), StoredSegment({"source_id": "s", "text": words}))


@pytest.fixture
async def opened(qdrant: Any) -> Any:
    index = ServerIndex(qdrant.settings(), INFO)
    await index.open()
    await index.make()
    yield index
    await index.close()


async def test_the_settings_choose_the_server(qdrant: Any) -> None:
    settings = Settings(
        index="server", qdrant_url=qdrant.url, qdrant_api_key=qdrant.key, qdrant_collection="lib"
    )
    index = indexes.load(settings, INFO)
    await index.open()
    await index.upsert([point(1)])
    assert qdrant.count("lib") == 1  # through the alias
    await index.close()
    with pytest.raises(BadRequestError, match="--qdrant"):
        indexes.load(Settings(index="server"), INFO)
    with pytest.raises(BadRequestError, match="edge, memory, server"):
        indexes.load(Settings(index="faiss"), INFO)


async def test_payload_indexes_are_made_before_the_first_point(qdrant: Any, opened: Any) -> None:
    await opened.upsert([point(1)])
    paths = [path.rsplit("/", 1)[-1] for _, path, _ in qdrant.requests]
    assert paths.count("index") == 8
    assert max(i for i, p in enumerate(paths) if p == "index") < paths.index("points")


async def test_the_stand_in_refuses_what_qdrant_would_refuse(qdrant: Any, opened: Any) -> None:
    qdrant.check("POST", "/collections/x/points/count", {"filter": {"must": [{"keyy": "a"}]}})
    qdrant.check("POST", "/collections/x/points/scroll", {"limit": "ten"})
    qdrant.check("PUT", "/collections/x/points", {"points": [{"payload": {}}]})
    qdrant.check("POST", "/collections/x/points/recommend", {})
    assert len(qdrant.violations) >= 4
    qdrant.violations.clear()
    with pytest.raises(StoreError, match="Index required"):
        await opened.count(Filter(must=(In("text", ("a",)),)))


async def test_a_wrong_key_is_named_and_never_shown(qdrant: Any) -> None:
    index = ServerIndex(qdrant.settings(qdrant_api_key="hunter2"), INFO)
    with pytest.raises(StoreError, match="refused the API key") as refusal:
        await index.open()
        await index.make()
    assert "hunter2" not in str(refusal.value) and "OMNI_QDRANT_API_KEY" in str(refusal.value)
    assert len(qdrant.requests) == 1  # a refusal is not tried again
    with pytest.raises(StoreError, match="not open"):
        await index.count()


async def test_a_key_over_plain_http_to_another_machine_is_warned_about(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "OPEN_S", 0.01)
    index = ServerIndex(
        Settings(qdrant_url="http://192.0.2.1:6333", qdrant_api_key="hunter2"), INFO
    )
    with caplog.at_level(logging.WARNING), pytest.raises(StoreError):
        await index.open()
        await index.make()
    assert "unencrypted" in caplog.text and "hunter2" not in caplog.text


async def test_nothing_listening_is_one_line_that_names_the_address() -> None:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        url = f"127.0.0.1:{s.getsockname()[1]}"
    with pytest.raises(StoreError, match="cannot reach Qdrant") as refused:
        await ServerIndex(Settings(qdrant_url=url), INFO).open()
    assert f"http://{url}" in str(refused.value) and "\n" not in str(refused.value)


async def test_a_server_that_does_not_answer_is_given_up(
    qdrant: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "OPEN_S", 0.05)
    qdrant.stall = threading.Event()
    try:
        with pytest.raises(StoreError, match="did not answer"):
            await ServerIndex(qdrant.settings(), INFO).open()
    finally:
        qdrant.stall.set()


async def test_a_request_that_times_out_says_so(qdrant: Any) -> None:
    index = ServerIndex(qdrant.settings(qdrant_timeout_s=1), INFO)
    await index.open()
    await index.make()
    qdrant.stall = threading.Event()
    try:
        with pytest.raises(StoreError, match="no answer in time"):
            await index.count()
    finally:
        qdrant.stall.set()
        await index.close()


async def test_an_old_server_and_a_stranger_are_told_apart_from_qdrant(qdrant: Any) -> None:
    qdrant.version = "1.17.4"
    with pytest.raises(StoreError, match=r"is 1\.17\.4; 1\.18 or later"):
        await ServerIndex(qdrant.settings(), INFO).open()
    qdrant.version = ["not a version"]
    with pytest.raises(StoreError, match="not Qdrant, or of another version"):
        await ServerIndex(qdrant.settings(), INFO).open()


async def test_the_missing_extra_is_named(qdrant: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "qdrant_client", None)
    for part in ("parts", "collection", "nodes", "failures", "points"):
        monkeypatch.delitem(sys.modules, f"omni_core.index.qdrant.{part}", raising=False)
        monkeypatch.delattr(package, part, raising=False)
    with pytest.raises(StoreError, match=r"pip install 'omni-mcp\[server\]'") as missing:
        await ServerIndex(qdrant.settings(), INFO).open()
    assert missing.value.code == "MISSING_EXTRA"


@pytest.mark.parametrize("failures", [[503], [500, 502], [429, 503, 504], [0], [0, 503]], ids=str)
async def test_a_passing_failure_is_tried_again(
    qdrant: Any, opened: Any, monkeypatch: pytest.MonkeyPatch, failures: list[int]
) -> None:
    monkeypatch.setattr(nodes, "PAUSES_S", (0.01, 0.01, 0.01))
    qdrant.failures = list(failures)
    await opened.upsert([point(1), point(2)])
    qdrant.failures = list(failures)
    assert await opened.count() == 2
    assert qdrant.failures == []


async def test_a_lasting_failure_is_raised_with_what_the_server_said(
    qdrant: Any, opened: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nodes, "PAUSES_S", (0.01, 0.01, 0.01))
    qdrant.failures = [503] * 4
    with pytest.raises(StoreError, match="HTTP 503: injected"):
        await opened.count()
    qdrant.failures = [413]
    with pytest.raises(StoreError, match="max_request_size_mb"):
        await opened.upsert([point(1)])
    qdrant.failures = [0] * 4
    with pytest.raises(StoreError, match="cannot reach Qdrant"):
        await opened.count()


async def test_writes_are_cut_by_bytes_and_by_count(qdrant: Any) -> None:
    info = EncoderInfo("tests/wide", "r1", 128, frozenset(Channel), multi_vector=True)
    index = ServerIndex(qdrant.settings(), info)
    await index.open()
    await index.make()
    rng = np.random.default_rng(0)
    pages = [
        Point(
            str(uuid.uuid5(uuid.NAMESPACE_URL, str(i))),
            None,
            bm25.document("page"),
            StoredSegment({"source_id": "s", "text": "x" * 1000}),
            rng.normal(size=(300, 128)).astype(np.float32),
        )
        for i in range(10)
    ]
    await index.upsert(pages)
    light = [point(100 + i, "light") for i in range(600)]
    await index.upsert([Point(p.id, None, p.bm25, p.stored) for p in light])
    sizes = [size for verb, path, size in qdrant.requests if path.endswith("/points")]
    assert max(sizes) < 5 << 20
    assert len(sizes) >= 2 + 3
    assert await index.count() == 610
    await index.close()


async def test_numbers_on_the_wire_are_as_exact_as_float32(opened: Any) -> None:
    p = point(1)
    assert p.dense is not None
    await opened.upsert([p])
    (found,) = await opened.search([Prefetch(p.dense, limit=1)])
    assert found[0].score == pytest.approx(1.0, abs=1e-6)


async def test_another_model_is_refused_until_a_reindex_moves_the_alias(qdrant: Any) -> None:
    old = ServerIndex(qdrant.settings(), INFO)
    await old.open()
    await old.make()
    await old.upsert([point(1), point(2)])
    with pytest.raises(StoreError, match="reindex") as mismatch:
        await ServerIndex(qdrant.settings(), OTHER).open()
    assert mismatch.value.code == "MODEL_MISMATCH"
    new = ServerIndex(qdrant.settings(), OTHER, building=True)
    await new.open()
    await new.make()
    await new.upsert([point(1)])
    assert qdrant.count("evidence") == 2  # others still search the old one
    await new.activate()
    assert qdrant.count("evidence") == 1
    await new.activate()  # again: nothing happens
    again = ServerIndex(qdrant.settings(), OTHER)
    await again.open()
    await again.make()
    assert await again.count() == 1
    for index in (old, new, again):
        await index.close()


async def test_a_stranger_s_collection_is_left_alone(qdrant: Any) -> None:
    theirs = {"vectors": {"theirs": {"size": 4, "distance": "Dot"}}}
    qdrant.answer("PUT", "/collections/evidence", theirs)
    with pytest.raises(StoreError, match="OMNI_QDRANT_COLLECTION"):
        await ServerIndex(qdrant.settings(), INFO).open()
    index = ServerIndex(qdrant.settings("mine"), INFO)
    await index.open()
    await index.make()
    await index.close()


async def test_two_servers_may_create_the_same_library(qdrant: Any) -> None:
    first = ServerIndex(qdrant.settings(), INFO)
    second = ServerIndex(qdrant.settings(), INFO)
    await first.open()
    await first.make()
    await second.open()
    await second.make()
    await second._create()  # lost the race: the collection is there
    await first.upsert([point(1)])
    assert await second.count() == 1
    await first.close()
    await second.close()
