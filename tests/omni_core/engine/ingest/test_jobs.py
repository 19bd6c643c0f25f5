"""Several callers, changed minds, and a worker that dies: nothing is lost, nothing doubled."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from omni_core import Engine, IngestRequest, SearchRequest
from omni_core.engine.results import FolderStatus, IngestStatus
from omni_core.engine.session import ModelsDied, Session
from omni_core.errors import NotFoundError, OmniError, UnreadableError
from omni_core.models.answers import Processed, ReadOptions
from omni_core.payload import source_filter
from omni_core.types import Segment

pytestmark = pytest.mark.timeout(120)


async def put(engine: Engine, path: Path, **more: object) -> IngestStatus:
    async with asyncio.timeout(60):
        return await engine.ingest(IngestRequest(str(path), **more))  # type: ignore[arg-type]


async def test_when_the_model_worker_dies_the_source_goes_on_from_its_checkpoint(
    engine: Engine, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flush, deaths = Session.flush, 0

    async def dies_once(session: Session) -> Processed:
        nonlocal deaths
        if not deaths:
            deaths += 1
            raise ModelsDied("the model worker died (signal 9)")
        return await flush(session)

    monkeypatch.setattr(Session, "flush", dies_once)
    status = await put(engine, media / "colours.mp4")
    index = await engine._context.opened_index()
    stored = await index.count(source_filter(status.source_id))
    assert (status.state, deaths, stored) == ("ready", 1, status.segments)


async def test_after_the_model_workers_death_all_since_the_checkpoint_is_sent_again(
    engine: Engine, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The dead worker took what it held back with it: the words of the title, too."""
    process, flush = Session.process, Session.flush
    sent: list[list[str]] = [[]]

    async def noting(session: Session, segments: list[Segment], reading: ReadOptions) -> Processed:
        sent[-1] += [s.id for s in segments]
        return await process(session, segments, reading)

    async def dies_once(session: Session) -> Processed:
        if len(sent) == 1:
            sent.append([])
            raise ModelsDied("the model worker died (signal 9)")
        return await flush(session)

    monkeypatch.setattr(Session, "process", noting)
    monkeypatch.setattr(Session, "flush", dies_once)
    assert (await put(engine, media / "colours.mp4")).state == "ready"
    first, again = sent
    assert len(first) > 4 and again == first


async def test_a_model_worker_that_dies_again_leaves_a_source_that_says_partial(
    engine: Engine, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dies(session: Session) -> Processed:
        raise ModelsDied("the model worker died (signal 9)")

    with monkeypatch.context() as broken:
        broken.setattr(Session, "flush", dies)
        status = await put(engine, media / "colours.mp4")
    assert (status.state, status.error_code) == ("partial", "WORKER_DIED")
    assert (await put(engine, media / "colours.mp4")).state == "ready"


async def test_forgetting_a_source_that_is_being_ingested_leaves_nothing(
    engine: Engine, media: Path
) -> None:
    begun: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def note(status: IngestStatus) -> None:
        if status.source_id and not begun.done():
            begun.set_result(status.source_id)

    job = asyncio.create_task(
        engine.ingest(IngestRequest(str(media / "colours.mp4")), progress=note)
    )
    async with asyncio.timeout(60):
        source = await begun
        await engine.forget(source)
        await asyncio.wait([job])
    index = await engine._context.opened_index()
    assert await index.count(source_filter(source)) == 0
    assert (await engine.sources()).total == 0


async def test_a_folder_is_followed_to_its_end_though_each_call_waits_briefly(
    engine: Engine, media: Path
) -> None:
    (media / "broken.mp4").write_bytes(b"\0\0\0\x20ftypisom" + b"\0" * 400)
    names = [str(media / n) for n in ("broken.mp4", "lake.jpg", "notes.md")]
    async with asyncio.timeout(60):
        while not (status := await engine.ingest_folder(names, wait_s=0.01)).finished:
            pass
    assert (status.files_done, len(status.failed)) == (3, 1)


async def test_the_progress_of_a_folder_counts_each_file_once(engine: Engine, media: Path) -> None:
    heard: list[FolderStatus] = []

    async def note(status: FolderStatus) -> None:
        heard.append(status)

    names = [str(media / n) for n in ("lake.jpg", "notes.md", "fire_truck.png")]
    async with asyncio.timeout(60):
        await engine.ingest_folder(names, progress=note)
    shares = [s.files_done + (s.current.progress if s.current else 0.0) for s in heard]
    assert shares == sorted(shares) and max(shares) <= 3
    assert all(s.current is None or s.current not in s.done for s in heard)


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("empty.mp4", b"", UnreadableError),
        ("noise.mp4", bytes(range(256)) * 8, UnreadableError),
        ("gone.mp4", None, NotFoundError),
    ],
)
async def test_a_failed_ingest_holds_the_error_itself(
    engine: Engine, media: Path, name: str, content: bytes | None, kind: type[OmniError]
) -> None:
    if content is not None:
        (media / name).write_bytes(content)
    status = await put(engine, media / name)
    assert status.failure is not None and type(status.failure) is kind
    assert (status.error_code, status.error) == (status.failure.code, str(status.failure))


