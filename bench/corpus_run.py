"""A whole corpus through decoders: several at a time, resumable, with progress."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from bench.corpus_files import Result, Trial
from bench.corpus_reference import TOOLS, Tool, compare
from omni_core.errors import OmniError
from omni_core.settings import Settings

PROGRESS_S = 30.0
"""Seconds between two lines of progress where they are not overwritten."""


class Progress:
    """Files done and the time that is left: one line that is overwritten on a terminal, elsewhere
    a line now and then."""

    def __init__(self, out: TextIO, total: int) -> None:
        self._out, self._total, self._done = out, total, 0
        self._terminal = out.isatty()
        self._began = self._said = time.monotonic()

    def step(self, path: str) -> None:
        """One more file is done."""
        self._done += 1
        now = time.monotonic()
        left = (now - self._began) / self._done * (self._total - self._done)
        text = f"{self._done}/{self._total}, {left:.0f} s left: {path[-60:]}"
        if self._terminal:
            self._out.write(f"\r\033[K{text}")
        elif now - self._said >= PROGRESS_S:
            self._said = now
            self._out.write(text + "\n")
        self._out.flush()

    def end(self) -> None:
        """Clear the line."""
        if self._terminal:
            self._out.write("\r\033[K")
            self._out.flush()


async def run(
    folder: Path, paths: list[Path], done: dict[str, Result], settings: Settings, *,
    jobs: int = 1, file_s: float = 600.0, tools: tuple[Tool, ...] = TOOLS,
    out: TextIO | None = None, screen: TextIO | None = None,
) -> None:  # fmt: skip
    """Try every file that `done` lacks or has of another time or size; fills `done`, and writes
    each result to `out`.

    Raises OmniError where the decoder cannot start.
    """
    todo = [r for p in paths if not _known(r := Result.of_file(p, folder), done)]
    waiting = iter(todo)
    progress = Progress(screen, len(todo)) if screen is not None else None
    with _errors() as errors:

        async def lane(number: int) -> None:
            trial = Trial(number, settings, file_s)
            try:
                for result in waiting:
                    path = folder / result.path
                    found = await trial.take(path, result)
                    result.stderr = errors.tracebacks()
                    for tool in tools:
                        if result.format in tool.formats and result.outcome in ("opened", "empty"):
                            said = await asyncio.to_thread(compare, tool, path, result, found)
                            result.references[tool.name] = said
                    done[result.path] = result
                    if out is not None:
                        out.write(result.line() + "\n")
                        out.flush()
                    if progress is not None:
                        progress.step(result.path)
            finally:
                await trial.close()

        try:
            async with asyncio.TaskGroup() as lanes:
                for number in range(jobs):
                    lanes.create_task(lane(number))
        except* OmniError as group:
            raise _first(group) from None
    if progress is not None:
        progress.end()


def _first(group: BaseExceptionGroup[OmniError]) -> OmniError:
    first = group.exceptions[0]
    return first if isinstance(first, OmniError) else _first(first)


def _known(result: Result, done: dict[str, Result]) -> bool:
    old = done.get(result.path)
    return old is not None and (old.bytes, old.modified) == (result.bytes, result.modified)


class _Errors:
    """What the decoders write to standard error."""

    def __init__(self, path: str) -> None:
        self._path, self._at = path, 0

    def tracebacks(self) -> list[str]:
        """The last line of each traceback that was printed since the last call."""
        with open(self._path, "rb") as f:
            f.seek(self._at)
            data = f.read()
        self._at += len(data)
        blocks = data.decode("utf-8", "replace").split("Traceback (most recent call last):")[1:]
        return [next((x for x in b.splitlines() if x[:1].strip()), "a traceback") for b in blocks]


@contextlib.contextmanager
def _errors() -> Iterator[_Errors]:
    """Standard error of the children goes to a file while this runs."""
    sys.stderr.flush()
    with tempfile.NamedTemporaryFile() as f:
        kept = os.dup(2)
        os.dup2(f.fileno(), 2)
        try:
            yield _Errors(f.name)
        finally:
            os.dup2(kept, 2)
            os.close(kept)
