"""An engine is open or it is not: whatever fails meanwhile, nothing stays half-built."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from omni_core import Engine, IngestRequest, OpenRequest, SearchRequest, plugins
from omni_core.catalog import Catalog
from omni_core.encoders.hashing import HashingEncoder
from omni_core.engine.workers import Decoders, Models
from omni_core.errors import BadRequestError, OmniError, StoppedError, StoreError
from omni_core.index.memory import MemoryIndex
from omni_core.settings import Settings
from omni_core.types import EncoderInfo

REPO = Path(__file__).parents[3]
pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def plain(settings: Settings) -> Settings:
    return replace(settings, index="memory")


async def works(settings: Settings, tmp_path: Path) -> None:
    """The store can be had and used: nobody holds it."""
    text = tmp_path / "boats.md"
    text.write_text("The launch of the boat is postponed.")
    async with asyncio.timeout(60), await Engine.open(settings) as engine:
        assert (await engine.ingest(IngestRequest(str(text)))).state == "ready"


def children() -> set[int]:
    """The live child processes of this one."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rsplit(")", 1)[1].split()[:2]
        except OSError:
            continue
        if int(parent) == os.getpid() and state != "Z":
            found.add(int(stat.parent.name))
    return found


async def test_an_engine_that_loads_nothing_ahead_lists_without_models_and_loads_what_is_needed(
    plain: Settings, tmp_path: Path
) -> None:
    before = children()
    async with asyncio.timeout(60), await Engine.open(plain, ahead="nothing") as engine:
        assert (await engine.sources()).total == 0
        assert children() == before
        text = tmp_path / "boats.md"
        text.write_text("The launch of the boat is postponed.")
        assert (await engine.ingest(IngestRequest(str(text)))).state == "ready"
        assert (await engine.search(SearchRequest("launch of the boat"))).hits


async def test_an_unknown_index_leaves_the_store_free(plain: Settings, tmp_path: Path) -> None:
    for _ in range(2):  # the second says the same, not that this very process holds the store
        with pytest.raises(BadRequestError, match="unknown index 'nonsense'"):
            await Engine.open(replace(plain, index="nonsense"))
    await works(plain, tmp_path)


