"""One collection of the stand-in, over the embedded engine.

Seen by experiment with qdrant_edge 0.9: turbo and binary codes are there from the first point,
scalar and product codes when the optimizer has met the threshold of indexing.
- The optimizer runs when it is told to: here within each write, on a server in the background.
- The engine makes no collection without vectors; a server does.
- It reads a bool in a match as 1, and facets a field without an index while the collection is
  empty: both are refused here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import qdrant_edge as edge

from tests.omni_core.index import qdrant_standin_types as types

OF_A_CLUSTER = ("shard_number", "replication_factor", "write_consistency_factor")
"""Kept and told back; the stand-in is one node with one shard."""
OPTIMIZERS: Mapping[str, Any] = {
    "deleted_threshold": 0.2, "vacuum_min_vector_number": 1000, "default_segment_number": 1
}  # fmt: skip
"""A server's defaults, but one segment, which the optimizer keeps beside the one it made."""
DONE = {"operation_id": 0, "status": "completed"}


class Collection:
    """A shard in `folder`, made from the body of PUT /collections/{name}."""

    def __init__(self, body: dict[str, Any], folder: Path, indexing_threshold: int) -> None:
        self.body = deepcopy(body)
        """What it was made with; its metadata changes."""
        self.indexed: dict[str, Any] = {}
        """The schemas that payload indexes were made with."""
        self._threshold = indexing_threshold
        self._shard = edge.EdgeShard.create(str(folder), self._config())
        self._known: dict[tuple[str, str], Callable[[Any], Any]] = {
            ("PUT", "index"): self._index,
            ("PUT", "points"): self._upsert,
            ("POST", "points"): self._retrieve,
            ("POST", "points/delete"): self._delete,
            ("POST", "points/payload"): self._set_payload,
            ("POST", "points/count"): self._count,
            ("POST", "points/scroll"): self._scroll,
            ("POST", "points/query/batch"): self._query,
            ("POST", "facet"): self._facet,
        }

    def _config(self) -> Any:
        given = types.taken(
            self.body, "a collection", "vectors", "sparse_vectors", "on_disk_payload",
            "hnsw_config", "quantization_config", "optimizers_config", "metadata", *OF_A_CLUSTER,
        )  # fmt: skip
        if "size" in given.get("vectors", {}):
            raise ValueError("the stand-in does not translate a vector without a name")
        return edge.EdgeConfig(
            vectors={n: types.vector_params(v) for n, v in given.get("vectors", {}).items()},
            sparse_vectors={
                n: types.sparse_params(v) for n, v in given.get("sparse_vectors", {}).items()
            },
            on_disk_payload=given.get("on_disk_payload"),
            hnsw_config=types.graph(given.get("hnsw_config")),
            quantization_config=types.codes(given.get("quantization_config")),
            optimizers=edge.EdgeOptimizersConfig(**self._optimizers()),
            max_search_threads=1,
            wal_enabled=False,  # nothing outlives the stand-in
        )

    def _optimizers(self) -> dict[str, Any]:
        said = self.body.get("optimizers_config") or {}
        more = ("max_segment_size", "indexing_threshold", "prevent_unoptimized")
        given = types.taken(said, "optimizers", *OPTIMIZERS, *more)
        return {**OPTIMIZERS, "indexing_threshold": self._threshold, **given}

    def close(self) -> None:
        """Release the shard."""
        self._shard.close()

    def answer(self, verb: str, what: str, body: Any) -> Any:
        """The `result` of one operation on this collection."""
        if verb == "DELETE" and what.startswith("index/"):
            return self._drop_index(what.removeprefix("index/"))
        if (verb, what) not in self._known:
            raise ValueError(f"the stand-in does not know {verb} {what}")
        return self._known[verb, what](body)

    def count(self) -> int:
        """How many points there are."""
        return int(self._shard.count(edge.CountRequest(exact=True)))

    def described(self) -> dict[str, Any]:
        """The `result` of GET /collections/{name}: bodies as they were given, figures and payload
        indexes as the engine reports them."""
        info = self._shard.info()
        params = {
            key: self.body[key]
            for key in ("vectors", "sparse_vectors", "on_disk_payload", *OF_A_CLUSTER)
            if self.body.get(key) is not None
        }
        config = {
            "params": params,
            "hnsw_config": {**types.GRAPH, **(self.body.get("hnsw_config") or {})},
            "optimizer_config": {"flush_interval_sec": 5, **self._optimizers()},
            "quantization_config": self.body.get("quantization_config"),
            "metadata": self.body.get("metadata"),
        }
        return {
            "status": "green",
            "optimizer_status": "ok",
            "points_count": info.points_count,
            "indexed_vectors_count": info.indexed_vectors_count,
            "segments_count": info.segments_count,
            "config": config,
            "payload_schema": {
                key: {"data_type": _kind(made), "points": made.points, "params": self.indexed[key]}
                for key, made in info.payload_schema.items()
            },
        }

    def _index(self, body: Any) -> Any:
        given = types.taken(body, "an index", "field_name", "field_schema")
        key, schema = given["field_name"], given["field_schema"]
        made = edge.UpdateOperation.create_field_index(key, types.field_index(schema))
        self._shard.update(made)
        self.indexed[key] = {"type": schema} if isinstance(schema, str) else schema
        return DONE

    def _drop_index(self, key: str) -> Any:
        self._shard.update(edge.UpdateOperation.delete_field_index(key))
        del self.indexed[key]
        return DONE

    def _write(self, operation: Any) -> Any:
        self._shard.update(operation)
        self._shard.optimize()
        return DONE

    def _upsert(self, body: Any) -> Any:
        given = types.taken(body, "an upsert", "points")
        points = [types.point(p) for p in given["points"]]
        return self._write(edge.UpdateOperation.upsert_points(points))

    def _delete(self, body: Any) -> Any:
        if "points" in body:
            ids = types.taken(body, "a deletion", "points")["points"]
            return self._write(edge.UpdateOperation.delete_points(ids))
        wanted = self._filter(types.taken(body, "a deletion", "filter")["filter"])
        return self._write(edge.UpdateOperation.delete_points_by_filter(wanted))

    def _set_payload(self, body: Any) -> Any:
        given = types.taken(body, "a change", "payload", "filter")
        wanted = self._filter(given["filter"])
        return self._write(edge.UpdateOperation.set_payload_by_filter(wanted, given["payload"]))

    def _retrieve(self, body: Any) -> Any:
        given = types.taken(body, "a request", "ids", "with_payload", "with_vector")
        payload = types.payload_of(given.get("with_payload", True))
        found = self._shard.retrieve(given["ids"], payload, given.get("with_vector", False))
        return [types.to_json(r) for r in found]

    def _count(self, body: Any) -> Any:
        given = types.taken(body, "a count", "filter", "exact")
        wanted = self._filter(given.get("filter"))
        request = edge.CountRequest(exact=given.get("exact", True), filter=wanted)
        return {"count": self._shard.count(request)}

    def _scroll(self, body: Any) -> Any:
        given = types.taken(
            body, "a scroll", "filter", "limit", "offset", "with_payload", "with_vector"
        )
        request = edge.ScrollRequest(
            offset=given.get("offset"),
            limit=given.get("limit", 10),
            filter=self._filter(given.get("filter")),
            with_payload=types.payload_of(given.get("with_payload", True)),
            with_vector=given.get("with_vector", False),
        )
        page, following = self._shard.scroll(request)
        offset = following if following is None or isinstance(following, int) else str(following)
        return {"points": [types.to_json(r) for r in page], "next_page_offset": offset}

    def _facet(self, body: Any) -> Any:
        given = types.taken(body, "a facet", "key", "limit", "exact", "filter")
        types.require(self._kinds(), given["key"], "keyword", "integer")
        given["filter"] = self._filter(given.get("filter"))
        hits = self._shard.facet(edge.FacetRequest(**given)).hits
        return {"hits": [{"value": hit.value, "count": hit.count} for hit in hits]}

    def _query(self, body: Any) -> Any:
        searches = types.taken(body, "a batch", "searches")["searches"]
        batch = edge.QueryBatchRequest([self._search(s) for s in searches])
        return [
            {"points": [types.to_json(hit) for hit in hits]}
            for hits in self._shard.query_batch(batch)
        ]

    def _search(self, body: Any) -> Any:
        given = types.taken(
            body, "a query", "query", "using", "filter", "limit", "params", "with_payload",
            "with_vector",
        )  # fmt: skip
        nearest = types.vector(types.taken(given["query"], "a query", "nearest")["nearest"])
        return edge.QueryRequest(
            limit=given.get("limit", 10),
            query=edge.Query.Nearest(nearest, given["using"]),
            filter=self._filter(given.get("filter")),
            with_payload=types.payload_of(given.get("with_payload", False)),
            with_vector=given.get("with_vector", False),
            params=types.search_params(given.get("params")),
        )

    def _filter(self, body: Any) -> Any:
        return types.filter_of(body, self._kinds())

    def _kinds(self) -> dict[str, str]:
        """The kinds of the payload indexes by the fields."""
        return {key: _kind(made) for key, made in self._shard.info().payload_schema.items()}


def _kind(made: Any) -> str:
    return str(made.data_type).rsplit(".", 1)[-1].lower()
