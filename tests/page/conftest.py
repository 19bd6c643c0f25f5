"""A real server with a small library, and a real Chromium that looks at it.

Skipped where there is no Chromium: `apt-get install chromium`, or OMNI_CHROMIUM names one.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import pymupdf
import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright, expect

from omni_core import Engine
from omni_core.engine.results import IngestRequest
from omni_core.settings import Settings
from omni_server.app import build
from omni_server.http.app import application
from omni_server.links import Links
from omni_server.state import State
from tests.conformance.fixture_app import serving
from tests.omni_core.engine.conftest import film

TOKEN = "correct-horse-battery"  # noqa: S105
CHROMIUM = os.environ.get("OMNI_CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
CLOSE_S = 60
"""Seconds in which a page or the browser is closed; Playwright itself would wait for ever."""
HOSTILE = "<img src=x onerror=document.title='owned'> & friends"
REPORT = (
    "Lava in the channel moved at 28 km/h, faster than a cyclist.",
    "The surface was at 1,090 degrees Celsius. Everybody wore a mask near the vent.",
)
SUBTITLES = (
    "1\n00:00:01,000 --> 00:00:04,000\nFirst we look at the fire engine.\n\n"
    "2\n00:00:04,500 --> 00:00:08,000\nThe meadow behind the station is green.\n\n"
    "3\n00:00:09,000 --> 00:00:11,500\nAt last we reach the deep lake.\n"
)


@dataclass
class Site:
    """A served library. `root` is the folder whose files it may read."""

    base: str
    root: Path
    state: State

    def url(self, **where: str) -> str:
        """The page at this place, with the token."""
        return f"{self.base}/#{urlencode({'token': TOKEN, **where})}"


@dataclass
class Watched:
    """A page of the browser, and what went wrong in it."""

    page: Page
    errors: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def chromium_path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Chromium, without the right to real-time threads.

    Run by root it gives its sound threads real-time priority, and once they are late they take
    both cores of a small machine and leave nothing to the page, the server and the test: a run
    stood still for an hour.
    """
    if not CHROMIUM:
        pytest.skip("no Chromium here: apt-get install chromium, or name one in OMNI_CHROMIUM")
    drop = ["setpriv", "--inh-caps=-sys_nice", "--bounding-set=-sys_nice"]
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        return CHROMIUM
    if subprocess.run([*drop, "true"], capture_output=True).returncode:
        return CHROMIUM
    wrapper = tmp_path_factory.mktemp("browser") / "chromium"
    wrapper.write_text(f'#!/bin/sh\nexec {shlex.join(drop)} {shlex.quote(CHROMIUM)} "$@"\n')
    wrapper.chmod(0o755)
    return str(wrapper)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium_path: str) -> AsyncIterator[Browser]:
    expect.set_options(timeout=30_000)
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=chromium_path,
            args=[
                "--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--mute-audio",
                "--disable-gpu", "--disable-dev-shm-usage",
            ],
        )  # fmt: skip
        yield chromium
        await asyncio.wait_for(chromium.close(), CLOSE_S)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def site(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> AsyncIterator[Site]:
    """A film with subtitles, a report of two pages, and a note with a hostile title."""
    root = tmp_path_factory.mktemp("media").resolve()
    await asyncio.to_thread(_make, root)
    settings = Settings(
        store=str(tmp_path_factory.mktemp("store")), roots=(str(root),), token=TOKEN,
        encoder="hashing", index="memory", speech="off", screen_text="off", allow_delete=True,
    )  # fmt: skip
    async with _served(settings, root) as made:
        engine = await made.state.engine()
        for name in ("colours.mp4", "report.pdf"):
            done = await engine.ingest(IngestRequest(str(root / name)))
            assert done.state == "ready", done
        note = IngestRequest(str(root / "note.md"), title=HOSTILE)
        assert (await engine.ingest(note)).state == "ready"
        yield made


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def empty_site(
    tmp_path_factory: pytest.TempPathFactory, browser: Browser
) -> AsyncIterator[Site]:
    """A library without sources, to which files may be added."""
    root = tmp_path_factory.mktemp("later").resolve()
    await asyncio.to_thread(_make, root)
    settings = Settings(
        store=str(tmp_path_factory.mktemp("empty")), roots=(str(root),), token=TOKEN,
        encoder="hashing", index="memory", speech="off", screen_text="off", allow_delete=True,
    )  # fmt: skip
    async with _served(settings, root) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def watched(browser: Browser) -> AsyncIterator[Watched]:
    """A fresh page, 1280 wide; errors of its scripts and refusals of its policy fail the test."""
    context = await browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(30_000)
    watched = Watched(await context.new_page())
    watched.page.on("pageerror", lambda error: watched.errors.append(str(error)))
    watched.page.on("console", lambda message: _note(message, watched.errors))
    yield watched
    await asyncio.wait_for(context.close(), CLOSE_S)
    assert watched.errors == []


def _note(message: ConsoleMessage, errors: list[str]) -> None:
    """Keep an error, but not that a token is wrong."""
    if message.type == "error" and "401" not in message.text:
        errors.append(message.text)


@pytest.fixture
def page(watched: Watched) -> Page:
    return watched.page


@asynccontextmanager
async def _served(settings: Settings, root: Path) -> AsyncIterator[Site]:
    state = State(settings, Engine.open)
    state.links = Links(settings.store_path)
    async with serving(application(state, build(state))) as base:
        yield Site(base, root, state)


def _make(root: Path) -> None:
    film(root / "colours.mp4", [(220, 20, 20), (20, 200, 40), (20, 40, 220)], seconds=4)
    (root / "colours.srt").write_text(SUBTITLES)
    (root / "note.md").write_text("The invoice E-1042 covers the gas masks of the team.\n")
    report = pymupdf.open()
    for text in REPORT:
        report.new_page().insert_textbox(pymupdf.Rect(72, 72, 520, 300), text, fontsize=18)
    report.set_metadata({"title": "Field report"})
    report.save(root / "report.pdf")