async def test_an_unknown_encoder_leaves_the_store_free(plain: Settings, tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(OmniError) as caught:
            await Engine.open(replace(plain, encoder="/no/such/model"))
        assert caught.value.code != "STORE_BUSY"
    await works(plain, tmp_path)


@pytest.mark.parametrize("stage", ["fingerprint", "index", "models", "decoders"])
async def test_a_failure_at_any_stage_leaves_the_store_free_and_no_child(
    plain: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    def fails(*args: Any, **more: Any) -> Any:
        raise StoreError(f"no {stage} today")

    before = children()
    where = {
        "fingerprint": (Catalog, "set_meta_once"),
        "index": (MemoryIndex, "create"),
        "models": (Models, "__init__"),
        "decoders": (Decoders, "__init__"),
    }
    with monkeypatch.context() as broken:
        broken.setattr(*where[stage], fails)
        for _ in range(2):
            with pytest.raises(StoreError, match=f"no {stage} today"):
                await Engine.open(plain)
    assert children() == before
    await works(plain, tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="needs a folder that cannot be written")
async def test_a_catalog_that_cannot_be_written_leaves_the_store_free(
    plain: Settings, tmp_path: Path
) -> None:
    file = plain.store_path / "catalog.sqlite"
    file.mkdir(parents=True)  # stands in the database's place
    for _ in range(2):
        with pytest.raises(StoreError) as caught:
            await Engine.open(plain)
        assert caught.value.code != "STORE_BUSY"
    file.rmdir()
    await works(plain, tmp_path)


FULL_DISK = """
import asyncio, resource, signal, sys
from omni_core import Engine, StoreError, load_settings

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
settings = load_settings({"store": sys.argv[1], "encoder": "hashing", "index": "memory",
                          "speech": "off", "screen_text": "off"}, environ={})

def room(size):
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard if size is None else size, hard))

async def main():
    for size in (0, 3, 100, 5000, 20000):
        for _ in range(2):
            room(size)
            try:
                engine = await Engine.open(settings)
            except StoreError as e:
                print(e.code, "space" in str(e))
            else:
                await engine.close()
                print("opened")
    room(None)
    await (await Engine.open(settings)).close()
    print("opened at last")

asyncio.run(main())
"""


@pytest.mark.skipif(os.name == "nt", reason="limits of file sizes are Unix's")
async def test_a_full_disk_leaves_the_store_free_for_when_there_is_room(tmp_path: Path) -> None:
    ran = await asyncio.to_thread(
        lambda: subprocess.run(
            [sys.executable, "-c", FULL_DISK, str(tmp_path / "store")],
            capture_output=True, text=True, timeout=100, cwd=REPO,
        )
    )  # fmt: skip
    said = ran.stdout.splitlines()
    assert said[-1:] == ["opened at last"], ran.stderr
    assert said[:2] == ["STORE_FAILED True"] * 2
    assert set(said[:-1]) <= {"STORE_FAILED True", "opened"}, said


async def test_an_opening_that_is_cancelled_at_any_moment_leaves_the_store_free(
    plain: Settings, tmp_path: Path
) -> None:
    async with asyncio.timeout(60):
        for steps in range(25):
            opening = asyncio.create_task(Engine.open(plain))
            for _ in range(steps):
                await asyncio.sleep(0.001)
            opening.cancel()
            await asyncio.wait([opening])
            if not opening.cancelled():
                await opening.result().close()
    await works(plain, tmp_path)


class FlakyIndex(MemoryIndex):
    """Opens at the third try only, or never closes; it counts the tries."""

    tries = 0
    opens = True
    closes = True

    async def open(self) -> None:
        kind = type(self)
        kind.tries += 1
        if not kind.opens and kind.tries < 3:
            raise StoreError("the disk was away")

    async def close(self) -> None:
        if not self.closes:
            raise StoreError("the index would not close")


@pytest.fixture
def flaky(monkeypatch: pytest.MonkeyPatch) -> type[FlakyIndex]:
    class Fresh(FlakyIndex):
        pass

    load = plugins.load
    monkeypatch.setattr(
        plugins,
        "load",
        lambda group, name: Fresh if group == plugins.INDEXES else load(group, name),
    )
    return Fresh


async def test_an_index_that_cannot_be_opened_says_so_and_is_tried_again_by_the_next_call(
    plain: Settings, flaky: type[FlakyIndex], tmp_path: Path
) -> None:
    text = tmp_path / "boats.md"
    text.write_text("The launch of the boat is postponed.")
    flaky.opens = False
    async with asyncio.timeout(60), await Engine.open(plain) as engine:
        while not flaky.tries:  # noqa: ASYNC110 - the first try is made in the background
            await asyncio.sleep(0)
        answers = await asyncio.gather(
            *(engine._context.opened_index() for _ in range(3)), return_exceptions=True
        )
        assert [str(a) for a in answers] == ["the disk was away"] * 3
        assert flaky.tries == 2  # one try for all three
        assert (await engine.ingest(IngestRequest(str(text)))).state == "ready"
        assert flaky.tries == 3


async def test_closing_closes_every_part_though_one_fails_and_says_which(
    plain: Settings, flaky: type[FlakyIndex], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flaky.closes = False
    before = children()
    engine = await Engine.open(plain)
    await engine.ready(60)
    assert children() != before
    with pytest.raises(StoreError, match="would not close"):
        await engine.close()
    assert children() == before
    await engine.close()
    monkeypatch.undo()
    await works(plain, tmp_path)


async def test_closing_twice_or_at_the_same_time_closes_once(
    plain: Settings, tmp_path: Path
) -> None:
    engine = await Engine.open(plain)
    async with asyncio.timeout(60):
        await asyncio.gather(engine.close(), engine.close())
        await engine.close()
    await works(plain, tmp_path)


async def test_a_close_that_is_cancelled_is_finished_all_the_same(
    plain: Settings, tmp_path: Path
) -> None:
    engine = await Engine.open(plain)
    closing = asyncio.create_task(engine.close())
    await asyncio.sleep(0)
    closing.cancel()
    async with asyncio.timeout(60):
        await asyncio.wait([closing])
        await engine.close()
    assert closing.cancelled()
    await works(plain, tmp_path)


async def test_closing_from_another_task_ends_the_running_ingest_with_an_error_for_its_caller(
    plain: Settings, media: Path, tmp_path: Path
) -> None:
    engine = await Engine.open(plain)
    begun = asyncio.Event()

    async def note(status: object) -> None:
        begun.set()

    waiting = asyncio.create_task(
        engine.ingest(IngestRequest(str(media / "colours.mp4")), progress=note)
    )
    async with asyncio.timeout(60):
        await begun.wait()
        await asyncio.create_task(engine.close())
        with pytest.raises(StoppedError):
            await waiting
        with pytest.raises(OmniError):
            await engine.ingest(IngestRequest(str(media / "lake.jpg")))
    assert not [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
    await works(plain, tmp_path)


async def test_a_closed_engine_says_so_whatever_it_is_asked(plain: Settings) -> None:
    engine = await Engine.open(plain)
    await engine.close()
    for ask in (
        engine.search(SearchRequest("boats")), engine.open_ref(OpenRequest("src_x@1")),
        engine.ingest(IngestRequest("boats.md")), engine.sources(), engine.read("src_x"),
        engine.check("src_x@1", "boats"), engine.forget("src_x"), engine.ready(), engine.status(),
        engine.ingest_folder(["boats.md"]),
    ):  # fmt: skip
        async with asyncio.timeout(20):
            with pytest.raises(StoppedError, match="the engine is closed"):
                await ask


async def test_an_empty_library_takes_any_model_and_one_with_sources_its_own(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = HashingEncoder.describe

    def of_device(chosen: Settings) -> EncoderInfo:
        return replace(real(chosen), revision=chosen.device)

    monkeypatch.setattr(HashingEncoder, "describe", of_device)
    first, second = (replace(settings, device=device) for device in ("auto", "cpu"))
    for chosen in (first, second, first):
        async with asyncio.timeout(60), await Engine.open(chosen) as engine:
            assert (await engine.sources()).total == 0
            await engine.ready(60)
    await works(second, tmp_path)
    with pytest.raises(StoreError) as e:
        await works(first, tmp_path)
    assert e.value.code == "MODEL_MISMATCH"
    await works(second, tmp_path)
