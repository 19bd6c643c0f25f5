"""What only a real Qdrant can show: the rights of its keys, TLS, both of its protocols."""

from __future__ import annotations

import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from omni_core.errors import StoreError
from omni_core.index.qdrant.look import look
from omni_core.index.server import ServerIndex
from omni_core.payload import StoredSegment
from omni_core.points import Point
from omni_core.query import Filter, In, Prefetch
from omni_core.types import Channel, EncoderInfo
from tests.omni_core.index import real_qdrant
from tests.omni_core.self_signed import certificate

INFO = EncoderInfo("tests/tiny", "r1", 32, frozenset(Channel))
VECTOR = np.ones(32, np.float32)
POINT = Point(str(uuid.UUID(int=1)), VECTOR, None, StoredSegment({"source_id": "s"}))

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.parametrize("grpc", [False, True], ids=["REST", "gRPC"]),
]


async def filled(settings: Any) -> ServerIndex:
    index = ServerIndex(settings, INFO)
    await index.open()
    await index.claim("a" * 32)
    await index.upsert([POINT])
    return index


async def test_a_key_that_only_reads_searches_and_is_told_what_it_may_not(
    real: real_qdrant.Server, grpc: bool
) -> None:
    if not real.read_key:
        pytest.skip("the keys of a server that was running are not known")
    settings = real.settings(f"test-{uuid.uuid4().hex[:8]}", qdrant_grpc=grpc)
    index = await filled(settings)
    reading = ServerIndex(replace(settings, qdrant_api_key=real.read_key), INFO)
    await reading.open()
    await reading.claim("a" * 32)
    (found,) = await reading.search([Prefetch(VECTOR)])
    assert [h.id for h in found] == [POINT.id]
    one = Filter(must=(In("source_id", ("s",)),))
    for write in (reading.upsert([POINT]), reading.delete(one), reading.set_payload(one, {"a": 1})):
        with pytest.raises(StoreError, match="a key that may write") as refused:
            await write
        assert refused.value.code == "READ_ONLY" and "\n" not in str(refused.value)
    seen = {s.name: s for s in await look(reading._settings, INFO, "a" * 32)}
    assert seen["Qdrant key"].detail == "may read: searches, no ingest"
    assert seen["Qdrant collection"].state == "ok" and seen["Qdrant copies"].state == "ok"
    own = {s.name: s for s in await look(settings, INFO, "a" * 32)}
    assert own["Qdrant key"].detail == "may read and write"
    assert await index.count() == 1  # looking changed nothing
    wrong = ServerIndex(replace(settings, qdrant_api_key="wrong"), INFO)
    with pytest.raises(StoreError, match="refused the API key") as unknown:
        await wrong.open()
    assert unknown.value.code == "KEY_REFUSED"
    absent = ServerIndex(
        replace(settings, qdrant_api_key=real.read_key, qdrant_collection="none"), INFO
    )
    with pytest.raises(StoreError) as nothing:
        await absent.open()
        await absent.upsert([POINT])
    assert nothing.value.code == "READ_ONLY"
    await real_qdrant.drop(index)
    for opened in (index, reading, absent):
        await opened.close()


@pytest.mark.parametrize("kind", ["turbo", "int8", "binary", "off"])
async def test_every_kind_of_codes_and_storage_is_accepted_and_told_back(
    real: real_qdrant.Server, grpc: bool, kind: str
) -> None:
    for storage in ("mixed", "memory", "disk"):
        name = f"test-{uuid.uuid4().hex[:8]}"
        settings = real.settings(
            name, qdrant_grpc=grpc, qdrant_quantization=kind, qdrant_storage=storage
        )
        index = await filled(settings)
        assert index._facts.codes == kind
        (found,) = await index.search([Prefetch(VECTOR)])
        assert [(h.id, round(h.score, 4)) for h in found] == [(POINT.id, 1.0)]
        info = await index._nodes.call("get_collection", index.collection)
        assert info.payload_schema["collections"].params.is_tenant is True
        await real_qdrant.drop(index)
        await index.close()


async def test_a_server_with_a_certificate_of_its_own_is_trusted_by_its_ca_file(
    tmp_path: Path, grpc: bool
) -> None:
    pem, key = certificate(tmp_path)
    with real_qdrant.processes(
        tmp_path / "node", 1, SERVICE__ENABLE_TLS="true", TLS__CERT=str(pem), TLS__KEY=str(key)
    ) as server:
        url = server.url.replace("http://", "https://")
        settings = server.settings("safe", qdrant_url=url, qdrant_grpc=grpc, qdrant_ca=str(pem))
        index = await filled(settings)
        assert await index.count() == 1
        await index.close()
        told = "certificate" if grpc else "is not trusted .* OMNI_QDRANT_CA"
        with pytest.raises(StoreError, match=f"(?i){told}"):
            await ServerIndex(replace(settings, qdrant_ca=""), INFO).open()
