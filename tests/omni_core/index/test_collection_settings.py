"""What a collection on a Qdrant server is made with, by the settings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from omni_core.errors import StoreError
from omni_core.index.qdrant import collection
from omni_core.index.server import ServerIndex
from omni_core.query import Prefetch
from omni_core.settings import Settings
from omni_core.types import Channel, EncoderInfo

INFO = EncoderInfo("tests/tiny", "r1", 32, frozenset(Channel))
LATE = EncoderInfo("tests/tiny-late", "r1", 32, frozenset(Channel), multi_vector=True)


async def made(qdrant: Any, info: EncoderInfo = INFO, **settings: Any) -> tuple[Any, Any]:
    """The body that the collection was made with, and its payload indexes."""
    index = ServerIndex(qdrant.settings(**settings), info)
    await index.open()
    await index.make()
    await index.close()
    assert qdrant.violations == []
    return qdrant.created[index.collection], qdrant.indexed[index.collection]


async def test_the_server_decides_on_shards_and_copies_unless_the_settings_do(qdrant: Any) -> None:
    body, _ = await made(qdrant)
    assert not {"shard_number", "replication_factor", "write_consistency_factor"} & set(body)
    body, _ = await made(
        qdrant, qdrant_collection="wide", qdrant_shards=6, qdrant_replicas=3,
        qdrant_write_consistency=2,
    )  # fmt: skip
    assert (body["shard_number"], body["replication_factor"]) == (6, 3)
    assert body["write_consistency_factor"] == 2


async def test_points_are_laid_out_by_their_collections(qdrant: Any) -> None:
    _, fields = await made(qdrant)
    assert fields["collections"] == {"type": "keyword", "is_tenant": True}
    assert fields["source_id"] == {"type": "keyword"}


@pytest.mark.parametrize(
    ("storage", "vectors_on_disk", "codes_in_memory", "graph_on_disk", "fields_on_disk"),
    [
        ("mixed", True, True, None, None),
        ("memory", False, True, None, None),
        ("disk", True, False, True, True),
    ],
)
async def test_storage_says_what_stays_in_memory(
    qdrant: Any, storage: str, vectors_on_disk: bool, codes_in_memory: bool,
    graph_on_disk: bool | None, fields_on_disk: bool | None,
) -> None:  # fmt: skip
    body, fields = await made(qdrant, qdrant_storage=storage)
    dense = body["vectors"]["dense"]
    assert dense["on_disk"] is vectors_on_disk
    assert dense["quantization_config"]["turbo"]["always_ram"] is codes_in_memory
    assert (dense.get("hnsw_config") or {}).get("on_disk") is graph_on_disk
    assert fields["start"].get("on_disk") is fields_on_disk


async def test_token_vectors_have_no_graph(qdrant: Any) -> None:
    body, _ = await made(qdrant, LATE)
    late = body["vectors"]["late"]
    assert late["hnsw_config"] == {"m": 0}
    assert late["multivector_config"] == {"comparator": "max_sim"}


@pytest.mark.parametrize(
    ("kind", "field", "oversampling"),
    [("turbo", "turbo", 2.0), ("int8", "scalar", 1.5), ("binary", "binary", 4.0), ("off", "", 0)],
)
async def test_codes_are_what_the_collection_was_made_with_and_searches_compare_again(
    qdrant: Any, kind: str, field: str, oversampling: float
) -> None:
    body, _ = await made(qdrant, qdrant_quantization=kind)
    codes = body["vectors"]["dense"].get("quantization_config")
    assert (next(iter(codes)) if codes else "") == field
    # another setting later: the collection decides
    index = ServerIndex(qdrant.settings(qdrant_quantization="turbo"), INFO)
    await index.open()
    await index.make()
    assert index._facts.codes == kind
    params = collection.dense_search(kind)
    if not oversampling:
        assert params is None
    else:
        assert params is not None and params.quantization is not None
        assert params.quantization.rescore is True
        assert params.quantization.oversampling == oversampling
    await index.search([Prefetch(vector())])
    await index.close()


async def test_a_collection_of_another_width_is_refused(qdrant: Any) -> None:
    index = ServerIndex(qdrant.settings(), INFO)
    await index.open()
    await index.make()
    qdrant.created[index.collection]["vectors"]["dense"]["size"] = 48
    await index.close()
    with pytest.raises(StoreError, match=r"vectors of 48 numbers, tests/tiny makes 32") as other:
        await ServerIndex(qdrant.settings(), INFO).open()
    assert other.value.code == "MODEL_MISMATCH"


def test_the_defaults_are_those_that_were_measured() -> None:
    settings = Settings()
    assert (settings.qdrant_quantization, settings.qdrant_storage) == ("turbo", "mixed")


def vector() -> Any:
    import numpy as np

    return np.ones(32, np.float32)


@pytest.mark.parametrize("name", ["n" * 198, "ü" * 99])
async def test_the_longest_name_of_a_collection_can_be_made_with_the_longest_name_of_a_model(
    qdrant: Any, name: str
) -> None:
    info = replace(INFO, name="m" * 40, dim=4096)
    index = ServerIndex(qdrant.settings(qdrant_collection=name), info)
    await index.open()
    assert len(index.collection.encode()) <= 255
    await index.close()
