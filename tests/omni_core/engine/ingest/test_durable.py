"""What was read is not read again: checkpoints, the record of what was begun, stop and resume."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from omni_core import Engine, IngestRequest
from omni_core.catalog import SqliteCatalog
from omni_core.engine.results import FolderStatus, IngestStatus
from omni_core.errors import StoreError
from omni_core.payload import source_filter
from omni_core.settings import Settings
from tests.omni_core.engine.ingest.talk import LISTENER, talk

pytestmark = pytest.mark.timeout(240)

Opened = Callable[..., AbstractAsyncContextManager[Engine]]

GATE = """
import time
from pathlib import Path
from omni_core.protocols import Reader
from omni_core.types import Channel, ReaderInfo

class Gate(Reader):
    "Reads no sound until a file is there."
    name, loss = "gate", "nothing waits"
    @classmethod
    def describe(cls, settings): return ReaderInfo(cls.name, "none", "present")
    @classmethod
    def load(cls, settings, loaded): return cls()
    @classmethod
    def select(cls, segments): return [s for s in segments if s.channel is Channel.SOUND]
    def read(self, segments):
        while not Path({path!r}).exists(): time.sleep(0.01)
        return []
    def flush(self, source_id): return []
"""


@pytest.fixture
def listening(install: Callable[..., None]) -> None:
    install("a-listener", LISTENER, {"readers": "listener = a_listener:Listener"})


@pytest.fixture
def gate(install: Callable[..., None], tmp_path: Path) -> Path:
    """Sound is read once this file is there: until then its source is under way."""
    path = tmp_path / "open"
    install("a-gate", GATE.format(path=str(path)), {"readers": "gate = a_gate:Gate"})
    return path


@pytest.fixture
def memory(settings: Settings) -> Settings:
    return replace(settings, index="memory")


async def stored(engine: Engine, source: str) -> dict[str, str]:
    index = await engine._context.opened_index()
    points, _ = await index.scroll(source_filter(source), limit=1000)
    return {p.id: p.stored.text for p in points}


class Until:
    """Cancels an ingest as soon as its progress has come so far."""

    def __init__(self, progress: float) -> None:
        self.reached = asyncio.Event()
        self.seen: list[float] = []
        self.progress = progress
        self.source = ""

    async def __call__(self, status: IngestStatus) -> None:
        self.source = status.source_id or self.source
        self.seen.append(status.progress)
        if status.progress >= self.progress:
            self.reached.set()


async def test_an_interrupted_ingest_gives_the_same_segments_as_an_uninterrupted_one(
    opened: Opened, listening: None, tmp_path: Path
) -> None:
    path = talk(tmp_path / "talk.wav")
    async with asyncio.timeout(200):
        async with opened() as engine:
            last = 0.0
            for share in (0.2, 0.45, 0.7):
                until = Until(share)
                job = asyncio.create_task(engine.ingest(IngestRequest(str(path)), progress=until))
                await until.reached.wait()
                job.cancel()
                await asyncio.gather(job, return_exceptions=True)
                first = next(p for p in until.seen if p > 0)
                assert first >= last - 30 / 300  # a window of sound at most is read again
                last = until.seen[-1]
            broken = await engine.ingest(IngestRequest(str(path)))
            words = await stored(engine, broken.source_id)
            await engine.forget(broken.source_id)
            whole = await engine.ingest(IngestRequest(str(path)))
            assert await stored(engine, whole.source_id) == words
    assert (broken.state, broken.segments) == ("ready", whole.segments)
    assert sum("from" in text for text in words.values()) == 30


async def test_an_ingest_cut_off_by_the_end_of_the_engine_goes_on_in_the_next_by_itself(
    opened: Opened, listening: None, tmp_path: Path
) -> None:
    path = talk(tmp_path / "talk.wav")
    request = IngestRequest(str(path), title="A talk", collection="talks")
    until = Until(0.3)
    async with asyncio.timeout(200):
        async with opened() as engine:
            job = asyncio.create_task(engine.ingest(request, progress=until))
            await until.reached.wait()
        await asyncio.gather(job, return_exceptions=True)
        async with opened() as engine:
            [row] = (await engine.sources()).sources
            assert row.state == "partial" and row.progress >= 0.2
            assert await engine.resume([str(tmp_path)]) == (str(path),)
            assert await engine.resume([str(tmp_path)]) == ()  # it is under way
            listed = await engine.sources(state="processing")
            assert [type(i) for i in listed.ingests] == [IngestStatus]
            status = await engine.ingest(request)
        assert (status.state, status.title, status.already) == ("ready", "A talk", False)
        async with opened() as engine:
            [row] = (await engine.sources()).sources
            assert await engine.resume([str(tmp_path)]) == ()
    assert (row.title, row.collections) == ("A talk", ("talks",))


@pytest.mark.parametrize("end", ["cancelled", "stopped", "forgotten"])
async def test_what_was_ended_on_purpose_does_not_go_on_by_itself(
    opened: Opened, listening: None, tmp_path: Path, end: str
) -> None:
    path, until = talk(tmp_path / "talk.wav"), Until(0.2)
    async with asyncio.timeout(200):
        async with opened() as engine:
            job = asyncio.create_task(engine.ingest(IngestRequest(str(path)), progress=until))
            await until.reached.wait()
            if end == "stopped":
                [status] = await engine.stop([str(path)])
                assert isinstance(status, IngestStatus)
                assert status.state == "partial" and status.segments > 0
                assert await engine.stop([str(path)]) == ()
            elif end == "forgotten":
                await engine.forget(until.source)
            else:
                job.cancel()
            await asyncio.gather(job, return_exceptions=True)
        async with opened() as engine:
            assert await engine.resume([str(tmp_path)]) == ()


async def test_a_folder_goes_on_with_the_files_that_are_left(
    opened: Opened, listening: None, tmp_path: Path
) -> None:
    names = [str(talk(tmp_path / f"{n}.wav", 60 + n)) for n in range(3)]
    begun = asyncio.Event()

    async def second(status: FolderStatus) -> None:
        if status.files_done >= 1:
            begun.set()

    async with asyncio.timeout(200):
        async with opened() as engine:
            job = asyncio.create_task(engine.ingest_folder(names, progress=second))
            await begun.wait()
        await asyncio.gather(job, return_exceptions=True)
        async with opened() as engine:
            assert await engine.resume([str(tmp_path)]) == tuple(names)
            status = await engine.ingest_folder(names)
            assert [s.state for s in status.done] == ["ready"] * 3


@pytest.mark.parametrize("change", ["gone", "changed"])
async def test_a_file_that_cannot_go_on_says_why_and_is_left_alone(
    opened: Opened, listening: None, tmp_path: Path, change: str
) -> None:
    path, until = talk(tmp_path / "talk.wav"), Until(0.2)
    async with asyncio.timeout(200):
        async with opened() as engine:
            job = asyncio.create_task(engine.ingest(IngestRequest(str(path)), progress=until))
            await until.reached.wait()
        await asyncio.gather(job, return_exceptions=True)
        if change == "gone":
            path.unlink()
        else:
            talk(path, 90)
        async with opened() as engine:
            assert await engine.resume([str(tmp_path)]) == ()
            [row] = (await engine.sources()).sources
            assert row.state == "partial" and "could not go on" in row.warnings[-1]
            assert await engine.resume([str(tmp_path)]) == ()


async def test_what_lies_outside_of_the_roots_waits_for_a_server_that_may_read_it(
    opened: Opened, listening: None, tmp_path: Path
) -> None:
    path, until = talk(tmp_path / "talk.wav"), Until(0.2)
    async with asyncio.timeout(200):
        async with opened() as engine:
            job = asyncio.create_task(engine.ingest(IngestRequest(str(path)), progress=until))
            await until.reached.wait()
        await asyncio.gather(job, return_exceptions=True)
        async with opened() as engine:
            assert await engine.resume([str(tmp_path / "elsewhere")]) == ()
            assert await engine.resume([str(tmp_path)]) == (str(path),)


async def test_a_small_file_does_not_wait_for_a_film_and_a_second_film_says_that_it_does(
    opened: Opened, memory: Settings, media: Path, gate: Path, tmp_path: Path
) -> None:
    long, other = talk(tmp_path / "long.wav", 3000), talk(tmp_path / "other.wav", 3001)
    heard: list[IngestStatus] = []

    async def note(status: IngestStatus) -> None:
        heard.append(status)

    async with asyncio.timeout(200), opened(memory) as engine:
        until = Until(0.0)
        film = asyncio.create_task(engine.ingest(IngestRequest(str(long)), progress=until))
        while not engine._context.decoders.long.busy:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        second = asyncio.create_task(engine.ingest(IngestRequest(str(other)), progress=note))
        note_status = await engine.ingest(IngestRequest(str(media / "notes.md")))
        picture = await engine.ingest(IngestRequest(str(media / "lake.jpg")))
        assert note_status.state == picture.state == "ready"
        assert not film.done() and not second.done()
        while not any(s.waiting_for for s in heard):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        listed = (await engine.sources(state="processing")).ingests
        assert {Path(i.path).name for i in listed if isinstance(i, IngestStatus)} == {
            "long.wav", "other.wav",
        }  # fmt: skip
        gate.touch()
        for job in (film, second):
            job.cancel()
        await asyncio.gather(film, second, return_exceptions=True)
    waits = {s.waiting_for for s in heard if s.stage == "waiting"}
    assert waits <= {"long.wav", "notes.md", "lake.jpg"} and "long.wav" in waits
    assert "hashing" not in [s.stage for s in heard[2:]]


async def test_who_sees_one_collection_does_not_hear_for_which_file_of_another_it_waits(
    opened: Opened, memory: Settings, gate: Path, tmp_path: Path
) -> None:
    secret, own = talk(tmp_path / "merger.wav", 3000), talk(tmp_path / "own.wav", 3001)
    waits: list[str] = []
    waiting = asyncio.Event()

    async def note(status: IngestStatus) -> None:
        waits.append(status.waiting_for)
        if "other files" in status.waiting_for:
            waiting.set()

    async with asyncio.timeout(200), opened(memory) as engine:
        until = Until(0.0)
        film = asyncio.create_task(
            engine.ingest(IngestRequest(str(secret), collection="legal"), progress=until)
        )
        while not engine._context.decoders.long.busy:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        hr = engine.within(["hr"])
        second = asyncio.create_task(hr.ingest(IngestRequest(str(own)), progress=note))
        await waiting.wait()
        gate.touch()
        for job in (film, second):
            job.cancel()
        await asyncio.gather(film, second, return_exceptions=True)
    assert not any("merger" in told for told in waits)


async def test_the_list_and_the_ingest_say_the_same_numbers(
    opened: Opened, listening: None, memory: Settings, tmp_path: Path
) -> None:
    path, pairs = talk(tmp_path / "talk.wav", 600), []

    async with asyncio.timeout(200), opened(memory) as engine:

        async def compare(status: IngestStatus) -> None:
            if status.stage == "reading":
                [row] = (await engine.sources()).sources
                pairs.append((status, row))

        await engine.ingest(IngestRequest(str(path)), progress=compare)
    assert len(pairs) > 5
    for status, row in pairs:
        assert row.segments >= status.segments and row.progress >= status.progress
    assert all(row.state in ("processing", "ready") for _, row in pairs)


async def test_progress_does_not_count_words_that_are_still_to_be_read(
    opened: Opened, listening: None, memory: Settings, tmp_path: Path
) -> None:
    path, until = talk(tmp_path / "talk.wav", 120), Until(2.0)
    async with asyncio.timeout(200), opened(memory) as engine:
        await engine.ingest(IngestRequest(str(path)), progress=until)
    tens = {round(min(0.99, k * 10 / 120), 6) for k in range(13)} | {1.0}
    assert {round(p, 6) for p in until.seen} <= tens


async def test_another_title_for_a_busy_file_hears_what_is_going_on(
    opened: Opened, memory: Settings, tmp_path: Path
) -> None:
    path, heard = str(talk(tmp_path / "talk.wav", 600)), []

    async def note(status: IngestStatus) -> None:
        heard.append(status.waiting_for)

    async with asyncio.timeout(200), opened(memory) as engine:
        first = asyncio.create_task(engine.ingest(IngestRequest(path)))
        while not engine._jobs.running:  # noqa: ASYNC110
            await asyncio.sleep(0)
        status = await engine.ingest(IngestRequest(path, title="Mine"), progress=note)
        assert (status.state, status.title, first.done()) == ("ready", "Mine", True)
    assert any("'talk.wav', asked for before: " in line for line in heard)


async def test_a_transcript_beside_a_film_does_not_make_it_seem_done(
    engine: Engine, media: Path
) -> None:
    until = Until(2.0)
    async with asyncio.timeout(200):
        await engine.ingest(IngestRequest(str(media / "colours.mp4")), progress=until)
    reading = [p for p in until.seen if 0 < p < 1]
    assert reading and min(reading) < 0.6


async def test_another_way_of_cutting_starts_from_the_beginning(
    opened: Opened, listening: None, memory: Settings, tmp_path: Path
) -> None:
    path, until, again = talk(tmp_path / "talk.wav"), Until(0.3), Until(2.0)
    async with asyncio.timeout(200), opened(memory) as engine:
        job: asyncio.Task[Any] = asyncio.create_task(
            engine.ingest(IngestRequest(str(path)), progress=until)
        )
        await until.reached.wait()
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)
        await engine.ingest(IngestRequest(str(path), fast=True), progress=again)
    assert next(p for p in again.seen if p > 0) < 0.2


async def test_what_a_checkpoint_writes_does_not_grow_with_the_film(
    opened: Opened, memory: Settings, tmp_path: Path
) -> None:
    written: list[int] = []

    def note(sql: str) -> None:  # with the values that it binds
        if sql.startswith("BEGIN"):
            written.append(0)
        elif written:
            written[-1] += len(sql)
            if sql.startswith("COMMIT"):
                written.append(0)
            elif "INTO checkpoints" in sql:
                sizes.append(len(written) - 1)

    sizes: list[int] = []
    async with asyncio.timeout(200), opened(memory) as engine:
        catalog = engine._context.catalog
        assert isinstance(catalog, SqliteCatalog)
        catalog._db.set_trace_callback(note)
        status = await engine.ingest(IngestRequest(str(talk(tmp_path / "talk.wav", 900))))
        catalog._db.set_trace_callback(None)
    checkpoints = [written[n] for n in sizes]
    assert status.state == "ready" and len(checkpoints) > 20
    assert max(checkpoints[-5:]) <= 1.1 * max(checkpoints[1:6])


async def test_what_is_left_of_an_interrupted_forgetting_is_ingested_from_the_beginning(
    opened: Opened, listening: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = talk(tmp_path / "talk.wav")
    async with asyncio.timeout(200), opened() as engine:
        until = Until(0.5)
        job = asyncio.create_task(engine.ingest(IngestRequest(str(path)), progress=until))
        await until.reached.wait()
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)
        index = await engine._context.opened_index()

        async def full() -> None:
            raise StoreError("the disk is full")

        with monkeypatch.context() as broken:
            broken.setattr(index, "flush", full)
            with pytest.raises(StoreError, match="full"):
                await engine.forget(until.source)
        [row] = (await engine.sources()).sources
        assert (row.state, row.segments, row.progress) == ("partial", 0, 0)
        again = await engine.ingest(IngestRequest(str(path)))
        words = await stored(engine, again.source_id)
    assert again.state == "ready" and again.segments == len(words)
    assert sum("from" in text for text in words.values()) == 30
