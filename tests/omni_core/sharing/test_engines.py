"""What an engine does, it does for every caller: in its own process and through the socket."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from omni_core import (
    BadRequestError,
    FolderStatus,
    IngestRequest,
    IngestStatus,
    NotFoundError,
    OpenRequest,
    SearchRequest,
    StoppedError,
)
from omni_core.engine.api import EngineApi
from omni_core.engine.session import Session
from omni_core.models.answers import Processed
from omni_core.sharing import connection, host, link
from tests.omni_core.sharing.conftest import SLIDES, Share, until

pytestmark = pytest.mark.timeout(120)


async def test_the_process_that_serves_others_uses_the_same_engine(
    share: Share, notes: Path
) -> None:
    host, client = await share(), await share()
    status = await client.ingest(IngestRequest(str(notes)))
    assert (await host.sources()).sources[0].id == status.source_id
    here, there = (await host.status())["sharing"], (await client.status())["sharing"]
    assert (here["here"], there["here"]) == ("host", "client")
    assert here["clients"] == there["clients"] == 1
    assert here["host_pid"] == there["host_pid"]


async def test_a_file_is_ingested_with_progress_and_found_again(
    engine: EngineApi, notes: Path
) -> None:
    seen: list[IngestStatus] = []

    async def progress(status: IngestStatus) -> None:
        seen.append(status)

    status = await engine.ingest(IngestRequest(str(notes), title="Boats"), progress=progress)
    assert (status.state, status.segments) == ("ready", 2)
    assert seen[0].state == "queued"
    assert {s.path for s in seen} == {str(notes)}
    assert (await engine.ingest(IngestRequest(str(notes)))).already
    found = await engine.search(SearchRequest("launch of the boat"))
    assert found.hits[0].source_id == status.source_id
    assert found.hits[0].cite.startswith("[Boats")


async def test_a_folder_is_ingested_file_by_file(
    engine: EngineApi, notes: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"\0" * 100)
    folder = await engine.ingest_folder([str(notes), str(bad)])
    assert (folder.finished, folder.files_done) == (True, 2)
    (failed,) = folder.failed
    assert failed.failure is not None and failed.failure.code == failed.error_code != ""


async def test_the_status_of_a_large_folder_comes_whole(
    share: Share, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "SLOW_S", 0.0)
    monkeypatch.setattr(link, "LARGE", 1000)
    monkeypatch.setattr(connection, "LARGE", 1000)
    await share()
    client = await share()
    paths = [str(tmp_path / f"missing {n}.mp4") for n in range(300)]
    seen: list[FolderStatus] = []

    async def progress(status: FolderStatus) -> None:
        seen.append(status)

    status = await client.ingest_folder(paths, progress=progress)
    assert [s.path for s in status.failed] == paths
    assert seen[-1].files_done <= status.files_done == 300


async def test_a_moment_is_opened_as_picture_sound_and_clip(engine: EngineApi) -> None:
    await engine.ingest(IngestRequest(str(SLIDES)))
    opened = await engine.open_ref(OpenRequest("slides.mp4@12-14", show=("frame", "audio", "clip")))
    assert opened.pictures[0].jpeg[:2] == b"\xff\xd8"
    assert opened.audio_wav[:4] == b"RIFF"
    (clip,) = opened.clips
    assert await asyncio.to_thread(lambda: Path(clip.path).stat().st_size) == clip.size


async def test_the_library_is_listed_read_checked_and_forgotten(
    engine: EngineApi, notes: Path
) -> None:
    await engine.ingest(IngestRequest(str(notes)))
    (row,) = (await engine.sources(match="boats", limit=5)).sources
    assert "postponed" in (await engine.read(row.id, max_words=50)).lines[0].text
    assert (await engine.check(row.id, "the launch of the boat")).verdict == "found"
    assert (await engine.forget(row.id)).id == row.id
    assert (await engine.sources()).total == 0


async def test_errors_keep_their_class_code_and_line(engine: EngineApi, notes: Path) -> None:
    await engine.ingest(IngestRequest(str(notes)))
    with pytest.raises(BadRequestError, match="zzz") as when:
        await engine.search(SearchRequest("boat", when="zzz"))
    assert when.value.code == "BAD_WHEN"
    with pytest.raises(NotFoundError) as source:
        await engine.read("no such source")
    assert source.value.code == "UNKNOWN_SOURCE"
    for _ in range(2):
        with pytest.raises(NotFoundError):
            await engine.forget("no such source")


async def test_a_wrong_call_is_a_type_error_here(engine: Any) -> None:
    with pytest.raises(TypeError):
        await engine.search()
    with pytest.raises(TypeError):
        await engine.sources(nonsense=1)


async def test_listeners_hear_of_changes_until_they_stop(engine: EngineApi, notes: Path) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    stop = engine.on_change(heard.put)
    status = await engine.ingest(IngestRequest(str(notes)))
    async with asyncio.timeout(30):
        assert await heard.get() == status.source_id
        await engine.forget(status.source_id)
        assert await heard.get() == status.source_id
    stop()
    stop()
    await engine.ingest(IngestRequest(str(notes)))
    await engine.sources()
    assert heard.empty()


async def test_a_call_that_is_cancelled_is_cancelled_where_it_runs(
    engine: EngineApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, ended = asyncio.Event(), asyncio.Event()

    async def lasts(*_: object) -> Processed:
        without_end: asyncio.Future[Processed] = asyncio.get_running_loop().create_future()
        runs.set()
        try:
            return await without_end
        finally:
            ended.set()

    async with asyncio.timeout(60):
        with monkeypatch.context() as held:
            held.setattr(Session, "process", lasts)
            call = asyncio.create_task(engine.ingest(IngestRequest(str(SLIDES))))
            await runs.wait()
            call.cancel()
            await asyncio.wait([call])
            await ended.wait()
        assert call.cancelled()
        await until(engine, lambda status: not status["jobs"])
        assert (await engine.ingest(IngestRequest(str(SLIDES)))).state == "ready"


async def test_a_progress_callback_that_fails_ends_its_own_call_only(
    engine: EngineApi, notes: Path
) -> None:
    async def progress(_: IngestStatus) -> None:
        raise ZeroDivisionError("of the caller")

    with pytest.raises(ZeroDivisionError, match="of the caller"):
        await engine.ingest(IngestRequest(str(notes)), progress=progress)
    assert (await engine.ingest(IngestRequest(str(notes)))).state == "ready"


async def test_a_call_waits_no_longer_than_it_says(engine: EngineApi) -> None:
    status = await engine.ingest(IngestRequest(str(SLIDES)), wait_s=0)
    assert status.state in ("queued", "processing")
    assert (await engine.ingest(IngestRequest(str(SLIDES)))).state == "ready"


async def test_calls_at_once_get_each_its_own_answer(engine: EngineApi, tmp_path: Path) -> None:
    texts = [tmp_path / f"note{n}.md" for n in range(6)]
    for n, text in enumerate(texts):
        text.write_text(f"# Note {n}\n\nNumber {n} of the boats.\n")
    done = await asyncio.gather(*(engine.ingest(IngestRequest(str(t))) for t in texts))
    pages = await asyncio.gather(*(engine.read(s.source_id) for s in done * 5))
    assert [p.source.id for p in pages] == [s.source_id for s in done] * 5


async def test_once_closed_it_says_so_and_may_be_closed_again(engine: EngineApi) -> None:
    await engine.close()
    await engine.close()
    with pytest.raises(StoppedError, match="closed"):
        await engine.search(SearchRequest("boat"))
