"""JSON of Qdrant's REST interface in the types of `qdrant_edge`, and back.

Whatever is not translated is refused: a test never passes because a request was half ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import qdrant_edge as edge

FIELDS: Mapping[str, tuple[Any, tuple[str, ...]]] = {
    "keyword": (edge.KeywordIndexParams, ("is_tenant", "on_disk", "enable_hnsw")),
    "integer": (
        edge.IntegerIndexParams,
        ("lookup", "range", "is_principal", "on_disk", "enable_hnsw"),
    ),
    "float": (edge.FloatIndexParams, ("is_principal", "on_disk", "enable_hnsw")),
    "datetime": (edge.DatetimeIndexParams, ("is_principal", "on_disk", "enable_hnsw")),
}
"""The kinds of payload indexes, and what may be said of each."""
CODES: Mapping[str, tuple[Any, Mapping[str, Any]]] = {
    "scalar": (
        edge.ScalarQuantizationConfig,
        {"type": edge.ScalarType, "quantile": None, "always_ram": None},
    ),
    "product": (
        edge.ProductQuantizationConfig,
        {"compression": edge.CompressionRatio, "always_ram": None},
    ),
    "binary": (
        edge.BinaryQuantizationConfig,
        {
            "encoding": edge.BinaryQuantizationEncoding,
            "query_encoding": edge.BinaryQuantizationQueryEncoding,
            "always_ram": None,
        },
    ),
    "turbo": (
        edge.TurboQuantQuantizationConfig,
        {"bits": edge.TurboQuantBitSize, "always_ram": None},
    ),
}
"""The kinds of quantization, and what may be said of each: the enum of a value, or None."""
GRAPH: Mapping[str, Any] = {"m": 16, "ef_construct": 100, "full_scan_threshold": 10_000}
"""A server's defaults of a graph."""


def taken(body: Any, what: str, *known: str) -> dict[str, Any]:
    """The fields of `body` that are not null; refuses what is not in `known`."""
    if not isinstance(body, dict):
        raise ValueError(f"the stand-in does not translate {what} of {type(body).__name__}")
    given = {key: value for key, value in body.items() if value is not None}
    if unknown := sorted(set(given) - set(known)):
        raise ValueError(f"the stand-in does not translate {', '.join(unknown)} of {what}")
    return given


def vector_params(body: Any) -> Any:
    """The parameters of a named vector."""
    given = taken(
        body, "a vector", "size", "distance", "on_disk", "multivector_config", "datatype",
        "quantization_config", "hnsw_config",
    )  # fmt: skip
    given["distance"] = _member(edge.Distance, given["distance"])
    if several := given.get("multivector_config"):
        comparator = taken(several, "several vectors", "comparator")["comparator"]
        compare = _member(edge.MultiVectorComparator, comparator)
        given["multivector_config"] = edge.MultiVectorConfig(compare)
    if "datatype" in given:
        given["datatype"] = _member(edge.VectorStorageDatatype, given["datatype"])
    given["quantization_config"] = codes(given.get("quantization_config"))
    given["hnsw_config"] = graph(given.get("hnsw_config"))
    return edge.EdgeVectorParams(**given)


def sparse_params(body: Any) -> Any:
    """The parameters of a named sparse vector."""
    given = taken(body, "a sparse vector", "modifier", "index")
    index = taken(given.get("index") or {}, "a sparse index", "on_disk", "full_scan_threshold")
    modifier = given.get("modifier")
    known = None if modifier in (None, "none") else _member(edge.Modifier, modifier)
    return edge.EdgeSparseVectorParams(modifier=known, **index)


def codes(body: Any) -> Any:
    """A quantization; None without."""
    if body is None:
        return None
    [(kind, said)] = taken(body, "a quantization", *CODES).items()
    make, known = CODES[kind]
    given = taken(said, f"{kind} quantization", *known)
    enums = {key: _member(known[key], given[key]) for key in given if known[key] is not None}
    return make(**given | enums)


def graph(body: Any) -> Any:
    """The parameters of a graph, what is not said as a server has it; None where nothing is."""
    if body is None:
        return None
    more = ("max_indexing_threads", "on_disk", "payload_m", "inline_storage")
    return edge.HnswIndexConfig(**{**GRAPH, **taken(body, "a graph", *GRAPH, *more)})


