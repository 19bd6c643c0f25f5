"""A library as a folder of Parquet and JSON, for other versions and other programs.

    manifest.json            format, model, counts; of every other file size, rows and sha256
    sources.jsonl            one source a line: id, segments, and what `sources` lists
    segments-00001.parquet   as `parquet` describes; a new file after so many segments
    thumbnails-00001.parquet small images by segment (source_id, id, jpeg), where they were wanted

The manifest is written last. Fields and files that a reader does not know are to be ignored; what
an older one would misunderstand gets a higher `format`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TextIO

from omni_core.engine.vectors import parquet
from omni_core.engine.vectors.images import ImageReader, ImageWriter
from omni_core.errors import NotFoundError, UnreadableError
from omni_core.evidence.thumbnails import Thumbnail
from omni_core.files import sha256_of
from omni_core.ids import PIPELINE
from omni_core.points import Point

FORMAT = 1
MANIFEST, SOURCES = "manifest.json", "sources.jsonl"
PART_SEGMENTS = 100_000
"""Segments after which another file is begun: some 400 MB at 896 dimensions."""
MAX_MANIFEST = 64 << 20
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,99}")


class FolderWriter:
    """Writes the sources of a library one after the other; complete when `close`, then `complete`
    return."""

    def __init__(self, folder: Path, facts: Mapping[str, Any]) -> None:
        """`folder` is empty. `facts`: `model`, `fingerprint`, `dim`, `multi_vector`."""
        self._folder, self._facts = folder, facts
        self._rows: dict[str, int] = {}
        """By name of the file."""
        self._sources: TextIO = (folder / SOURCES).open("x", encoding="utf-8")
        self._segments: parquet.Writer | None = None
        self._images: ImageWriter | None = None
        self._part = self._in_part = 0
        self._counts = {"sources": 0, "segments": 0, "thumbnails": 0}

    def write(self, source: str, points: Sequence[Point]) -> None:
        """Segments of one source (JSON); without points the row of one that has none."""
        if self._segments is None:
            self._part, self._in_part = self._part + 1, 0
            name = f"segments-{self._part:05}.parquet"
            self._segments = parquet.Writer(self._folder / name, self._facts)
        self._segments.write(source, points)
        self._in_part += len(points)
        name = f"segments-{self._part:05}.parquet"
        self._rows[name] = self._rows.get(name, 0) + max(1, len(points))
        self._counts["segments"] += len(points)

    def end_source(self, id: str, source: str, segments: int, images: Iterable[Thumbnail]) -> None:
        """After the segments of a source, with its small images."""
        line = {"id": id, "segments": segments, **json.loads(source)}
        self._sources.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._rows[SOURCES] = self._rows.get(SOURCES, 0) + 1
        self._counts["sources"] += 1
        for image in images:
            name = f"thumbnails-{self._part:05}.parquet"
            self._images = self._images or ImageWriter(self._folder / name)
            self._images.write(image)
            self._rows[name] = self._rows.get(name, 0) + 1
            self._counts["thumbnails"] += 1
        if self._in_part >= PART_SEGMENTS:
            self._end_part()

    def close(self) -> None:
        """Write the rest and close the files."""
        with self._sources:
            self._end_part()

    def complete(self) -> None:
        """Write the manifest."""
        self._rows.setdefault(SOURCES, 0)
        files = {
            name: {
                "rows": rows,
                "bytes": (self._folder / name).stat().st_size,
                "sha256": sha256_of(self._folder / name),
            }
            for name, rows in sorted(self._rows.items())
        }
        manifest = {
            "format": FORMAT, "kind": "omni-mcp library", "written_by": _version(),
            "created": datetime.now(UTC).isoformat(timespec="seconds"), "pipeline": PIPELINE,
            **self._facts, **self._counts, "files": files,
        }  # fmt: skip
        text = json.dumps(manifest, ensure_ascii=False, indent=1)
        (self._folder / MANIFEST).write_text(text + "\n", encoding="utf-8")

    def _end_part(self) -> None:
        with ExitStack() as ending:  # both, also if closing one fails
            for writer in (self._images, self._segments):
                if writer is not None:
                    ending.callback(writer.close)
        self._segments = self._images = None


class FolderReader:
    """Reads such a folder, checked against its manifest.

    Raises NotFoundError where there is no manifest, UnreadableError for a later format, and for
    files that are missing, damaged or of other lengths than it says.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.facts = _manifest(folder)
        """What the manifest says."""
        files: dict[str, Any] = self.facts["files"]
        for name, said in files.items():
            _check(folder, name, said)
        self._parts = _named(files, "segments")
        self._image_parts = _named(files, "thumbnails")
        for name in self._parts:
            with parquet.Reader(folder / name) as part:
                if part.rows != files[name].get("rows"):
                    raise UnreadableError(f"{name} has {part.rows} rows, not as {MANIFEST} says")
                if part.facts["fingerprint"] != self.facts["fingerprint"]:
                    raise UnreadableError(f"{name} holds vectors of another model than {MANIFEST}")

    def batches(self) -> Iterator[list[parquet.Row]]:
        """All rows of segments."""
        for name in self._parts:
            with parquet.Reader(self._folder / name) as part:
                yield from part.batches()

    def thumbnails(self) -> Iterator[list[Thumbnail]]:
        """All small images, in batches."""
        for name in self._image_parts:
            yield from ImageReader(self._folder / name).batches()

    def close(self) -> None:
        """Nothing stays open between calls."""


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    try:
        if path.stat().st_size > MAX_MANIFEST:
            raise UnreadableError(f"{MANIFEST} has more than {MAX_MANIFEST >> 20} MB")
        manifest = json.loads(path.read_bytes())
        form = manifest["format"]
        if isinstance(form, int) and form > FORMAT:
            raise UnreadableError(
                f"{folder.name} has format {form} of exports, this version reads up to {FORMAT}: "
                "update omni-mcp"
            )
        well = isinstance(manifest["fingerprint"], str) and isinstance(manifest["sources"], int)
        if form != FORMAT or not well or not isinstance(manifest["files"], dict):
            raise ValueError("its fields are of other kinds")
    except FileNotFoundError:
        raise NotFoundError(
            f"{folder} holds no {MANIFEST}: it is no export of omni-mcp, or not a complete one"
        ) from None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as e:
        raise UnreadableError(f"{MANIFEST} is damaged ({type(e).__name__}); copy it again") from e
    return dict(manifest)


def _check(folder: Path, name: str, said: Any) -> None:
    if not _NAME.fullmatch(name):
        raise UnreadableError(f"{MANIFEST} names {name[:60]!r}, which is no file of an export")
    path = folder / name
    if not isinstance(said, dict) or not path.is_file():
        raise UnreadableError(f"{name} is missing in {folder.name}; copy the export again")
    if path.stat().st_size != said.get("bytes") or sha256_of(path) != said.get("sha256"):
        raise UnreadableError(
            f"{name} is damaged or incomplete, its sha256 is not that of {MANIFEST}; copy the "
            "export again"
        )


def _named(files: Iterable[str], kind: str) -> list[str]:
    return sorted(name for name in files if re.fullmatch(rf"{kind}-[0-9]+\.parquet", name))


def _version() -> str:
    try:
        return version("omni-mcp")
    except PackageNotFoundError:  # run from a checkout
        return "unknown"
