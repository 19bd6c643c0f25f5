"""The collection of a library: how it is made, and what it says about itself.

Its metadata says whose it is: `library` is the id that the catalog of the library has too,
`model` and `fingerprint` are those of the encoder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qdrant_client import models

from omni_core import payload
from omni_core.settings import Settings
from omni_core.types import EncoderInfo

MIN_VERSION = (1, 18)
"""TurboQuant came with 1.18."""


@dataclass(frozen=True, slots=True)
class _Codes:
    """Compressed vectors, which a search compares before it reads the full ones of the best."""

    config: Any
    oversampling: float
    """How many times as many candidates are compared again by their full vectors."""


def _turbo(bits: models.TurboQuantBitSize, *, always_ram: bool) -> models.TurboQuantization:
    return models.TurboQuantization(
        turbo=models.TurboQuantQuantizationConfig(always_ram=always_ram, bits=bits)
    )


def _codes(kind: str, *, always_ram: bool) -> _Codes | None:
    if kind == "turbo":
        return _Codes(_turbo(models.TurboQuantBitSize.BITS4, always_ram=always_ram), 2.0)
    if kind == "int8":
        scalar = models.ScalarQuantizationConfig(
            type=models.ScalarType.INT8, quantile=0.99, always_ram=always_ram
        )
        return _Codes(models.ScalarQuantization(scalar=scalar), 1.5)
    if kind == "binary":
        binary = models.BinaryQuantizationConfig(always_ram=always_ram)
        return _Codes(models.BinaryQuantization(binary=binary), 4.0)
    return None


def vectors(info: EncoderInfo, settings: Settings) -> dict[str, models.VectorParams]:
    """Vector configuration by `qdrant_quantization` and `qdrant_storage`."""
    storage = settings.qdrant_storage
    codes = _codes(settings.qdrant_quantization, always_ram=storage != "disk")
    dense = models.VectorParams(
        size=info.dim,
        distance=models.Distance.COSINE,
        on_disk=storage != "memory",
        quantization_config=codes.config if codes else None,
        hnsw_config=models.HnswConfigDiff(on_disk=True) if storage == "disk" else None,
    )
    if not info.multi_vector:
        return {"dense": dense}
    late = models.VectorParams(
        size=info.dim,
        distance=models.Distance.COSINE,
        on_disk=storage != "memory",
        datatype=models.Datatype.FLOAT16,
        # a graph of token vectors is not worth its cost
        hnsw_config=models.HnswConfigDiff(m=0),
        multivector_config=models.MultiVectorConfig(
            comparator=models.MultiVectorComparator.MAX_SIM
        ),
    )
    return {"dense": dense, "late": late}


def sparse_vectors(settings: Settings) -> dict[str, models.SparseVectorParams]:
    """BM25: points store the document weights, the server multiplies by the IDF."""
    index = models.SparseIndexParams(on_disk=True) if settings.qdrant_storage == "disk" else None
    return {"bm25": models.SparseVectorParams(modifier=models.Modifier.IDF, index=index)}


def payload_indexes(settings: Settings) -> dict[str, Any]:
    """Indexed payload fields, created before the first upsert; other filters are slow."""
    on_disk = True if settings.qdrant_storage == "disk" else None
    return {key: _field(key, kind, on_disk) for key, kind in payload.INDEXED.items()}


def _field(key: str, kind: payload.FieldKind, on_disk: bool | None) -> Any:
    if kind is payload.FieldKind.KEYWORD:
        tenant = True if key in payload.GROUPED else None
        return models.KeywordIndexParams(
            type=models.KeywordIndexType.KEYWORD, is_tenant=tenant, on_disk=on_disk
        )
    if kind is payload.FieldKind.FLOAT:
        return models.FloatIndexParams(type=models.FloatIndexType.FLOAT, on_disk=on_disk)
    if kind is payload.FieldKind.INTEGER:
        return models.IntegerIndexParams(
            type=models.IntegerIndexType.INTEGER, lookup=True, range=True, on_disk=on_disk
        )
    return models.DatetimeIndexParams(type=models.DatetimeIndexType.DATETIME, on_disk=on_disk)


def creation(info: EncoderInfo, settings: Settings, library: str = "") -> dict[str, Any]:
    """The arguments of `create_collection`; what a setting leaves at 0 the server decides. Made for
    a `library`, it is that one's from the first moment."""
    return {
        "vectors_config": vectors(info, settings),
        "sparse_vectors_config": sparse_vectors(settings),
        "on_disk_payload": True,
        "shard_number": settings.qdrant_shards or None,
        "replication_factor": settings.qdrant_replicas or None,
        "write_consistency_factor": settings.qdrant_write_consistency or None,
        "metadata": metadata(info, library),
    }


def metadata(info: EncoderInfo, library: str = "") -> dict[str, Any]:
    """What is written into the metadata of the collection."""
    own = {"model": info.name, "fingerprint": info.fingerprint}
    return {**own, "library": library} if library else own


@dataclass(frozen=True, slots=True)
class Facts:
    """What a collection says about itself."""

    library: str
    """Id of the library that it belongs to; "" where nobody has claimed it."""
    fingerprint: str
    """Of the model; "" for a collection of an older version."""
    dim: int
    """Numbers of its dense vectors; 0 where it has none of that name."""
    indexed: frozenset[str]
    """Payload fields with an index."""
    codes: str
    """How dense vectors are compressed: turbo, int8, binary, or off."""


def facts(info: Any) -> Facts:
    """What a search or a claim needs of the client's `CollectionInfo`."""
    config = info.config
    said: Mapping[str, Any] = config.metadata or {}
    named = config.params.vectors if isinstance(config.params.vectors, dict) else {}
    dense = named.get("dense")
    return Facts(
        library=str(said.get("library") or ""),
        fingerprint=str(said.get("fingerprint") or ""),
        dim=0 if dense is None else int(dense.size),
        indexed=frozenset(info.payload_schema or {}),
        codes=_codes_of(None if dense is None else dense.quantization_config),
    )


def _codes_of(config: Any) -> str:
    kinds = {"turbo": "turbo", "scalar": "int8", "binary": "binary"}
    return next((name for field, name in kinds.items() if hasattr(config, field)), "off")


def dense_search(codes: str) -> models.SearchParams | None:
    """Parameters of a search in a collection with these codes: the best by the codes are compared
    again by their full vectors."""
    found = _codes(codes, always_ram=True)
    if found is None:
        return None
    again = models.QuantizationSearchParams(rescore=True, oversampling=found.oversampling)
    return models.SearchParams(quantization=again)


def move_alias(alias: str, collection: str, *, from_: str | None) -> list[Any]:
    """Operations that move an alias to `collection` atomically."""
    create = models.CreateAliasOperation(
        create_alias=models.CreateAlias(collection_name=collection, alias_name=alias)
    )
    if from_ is None:
        return [create]
    delete = models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=alias))
    return [delete, create]


def is_too_old(version: str) -> bool:
    """Whether a server's version is below `MIN_VERSION`."""
    major, _, rest = version.partition(".")
    minor = rest.partition(".")[0]
    return major.isdigit() and minor.isdigit() and (int(major), int(minor)) < MIN_VERSION
