"""One trial: a copy of a small library is damaged, looked at, used, mended, and compared."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Awaitable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bench.damages import Kind
from omni_core import Engine, IngestRequest, OmniError, OpenRequest, SearchRequest, Settings
from omni_core.engine.checking.again import read_again
from omni_core.engine.checking.findings import Mended
from omni_core.engine.checking.looking import look
from omni_core.engine.checking.mending import mend
from omni_core.files import copy_tree

WORDS = {
    "volcano.md": "# Volcano\n\nThe magma chamber fills.\n\n# Ash\n\nAsh falls on the harbour.\n",
    "orchard.md": "# Orchard\n\nThe old pear tree blooms.\n\n# Well\n\nThe well is forty feet.\n",
    "minutes.txt": "The committee agreed to move the budget meeting to Thursday.\n",
    "harbour.csv": "ship,tons\nAurora,420\nMeridian,97\n",
}
PICTURES = {"red.png": (200, 20, 20), "blue.png": (20, 20, 200)}
QUESTIONS = ("magma chamber", "pear tree", "budget meeting", "Meridian", "red")


@dataclass
class Outcome:
    """What came of a trial."""

    kind: Kind
    found: bool = False
    """Whether the doctor saw it."""
    internal: list[str] = field(default_factory=list)
    """Errors of a tool that were none of ours."""
    sound: bool = False
    """Whether the doctor finds nothing any more, or says what it could not mend."""
    same: bool = False
    """Whether every answer is as before."""
    seen: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """Whether nothing is to be complained of."""
        return (
            self.found and not self.internal and self.sound and (self.same or not self.kind.whole)
        )


def settings_of(folder: Path) -> Settings:
    """Those of a library in `folder`/store on the weightless encoder."""
    store = folder / "store"
    return Settings(
        store=str(store), cache_dir=str(store / "the-cache"), encoder="hashing", speech="off",
        screen_text="off", sound_tags="off", timezone="UTC",
    )  # fmt: skip


async def build(folder: Path) -> dict[str, Any]:
    """Make the library and its files; returns its answers."""
    from PIL import Image

    media = folder / "media"
    media.mkdir(parents=True)
    for name, text in WORDS.items():
        (media / name).write_text(text)
    for name, colour in PICTURES.items():
        Image.new("RGB", (320, 200), colour).save(media / name)
    settings = settings_of(folder)
    engine = await Engine.open(settings)
    try:
        for name in (*WORDS, *PICTURES):
            status = await engine.ingest(IngestRequest(str(media / name)))
            if status.state != "ready":
                raise RuntimeError(f"{name} was not ingested: {status}")
    finally:
        await engine.close()
    return await answers(settings)


async def answers(settings: Settings) -> dict[str, Any]:
    """Every source with its words, and the hits of every question."""
    engine = await Engine.open(settings)
    try:
        found: dict[str, Any] = {}
        page = await engine.sources(limit=100)
        for row in sorted(page.sources, key=lambda r: r.title):
            read = await engine.read(row.id)
            words = tuple(line.text for line in read.lines)
            found[row.title] = (row.id, row.state, row.segments, row.pages, row.duration_s, words)
        for question in QUESTIONS:
            result = await engine.search(SearchRequest(question, limit=3))
            found[question] = sorted((h.ref, h.text) for h in result.hits)
        return found
    finally:
        await engine.close()


async def try_out(kind: Kind, template: Path, folder: Path, before: dict[str, Any]) -> Outcome:
    """Damage a copy of the library, and see what becomes of it."""
    settings = settings_of(folder)
    store = settings.store_path
    await asyncio.to_thread(copy_tree, template / "store", store)
    await asyncio.to_thread(kind.do, store)
    outcome = Outcome(kind)
    first = await look(settings)
    bad = [f for f in first.faults if not f.harmless]
    outcome.found, outcome.seen = bool(bad), tuple(f.detail for f in bad)
    outcome.internal = await _use(settings, before)
    said = await mend(settings)
    await _read_again(settings, said)
    last = await look(settings)
    left = [f for f in last.faults if not f.harmless]
    outcome.sound = not left or bool(said.left)
    try:
        outcome.same = outcome.sound and await answers(settings) == before
    except OmniError as e:
        outcome.seen += (f"after the repair: {e}",)
    outcome.seen += tuple(f"left: {line}" for line in (*said.left, *(f.detail for f in left)))
    await asyncio.to_thread(_remove, folder)
    return outcome


async def _read_again(settings: Settings, said: Mended) -> None:
    try:
        engine = await Engine.open(settings)
    except OmniError as e:
        said.left.append(str(e))
        return
    try:
        await read_again(engine, said)
    except OmniError as e:
        said.left.append(str(e))
    finally:
        await engine.close()


async def _use(settings: Settings, before: dict[str, Any]) -> list[str]:
    """Call everything that a client can; returns what came out that is no error of ours."""
    wrong: list[str] = []
    engine = await _caught("open", Engine.open(settings), wrong)
    if engine is None:
        return wrong
    try:
        await _caught("list", engine.sources(limit=3), wrong)
        page = await _caught("list partial", engine.sources(state="partial"), wrong)
        for row in page.sources if page is not None else ():
            await _caught("open partial", engine.open_ref(OpenRequest(row.id)), wrong)
        for question in QUESTIONS:
            await _caught("search", engine.search(SearchRequest(question)), wrong)
        for title, (source, *_) in ((t, v) for t, v in before.items() if isinstance(v, tuple)):
            await _caught("read", engine.read(source), wrong)
            await _caught("open", engine.open_ref(OpenRequest(source)), wrong)
            shown = replace(OpenRequest(source), show=("thumbnail",))
            await _caught("thumbnail", engine.open_ref(shown), wrong)
            await _caught("check", engine.check(f"[{title}]", "magma chamber"), wrong)
        await _caught("speakers", engine.speakers(), wrong)
        await _caught("status", engine.status(), wrong)
    finally:
        await _caught("close", engine.close(), wrong)
    return wrong


async def _caught(name: str, call: Awaitable[Any], wrong: list[str]) -> Any:
    try:
        return await call
    except OmniError:
        return None
    except Exception as e:
        wrong.append(f"{name}: {type(e).__name__}: {e}")
        return None


def _remove(folder: Path) -> None:
    for path in folder.rglob("*"):
        if not path.is_symlink():
            os.chmod(path, 0o700)
    shutil.rmtree(folder)
