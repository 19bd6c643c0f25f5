"""Points and rankings between a server and the child process of its index.

One safetensors body a message: the tensor `json` holds payloads and ids as UTF-8 text, the other
tensors are numbers as raw bytes. What the child sends is parsed and checked, never unpickled:
safetensors is a table of names, dtypes, shapes and offsets, which the library compares with the
body before it copies a tensor.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic_core import from_json
from safetensors import SafetensorError
from safetensors.numpy import load, save

from omni_core.errors import StoreError
from omni_core.payload import StoredSegment
from omni_core.points import Point, ScoredPoint
from omni_core.types import Sparse, Vector

_Arrays = dict[str, NDArray[Any]]
_Made = TypeVar("_Made")


@dataclass(frozen=True, slots=True)
class Found:
    """The answer to a search, its payloads as JSON: each point once, whatever found it."""

    ids: list[str]
    payloads: list[bytes]
    whole: list[bool]
    rankings: list[tuple[list[int], list[float]]]
    """For each prefetch the positions in `ids`, best first, and their scores."""


def pack_found(found: Found) -> bytes:
    """The body of an answer to a search."""
    text = b'{"ids":%s,"whole":%s,"payloads":[%s]}' % (
        json.dumps(found.ids).encode(),
        json.dumps(found.whole).encode(),
        b",".join(found.payloads),
    )
    positions = [at for ranking, _ in found.rankings for at in ranking]
    scores = [score for _, ranking in found.rankings for score in ranking]
    return _body(
        text,
        lengths=np.array([len(ranking) for ranking, _ in found.rankings], np.int32),
        positions=np.array(positions, np.int32),
        scores=np.array(scores, np.float64),
    )


def rankings_of(body: bytes) -> list[list[ScoredPoint]]:
    """The inverse of `pack_found`. Raises StoreError for a body that is none."""
    return _parsed(_rankings, body)


def _rankings(facts: Any, arrays: _Arrays) -> list[list[ScoredPoint]]:
    ids, whole = facts["ids"], facts["whole"]
    stored = [StoredSegment(_fields(payload)) for payload in facts["payloads"]]
    positions, scores = arrays["positions"].tolist(), arrays["scores"].tolist()
    found, start = [], 0
    for length in arrays["lengths"].tolist():
        part = slice(start, start + length)
        found.append(
            [
                ScoredPoint(ids[at], score, stored[at], whole[at])
                for at, score in zip(positions[part], scores[part], strict=True)
            ]
        )
        start += length
    return found


def pack_vectors(vectors: Mapping[int, Vector]) -> bytes:
    """The body of dense vectors, by the positions of their points among those asked for."""
    return _body(b"null", **_rows("dense", vectors))


def vectors_of(body: bytes) -> dict[int, Vector]:
    """The inverse of `pack_vectors`. Raises StoreError for a body that is none."""
    return _parsed(lambda _, arrays: _by_row(arrays, "dense"), body)


def pack_points(points: Sequence[Point], following: str | None = None) -> bytes:
    """The body of points, and of the offset of the page after them."""
    facts = {
        "following": following,
        "ids": [p.id for p in points],
        "payloads": [dict(p.stored.fields) for p in points],
    }
    sparse = {at: p.bm25 for at, p in enumerate(points) if p.bm25 is not None}
    late = {at: np.asarray(p.late) for at, p in enumerate(points) if p.late is not None}
    return _body(
        json.dumps(facts, ensure_ascii=False).encode(),
        **_rows("dense", {at: p.dense for at, p in enumerate(points) if p.dense is not None}),
        **_rows("late", late, np.concatenate),
        late_lengths=np.array([len(v) for v in late.values()], np.int32),
        bm25_at=np.array(list(sparse), np.int32),
        bm25_lengths=np.array([len(s.indices) for s in sparse.values()], np.int32),
        bm25_terms=np.array([i for s in sparse.values() for i in s.indices], np.int64),
        bm25_weights=np.array([w for s in sparse.values() for w in s.values], np.float64),
    )


def points_of(body: bytes) -> tuple[list[Point], str | None]:
    """The inverse of `pack_points`. Raises StoreError for a body that is none."""
    return _parsed(_points, body)


def _points(facts: Any, arrays: _Arrays) -> tuple[list[Point], str | None]:
    dense = _by_row(arrays, "dense")
    late = _by_part(arrays, "late_at", "late_lengths", arrays["late"])
    terms = _by_part(arrays, "bm25_at", "bm25_lengths", arrays["bm25_terms"])
    weights = _by_part(arrays, "bm25_at", "bm25_lengths", arrays["bm25_weights"])
    sparse = {at: Sparse(tuple(t.tolist()), tuple(weights[at].tolist())) for at, t in terms.items()}
    points = [
        Point(id_, dense.get(at), sparse.get(at), StoredSegment(_fields(payload)), late.get(at))
        for at, (id_, payload) in enumerate(zip(facts["ids"], facts["payloads"], strict=True))
    ]
    return points, facts["following"]


def _fields(payload: Any) -> dict[str, Any]:
    if not isinstance(payload, dict):
        raise TypeError("a payload is no object")
    return payload


def _body(text: bytes, **arrays: NDArray[Any]) -> bytes:
    body: bytes = save({**arrays, "json": np.frombuffer(text, np.uint8)})
    return body


def _parsed(make: Callable[[Any, _Arrays], _Made], body: bytes) -> _Made:
    try:
        arrays = load(body)
        return make(from_json(arrays["json"].tobytes()), arrays)
    except (SafetensorError, LookupError, RecursionError, TypeError, ValueError) as e:
        # what it says may be words of a file
        raise StoreError(f"unreadable answer of the index process ({type(e).__name__})") from e


def _rows(
    name: str, rows: Mapping[int, Any], join: Callable[[list[Any]], Any] = np.stack
) -> _Arrays:
    """`name`: the vectors as one array; `name_at`: where they belong."""
    joined = join(list(rows.values())) if rows else np.zeros((0, 0))
    return {
        name: np.ascontiguousarray(joined, np.float32),
        f"{name}_at": np.array(list(rows), np.int32),
    }


def _by_row(arrays: _Arrays, name: str) -> dict[int, Vector]:
    return dict(zip(arrays[f"{name}_at"].tolist(), arrays[name], strict=True))


def _by_part(
    arrays: _Arrays, at: str, lengths: str, joined: NDArray[Any]
) -> dict[int, NDArray[Any]]:
    """The consecutive parts of an array by where they belong."""
    if int(arrays[lengths].sum()) != len(joined):
        raise ValueError("lengths do not add up")
    parts = np.split(joined, np.cumsum(arrays[lengths]))[:-1]  # the last one is what is left
    return dict(zip(arrays[at].tolist(), parts, strict=True))
