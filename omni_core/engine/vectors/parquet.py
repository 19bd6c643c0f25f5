"""The Parquet file of a library's vectors: one row for each segment, in batches.

| column | type | what |
|---|---|---|
| source | string | the segment's source as JSON, see `sources`; the rows of one source stand together |
| id | string | uuid of the segment; null in the one row of a source without segments |
| payload | string | JSON, as in `omni_core.payload` |
| dense | list<float> | the vector; null where there is none |
| late | list<list<float>> | the vectors of a multi-vector model; null or absent for others |
| bm25_indices, bm25_values | list<int64>, list<float> | term weights of the text; null or absent: made from the text |

The file's metadata holds under `omni_mcp` a JSON object: `format` (1), `fingerprint` of the
encoder, `model`, `dim`, `multi_vector`, `sources`. This file and `images` alone import pyarrow.
"""  # noqa: E501 - a table

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from omni_core.errors import NotFoundError, UnavailableError, UnreadableError
from omni_core.evidence.thumbnails import Thumbnail
from omni_core.index.check import in_memory_bytes
from omni_core.payload import StoredSegment
from omni_core.points import Point
from omni_core.types import Sparse, Vector

try:
    import pyarrow as pa
    from pyarrow import parquet as pq
except ImportError as e:
    raise UnavailableError(
        f"Parquet files need one more package ({e.name}): pip install 'omni-mcp[parquet]'",
        code="MISSING_EXTRA",
    ) from e

FORMAT = 1
KEY = b"omni_mcp"
GROUP_ROWS = 1000
GROUP_BYTES = 16 << 20
"""Most rows, and about the most bytes, of one row group: what is held in memory."""
READ_ROWS = 250

_FLOATS = pa.list_(pa.float32())
_VECTORS = {
    "dense": _FLOATS,
    "late": pa.list_(_FLOATS),
    "bm25_indices": pa.list_(pa.int64()),
    "bm25_values": _FLOATS,
}
_NEEDED = ("source", "id", "payload", "dense")


@dataclass(frozen=True, slots=True)
class Row:
    """One row: a segment of a source, or a source without any."""

    source: str
    """JSON."""
    point: Point | None


