"""An ingest is stopped from another process, over the catalog that both share."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from omni_core import Engine, IngestRequest
from omni_core.catalog.postgres_stops import PREFIX
from omni_core.encoders.hashing import HashingEncoder
from omni_core.engine import store
from omni_core.engine.ingest import file, stopping
from omni_core.engine.results import FolderStatus, IngestStatus
from omni_core.errors import StoppedError, StoreError, UnavailableError
from omni_core.files import Chosen, sha256_of
from omni_core.ids import PIPELINE
from omni_core.settings import Settings, load
from omni_core.types import Modality, Source

MODEL = HashingEncoder.describe(load({}, environ={})).fingerprint


@pytest.fixture
def shared(settings: Settings, url: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(file, "POLL_S", 0.05)
    monkeypatch.setattr(stopping, "LOOK_S", 0.05)
    monkeypatch.setattr(store, "OF_ONE_PROCESS", frozenset())  # nothing is searched here
    schema = f"stops_{settings.store_path.parent.name}"[:60]
    return replace(settings, catalog=url, catalog_schema=schema, index="memory")


async def take(other: Any, path: Path, known_as: str) -> None:
    """Let the third process begin a file with these bytes."""
    found = Source(sha256_of(path), known_as, path.stem, Modality.DOCUMENT, "text/plain", 1)

    def begin() -> None:
        other.begin(found, collection="default", mtime_ns=1, model=MODEL, pipeline=PIPELINE)

    await asyncio.to_thread(begin)


class Two:
    """A first process, whose ingest cannot end, since a third has one of its three files; and a
    second one."""

    def __init__(self, first: Engine, second: Engine, paths: list[str]) -> None:
        self.first, self.second = first, second
        self._two_are_done = asyncio.Event()
        self.job = asyncio.create_task(first.ingest_folder(paths, progress=self._progress))

    async def _progress(self, status: FolderStatus) -> None:
        if status.files_done == 2:
            self._two_are_done.set()

    async def begun(self) -> None:
        await self._two_are_done.wait()


@pytest.fixture
async def two(shared: Settings, other: Any, media: Path) -> AsyncIterator[Two]:
    await take(other, media / "notes.md", "/elsewhere/notes.md")
    beside = replace(shared, store=f"{shared.store}-2")
    async with asyncio.timeout(120), await Engine.open(shared) as first:
        async with await Engine.open(beside) as second:
            names = ("fire_truck.png", "lake.jpg", "notes.md")
            both = Two(first, second, [str(media / name) for name in names])
            await both.begun()
            yield both
        both.job.cancel()
        await asyncio.gather(both.job, return_exceptions=True)


async def requests(other: Any) -> list[str]:
    """Those to stop that nobody has removed."""
    rows = await asyncio.to_thread(other._all, "SELECT key FROM meta")
    return [row["key"] for row in rows if row["key"].startswith(PREFIX)]


@pytest.mark.parametrize("named", ["folder", "files"])
async def test_a_folder_is_stopped_from_another_process_which_hears_how_far_it_was(
    two: Two, other: Any, media: Path, named: str
) -> None:
    files = [str(media / name) for name in ("notes.md", "lake.jpg", "fire_truck.png", "more.pdf")]
    paths = {"folder": [str(media)], "files": files}[named]
    [status] = [s for s in await two.second.stop(paths) if isinstance(s, FolderStatus)]
    assert (status.files_total, status.files_done, len(status.done)) == (3, 2, 2)
    with pytest.raises(StoppedError):
        await two.job
    assert await asyncio.to_thread(other.begun) == {}  # it does not go on by itself
    assert await requests(other) == []
    assert await two.second.stop(paths) == ()


async def test_what_is_not_named_and_what_a_caller_may_not_change_goes_on(
    two: Two, other: Any, media: Path
) -> None:
    assert await two.second.stop([str(media / "lake.jpg"), "/media"]) == ()
    for rights in (["hr"], ["default:read", "hr"]):
        assert await two.second.within(rights).stop([str(media)]) == ()
        assert await asyncio.to_thread(other.ask_to_stop, [str(media)], ["hr"]) == ()  # at once
    assert await two.second.stop([str(media)], unless_awaited=True) == ()
    assert not two.job.done()
    [one] = await two.second.stop([str(media / "notes.md")])  # of a set, this file alone
    assert isinstance(one, IngestStatus) and one.path == str(media / "notes.md")
    status = await two.job
    assert [s.state for s in status.done] == ["ready", "ready", "failed"]
    assert status.done[2].error_code == "CANCELLED"


async def test_a_process_that_stands_still_is_named_and_finds_the_request_when_it_goes_on(
    shared: Settings, other: Any, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stopping, "ANSWER_S", 0.3)
    await take(other, media / "notes.md", str(media / "notes.md"))
    async with asyncio.timeout(120), await Engine.open(shared) as engine:
        with pytest.raises(UnavailableError, match="has not answered"):
            await engine.stop([str(media)])
        assert await engine.within(["default"]).stop([str(media)]) == ()  # nothing is told
    asked = await asyncio.to_thread(other.stops_asked, 60)
    assert {tuple(a["paths"]) for a in asked.values()} == {(str(media),)}


async def test_a_process_that_has_ended_meanwhile_is_not_waited_for(
    shared: Settings, other: Any, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stopping, "ANSWER_S", 60)
    await take(other, media / "notes.md", str(media / "notes.md"))
    async with asyncio.timeout(30), await Engine.open(shared) as engine:
        stop = asyncio.create_task(engine.stop(None))
        while not await requests(other):  # noqa: ASYNC110 - of a database, which wakes nobody
            await asyncio.sleep(0.01)
        await asyncio.to_thread(other.close)
        assert await stop == ()


async def test_what_was_asked_of_an_earlier_ingest_by_a_process_killed_then_stops_no_later_one(
    two: Two, other: Any, media: Path
) -> None:
    two.job.cancel()
    await asyncio.gather(two.job, return_exceptions=True)
    mine = f"{PREFIX}{two.first._context.catalog._owner}/left"  # type: ignore[attr-defined]
    asked = {"paths": None, "collections": None, "at": await asyncio.to_thread(other.now) - 3}
    await asyncio.to_thread(other.set_meta, mine, json.dumps(asked))
    again = [str(media / name) for name in ("lake.jpg", "notes.md")]
    job = asyncio.create_task(two.first.ingest_folder(again))
    await asyncio.sleep(10 * stopping.LOOK_S)
    assert not job.done()
    assert await requests(other) == [mine]
    assert await two.second.stop([str(media)])
    with pytest.raises(StoppedError):
        await job


async def test_a_request_that_comes_too_late_stops_nothing_that_begins_afterwards(
    two: Two, other: Any, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stopping, "LOOK_S", 2.0)  # the last look is that much after the end
    [key] = await asyncio.to_thread(other.ask_to_stop, [str(media)], None)
    late = f"{key}-late"
    with pytest.raises(StoppedError):
        await two.job
    asked = {"paths": None, "collections": None, "at": await asyncio.to_thread(other.now)}
    await asyncio.to_thread(other.set_meta, late, json.dumps(asked))
    while '"answer": []' not in (await asyncio.to_thread(other.get_meta, late) or ""):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    status = await two.first.ingest(IngestRequest(str(media / "lake.jpg")))
    assert status.state == "ready"


@pytest.mark.parametrize(
    "row", ["", "{}", "[]", '{"paths": 5, "collections": null}', '{"paths": null}',
            '{"paths": [["/"]], "collections": null}', '{"paths": null, "collections": "hr"}'],
)  # fmt: skip
async def test_a_row_that_is_no_request_stops_nothing_and_those_after_it_are_heard(
    two: Two, other: Any, media: Path, row: str
) -> None:
    mine = f"{PREFIX}{two.first._context.catalog._owner}/damaged"  # type: ignore[attr-defined]
    await asyncio.to_thread(other.set_meta, mine, row)
    await asyncio.sleep(10 * stopping.LOOK_S)
    assert not two.job.done()
    assert await two.second.stop([str(media)])


async def test_a_process_that_cannot_look_says_so_once_and_hears_the_next_request(
    two: Two, other: Any, media: Path, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    looks: list[Exception] = []
    real = type(other).stops_asked

    def fails(catalog: Any, within_s: float) -> Any:
        looks.append(StoreError("away") if len(looks) < 3 else ValueError("odd"))
        raise looks[-1]

    monkeypatch.setattr(type(other), "stops_asked", fails)
    while len(looks) < 6:  # noqa: ASYNC110 - of a thread
        await asyncio.sleep(0.01)
    assert caplog.text.count("cannot see whether it is asked to stop") == 1
    monkeypatch.setattr(type(other), "stops_asked", real)
    assert await two.second.stop([str(media)])


def test_a_path_of_many_folders_is_looked_up() -> None:
    deep = "/a" * 2000
    chosen = Chosen(["/b", "/a/a"])
    assert deep in chosen and f"{deep}/c" in chosen and "/a/c" not in chosen
    assert deep not in Chosen(["/b"])


@pytest.mark.parametrize(
    ("paths", "path", "is_chosen"),
    [
        (["/media"], "/media/a/b.mp4", True),
        (["/media/a"], "/media/ab.mp4", False),
        (["/media/a.mp4"], "/media/a.mp4", True),
        (["/"], "/x", True),
        ([], "/x", False),
        ([], "", False),
        (None, "/x", True),
    ],
)
def test_a_path_is_chosen_by_its_name_or_that_of_a_folder_above_it(
    paths: list[str] | None, path: str, is_chosen: bool
) -> None:
    assert (path in Chosen(paths)) is is_chosen
