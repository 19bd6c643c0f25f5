"""Conversion to `qdrant_client`'s types and back; the only file that imports it.

The import takes 1 s and 85 MB; the package is an optional extra.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
from qdrant_client import AsyncQdrantClient, models
from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from omni_core import payload, query
from omni_core.errors import StoreError
from omni_core.payload import StoredSegment
from omni_core.points import Point, ScoredPoint
from omni_core.types import EncoderInfo, Sparse, Vector

FAILURES = (UnexpectedResponse, ResponseHandlingException, ResourceExhaustedResponse)
"""Exceptions of the client for failures of the network and the server."""
MIN_VERSION = (1, 18)
"""TurboQuant came with 1.18."""

_BYTES_PER_NUMBER = 14
_LEAN = models.PayloadSelectorExclude(exclude=[f"extra.{key}" for key in payload.SHOWN_ONLY])
_SEARCH = models.SearchParams(
    quantization=models.QuantizationSearchParams(rescore=True, oversampling=2.0)
)


def connect(url: str, api_key: str, timeout_s: int) -> AsyncQdrantClient:
    """A client; nothing is sent yet. The key travels as a header."""
    return AsyncQdrantClient(
        url=url,
        headers={"api-key": api_key} if api_key else None,
        timeout=timeout_s,
        check_compatibility=False,  # see `is_too_old`; the client's check prints from a thread
    )


def is_safe_for_key(url: str) -> bool:
    """Whether an API key can be sent to this URL safely: over https, or to this machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or parts.hostname in ("localhost", "127.0.0.1", "::1")


def is_too_old(version: str) -> bool:
    """Whether a server's version is below `MIN_VERSION`."""
    major, _, rest = version.partition(".")
    minor = rest.partition(".")[0]
    return major.isdigit() and minor.isdigit() and (int(major), int(minor)) < MIN_VERSION


def is_transient(error: Exception) -> bool:
    """Whether the same call may succeed a moment later."""
    if isinstance(error, UnexpectedResponse):
        return error.status_code in (408, 425, 429, 500, 502, 503, 504)
    if isinstance(error, ResponseHandlingException):
        return isinstance(error.source, httpx.TransportError)
    return isinstance(error, ResourceExhaustedResponse)


def to_store_error(error: Exception, url: str) -> StoreError:
    """The failure as a StoreError that says what to do; its message never contains the key."""
    if isinstance(error, UnexpectedResponse):
        code, said = error.status_code, _server_message(error)
        if code in (401, 403):
            return StoreError(
                f"Qdrant at {url} refused the API key (HTTP {code}); set OMNI_QDRANT_API_KEY to "
                "a key that may write"
            )
        if code == 413:
            return StoreError(
                f"Qdrant at {url} takes no request of that size (HTTP 413); raise its "
                "service.max_request_size_mb"
            )
        return StoreError(f"Qdrant at {url} answered HTTP {code}: {said}")
    if isinstance(error, ResourceExhaustedResponse):
        return StoreError(f"Qdrant at {url} is over its limits; call again later")
    source = error.source if isinstance(error, ResponseHandlingException) else error
    if isinstance(source, httpx.TimeoutException):
        return StoreError(f"Qdrant at {url} gave no answer in time; is it busy or unreachable?")
    if isinstance(source, httpx.TransportError):
        return StoreError(
            f"cannot reach Qdrant at {url}: {source}; is it running, and is --qdrant right?"
        )
    return StoreError(
        f"what answers at {url} is not Qdrant, or of another version ({type(source).__name__})"
    )


def _server_message(error: UnexpectedResponse) -> str:
    try:
        text = str(json.loads(error.content)["status"]["error"])
    except (ValueError, KeyError, TypeError):
        text = error.reason_phrase
    return " ".join(text.split())[:300]


# ---- the collection


def vectors(info: EncoderInfo) -> dict[str, models.VectorParams]:
    """Vector configuration: 4-bit codes in memory to search, full vectors on disk to rescore."""
    dense = models.VectorParams(
        size=info.dim,
        distance=models.Distance.COSINE,
        on_disk=True,
        quantization_config=models.TurboQuantization(
            turbo=models.TurboQuantQuantizationConfig(
                always_ram=True, bits=models.TurboQuantBitSize.BITS4
            )
        ),
    )
    if not info.multi_vector:
        return {"dense": dense}
    late = models.VectorParams(
        size=info.dim,
        distance=models.Distance.COSINE,
        on_disk=True,
        datatype=models.Datatype.FLOAT16,
        hnsw_config=models.HnswConfigDiff(
            m=0
        ),  # an HNSW graph of token vectors is not worth its cost
        multivector_config=models.MultiVectorConfig(
            comparator=models.MultiVectorComparator.MAX_SIM
        ),
    )
    return {"dense": dense, "late": late}