async def test_the_same_file_asked_for_a_second_collection_meanwhile_is_in_both(
    engine: Engine, media: Path
) -> None:
    path = media / "colours.mp4"
    async with asyncio.timeout(60):
        first = asyncio.create_task(engine.ingest(IngestRequest(str(path), collection="a")))
        await asyncio.sleep(0)
        second = await engine.ingest(IngestRequest(str(path), collection="b", title="Mine"))
        await first
    row = (await engine.sources()).sources[0]
    assert second.state == "ready" and set(row.collections) == {"a", "b"}
    assert row.title == "Mine" == second.title
    found = await engine.search(SearchRequest("meadow station", collection="b"))
    assert found.hits[0].title == "Mine"


async def test_two_paths_of_the_same_bytes_at_once_are_one_source_whole(
    engine: Engine, media: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.mp4"
    copy.write_bytes((media / "colours.mp4").read_bytes())
    (media / "colours.srt").unlink()
    async with asyncio.timeout(60):
        one, two = await asyncio.gather(put(engine, media / "colours.mp4"), put(engine, copy))
    index = await engine._context.opened_index()
    stored = await index.count(source_filter(one.source_id))
    assert one.source_id == two.source_id and one.already != two.already
    assert stored == one.segments == two.segments


async def test_a_file_with_new_content_names_its_old_version(engine: Engine, media: Path) -> None:
    note = media / "notes.md"
    old = await put(engine, note)
    note.write_text("The observatory moved to Saturn.")
    new = await put(engine, note)
    assert new.source_id != old.source_id
    assert any(old.source_id in w and "forget" in w for w in new.warnings)


@pytest.mark.parametrize("limit", [0, -3, 21, 100_000])
async def test_absurd_limits_are_refused(engine: Engine, media: Path, limit: int) -> None:
    await put(engine, media / "lake.jpg")
    with pytest.raises(OmniError, match="from 1 to 20"):
        await engine.search(SearchRequest("lake", limit=limit))


async def test_a_step_too_far_says_how_many_are_left(engine: Engine, media: Path) -> None:
    from omni_core import OpenRequest

    status = await put(engine, media / "colours.mp4")
    with pytest.raises(NotFoundError, match=r"only \d after it"):
        await engine.open_ref(OpenRequest(f"{status.source_id}@42", step=5))


@pytest.mark.skipif(sys.platform != "linux", reason="such a name cannot be given elsewhere")
async def test_a_file_whose_name_is_no_text_fails_alone(engine: Engine, media: Path) -> None:
    odd = os.fsdecode(os.fsencode(media) + b"/caf\xe9.md")
    await asyncio.to_thread(Path(odd).write_text, "words")
    status = await engine.ingest_folder([odd, str(media / "notes.md")])
    assert [s.state for s in status.done] == ["failed", "ready"]
    assert "is not UTF-8" in status.done[0].error
