"""What `trust_swaps` swaps, and when: files with known words, hands that change them, and stages of
the ingest and the opening at which such a hand is called, exactly there."""

from __future__ import annotations

import asyncio
import os
import shutil
import wave
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from PIL import Image

from omni_core import originals
from omni_core.engine import hashing
from omni_core.engine.ingest import file as ingest_file
from omni_core.engine.ingest import finish as finishing
from omni_core.engine.opening import open_ref
from omni_core.worker import Worker

SECRET = "topsecret"  # noqa: S105 - a word to look for
PARAGRAPHS = 60
SECONDS = 30
COLOURS = {"old": (200, 30, 30), "new": (30, 30, 200), SECRET: (30, 200, 30)}
LEVELS = {"old": 3000, "new": 12000, SECRET: 24000}


def text(word: str) -> bytes:
    """A document each of whose paragraphs holds this word, and no other version's."""
    line = f"The {word} report says again that {word} is what {word} has always been about."
    return "\n\n".join(f"{line} Paragraph {n}." for n in range(PARAGRAPHS)).encode()


def subtitles(word: str) -> bytes:
    """Subtitles of `SECONDS` seconds that say this word."""
    cues = (
        f"{n + 1}\n00:00:{n:02},000 --> 00:00:{n:02},900\nWe hear of {word} again.\n"
        for n in range(SECONDS)
    )
    return "\n".join(cues).encode()


def write_picture(path: Path, word: str) -> None:
    """A picture in the colour of this word."""
    Image.new("RGB", (320, 240), COLOURS[word]).save(path)


def write_sound(path: Path, word: str) -> None:
    """A sound that swings as far as this word's level."""
    at = np.arange(SECONDS * 16_000)
    samples = (LEVELS[word] * np.sin(at * 2 * np.pi * 440 / 16_000)).astype("<i2")
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16_000)
        out.writeframes(samples.tobytes())


@dataclass
class Hand:
    """Changes a file as another program does; `undo` takes back what outlives a round."""

    path: Path
    new: bytes
    """Bytes of another version, inside the root."""
    outside: Path
    """A file outside the roots, in a folder of its own, with the name of `path`."""
    _undo: list[Callable[[], object]] = field(default_factory=list)

    def undo(self) -> None:
        """Close and put back what was left open or moved."""
        while self._undo:
            self._undo.pop()()

    def renamed(self) -> None:
        """Another file takes its name; with the same time of change."""
        other = self.path.with_name(".other")
        other.write_bytes(self.new)
        self._same_time(other)
        os.rename(other, self.path)

    def rewritten(self) -> None:
        """Other bytes are written into it; its time of change is set back."""
        before = os.stat(self.path)
        with self.path.open("r+b") as f:
            f.write(self.new)
            f.truncate()
        os.utime(self.path, ns=(before.st_atime_ns, before.st_mtime_ns))

    def truncated(self) -> None:
        """Its second half is cut off."""
        os.truncate(self.path, self.path.stat().st_size // 2)

    def appended(self) -> None:
        """It grows, as a copy does, and stays open for writing."""
        f = self.path.open("ab")
        f.write(self.new[: len(self.new) // 2])
        f.flush()
        self._undo.append(f.close)

    def linked_out(self) -> None:
        """A link to a file outside takes its name."""
        self._swap_in(self.outside)

    def linked_in(self) -> None:
        """A link to another file of the root takes its name."""
        inside = self.path.with_name("inside" + self.path.suffix)
        if not inside.exists():  # a race would read it while it is empty
            inside.write_bytes(self.new)
        self._swap_in(inside)

    def folder_linked_out(self) -> None:
        """Its folder becomes a link to one outside, which holds a file of its name."""
        folder, away = self.path.parent, self.path.parent.with_name("away")
        os.rename(folder, away)
        os.symlink(self.outside.parent, folder)
        self._undo += [lambda: os.rename(away, folder), folder.unlink]

    def deleted(self) -> None:
        """It is gone."""
        self.path.unlink(missing_ok=True)

    def there_and_back(self) -> None:
        """A link outside stands there, until the next stage."""
        kept = self.path.with_name(".kept")
        os.rename(self.path, kept)
        os.symlink(self.outside, self.path)
        self._undo.append(lambda: os.replace(kept, self.path))

    def _swap_in(self, target: Path) -> None:
        link = self.path.with_name(".link")
        os.symlink(target, link)
        os.replace(link, self.path)

    def _same_time(self, other: Path) -> None:
        before = os.stat(self.path)
        os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))


MOVES = ("renamed", "rewritten", "truncated", "appended", "linked_out", "linked_in",
         "folder_linked_out", "deleted", "there_and_back")  # fmt: skip
INGEST_STAGES = ("hash", "hashed", "probe", "cut", "next 2", "next 5", "finish")
OPEN_STAGES = ("asked", "found", "open")


@contextmanager
def at(stage: str, act: Callable[[], None], after: Callable[[], None]) -> Iterator[None]:
    """Within the block `act` is called when this stage is reached for the first time, and `after`
    when the decoder is next asked for something."""
    left = [act, after]
    items = 0

    def reached(name: str) -> None:
        if left and (name == stage or (len(left) == 1 and name.startswith("next"))):
            left.pop(0)()

    send = Worker._send

    def sent(self: Worker, child: Any, method: str, *args: Any) -> Any:
        nonlocal items
        if self.name.startswith("decoder") and method != "__sandbox__":  # its start asks that
            if method == "__next__":
                items += 1
                reached(f"next {items}")
            reached({"__open__": "cut", "probe": "probe"}.get(method, "open"))
        return send(self, child, method, *args)

    def hashed(path: str, *, links: bool = True) -> Any:
        reached("hash")
        result = originals.hashed(path, links=links)
        reached("hashed")
        return result

    async def current(*args: Any) -> Any:
        await asyncio.to_thread(reached, "asked")
        result = await hashing.current_file(*args)
        await asyncio.to_thread(reached, "found")
        return result

    async def finish(*args: Any) -> None:
        await asyncio.to_thread(reached, "finish")
        await finishing.finish(*args)

    with ExitStack() as patched:
        for target, name, by in (
            (Worker, "_send", sent), (hashing, "hashed", hashed),
            (open_ref, "current_file", current), (ingest_file, "finish", finish),
        ):  # fmt: skip
            patched.enter_context(mock.patch.object(target, name, by))
        yield


def emptied(folder: Path) -> Path:
    """The folder, new and empty."""
    if folder.is_symlink():
        folder.unlink()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
