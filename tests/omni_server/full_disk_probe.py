"""Runs in a mount namespace of its own: fills a small real file system while things are written.

    python full_disk_probe.py PART DISK FILES

DISK: the folder on which a tmpfs is mounted; FILES: a folder elsewhere. Says one JSON object.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

SIZE_MB = 400
BALLAST = "ballast"


class Disk:
    """The small file system."""

    def __init__(self, place: Path) -> None:
        command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m", "tmpfs", str(place)]
        subprocess.run(command, check=True)
        self.place = place

    def fill(self, leave: int) -> None:
        """Take all its room but so many bytes."""
        found = os.statvfs(self.place)
        free = found.f_bavail * found.f_frsize
        with (self.place / BALLAST).open("wb") as f:
            os.posix_fallocate(f.fileno(), 0, max(1, free - leave))

    def make_room(self) -> None:
        (self.place / BALLAST).unlink()


def said(e: Exception) -> dict[str, str]:
    """An error as its caller sees it."""
    return {"class": type(e).__name__, "code": str(getattr(e, "code", "")), "line": str(e)}


async def library(disk: Disk, files: Path, index: str, leaves: list[int]) -> dict[str, Any]:
    """Ingest on a disk with less and less room, and again with room; search meanwhile."""
    from omni_core import Engine, IngestRequest, OmniError, SearchRequest, Settings
    from omni_core.engine.checking.looking import look

    settings = Settings(
        store=str(disk.place / "store"), cache_dir=str(disk.place / "cache"), encoder="hashing",
        index=index, speech="off", screen_text="off", sound_tags="off",
    )  # fmt: skip

    async def ingested(engine: Engine, path: Path) -> dict[str, str]:
        try:
            status = await engine.ingest(IngestRequest(str(path)))
        except OmniError as e:
            return said(e)
        return {"state": status.state, "line": status.error}

    async def found(engine: Engine, words: str) -> bool:
        result = await engine.search(SearchRequest(words))
        return any(words in hit.text for hit in result.hits)

    out: dict[str, Any] = {"full": [], "after": [], "searched": [], "rows": []}
    engine = await Engine.open(settings)
    first = await ingested(engine, text(files, "kept"))
    second = await ingested(engine, picture(files, "kept"))
    out["before"] = [first["state"], second["state"]]
    for leave in leaves:
        made = [text(files, f"word{leave}"), picture(files, f"picture{leave}")]
        disk.fill(leave)
        out["full"] += [await ingested(engine, path) for path in made]
        out["searched"].append(await found(engine, "kept"))
        disk.make_room()
        out["after"] += [(await ingested(engine, path)).get("state", "") for path in made]
        out["searched"].append(await found(engine, f"word{leave}"))
    if index == "edge":
        await engine.close()
        disk.fill(0)
        try:
            engine = await Engine.open(settings)
            await engine.search(SearchRequest("kept"))
            out["opened full"] = {"line": ""}
        except OmniError as e:
            out["opened full"] = said(e)
        finally:
            await engine.close()
        disk.make_room()
        out["faults"] = [f.detail for f in (await look(settings)).faults if not f.harmless]
        engine = await Engine.open(settings)
        out["searched"] += [await found(engine, f"word{leave}") for leave in leaves]
    out["rows"] = [(r.title, r.state) for r in (await engine.sources(limit=50)).sources]
    await engine.close()
    left = [p for p in (disk.place / "store").rglob(".*") if p.is_file() and p.stat().st_size]
    out["left behind"] = [p.name for p in left]
    return out


def text(files: Path, words: str) -> Path:
    path = files / f"{words}.md"
    path.write_text(f"# {words}\n\n" + "\n\n".join(f"{words} stands here, {n}." for n in range(40)))
    return path


def picture(files: Path, name: str) -> Path:
    from PIL import Image

    path = files / f"{name}.png"
    colour = tuple(hashlib.sha256(name.encode()).digest()[:3])
    Image.effect_noise((640, 480), 90).convert("RGB").save(path, comment=str(colour))
    return path


async def edge(disk: Disk, files: Path) -> dict[str, Any]:
    return await library(disk, files, "edge", [0, 8 << 10, 20 << 20, 100 << 20])


async def memory(disk: Disk, files: Path) -> dict[str, Any]:
    """Without an index on the disk it is the catalog and the thumbnails that find it full."""
    return await library(disk, files, "memory", [0, 4 << 10, 16 << 10, 48 << 10, 200 << 10])


async def upload(disk: Disk, files: Path) -> dict[str, Any]:
    """What was taken of an upload is what lies on the disk, and the rest can be sent later."""
    from omni_core import OmniError
    from omni_server.uploads.part_file import PartFile

    data = os.urandom(3 << 20)
    path = disk.place / "part"
    path.touch()
    part = PartFile(path)
    part.write(data[: 1 << 20])
    disk.fill(300 << 10)
    out: dict[str, Any] = {}
    try:
        part.write(data[1 << 20 :])
    except OmniError as e:
        out["full"] = said(e)
    out["taken"] = (part.size, path.stat().st_size)
    disk.make_room()
    part.write(data[part.size :])
    part.close()
    out["whole"] = path.read_bytes() == data
    return out


async def faults(disk: Disk, files: Path) -> dict[str, Any]:
    """A traceback that cannot be written is left out; later ones are not."""
    from omni_server.observe import faults

    log = logging.getLogger("omni_server.probe")
    for name in ("while it is full", "again", "later"):
        end = faults.keep(disk.place)
        if name != "later":
            disk.fill(0)
        try:
            raise ValueError(name)
        except ValueError:
            log.exception("a fault")
        end()
        if name != "later":
            disk.make_room()
    written = (disk.place / faults.FILE).read_text()
    return {"later": "ValueError: later" in written}


async def cache(disk: Disk, files: Path) -> dict[str, Any]:
    """A built model that cannot be kept is one line, and nothing half-written is taken for it."""
    from omni_core import OmniError
    from omni_core.weights import cache

    path = disk.place / "cache" / "graphs" / "x.onnx"
    out: dict[str, Any] = {}
    disk.fill(100 << 10)
    try:
        cache.keep(path, bytes(1 << 20))
    except OmniError as e:
        out["full"] = said(e)
    out["half"] = cache.is_intact(path) or path.exists()
    disk.make_room()
    cache.keep(path, bytes(1 << 20))
    out["kept"] = cache.is_intact(path)
    return out


async def looked(disk: Disk, files: Path) -> dict[str, Any]:
    """What the doctor says of a sound library, and does to it, while its disk is full."""
    from omni_core import Engine, IngestRequest, Settings
    from omni_core.engine.checking.looking import look
    from omni_core.engine.checking.mending import mend
    from omni_server.library_check import lines

    settings = Settings(
        store=str(disk.place / "store"), cache_dir=str(disk.place / "cache"), encoder="hashing",
        speech="off", screen_text="off", sound_tags="off",
    )  # fmt: skip
    async with await Engine.open(settings) as engine:
        await engine.ingest(IngestRequest(str(text(files, "a ferry at dawn"))))
    disk.fill(0)
    full = await look(settings)
    mended = await mend(settings)
    disk.make_room()
    disk.fill(8 << 20)
    little = await look(settings)
    told = [(name, state) for name, state, *_ in lines(settings)]
    disk.make_room()
    after = await look(settings)
    return {
        "full": full.full, "faults": len(full.faults), "little": little.full,
        "told": told, "done": mended.done, "left": mended.left,
        "after": [f.detail for f in after.faults], "sources": after.sources,
    }  # fmt: skip


PARTS: dict[str, Callable[[Disk, Path], Any]] = {
    "edge": edge, "memory": memory, "upload": upload, "faults": faults, "cache": cache,
    "looked": looked,
}  # fmt: skip

if __name__ == "__main__":
    part, place, files = sys.argv[1:]
    sys.stdout.write(json.dumps(asyncio.run(PARTS[part](Disk(Path(place)), Path(files)))))
