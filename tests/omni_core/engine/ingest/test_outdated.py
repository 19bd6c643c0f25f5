"""What an older version has read or passed over: listed, kept as it is called, and read again."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from omni_core import Engine, IngestRequest
from omni_core.catalog import Catalog, SqliteCatalog, schema
from omni_core.engine.results import FileNews, PassedOver
from omni_core.payload import source_filter
from omni_core.watch.retention import outdated

pytestmark = pytest.mark.timeout(120)


async def age(engine: Engine) -> None:
    """Make the library one that an older version has written."""

    def work(catalog: Catalog) -> None:
        with catalog._writing() as db:
            db.execute("UPDATE sources SET pipeline = '1'")
            db.execute("UPDATE passed_over SET pipeline = '1'")

    await asyncio.to_thread(work, engine._context.catalog)


@pytest.fixture
def note(media: Path) -> Path:
    path = media / "harbour_note.txt"
    path.write_text("The launch of the boat is postponed to March.\n")
    return path


async def test_an_outdated_source_is_listed_and_read_again_once(engine: Engine, note: Path) -> None:
    async with asyncio.timeout(60):
        await engine.ingest(IngestRequest(str(note)))
        assert await outdated(engine) == []
        await age(engine)
        assert [row.title for row in await outdated(engine)] == ["harbour note"]
        assert (await engine.status())["outdated"] == 1
        status = await engine.ingest(IngestRequest(str(note)))
        assert (status.state, status.already) == ("ready", False)
        assert await outdated(engine) == []
        assert (await engine.ingest(IngestRequest(str(note)))).already


async def test_what_a_person_said_of_a_source_stays_when_it_is_read_again(
    engine: Engine, note: Path
) -> None:
    when = datetime(2019, 5, 1, tzinfo=UTC)
    async with asyncio.timeout(60):
        await engine.ingest(
            IngestRequest(str(note), title="Launch", recorded_at=when, collection="boats")
        )
        await age(engine)
        await engine.ingest(IngestRequest(str(note), collection="boats"))
        (row,) = (await engine.sources()).sources
    assert (row.title, row.recorded_at, row.recorded_at_from) == ("Launch", when, "caller")
    assert row.collections == ("boats",)


async def test_a_title_that_was_the_file_name_is_made_anew(engine: Engine, note: Path) -> None:
    async with asyncio.timeout(60):
        await engine.ingest(IngestRequest(str(note)))
        moved = note.with_name("pier_note.txt")
        note.rename(moved)
        await age(engine)
        await engine.ingest(IngestRequest(str(moved)))
        (row,) = (await engine.sources()).sources
    assert row.title == "pier note"


async def test_a_file_that_an_older_version_passed_over_is_due_again(
    engine: Engine, media: Path
) -> None:
    refused = (PassedOver(str(media / "old.odt"), 3, 4, "UNSUPPORTED_TYPE", "of no kind"),)
    forgotten = (PassedOver(str(media / "gone.txt"), 3, 4, "FORGOTTEN", "by the user"),)
    await engine.note_files(FileNews(passed_over=refused + forgotten))
    assert [f.complete for f in (await engine.known_files(str(media))).files] == [True, True]
    await age(engine)
    known = (await engine.known_files(str(media))).files
    assert [(Path(f.path).name, f.complete) for f in known] == [
        ("gone.txt", True), ("old.odt", False),
    ]  # fmt: skip


def test_a_catalog_of_the_version_before_gains_columns_and_keeps_its_rows(
    tmp_path: Path,
) -> None:
    with sqlite3.connect(tmp_path / "catalog.sqlite") as db:
        for script in schema.MIGRATIONS[:3]:
            db.executescript(script)
        db.execute("INSERT INTO passed_over VALUES ('/m/old.odt', 3, 4, 'UNSUPPORTED_TYPE', '')")
        db.execute("PRAGMA user_version = 3")
    db.close()
    with SqliteCatalog(tmp_path) as catalog:
        (row,) = catalog.files("/m", "default", "", 10)
    assert (row.path, row.code, row.pipeline) == ("/m/old.odt", "UNSUPPORTED_TYPE", "1")


TIDE = """
import os
from omni_core.errors import TooLargeError
from omni_core.protocols import Medium
from omni_core.types import Channel, MediaInfo, Modality, Segment, Span, TextContent

class Tide(Medium):
    kinds = "tide tables"
    def matches(self, head, suffix):
        return head.startswith(b"TIDE")
    def probe(self, path, password=None):
        return MediaInfo(Modality.DOCUMENT, "text/tide")
    def decompose(self, path, source, options):
        real = os.path.realpath(path)
        if os.path.exists(real + ".broken"):
            raise TooLargeError("over a limit")
        lines = open(path).read().splitlines()[1:]
        for n, line in enumerate(lines[: 1 if os.path.exists(real + ".short") else None]):
            span = Span("char", n, n + 1)
            yield Segment(source.id, source.modality, Channel.TEXT, span, TextContent(line), line)
"""


@pytest.fixture
def tide(install: Callable[..., None], media: Path) -> Path:
    """A file whose medium reads less of it beside `.short`, and nothing beside `.broken`."""
    install("tide-medium", TIDE, {"media": "tide = tide_medium:Tide"})
    path = media / "tide.txt"
    path.write_text("TIDE\nHigh water at nine.\nLow water at three.\nSpring tide on Monday.\n")
    return path


async def texts(engine: Engine, source: str) -> set[str]:
    index = await engine._context.opened_index()
    points, _ = await index.scroll(source_filter(source))
    return {p.stored.text for p in points}


async def test_what_was_found_before_stays_when_a_file_cannot_be_read_again(
    tide: Path, engine: Engine
) -> None:
    async with asyncio.timeout(100):
        first = await engine.ingest(IngestRequest(str(tide)))
        (row,) = (await engine.sources()).sources
        held = await texts(engine, first.source_id)
        await age(engine)
        tide.with_name("tide.txt.broken").touch()
        asked = IngestRequest(
            str(tide), title="Other", recorded_at=datetime(2001, 2, 3, tzinfo=UTC)
        )
        status = await engine.ingest(asked)
        assert (status.state, status.error_code) == ("failed", "TOO_LARGE")
        (now,) = (await engine.sources()).sources
        assert replace(now, pipeline=row.pipeline) == row
        assert (now.state, now.segments, now.title) == ("ready", row.segments, row.title)
        assert await texts(engine, first.source_id) == held
        assert [r.id for r in await outdated(engine)] == [first.source_id]


async def test_nothing_is_left_of_what_is_no_longer_read(tide: Path, engine: Engine) -> None:
    async with asyncio.timeout(100):
        first = await engine.ingest(IngestRequest(str(tide)))
        assert "Low water at three." in await texts(engine, first.source_id)
        await age(engine)
        tide.with_name("tide.txt.short").touch()
        again = await engine.ingest(IngestRequest(str(tide)))
        found = await texts(engine, first.source_id)
        assert "High water at nine." in found
        assert found.isdisjoint({"Low water at three.", "Spring tide on Monday."})
        assert again.segments == len(found)