def field_index(body: Any) -> Any:
    """The parameters of a payload index."""
    said = {"type": body} if isinstance(body, str) else dict(body)
    kind = said.pop("type")
    if kind not in FIELDS:
        raise ValueError(f"the stand-in does not translate an index of the type {kind}")
    make, known = FIELDS[kind]
    return make(**taken(said, f"an index of the type {kind}", *known))


def point(body: Any) -> Any:
    """A point with named vectors."""
    given = taken(body, "a point", "id", "vector", "payload")
    if not isinstance(given.get("vector"), dict):
        raise ValueError("the stand-in does not translate a vector without a name")
    named = {name: vector(v) for name, v in given["vector"].items()}
    return edge.Point(given["id"], named, given.get("payload") or {})


def vector(body: Any) -> Any:
    """A vector, several, or a sparse one."""
    if isinstance(body, list):
        return body
    given = taken(body, "a vector", "indices", "values")
    return edge.SparseVector(given["indices"], given["values"])


def filter_of(body: Any, indexed: Mapping[str, str]) -> Any:
    """A filter, None without one; refuses a field that has no index for it, as in strict mode.

    `indexed` are the kinds of the indexes by the fields.
    """
    if body is None:
        return None
    given = taken(body, "a filter", "must", "must_not", "should")
    conditions: dict[str, Any] = {
        key: [_condition(c, indexed) for c in (some if isinstance(some, list) else [some])]
        for key, some in given.items()
    }
    return edge.Filter(**conditions)


def _condition(body: Any, indexed: Mapping[str, str]) -> Any:
    if "has_id" in body:
        return edge.HasIdCondition(set(taken(body, "a condition", "has_id")["has_id"]))
    given = taken(body, "a condition", "key", "match", "range")
    if "match" in given and "range" not in given:
        match = taken(given["match"], "a match", "any", "value")
        values = match["any"] if "any" in match else [match["value"]]
        if any(isinstance(v, bool) for v in values):
            raise ValueError("the stand-in does not translate a bool: the engine reads True as 1")
        require(indexed, given["key"], "keyword" if isinstance(values[0], str) else "integer")
        return edge.FieldCondition(key=given["key"], match=edge.MatchAny(values))
    bounds = taken(given.get("range"), "a range", "gte", "gt", "lte", "lt")
    if any(isinstance(v, str) for v in bounds.values()):
        require(indexed, given["key"], "datetime")
        return edge.FieldCondition(key=given["key"], range=edge.RangeDateTime(**bounds))
    require(indexed, given["key"], "integer", "float")
    return edge.FieldCondition(key=given["key"], range=edge.RangeFloat(**bounds))


def require(indexed: Mapping[str, str], key: str, *kinds: str) -> None:
    """Refuse a field without an index of one of these kinds."""
    if indexed.get(key) not in kinds:
        raise ValueError(f"Index required but not found for {key!r} of {' or '.join(kinds)}")


def search_params(body: Any) -> Any:
    """The parameters of a search; None without."""
    if body is None:
        return None
    given = taken(body, "a search", "hnsw_ef", "exact", "quantization", "indexed_only")
    if "quantization" in given:
        said = taken(given["quantization"], "codes", "ignore", "rescore", "oversampling")
        given["quantization"] = edge.QuantizationSearchParams(**said)
    return edge.SearchParams(**given)


def payload_of(body: Any) -> Any:
    """Which payload is asked for."""
    if isinstance(body, (bool, list)):
        return body
    [(how, keys)] = taken(body, "a payload", "include", "exclude").items()
    choose = edge.PayloadSelector
    return choose.Include(keys) if how == "include" else choose.Exclude(keys)


def to_json(found: Any) -> dict[str, Any]:
    """A record or a hit."""
    out: dict[str, Any] = {"id": found.id if isinstance(found.id, int) else str(found.id)}
    if hasattr(found, "score"):
        out |= {"score": found.score, "version": found.version}
    if found.payload is not None:
        out["payload"] = found.payload
    if found.vector is not None:
        out["vector"] = {name: _numbers(v) for name, v in found.vector.items()}
    return out


def _numbers(stored: Any) -> Any:
    if isinstance(stored, edge.SparseVector):
        return {"indices": stored.indices, "values": stored.values}
    return stored


def _member(enum: Any, text: str) -> Any:
    """The member of the engine's enum that the REST interface writes as `text`."""
    wanted = text.replace("_", "").lower()
    for name in dir(enum):
        if not name.startswith("_") and name.replace("_", "").lower() == wanted:
            return getattr(enum, name)
    raise ValueError(f"the stand-in does not translate {text!r}: {enum.__name__} has none")
