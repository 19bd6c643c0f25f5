"""The embedded index beside other stores, on the same vectors: recall@10 beside time.

    python bench/index_peers.py [--points 10000 100000] [--dim 384] [--vectors FILE.npy]
                                [--only NAME ...]

Top 10 by cosine, without a filter and with one that a quarter of the points meet; CPU milliseconds
of a search (median), CPU seconds to fill, recall against NumPy's exact ten. A store whose package
is not installed is named as missing (pip install hnswlib lancedb sqlite-vec apsw qdrant-client).
Vectors are clustered at random unless FILE.npy holds real ones; recall depends on them.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

SEARCHES, TOP, KINDS = 40, 10, 4
Search = Callable[[Any, bool], list[int]]
"""Rows of the ten best; with True only among those whose number is a multiple of `KINDS`."""


def clustered(n: int, dim: int) -> Any:
    """Unit vectors around 200 centres, about as close together as frames of one video."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(200, dim))
    v = centres[rng.integers(0, 200, n)] + 0.6 * rng.normal(size=(n, dim))
    return (v / np.linalg.norm(v, axis=1, keepdims=True)).astype(np.float32)


def exact(vectors: Any, folder: Path) -> Search:
    """NumPy, one matrix in memory."""
    some = np.arange(0, len(vectors), KINDS)

    def search(query: Any, filtered: bool) -> list[int]:
        scores = (vectors[some] if filtered else vectors) @ query
        best = np.argpartition(-scores, TOP)[:TOP]
        return [int(some[i] if filtered else i) for i in best]

    return search


def edge(vectors: Any, folder: Path) -> Search:
    """This project's shard: Qdrant Edge with 4-bit codes, rescored."""
    import qdrant_edge

    from omni_core.index.edge_mapping import to_request
    from omni_core.index.edge_shard import Shard
    from omni_core.payload import StoredSegment
    from omni_core.points import Point
    from omni_core.query import Filter, In, Prefetch

    shard = Shard(folder, vectors.shape[1], False)
    kinds = ("image", "video", "audio", "document")
    for start in range(0, len(vectors), 250):
        shard.upsert(
            [
                Point(_uuid(i), vectors[i], None, StoredSegment({"modality": kinds[i % KINDS]}))
                for i in range(start, min(start + 250, len(vectors)))
            ]
        )
    only = Filter((In("modality", (kinds[0],)),))

    def search(query: Any, filtered: bool) -> list[int]:
        request = to_request(Prefetch(query, limit=TOP), only if filtered else None)
        (hits,) = shard._shard.query_batch(qdrant_edge.QueryBatchRequest([request]))
        return [int(str(hit.id)[-12:], 16) for hit in hits]

    return search


def _uuid(i: int) -> str:
    return f"00000000-0000-4000-8000-{i:012x}"


def hnsw(vectors: Any, folder: Path) -> Search:
    """hnswlib: a graph in memory, no payloads; its filter is a Python function."""
    hnswlib: Any = import_module("hnswlib")

    index = hnswlib.Index(space="ip", dim=vectors.shape[1])
    index.init_index(max_elements=len(vectors), ef_construction=100, M=16)
    index.set_num_threads(1)
    index.add_items(vectors)
    index.set_ef(100)

    def search(query: Any, filtered: bool) -> list[int]:
        only = (lambda label: label % KINDS == 0) if filtered else None
        labels, _ = index.knn_query(query, k=TOP, filter=only)
        return [int(i) for i in labels[0]]

    return search


def lance(vectors: Any, folder: Path) -> Search:
    """LanceDB without an index: it reads every vector."""
    lancedb: Any = import_module("lancedb")

    rows = [{"id": i, "kind": i % KINDS, "vector": v} for i, v in enumerate(vectors)]
    table = lancedb.connect(str(folder)).create_table("points", rows)

    def search(query: Any, filtered: bool) -> list[int]:
        asked = table.search(query).distance_type("cosine").select(["id", "_distance"]).limit(TOP)
        if filtered:
            asked = asked.where("kind = 0", prefilter=True)
        return [int(row["id"]) for row in asked.to_list()]

    return search


