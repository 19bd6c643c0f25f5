"""A scripted engine for what a real one does only by chance, and a client for each protocol."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from omni_core.engine.results import (
    Checked,
    ClipFile,
    FolderStatus,
    IngestRequest,
    IngestStatus,
    Line,
    Opened,
    OpenRequest,
    ReadPage,
    RenderedImage,
    SearchHit,
    SearchRequest,
    SearchResult,
    SourcePage,
    SourceRow,
    SpeakersOf,
)
from omni_core.errors import NotFoundError
from omni_core.settings import Settings
from omni_core.types import Channel, Modality, Speaker
from omni_server.app import create
from tests.blocking import blocking_calls_fail

SOURCE = "src_" + "a" * 16
SEGMENT = "seg_" + "b" * 26

Connect = Callable[..., AbstractAsyncContextManager[Client]]


class Scripted:
    """An engine whose answers are written beforehand; it records what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.words = "we decided to postpone the launch to March"
        self.title = "Q3 review"
        self.uri = "/media/q3.mp4"
        self.hits = 2
        self.waits_for = ""
        self.pictures = 1
        self.jpeg_bytes = 1000
        self.clip: Path | None = None
        self.clip_mime = "video/mp4"
        self.second_stage = ""
        self.steps = 0
        """How many progress reports an ingest makes."""
        self.hold: asyncio.Event | None = None
        """An ingest waits for it."""
        self.cancelled = 0
        self.closed = 0
        self.listeners: list[Callable[[str], Awaitable[None]]] = []
        self.graces: list[float] = []
        """The grace that each ingest was asked with."""
        self.stopped: list[tuple[tuple[str, ...], bool]] = []
        """What was stopped, and whether only where nobody waits."""
        self.resumed: list[tuple[str, ...]] = []
        """The folders with which it was told to go on."""

    def row(self) -> SourceRow:
        return SourceRow(
            id=SOURCE, title=self.title, modality=Modality.VIDEO, uri=self.uri,
            sha256="00" * 32, mime="video/mp4", size=1, state="ready", segments=31,
            duration_s=2890.0, recorded_at=datetime(2026, 11, 17, tzinfo=UTC),
            recorded_at_from="container",
        )  # fmt: skip

    def found(self, n: int) -> SearchHit:
        return SearchHit(
            ref=SEGMENT[:-1] + "cdefghijklmnopqrstuvwxyz"[n],
            cite=f"[{self.title} @ {n}:04.3-{n}:19.3]",
            source_id=SOURCE, title=self.title, modality=Modality.VIDEO, match="strong",
            why=(Channel.SPEECH, Channel.SCREEN_TEXT), text=self.words, origin="whisper-base",
            start_s=n * 60 + 4.3, end_s=n * 60 + 19.3, cosine=0.4321,
            recorded_at=datetime(2026, 11, 17, tzinfo=UTC), recorded_at_from="container",
        )  # fmt: skip

    async def search(self, request: SearchRequest) -> SearchResult:
        self.asked.append(request)
        hits = tuple(self.found(i) for i in range(min(self.hits, request.limit)))
        nearest = None if hits else self.found(0)
        note = "" if hits else "nothing is good enough; the nearest is shown"
        return SearchResult(hits, 3, 31, note=note, nearest=nearest, second_stage=self.second_stage)

    async def open_ref(self, request: OpenRequest) -> Opened:
        self.asked.append(request)
        if request.ref == "seg_unknown":
            raise NotFoundError("no segment 'seg_unknown'; use an id of search", code="UNKNOWN_REF")
        shrink = {"large": 1.0, "medium": 0.5, "small": 0.2}[request.size]
        share = request.max_bytes // max(1, self.pictures) - 2
        size = min(int(self.jpeg_bytes * shrink), share)
        picture = RenderedImage(b"\xff\xd8" + b"j" * size, "frame at 0:05", 768, 432)
        clips: tuple[ClipFile, ...] = ()
        if "clip" in request.show and self.clip is not None:
            size = (await asyncio.to_thread(self.clip.stat)).st_size
            clips = (ClipFile(str(self.clip), self.clip_mime, size, 4.0, 19.3),)
        return Opened(
            ref=request.ref, cite=f"[{self.title} @ 0:04.3-0:19.3]", source=self.row(),
            window="0:04.3-0:19.3 of 48:10", requested=f"0:05 of [{self.title}]",
            lines=(
                Line(self.words, Channel.SPEECH, "whisper-base", 4.3, 12.0),
                Line("REVENUE 2026", Channel.SCREEN_TEXT, "ocr", 5.0, 5.0),
            ),
            pictures=(picture,) * self.pictures, clips=clips, previous=SEGMENT, next=SEGMENT,
            audio_wav=b"RIFF" if "audio" in request.show else b"",
            provenance="sha256 00…, embedded@1, pipeline 1",
        )  # fmt: skip

    async def sources(self, **asked: Any) -> SourcePage:
        self.asked.append(asked)
        return SourcePage((self.row(),), 1)

    async def read(self, source: str, **asked: Any) -> ReadPage:
        self.asked.append((source, asked))
        line = Line(self.words, Channel.SPEECH, "whisper-base", 4.3, 12.0)
        return ReadPage(self.row(), (line,), "next")

    async def named(self, source: str) -> SourceRow:
        return self.row()

    async def forget(self, source: str, *, now: bool = False) -> SourceRow:
        self.asked.append(source)
        return self.row()

    async def name_speaker(self, source: str, speaker: str, name: str) -> SpeakersOf:
        self.asked.append((source, speaker, name))
        return SpeakersOf(self.row(), (Speaker(0, name, "person" if name else ""),))

    async def check(self, ref: str, quote: str) -> Checked:
        self.asked.append((ref, quote))
        return Checked("found", 1.0, self.words, (), self.row())

    async def ingest(
        self,
        request: IngestRequest,
        *,
        wait_s: float | None = None,
        progress: Callable[[IngestStatus], Awaitable[None]] | None = None,
        grace_s: float = 0.0,
    ) -> IngestStatus:
        self.graces.append(grace_s)
        self.asked.append((request, wait_s))
        try:
            for i in range(self.steps):
                if progress is not None:
                    await progress(
                        IngestStatus(request.path, "processing", SOURCE, stage="cutting",
                                     progress=i / self.steps, segments=i)
                    )  # fmt: skip
            if self.hold is not None:
                await self.hold.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return IngestStatus(
            request.path, "ready", SOURCE, progress=1.0, segments=31, duration_s=61.5
        )

    async def ingest_folder(self, paths: list[str], **asked: Any) -> FolderStatus:
        self.asked.append((paths, asked))
        done = tuple(IngestStatus(p, "ready", SOURCE, segments=1, progress=1.0) for p in paths)
        return FolderStatus(len(paths), len(paths), None, done, True)

    async def stop(self, paths: Sequence[str], *, unless_awaited: bool = False) -> Any:
        self.stopped.append((tuple(paths), unless_awaited))
        return (IngestStatus(paths[0], "partial", SOURCE, progress=0.4, segments=3),)

    async def warm(self) -> None:
        return None

    async def resume(self, roots: Sequence[str]) -> tuple[str, ...]:
        self.resumed.append(tuple(roots))
        return ()

    def on_change(self, listener: Callable[[str], Awaitable[None]]) -> Callable[[], None]:
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    async def status(self) -> dict[str, Any]:
        return {
            "encoder": {"name": "hashing", "state": "ready"}, "message": "",
            "waits_for": self.waits_for, "sources": 3, "segments": 31,
            "jobs": [{"path": "/media/private/talk.mp4", "progress": 0.25, "stage": "reading",
                      "segments": 3}],
            "files_pending": 2, "files_queued": 1, "restarts": {"models": 1, "decoders": 0},
            "pids": {"models": os.getpid(), "decoders": [os.getpid()]},
        }  # fmt: skip

    async def close(self) -> None:
        self.closed += 1


@pytest.fixture(autouse=True)
def nothing_blocks_the_event_loop() -> Iterator[None]:
    with blocking_calls_fail():
        yield


@pytest.fixture
def engine() -> Scripted:
    return Scripted()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "media"
    folder.mkdir()
    return folder.resolve()


@pytest.fixture
def settings(tmp_path: Path, root: Path) -> Settings:
    return Settings(store=str(tmp_path / "store"), roots=(str(root),), allow_delete=True,
                    check_citations=True)  # fmt: skip


@pytest.fixture(params=["auto", "legacy"])
def connect(request: pytest.FixtureRequest, settings: Settings, engine: Scripted) -> Connect:
    """A connected in-memory client, once for each protocol era."""

    @asynccontextmanager
    async def open_client(changed: Settings | None = None, **options: Any) -> AsyncIterator[Client]:
        async def opener(_: Settings) -> Any:
            return engine

        server = create(changed or settings, opener=opener)
        async with Client(server, mode=request.param, **options) as client:
            yield client

    return open_client