def sparse_vectors() -> dict[str, models.SparseVectorParams]:
    """BM25: points store the document weights, the server multiplies by the IDF."""
    return {"bm25": models.SparseVectorParams(modifier=models.Modifier.IDF)}


def payload_indexes() -> dict[str, models.PayloadSchemaType]:
    """Indexed payload fields, created before the first upsert; other filters are slow."""
    return {key: models.PayloadSchemaType(kind) for key, kind in payload.INDEXED.items()}


def move_alias(alias: str, collection: str, *, from_: str | None) -> list[Any]:
    """Operations that move an alias to `collection` atomically."""
    create = models.CreateAliasOperation(
        create_alias=models.CreateAlias(collection_name=collection, alias_name=alias)
    )
    if from_ is None:
        return [create]
    delete = models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=alias))
    return [delete, create]


# ---- points and questions


def json_bytes(point: Point) -> int:
    """Approximate size of a point in a JSON request."""
    numbers = sum(v.size for v in (point.dense, point.late) if v is not None)
    numbers += 2 * len(point.bm25.indices) if point.bm25 else 0
    return numbers * _BYTES_PER_NUMBER + len(json.dumps(dict(point.stored.fields))) + 200


def to_points(points: Sequence[Point]) -> list[models.PointStruct]:
    """Points in the client's types; a point may lack any of its vectors."""
    return [_point(p) for p in points]


def _point(point: Point) -> models.PointStruct:
    named: dict[str, Any] = {}
    for name, vector in (("dense", point.dense), ("late", point.late)):
        if vector is not None:
            named[name] = _numbers(vector)
    if point.bm25 is not None:
        named["bm25"] = _sparse(point.bm25)
    return models.PointStruct(id=point.id, vector=named, payload=dict(point.stored.fields))


def to_queries(
    prefetches: Sequence[query.Prefetch], filter: query.Filter | None
) -> list[models.QueryRequest]:
    """One query for each prefetch, sent as a batch."""
    return [
        models.QueryRequest(
            query=models.NearestQuery(
                nearest=_sparse(prefetch.vector)
                if isinstance(prefetch.vector, Sparse)
                else _numbers(prefetch.vector)
            ),
            using=prefetch.using,
            filter=to_filter(prefetch.within(filter)),
            limit=prefetch.limit,
            with_payload=_LEAN if prefetch.lean else True,
            params=None if prefetch.using == "bm25" else _SEARCH,
        )
        for prefetch in prefetches
    ]


def to_filter(filter: query.Filter | None) -> models.Filter | None:
    """None when it matches everything."""
    if not filter:
        return None
    return models.Filter(
        must=[_condition(c) for c in filter.must] or None,
        must_not=[_condition(c) for c in filter.must_not] or None,
    )


def to_selector(filter: query.Filter) -> models.FilterSelector:
    """The filter of a write. Raises StoreError for an empty one."""
    compiled = to_filter(filter)
    if compiled is None:
        raise StoreError("refusing to change every point: give a filter")
    return models.FilterSelector(filter=compiled)


def from_hit(hit: models.ScoredPoint, prefetch: query.Prefetch) -> ScoredPoint:
    """One result of a prefetch."""
    stored = StoredSegment(hit.payload or {})
    return ScoredPoint(str(hit.id), hit.score, stored, whole=not prefetch.lean)


def from_record(record: models.Record) -> Point:
    """A stored point."""
    found: Any = record.vector or {}
    dense, late, sparse = (found.get(k) for k in ("dense", "late", "bm25"))
    return Point(
        str(record.id),
        None if dense is None else np.asarray(dense, np.float32),
        None if sparse is None else Sparse(tuple(sparse.indices), tuple(sparse.values)),
        StoredSegment(record.payload or {}),
        None if late is None else np.asarray(late, np.float32),
    )


def _condition(c: query.Condition) -> Any:
    if isinstance(c, query.Ids):
        return models.HasIdCondition(has_id=list(c.ids))
    if isinstance(c, query.In):
        values: Any = list(c.values)
        return models.FieldCondition(key=c.key, match=models.MatchAny(any=values))
    if isinstance(c, query.Range):
        bounds = models.Range(gte=c.gte, gt=c.gt, lte=c.lte, lt=c.lt)
        return models.FieldCondition(key=c.key, range=bounds)
    instants: Any = {"gte": c.gte, "lt": c.lt}
    return models.FieldCondition(key=c.key, range=models.DatetimeRange(**instants))


def _sparse(sparse: Sparse) -> models.SparseVector:
    return models.SparseVector(indices=list(sparse.indices), values=list(sparse.values))


def _numbers(vector: Vector) -> Any:
    """Rounded to 9 decimals, the precision of float32; 20 digits would double a request."""
    return np.asarray(vector, np.float64).round(9).tolist()