def sqlite(vectors: Any, folder: Path) -> Search:
    """sqlite-vec: a virtual table that reads every vector."""
    apsw: Any = import_module("apsw")
    sqlite_vec: Any = import_module("sqlite_vec")

    db = apsw.Connection(str(folder / "points.sqlite"))
    db.enable_load_extension(True)
    db.load_extension(sqlite_vec.loadable_path())
    columns = f"kind integer, v float[{vectors.shape[1]}] distance_metric=cosine"
    db.execute(f"CREATE VIRTUAL TABLE p USING vec0({columns})")
    with db:
        for i, v in enumerate(vectors):
            db.execute(
                "INSERT INTO p(rowid, kind, v) VALUES (?, ?, ?)", (i, i % KINDS, v.tobytes())
            )

    def search(query: Any, filtered: bool) -> list[int]:
        where = " AND kind = 0" if filtered else ""
        found = db.execute(
            f"SELECT rowid FROM p WHERE v MATCH ? AND k = {TOP}{where}",  # noqa: S608 - ours
            (query.tobytes(),),
        )
        return [int(row[0]) for row in found]

    return search


def local(vectors: Any, folder: Path) -> Search:
    """qdrant-client's local mode, in memory."""
    from qdrant_client import QdrantClient, models

    client = QdrantClient(":memory:")
    size = models.VectorParams(size=vectors.shape[1], distance=models.Distance.COSINE)
    client.create_collection("p", vectors_config=size)
    kinds = [{"kind": i % KINDS} for i in range(len(vectors))]
    client.upload_collection("p", vectors, payload=kinds, ids=range(len(vectors)))
    kind = models.FieldCondition(key="kind", match=models.MatchValue(value=0))
    only = models.Filter(must=[kind])

    def search(query: Any, filtered: bool) -> list[int]:
        asked = client.query_points(
            "p", query, limit=TOP, query_filter=only if filtered else None, with_payload=False
        )
        return [int(p.id) for p in asked.points]

    return search


STORES = {
    "numpy": exact, "edge": edge, "hnswlib": hnsw, "lancedb": lance, "sqlite-vec": sqlite,
    "qdrant local": local,
}  # fmt: skip


def measure(search: Search, queries: Any, filtered: bool, truth: Search) -> tuple[float, float]:
    """Median CPU milliseconds of a search, and recall."""
    spent, shared = [], 0
    for query in queries:
        started = time.process_time()
        found = search(query, filtered)
        spent.append(time.process_time() - started)
        shared += len(set(found) & set(truth(query, filtered)))
    return 1000 * statistics.median(spent), shared / (TOP * len(queries))


def main(args: argparse.Namespace) -> None:
    """Every size, every store."""
    for n in args.points:
        both = np.load(args.vectors) if args.vectors else clustered(n + SEARCHES, args.dim)
        vectors, queries = np.ascontiguousarray(both[:n]), both[n : n + SEARCHES]
        truth = exact(vectors, Path())
        print(f"{n} points of {vectors.shape[1]}")
        print("store          fill CPU s   ms CPU  recall   filtered ms  recall")
        for name in args.only or STORES:
            with tempfile.TemporaryDirectory(prefix="omni-bench-") as folder:
                started = time.process_time()
                try:
                    search = STORES[name](vectors, Path(folder))
                except ImportError as e:
                    print(f"{name:<14} missing: {e}")
                    continue
                filled = time.process_time() - started
                plain, filtered = (measure(search, queries, f, truth) for f in (False, True))
                print(f"{name:<14}{filled:11.1f}{plain[0]:9.2f}{plain[1]:8.3f}"
                      f"{filtered[0]:14.2f}{filtered[1]:8.3f}", flush=True)  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--points", type=int, nargs="+", default=[10_000])
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--vectors", help="real vectors, .npy of (rows, dim)")
    parser.add_argument("--only", nargs="+", choices=list(STORES))
    main(parser.parse_args())
