"""A store on the weightless encoder, and engines that share it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from omni_core import Engine, SharedEngine
from omni_core.engine.api import EngineApi
from omni_core.settings import Settings, load
from tests.blocking import blocking_calls_fail

REPO = Path(__file__).parents[3]
SLIDES = REPO / "samples" / "library" / "field-trip" / "slides.mp4"

Share = Callable[..., Awaitable[SharedEngine]]

HOST = """
import asyncio, sys
from omni_core import SharedEngine, load_settings

async def main():
    settings = load_settings({"store": sys.argv[1], "encoder": "hashing", "speech": "off",
                              "screen_text": "off", "timezone": "UTC", "index": sys.argv[2]},
                             environ={})
    engine = await SharedEngine.open(settings)
    print((await engine.status())["sharing"]["here"], flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def until(engine: EngineApi, reached: Callable[[dict[str, Any]], bool]) -> None:
    """Wait until the engine's status is so; each look is a call, which lets others run."""
    while not reached(await engine.status()):
        continue


@pytest.fixture(autouse=True)
def nothing_blocks_the_event_loop() -> Iterator[None]:
    with blocking_calls_fail():
        yield


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    given = {
        "store": str(tmp_path / "store"), "encoder": "hashing", "speech": "off",
        "screen_text": "off", "timezone": "UTC", "index": "memory",
    }  # fmt: skip
    return load(given, environ={})


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    path = tmp_path / "boats.md"
    path.write_text("# Boats\n\nThe launch of the boat is postponed to March.\n")
    return path


@pytest.fixture
async def share(settings: Settings) -> AsyncIterator[Share]:
    """Opens one more engine on the store, closed at the end: the first one is the host."""
    async with AsyncExitStack() as opened:

        async def one_more(chosen: Settings = settings) -> SharedEngine:
            return await opened.enter_async_context(await SharedEngine.open(chosen))

        yield one_more


@pytest.fixture
def other_process(settings: Settings) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Starts processes that share the store; each prints whether it is host or client."""
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", HOST, str(settings.store_path), settings.index],
            stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(REPO)},
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait(30)
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture(params=["engine", "client"])
async def engine(
    request: pytest.FixtureRequest, settings: Settings, share: Share
) -> AsyncIterator[EngineApi]:
    """The engine itself, and one that is used through the socket."""
    if request.param == "engine":
        async with await Engine.open(settings) as alone:
            yield alone
    else:
        await share()
        yield await share()
