"""The Parquet file of small images in an export: source_id, id of the segment, jpeg.

Imported after `parquet`, which says what to install where pyarrow is missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet as pq

from omni_core.errors import UnreadableError
from omni_core.evidence.thumbnails import Thumbnail

GROUP_BYTES = 8 << 20
READ_ROWS = 64


class ImageWriter:
    """Writes small images; complete when `close` returns."""

    def __init__(self, path: Path) -> None:
        self._schema = pa.schema(
            [("source_id", pa.string()), ("id", pa.string()), ("jpeg", pa.binary())]
        )
        self._writer = pq.ParquetWriter(path, self._schema, compression="none")
        self._held: list[Thumbnail] = []
        self._bytes = 0

    def write(self, image: Thumbnail) -> None:
        """One more."""
        self._held.append(image)
        self._bytes += len(image.jpeg)
        if self._bytes >= GROUP_BYTES:
            self._flush()

    def close(self) -> None:
        """Write the rest and the footer."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._held:
            columns = [list(column) for column in zip(*self._held, strict=True)]
            self._writer.write_table(pa.table(columns, schema=self._schema))
        self._held, self._bytes = [], 0


class ImageReader:
    """Reads such a file in batches."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def batches(self) -> Iterator[list[Thumbnail]]:
        """All of them. Raises UnreadableError for what is no such file."""
        try:
            with pq.ParquetFile(self._path, pre_buffer=False) as file:
                for batch in file.iter_batches(READ_ROWS, columns=list(Thumbnail._fields)):
                    kinds = (pa.string(), pa.string(), pa.binary())
                    columns = [batch.column(i).cast(k).to_pylist() for i, k in enumerate(kinds)]
                    rows = [Thumbnail(*row) for row in zip(*columns, strict=True)]
                    if any(None in row for row in rows):
                        raise ValueError("an image has no id")
                    yield rows
        except (pa.ArrowException, OSError, ValueError, KeyError, IndexError) as e:
            raise UnreadableError(f"{self._path.name} is damaged: {str(e)[:200]}") from e
