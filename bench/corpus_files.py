"""One file of a corpus through the decoder, as an ingest would take it, and what came of it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal

from omni_core.decoder import Decoder
from omni_core.engine.ingest.drawing import PageDrawing
from omni_core.errors import NotFoundError, OmniError
from omni_core.settings import Settings
from omni_core.types import (
    Channel,
    CutOptions,
    FileLength,
    FileWarning,
    MediaInfo,
    Modality,
    Segment,
    Source,
    TextContent,
)
from omni_core.worker import WorkerDied

Outcome = Literal["opened", "empty", "refused", "died", "deadline", "outside"]
"""empty: opened, without a segment. outside: an error that is none of `omni_core.errors`, or has
no code of its own, or more than one line."""
NO_CODES = {"ERROR", "INTERNAL"}
WORD = re.compile(r"\w+")
MAX_TEXT = 32 << 20
"""Characters kept of a file's text, for the comparison with reference tools."""


@dataclass
class Result:
    """What came of one file; a line of the results file."""

    path: str
    """Below the folder of the corpus."""
    bytes: int
    modified: float
    format: str
    outcome: Outcome = "opened"
    code: str = ""
    message: str = ""
    warnings: list[str] = field(default_factory=list)
    segments: int = 0
    words: int = 0
    """Of all segments; those in the overlap of two windows count twice."""
    cues: int = 0
    pictures: int = 0
    """Segments that are seen; where they have no words, OCR reads them, which is not tried here."""
    mime: str = ""
    title: str = ""
    pages: int | None = None
    duration_s: float | None = None
    recorded_at: str = ""
    """Local date and time as in ISO 8601, to the second; "" where only the file's time is known."""
    reopened: str = ""
    """The error of showing one picture, page or clip of it, if there was one."""
    deaths: int = 0
    """Decoders that it cost, also where the ingest went on without the picture of a page."""
    seconds: float = 0.0
    peak_mb: int = 0
    """Largest memory of the decoder (resident); 0 where the system does not tell."""
    stderr: list[str] = field(default_factory=list)
    """Last lines of tracebacks that the decoder printed."""
    references: dict[str, dict[str, float | str]] = field(default_factory=dict)
    """Differences from reference tools, by tool."""

    def line(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def of_line(cls, line: str) -> Result:
        """The inverse of `line`; raises ValueError or TypeError for anything else."""
        return cls(**json.loads(line))

    @classmethod
    def of_file(cls, path: Path, folder: Path) -> Result:
        """For a file that is still to be tried."""
        stat = path.stat()
        suffix = path.suffix.lower().lstrip(".")
        name = path.relative_to(folder).as_posix()
        return cls(name, stat.st_size, round(stat.st_mtime, 3), suffix or "(none)")


@dataclass
class Found:
    """What the decoder gave of a file, for the reference tools."""

    text: str = ""
    starts: list[float] = field(default_factory=list)
    """Seconds at which cues begin."""


class Trial:
    """Tries files, one after another, in one decoder process with the product's limits."""

    def __init__(self, number: int, settings: Settings, file_s: float) -> None:
        """`file_s`: seconds after which a file is given up, whatever it still yields."""
        self._settings, self._file_s = settings, file_s
        self._clips = tempfile.TemporaryDirectory()  # one, since a decoder is told where to write
        self._worker = Decoder(
            f"decoder {number}",
            writes=(self._clips.name,),
            memory_mb=settings.memory_mb,
            max_pixels=settings.max_pixels,
            max_file_mb=settings.max_file_mb,
            max_duration_s=settings.max_duration_s,
            max_pages=settings.max_pages,
        )

    async def close(self) -> None:
        """End the decoder."""
        await asyncio.to_thread(self._worker.close, 2.0)
        self._clips.cleanup()

    async def _ready(self) -> None:
        """Start the decoder and let it import, so that no file is blamed for it."""
        if self._worker.pid is None:
            with contextlib.suppress(NotFoundError):
                await self._worker.call("probe", os.devnull + "/none", deadline_s=300)

    async def take(self, path: Path, result: Result) -> Found:
        """Probe, cut and show the file; fills in `result`, raises nothing that a file can cause."""
        await self._ready()
        _reset_peak(self._worker.pid)
        found = Found()
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._file_s):
                await self._ingest(str(path), result, found)
            result.outcome = "opened" if result.segments else "empty"
        except TimeoutError:
            result.outcome = "deadline"
            result.message = f"not done within {self._file_s:g} s"
            await asyncio.to_thread(self._worker.kill)
        except WorkerDied as e:
            result.outcome = "deadline" if e.reason == "deadline" else "died"
            result.message = str(e)
        except OmniError as e:
            outside = e.code in NO_CODES or "\n" in str(e)
            result.outcome = "outside" if outside else "refused"
            result.code, result.message = e.code, str(e)
        except Exception as e:
            result.outcome, result.message = "outside", f"{type(e).__name__}: {e}"
        result.seconds = round(time.monotonic() - began, 3)
        result.peak_mb = max(result.peak_mb, _peak_mb(self._worker.pid))
        return found

    async def _ingest(self, path: str, result: Result, found: Found) -> None:
        info: MediaInfo = await self._worker.call("probe", path, deadline_s=self._settings.probe_s)
        result.mime, result.title, result.pages = info.mime, info.title, info.pages
        result.duration_s = info.duration_s
        result.warnings += info.warnings
        if info.recorded_at is not None and info.recorded_at_from not in ("file time", "file name"):
            result.recorded_at = info.recorded_at.isoformat()[:19]
        source = Source(
            "0" * 64, path, info.title, info.modality, info.mime, result.bytes, info.duration_s,
            info.pages,
        )  # fmt: skip
        drawing = PageDrawing(source)
        options, seen = CutOptions(), set[str]()
        texts: list[str] = []
        while True:
            try:
                async for segment in self._cut(path, source, options, result):
                    drawing.saw(segment)
                    if segment.id in seen:
                        continue
                    seen.add(segment.id)
                    result.segments += 1
                    _count(segment, result, found, texts)
                break
            except WorkerDied as e:
                result.deaths += 1
                given_up = drawing.after_death()
                if not given_up:
                    raise
                result.warnings.append(f"{given_up} ({e.reason})")
                options = replace(options, undrawn=drawing.undrawn(seen))
        found.text = "\n".join(texts)[:MAX_TEXT]
        result.words = len(WORD.findall(found.text))
        try:
            await self._show(path, info)
        except OmniError as e:
            if e.code in NO_CODES:
                raise
            if e.code != "NO_VISUAL":  # a page without a picture is read as text
                result.reopened = f"{e.code}: {e}"

    async def _cut(
        self, path: str, source: Source, options: CutOptions, result: Result
    ) -> AsyncIterator[Segment]:
        stream = self._worker.stream(
            "decompose", path, source, options, stall_s=self._settings.decode_stall_s
        )
        try:
            async for item in stream:
                if isinstance(item, FileWarning):
                    result.warnings.append(item.message)
                elif isinstance(item, FileLength):
                    result.duration_s = item.seconds
                elif item.content is not None:
                    yield item
        finally:
            await stream.aclose()

    async def _show(self, path: str, info: MediaInfo) -> None:
        """One picture, page or clip, as `open_ref` would."""
        limit = self._settings.decode_stall_s
        if info.modality is Modality.IMAGE:
            await self._worker.call("image", path, 320, (0.1, 0.1, 0.9, 0.9), deadline_s=limit)
        elif info.modality is Modality.DOCUMENT and info.pages:
            await self._worker.call("page", path, 1, 320, deadline_s=limit)
            await self._worker.call("words", path, 1, deadline_s=limit)
        elif info.modality in (Modality.VIDEO, Modality.AUDIO) and info.duration_s:
            half = info.duration_s / 2
            if info.modality is Modality.VIDEO:
                await self._worker.call("frames", path, [half], 96, deadline_s=limit)
            suffix = ".mp4" if info.modality is Modality.VIDEO else ".m4a"
            out = Path(self._clips.name) / f"clip{suffix}"
            end = min(info.duration_s, half + 2)
            try:
                await self._worker.call("clip", path, half, end, str(out), deadline_s=limit)
            finally:
                out.unlink(missing_ok=True)


def _count(segment: Segment, result: Result, found: Found, texts: list[str]) -> None:
    if isinstance(segment.content, TextContent):
        texts.append(segment.text)
    result.pictures += segment.channel is Channel.VISUAL
    if segment.channel is Channel.SPEECH:
        beats = segment.extra.get("beats", [])
        found.starts += [segment.span.start, *(at for _, at in beats)]
        result.cues += 1 + len(beats)


def _reset_peak(pid: int | None) -> None:
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/clear_refs").write_text("5")


def _peak_mb(pid: int | None) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    peak = re.search(r"VmHWM:\s+(\d+)", status)
    return int(peak[1]) // 1024 if peak else 0
