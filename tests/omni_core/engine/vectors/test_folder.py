"""A library out of one store, as a folder of Parquet and JSON, into another."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pq = pytest.importorskip(
    "pyarrow.parquet", reason="needs the extra: pip install 'omni-mcp[parquet]'"
)

from bench.folder import difference, points_of  # noqa: E402
from omni_core import Engine, IngestRequest  # noqa: E402
from omni_core.catalog.spoken import FoundName  # noqa: E402
from omni_core.engine.vectors import folder  # noqa: E402
from omni_core.errors import (  # noqa: E402
    BadRequestError,
    NotFoundError,
    OmniError,
    StoreError,
    UnreadableError,
)
from omni_core.settings import Settings  # noqa: E402
from omni_core.types import Turn  # noqa: E402


@pytest.fixture
async def exported(engine: Engine, media: Path, tmp_path: Path) -> Path:
    """The library of `media`, one source in a second collection, a film with named speakers."""
    await engine.ingest_folder([str(p) for p in sorted(media.iterdir()) if p.suffix != ".srt"])
    await engine.ingest(IngestRequest(str(media / "notes.md"), collection="trips"))
    film = (await engine.ingest(IngestRequest(str(media / "colours.mp4")))).source_id
    turns, found = [Turn(1.0, 19.0, 0), Turn(21.0, 39.0, 1)], {1: FoundName("Ben", "subtitles")}
    catalog = engine._context.catalog
    await asyncio.to_thread(catalog.put_turns, film, turns, {0: "Ann"}, found)
    path = tmp_path / "out"
    done = await engine.export_vectors(str(path), thumbnails=True)
    assert (done.sources_done, done.thumbnails > 2) == (4, True)
    return path


def manifest(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((path / "manifest.json").read_text())
    return found


def change(path: Path, **fields: Any) -> None:
    (path / "manifest.json").write_text(json.dumps({**manifest(path), **fields}))


def small_images(settings: Settings) -> dict[str, bytes]:
    thumbs = settings.store_path / "thumbs"
    return {p.relative_to(thumbs).as_posix(): p.read_bytes() for p in thumbs.rglob("*.jpg")}


async def test_an_imported_folder_is_the_library_that_it_came_from(
    engine: Engine, exported: Path, opened: Callable[..., Any], settings: Settings, tmp_path: Path
) -> None:
    there = replace(settings, store=str(tmp_path / "elsewhere"))
    rows = {row.id: row for row in (await engine.sources()).sources}
    async with opened(there) as other:
        done = await other.import_vectors(str(exported))
        assert (done.sources_done, done.already) == (4, 0)
        assert difference(await points_of(engine), await points_of(other)).startswith("0 payloads")
        for row in (await other.sources()).sources:
            assert replace(row, ingested_at=rows[row.id].ingested_at) == rows[row.id]
        film = next(row.id for row in rows.values() if row.title == "colours")
        speakers = await asyncio.to_thread(other._context.catalog.speakers, [film])
        assert [s.label for s in speakers[film]] == ["Ann", "Ben"]
        assert small_images(there) == small_images(settings)
        again = await other.import_vectors(str(exported))
        assert (again.already, again.segments, again.thumbnails) == (4, 0, 0)


async def test_other_programs_find_plain_files_whose_hashes_and_counts_the_manifest_names(
    engine: Engine, exported: Path
) -> None:
    said = manifest(exported)
    assert said["format"] == 1 and said["fingerprint"] == engine._context.info.fingerprint
    assert {p.name for p in exported.iterdir()} == {"manifest.json", *said["files"]}
    for name, facts in said["files"].items():
        data = (exported / name).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (facts["bytes"], facts["sha256"])
    lines = [json.loads(x) for x in (exported / "sources.jsonl").read_text().splitlines()]
    assert len(lines) == said["sources"] == 4
    assert sum(line["segments"] for line in lines) == said["segments"]
    notes = next(line for line in lines if line["uri"].endswith("notes.md"))
    assert sorted(notes["collections"]) == ["default", "trips"] and notes["warnings"] == []
    film = next(line for line in lines if line["uri"].endswith("colours.mp4"))
    assert film["speakers"] == {"given": {"0": "Ann"}, "found": {"1": "Ben"}}
    images = pq.read_table(exported / "thumbnails-00001.parquet")
    assert images.column_names == ["source_id", "id", "jpeg"]
    assert images.num_rows == said["thumbnails"]


async def test_a_large_library_goes_into_several_files(
    engine: Engine, exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    opened: Callable[..., Any], settings: Settings,
) -> None:  # fmt: skip
    monkeypatch.setattr(folder, "PART_SEGMENTS", 1)
    parts = tmp_path / "parts"
    await engine.export_vectors(str(parts))
    said = manifest(parts)
    assert [n for n in said["files"] if n != "sources.jsonl"] == [
        f"segments-0000{n}.parquet" for n in (1, 2, 3, 4)
    ]
    assert said["thumbnails"] == 0
    async with opened(replace(settings, store=str(tmp_path / "elsewhere"))) as other:
        assert (await other.import_vectors(str(parts))).sources_done == 4
        alone = parts / "segments-00001.parquet"  # one of them is such a file as ever
        assert (await other.import_vectors(str(alone))).already == 1


def cut(path: Path) -> None:
    file = path / "segments-00001.parquet"
    file.write_bytes(file.read_bytes()[:-1])


def flip(path: Path) -> None:
    file = path / "sources.jsonl"
    file.write_bytes(file.read_bytes().replace(b"notes", b"votes"))


def strange(path: Path) -> None:
    change(path, files={"../sources.jsonl": manifest(path)["files"]["sources.jsonl"]})


@pytest.mark.parametrize(
    ("damage", "error", "says"),
    [
        (cut, UnreadableError, "segments-00001.parquet is damaged or incomplete"),
        (flip, UnreadableError, "sources.jsonl is damaged or incomplete"),
        (lambda p: (p / "sources.jsonl").unlink(), UnreadableError, "sources.jsonl is missing"),
        (lambda p: (p / "manifest.json").unlink(), NotFoundError, "holds no manifest.json"),
        (lambda p: (p / "manifest.json").write_text("["), UnreadableError, "manifest.json is dam"),
        (lambda p: change(p, format=2), UnreadableError, "reads up to 1: update omni-mcp"),
        (lambda p: change(p, files=[]), UnreadableError, "manifest.json is damaged"),
        (lambda p: change(p, fingerprint="other"), UnreadableError, "of another model than"),
        (strange, UnreadableError, "which is no file of an export"),
    ],
)
async def test_a_damaged_folder_is_one_line_and_adds_nothing(
    exported: Path, opened: Callable[..., Any], settings: Settings, tmp_path: Path,
    damage: Callable[[Path], None], error: type[OmniError], says: str,
) -> None:  # fmt: skip
    await asyncio.to_thread(damage, exported)
    async with opened(replace(settings, store=str(tmp_path / "elsewhere"))) as other:
        with pytest.raises(error, match=says) as e:
            await other.import_vectors(str(exported))
        assert "\n" not in str(e.value)
        assert (await other.sources()).total == 0


async def test_fields_and_files_of_later_versions_are_ignored(
    exported: Path, opened: Callable[..., Any], settings: Settings, tmp_path: Path
) -> None:
    (exported / "notes.txt").write_text("a file of somebody's")
    change(exported, colour="green")
    async with opened(replace(settings, store=str(tmp_path / "elsewhere"))) as other:
        assert (await other.import_vectors(str(exported))).sources_done == 4


async def test_another_model_is_refused(
    exported: Path, opened: Callable[..., Any], settings: Settings, tmp_path: Path
) -> None:
    odd = replace(settings, store=str(tmp_path / "elsewhere"), encoder="embedded", index="memory")
    async with opened(odd) as other:
        with pytest.raises(StoreError, match="only the same model can be imported"):
            await other.import_vectors(str(exported))


async def test_what_exists_is_not_replaced_and_a_failure_leaves_nothing(
    engine: Engine, exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BadRequestError, match="exists"):
        await engine.export_vectors(str(exported))
    with pytest.raises(BadRequestError, match="small images go into a folder"):
        await engine.export_vectors(str(tmp_path / "x.parquet"), thumbnails=True)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(folder.FolderWriter, "complete", full)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(BadRequestError, match=r"cannot write .*: No space left"):
        await engine.export_vectors(str(tmp_path / "new"))
    assert sorted(tmp_path.iterdir()) == before
    shutil.rmtree(exported)
