"""What changes or removes a source takes its exact name; an id is never looked for in titles."""

from __future__ import annotations

from pathlib import Path

import pytest

from omni_core import Engine, IngestRequest, OpenRequest, SearchRequest
from omni_core.engine.results import IngestStatus
from omni_core.errors import AmbiguousError, NotFoundError

GONE = "src_" + "a" * 16


async def put(engine: Engine, path: Path, text: str, title: str | None = None) -> IngestStatus:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return await engine.ingest(IngestRequest(str(path), title=title))


@pytest.mark.parametrize(
    "wanted", [GONE, GONE.upper(), f" {GONE} ", GONE + "bcd", "ab" * 32, "upload_" + "a" * 26]
)
async def test_a_word_with_the_shape_of_an_id_names_no_other_source(
    engine: Engine, tmp_path: Path, wanted: str
) -> None:
    title = f"Notes about {wanted.strip().casefold()}"
    await put(engine, tmp_path / "notes.md", "The ferry leaves at nine.", title)
    for ask in (
        engine.named(wanted),
        engine.forget(wanted),
        engine.read(wanted),
        engine.open_ref(OpenRequest(wanted)),
        engine.search(SearchRequest("ferry", source=wanted)),
        engine.name_speaker(wanted, "A", "Ann"),
        engine.find_speakers(wanted),
    ):
        with pytest.raises(NotFoundError):
            await ask
    assert not (await engine.sources(match=wanted)).sources
    assert (await engine.sources()).total == 1


async def test_part_of_a_title_reads_a_source_and_does_not_remove_it(
    engine: Engine, tmp_path: Path
) -> None:
    kept = await put(engine, tmp_path / "a" / "report.md", "The ferry leaves at nine.", "Trip plan")
    assert (await engine.read("Trip")).source.id == kept.source_id
    for part in ("Trip", "plan", "TRIP PLAN", "report", "a/report.md"):
        with pytest.raises(NotFoundError) as error:
            await engine.forget(part)
        assert error.value.code == "UNKNOWN_SOURCE"
    with pytest.raises(NotFoundError, match=str(kept.source_id)):
        await engine.forget("trip plan")
    assert (await engine.forget(" Trip plan ")).id == kept.source_id


@pytest.mark.parametrize("name", ["id", "path", "file name"])
async def test_an_exact_name_removes_its_source(engine: Engine, tmp_path: Path, name: str) -> None:
    path = tmp_path / "one.md"
    done = await put(engine, path, "The ferry leaves at nine.", "First")
    await put(engine, tmp_path / "two.md", "The train leaves at ten.", "one")
    wanted = {"id": str(done.source_id), "path": str(path), "file name": "one.md"}[name]
    assert (await engine.forget(wanted)).id == done.source_id
    assert [row.title for row in (await engine.sources()).sources] == ["one"]


async def test_a_title_of_two_sources_removes_neither(engine: Engine, tmp_path: Path) -> None:
    ids = [
        (await put(engine, tmp_path / f"{n}.md", f"The ferry {n} leaves.", title)).source_id
        for n, title in enumerate(("Minutes", "minutes"))
    ]
    with pytest.raises(AmbiguousError) as error:
        await engine.forget("Minutes")
    assert all(str(id_) in str(error.value) for id_ in ids)
    assert (await engine.sources()).total == 2