class Writer:
    """Writes rows; complete when `close` returns."""

    def __init__(self, path: Path, facts: Mapping[str, Any]) -> None:
        schema = pa.schema(
            [
                ("source", pa.dictionary(pa.int32(), pa.string())),
                ("id", pa.string()),
                ("payload", pa.string()),
                *_VECTORS.items(),
            ],
            metadata={KEY: json.dumps({"format": FORMAT, **facts})},
        )
        self._schema = schema
        self._writer = pq.ParquetWriter(path, schema, compression="zstd")
        self._rows: list[Row] = []
        self._bytes = 0

    def write(self, source: str, points: Sequence[Point]) -> None:
        """Rows of one source; without points the row of a source that has none."""
        for point in points or (None,):
            self._rows.append(Row(source, point))
            self._bytes += len(source) if point is None else in_memory_bytes(point)
            if len(self._rows) >= GROUP_ROWS or self._bytes >= GROUP_BYTES:
                self._flush()

    def close(self) -> None:
        """Write the rest and the footer."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._rows:
            columns = _columns(self._rows)
            arrays = [columns[name] for name in self._schema.names]
            self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))
        self._rows, self._bytes = [], 0


class Reader:
    """Reads rows in batches. Raises UnreadableError for what is no such file."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = pq.ParquetFile(path, pre_buffer=False)
        except FileNotFoundError as e:
            raise NotFoundError(f"no file at {path}; check the path") from e
        except (pa.ArrowException, OSError) as e:
            raise UnreadableError(f"{path.name} is no Parquet file, or not complete") from e
        self._name = path.name
        try:
            self.facts = _facts(self._file.schema_arrow)
        except BaseException:
            self.close()
            raise
        self.rows = int(self._file.metadata.num_rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def thumbnails(self) -> Iterator[list[Thumbnail]]:
        """None: only a folder has small images."""
        return iter(())

    def batches(self) -> Iterator[list[Row]]:
        """All rows, `READ_ROWS` at a time; nothing is read ahead, so that memory stays the same."""
        names = [n for n in (*_NEEDED, *_VECTORS) if n in self._file.schema_arrow.names]
        try:
            for batch in self._file.iter_batches(
                READ_ROWS, columns=list(dict.fromkeys(names)), use_threads=False
            ):
                yield _rows(batch)
        except (pa.ArrowException, OSError, ValueError, TypeError) as e:
            raise UnreadableError(f"{self._name} is damaged: {str(e)[:200]}") from e


def _facts(schema: Any) -> dict[str, Any]:
    missing = [name for name in _NEEDED if name not in schema.names]
    try:
        facts = json.loads((schema.metadata or {})[KEY])
        version = facts["format"]
        facts["fingerprint"]
    except (KeyError, TypeError, ValueError):
        facts, version = {}, None
    if missing or version is None:
        raise UnreadableError(
            "this Parquet file holds no vectors of omni-mcp: "
            + (f"it lacks the column {missing[0]!r}" if missing else "it names no encoder")
        )
    if version != FORMAT:
        raise UnreadableError(f"the file has format {version!r}, this version reads {FORMAT}")
    return dict(facts)


def _columns(rows: Sequence[Row]) -> dict[str, Any]:
    points = [row.point for row in rows]
    sparse = [None if p is None else p.bm25 for p in points]
    late = [None if p is None else p.late for p in points]
    return {
        "source": pa.array([row.source for row in rows], pa.string()).dictionary_encode(),
        "id": pa.array([None if p is None else p.id for p in points], pa.string()),
        "payload": pa.array([None if p is None else _json(p) for p in points], pa.string()),
        "dense": _lists([None if p is None else p.dense for p in points], pa.float32()),
        "late": _lists_of_vectors(late),
        "bm25_indices": _lists([None if s is None else s.indices for s in sparse], pa.int64()),
        "bm25_values": _lists([None if s is None else s.values for s in sparse], pa.float32()),
    }


def _json(point: Point) -> str:
    return json.dumps(dict(point.stored.fields), ensure_ascii=False)


def _lists(values: Sequence[Any], kind: Any) -> Any:
    """A list array; None is null."""
    sizes = [0 if v is None else len(v) for v in values]
    flat = [np.asarray(v).ravel() for v in values if v is not None]
    joined = np.concatenate(flat) if flat else np.zeros(0)
    return _nested(sizes, pa.array(joined.astype(kind.to_pandas_dtype())), values)


def _lists_of_vectors(values: Sequence[Vector | None]) -> Any:
    sizes = [0 if v is None else len(v) for v in values]
    vectors = [vector for v in values if v is not None for vector in v]
    return _nested(sizes, _lists(vectors, pa.float32()), values)


def _nested(sizes: Sequence[int], inner: Any, values: Sequence[Any]) -> Any:
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
    mask = pa.array([v is None for v in values], pa.bool_())
    return pa.ListArray.from_arrays(pa.array(offsets), inner, mask=mask)


def _rows(batch: Any) -> list[Row]:
    columns = dict(zip(batch.schema.names, batch.columns, strict=True))
    texts = {name: columns[name].cast(pa.string()).to_pylist() for name in _NEEDED[:3]}
    vectors = {
        name: _arrays(columns[name].cast(kind)) if name in columns else [None] * batch.num_rows
        for name, kind in _VECTORS.items()
    }
    found = []
    for i in range(batch.num_rows):
        source, id, payload = (texts[name][i] for name in _NEEDED[:3])
        if source is None:
            raise ValueError("a row has no source")
        point = None
        if id is not None:
            point = _point(id, payload, *(vectors[name][i] for name in _VECTORS))
        found.append(Row(source, point))
    return found


def _point(id: str, payload: str | None, dense: Any, late: Any, indices: Any, values: Any) -> Point:
    fields = json.loads(payload or "null")
    if not isinstance(fields, dict):
        raise ValueError(f"the payload of {id[:60]} is no JSON object")
    sparse = None
    if indices is not None and values is not None:
        if len(indices) != len(values):
            raise ValueError(f"{id[:60]} has {len(indices)} terms and {len(values)} weights")
        sparse = Sparse(tuple(indices.tolist()), tuple(values.tolist()))
    if late is not None:
        if len({len(vector) for vector in late}) != 1:
            raise ValueError(f"the late vectors of {id[:60]} have no common width")
        late = np.stack(late)
    return Point(id, dense, sparse, StoredSegment(fields), late)


def _arrays(column: Any) -> list[Any]:
    """The values of a list array: arrays of numbers, or lists of them; None for null."""
    valid = column.is_valid().to_pylist()
    offsets = column.offsets.to_pylist()
    inner = column.values
    values: NDArray[Any] | list[Any]
    if pa.types.is_list(inner.type):
        values = _arrays(inner)
    else:
        if inner.null_count:
            raise ValueError("a vector has a null")
        values = inner.to_numpy(zero_copy_only=False)
    return [values[offsets[i] : offsets[i + 1]] if valid[i] else None for i in range(len(column))]
