"""A library out of one store, as a file, into another."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pa = pytest.importorskip("pyarrow", reason="needs the extra: pip install 'omni-mcp[parquet]'")
pq = pytest.importorskip("pyarrow.parquet")

from omni_core import Engine, IngestRequest, OpenRequest, SearchRequest  # noqa: E402
from omni_core.catalog import SqliteCatalog  # noqa: E402
from omni_core.catalog.spoken import FoundName  # noqa: E402
from omni_core.engine.results import SourceRow, VectorsStatus  # noqa: E402
from omni_core.errors import (  # noqa: E402
    BadRequestError,
    NotFoundError,
    StoreError,
    UnreadableError,
)
from omni_core.payload import source_filter  # noqa: E402
from omni_core.settings import Settings  # noqa: E402
from omni_core.types import Turn  # noqa: E402

QUESTION = "how deep is the magma chamber"


@pytest.fixture
async def exported(engine: Engine, media: Path, tmp_path: Path) -> Path:
    """The library of `media`, one source of it in a second collection."""
    await engine.ingest_folder([str(p) for p in sorted(media.iterdir()) if p.suffix != ".srt"])
    await engine.ingest(IngestRequest(str(media / "notes.md"), collection="trips"))
    path = tmp_path / "library.parquet"
    await engine.export_vectors(str(path))
    return path


@pytest.fixture
async def small(engine: Engine, media: Path, tmp_path: Path) -> Path:
    """A text and a picture."""
    await engine.ingest_folder([str(media / name) for name in ("notes.md", "lake.jpg")])
    path = tmp_path / "library.parquet"
    await engine.export_vectors(str(path))
    return path


def elsewhere(settings: Settings, tmp_path: Path, **changes: Any) -> Settings:
    return replace(settings, store=str(tmp_path / "elsewhere"), **changes)


async def points_of(engine: Engine, source_id: str) -> dict[str, Any]:
    index = await engine._context.opened_index()
    page, _ = await index.scroll(source_filter(source_id), limit=1000)
    return {p.id: p for p in await index.get([p.id for p in page], vectors=True)}


@pytest.mark.parametrize("index", ["edge", "memory"])
async def test_an_imported_library_answers_and_cites_as_the_one_it_came_from(
    engine: Engine,
    exported: Path,
    opened: Callable[..., Any],
    settings: Settings,
    tmp_path: Path,
    index: str,
) -> None:
    expected = await engine.search(SearchRequest(QUESTION))
    rows = {s.id: s for s in (await engine.sources()).sources}
    async with opened(elsewhere(settings, tmp_path, index=index)) as other:
        done = await other.import_vectors(str(exported))
        assert (done.sources_done, done.sources_total, done.already) == (4, 4, 0)
        assert done.segments == sum(row.segments for row in rows.values())
        found = await other.search(SearchRequest(QUESTION))
        assert [h.cite for h in found.hits] == [h.cite for h in expected.hits]
        assert [h.cosine for h in found.hits] == pytest.approx([h.cosine for h in expected.hits])
        moment = (await other.search(SearchRequest("the meadow is green"))).hits[0]
        assert "colours @ 0:2" in moment.cite
        shown = await other.open_ref(OpenRequest(found.hits[0].ref))  # the file is still there
        assert "magma" in shown.lines[0].text
        for row in (await other.sources()).sources:
            was = rows[row.id]
            assert replace(row, ingested_at=was.ingested_at) == was
            theirs, ours = await points_of(engine, row.id), await points_of(other, row.id)
            assert theirs.keys() == ours.keys()
            for id, point in theirs.items():
                assert ours[id].stored == point.stored
                assert ours[id].bm25 == point.bm25
                if point.dense is None:
                    assert ours[id].dense is None
                else:
                    np.testing.assert_allclose(ours[id].dense, point.dense, atol=1e-6)


async def test_importing_again_leaves_what_is_there(
    small: Path, opened: Callable[..., Any], settings: Settings, tmp_path: Path
) -> None:
    async with opened(elsewhere(settings, tmp_path)) as other:
        first = await other.import_vectors(str(small))
        again = await other.import_vectors(str(small))
        assert (again.already, again.segments) == (first.sources_done, 0)


async def test_who_speaks_comes_along_but_no_name_that_a_voice_gave(
    engine: Engine,
    media: Path,
    opened: Callable[..., Any],
    settings: Settings,
    tmp_path: Path,
) -> None:
    film = (await engine.ingest(IngestRequest(str(media / "colours.mp4")))).source_id
    turns = [Turn(1.0, 19.0, 0), Turn(21.0, 39.0, 1), Turn(41.0, 59.0, 2)]
    catalog = engine._context.catalog
    found = {1: FoundName("Ben", "subtitles"), 2: FoundName("Cem", "voice")}
    await asyncio.to_thread(catalog.put_turns, film, turns, {0: "Ann"}, found)
    path = str(tmp_path / "film.parquet")
    await engine.export_vectors(path)
    async with opened(elsewhere(settings, tmp_path)) as other:
        await other.import_vectors(path)
        there = other._context.catalog
        assert await asyncio.to_thread(there.turns, film) == turns
        speakers = (await asyncio.to_thread(there.speakers, [film]))[film]
        assert [s.label for s in speakers] == ["Ann", "Ben", "speaker C"]
        assert [s.name_from for s in speakers] == ["person", "subtitles", ""]


async def test_two_imports_at_once_both_end(
    small: Path, opened: Callable[..., Any], settings: Settings, tmp_path: Path
) -> None:
    async with opened(elsewhere(settings, tmp_path)) as other:
        async with asyncio.timeout(60):
            both = await asyncio.gather(*(other.import_vectors(str(small)) for _ in range(2)))
        assert sorted(done.already for done in both) == [0, 2]


async def test_a_file_that_was_imported_is_known_when_it_is_ingested(
    exported: Path, opened: Callable[..., Any], settings: Settings, tmp_path: Path, media: Path
) -> None:
    async with opened(elsewhere(settings, tmp_path)) as other:
        await other.import_vectors(str(exported))
        assert (await other.ingest(IngestRequest(str(media / "lake.jpg")))).already


async def test_only_a_collection_is_exported(
    engine: Engine, exported: Path, tmp_path: Path
) -> None:
    seen: list[VectorsStatus] = []

    async def progress(status: VectorsStatus) -> None:
        seen.append(status)

    path = tmp_path / "trips.parquet"
    done = await engine.export_vectors(str(path), collection="trips", progress=progress)
    assert done.sources_done == 1
    assert [s.current for s in seen] == ["Volcano trip"]
    with pytest.raises(NotFoundError, match="there are: 'default', 'trips'"):
        await engine.export_vectors(str(tmp_path / "x.parquet"), collection="tripz")
    with pytest.raises(BadRequestError, match="exists; remove it"):
        await engine.export_vectors(str(path))
    with pytest.raises(BadRequestError, match="cannot write"):
        await engine.export_vectors(str(tmp_path / "no" / "x.parquet"))
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


async def test_the_file_is_plain_columns_with_the_model_in_its_metadata(
    engine: Engine, small: Path
) -> None:
    file = pq.ParquetFile(small)
    facts = json.loads(file.schema_arrow.metadata[b"omni_mcp"])
    assert facts["fingerprint"] == engine._context.info.fingerprint
    assert (facts["format"], facts["sources"], facts["multi_vector"]) == (1, 2, False)
    table = file.read()
    assert len(table["dense"][0].as_py()) == facts["dim"]
    assert json.loads(table["payload"][0].as_py())["source_id"].startswith("src_")
    assert json.loads(table["source"][0].as_py())["title"]


def rewritten(path: Path, change: Callable[[Any], Any], facts: dict[str, Any] | None = None) -> str:
    """A copy of the file with changed columns or facts, as another program would write it."""
    table = pq.read_table(path)
    meta = json.loads(table.schema.metadata[b"omni_mcp"]) | (facts or {})
    table = change(table).replace_schema_metadata({b"omni_mcp": json.dumps(meta)})
    new = path.with_name("changed.parquet")
    pq.write_table(table, new)
    return str(new)


def with_column(name: str, make: Callable[[list[Any]], Any]) -> Callable[[Any], Any]:
    def change(table: Any) -> Any:
        at = table.schema.names.index(name)
        return table.set_column(at, name, make(table[name].to_pylist()))

    return change


async def test_other_programs_may_write_doubles_and_leave_out_term_weights(
    engine: Engine, small: Path, opened: Callable[..., Any], settings: Settings, tmp_path: Path
) -> None:
    def change(table: Any) -> Any:
        dense = table["dense"].cast(pa.large_list(pa.float64()))
        return table.select(["source", "id", "payload"]).append_column("dense", dense)

    path = rewritten(small, change)
    async with opened(elsewhere(settings, tmp_path)) as other:
        await other.import_vectors(path)
        found = await other.search(SearchRequest("Invoice E-1042"))
        assert "E-1042" in found.hits[0].text
        assert "Volcano trip" in found.hits[0].cite


async def test_vectors_of_another_model_are_refused_in_one_line(
    engine: Engine, small: Path
) -> None:
    path = rewritten(small, lambda t: t, {"fingerprint": "clip@1/512/"})
    with pytest.raises(StoreError, match=r"holds vectors of clip@1/512/") as caught:
        await engine.import_vectors(path)
    assert caught.value.code == "MODEL_MISMATCH"
    assert "\n" not in str(caught.value)


def json_column(**changes: Any) -> Callable[[list[Any]], Any]:
    return lambda texts: pa.array([json.dumps(json.loads(t) | changes) for t in texts])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (with_column("source", json_column(sha256="../../x")), "sha256 is no hash"),
        (with_column("source", json_column(modality="smell")), "smell"),
        (with_column("source", json_column(title=None)), "title is no text"),
        (with_column("source", json_column(turns=[["x", 1, 2]])), "turns of a source"),
        (with_column("payload", json_column(source_id="src_other")), "source_id is"),
        (with_column("payload", json_column(axis="mile")), "the span is"),
        (with_column("payload", lambda t: pa.array(["[]"] * len(t))), "no JSON object"),
        (with_column("id", lambda t: pa.array(["x"] * len(t))), "segment x"),
        (lambda t: t.drop_columns(["dense"]), "lacks the column 'dense'"),
        (lambda t: pa.concat_tables([t, t.slice(0, 1)]), "do not stand together"),
    ],
)
async def test_a_damaged_file_says_what_is_wrong_and_leaves_no_half_source(
    small: Path,
    opened: Callable[..., Any],
    settings: Settings,
    tmp_path: Path,
    change: Callable[[Any], Any],
    said: str,
) -> None:
    path = rewritten(small, change)
    async with opened(elsewhere(settings, tmp_path)) as other:
        with pytest.raises(UnreadableError, match=said):
            await other.import_vectors(path)
        left = (await other.sources()).sources
        assert all(row.state == "ready" for row in left)
        index = await other._context.opened_index()
        assert await index.count() == sum(row.segments for row in left)


async def test_a_vector_of_another_width_is_refused(
    small: Path, opened: Callable[..., Any], settings: Settings, tmp_path: Path
) -> None:
    short = with_column("dense", lambda vs: pa.array([v and v[:3] for v in vs]))
    async with opened(elsewhere(settings, tmp_path)) as other:
        with pytest.raises(StoreError, match="has shape"):
            await other.import_vectors(rewritten(small, short))
        left = (await other.sources()).sources
        assert all(row.state == "ready" for row in left)
        index = await other._context.opened_index()
        assert await index.count() == sum(row.segments for row in left)


def begin_again(store: Path, row: SourceRow) -> None:
    """Leave the catalog as it is after kill -9 in this source."""
    with SqliteCatalog(store) as catalog:
        catalog.begin(row.source, collection="default", mtime_ns=0, model=row.model, pipeline="1")


async def test_an_import_that_was_killed_is_completed_by_the_same_import(
    exported: Path, opened: Callable[..., Any], settings: Settings, tmp_path: Path
) -> None:
    chosen = elsewhere(settings, tmp_path)
    async with opened(chosen) as other:
        await other.import_vectors(str(exported))
        row = (await other.sources(match="colours")).sources[0]
    await asyncio.to_thread(begin_again, Path(chosen.store), row)
    async with opened(chosen) as other:
        assert (await other.sources(match="colours")).sources[0].state == "partial"
        done = await other.import_vectors(str(exported))
        assert (done.already, done.segments) == (3, row.segments)
        assert (await other.sources(match="colours")).sources[0].state == "ready"


async def test_what_is_no_such_file_is_named(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no file at"):
        await engine.import_vectors(str(tmp_path / "nowhere.parquet"))
    (tmp_path / "text.parquet").write_text("not at all")
    with pytest.raises(UnreadableError, match="no Parquet file"):
        await engine.import_vectors(str(tmp_path / "text.parquet"))
    pq.write_table(pa.table({"a": [1]}), tmp_path / "other.parquet")
    with pytest.raises(UnreadableError, match="holds no vectors of omni-mcp"):
        await engine.import_vectors(str(tmp_path / "other.parquet"))


async def test_a_file_of_a_later_format_is_refused(engine: Engine, small: Path) -> None:
    with pytest.raises(UnreadableError, match="format 2, this version reads 1"):
        await engine.import_vectors(rewritten(small, lambda t: t, {"format": 2}))
