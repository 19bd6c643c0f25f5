"""A decoder that was killed is started once more; a file is called damaged for no other reason
than that it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from omni_core import Engine, IngestRequest
from omni_core.errors import OmniError
from omni_core.settings import Settings

pytestmark = pytest.mark.timeout(240)

Opened = Callable[..., AbstractAsyncContextManager[Engine]]

FRAGILE = '''
import os, signal
from pathlib import Path
from omni_core.protocols import Medium
from omni_core.types import Channel, MediaInfo, Modality, Segment, Span, TextContent

class Fragile(Medium):
    """Three lines; its file says at what stage, by what and how often the decoder dies (it counts
    in a file, which no sandbox may forbid)."""
    kinds = "fragile"
    def matches(self, head, suffix): return head.startswith(b"FRAGILE")
    def probe(self, path, password=None):
        self.die(path, "probe")
        return MediaInfo(Modality.DOCUMENT, "text/x-fragile")
    def decompose(self, path, source, options):
        for n in (1, 2, 3):
            if n == 3: self.die(path, "cut")
            words = f"lantern number {n}"
            yield Segment(source.id, source.modality, Channel.TEXT, Span("page", n, n + 1),
                          TextContent(words), words, "fragile")
    def page(self, path, number, edge, crop, password):
        self.die(path, "page")
        import numpy
        return numpy.zeros((8, 8, 3), numpy.uint8)
    def die(self, path, stage):
        _, asked, kind, times, counter = Path(path).read_text().split()
        done = Path(counter)
        before = len(done.read_text()) if done.exists() else 0
        if asked == stage and before < int(times):
            done.write_text("x" * (before + 1))
            os.kill(os.getpid(), getattr(signal, kind))
'''


def calm(settings: Settings) -> Settings:
    """With time enough for a busy machine to start a decoder."""
    return replace(settings, sandbox="off", probe_s=90.0)


@pytest.fixture
def fragile(install: Callable[..., None], tmp_path: Path) -> Callable[[str, str, int], Path]:
    install("a-fragile", FRAGILE, {"media": "fragile = a_fragile:Fragile"})

    def write(stage: str, kind: str, times: int) -> Path:
        path = tmp_path / "lanterns.fragile"
        path.write_text(f"FRAGILE {stage} {kind} {times} {path}.deaths")
        return path

    return write


@pytest.mark.parametrize("kind", ["SIGKILL", "SIGSEGV"])
@pytest.mark.parametrize("stage", ["probe", "cut"])
async def test_a_decoder_that_dies_once_costs_nothing(
    fragile: Callable[[str, str, int], Path],
    opened: Opened,
    settings: Settings,
    stage: str,
    kind: str,
) -> None:
    path = fragile(stage, kind, 1)
    async with asyncio.timeout(100), opened(calm(settings)) as engine:
        status = await engine.ingest(IngestRequest(str(path)))
        read = await engine.read(status.source_id)
    assert (status.state, status.warnings) == ("ready", ())
    assert [line.text for line in read.lines] == [f"lantern number {n}" for n in (1, 2, 3)]


@pytest.mark.parametrize(
    ("kind", "code"), [("SIGKILL", "WORKER_DIED"), ("SIGSEGV", "CORRUPT_MEDIA")]
)
@pytest.mark.parametrize("stage", ["probe", "cut"])
async def test_one_that_dies_twice_is_called_what_it_is(
    fragile: Callable[[str, str, int], Path],
    opened: Opened,
    settings: Settings,
    stage: str,
    kind: str,
    code: str,
) -> None:
    path = fragile(stage, kind, 9)
    async with asyncio.timeout(100), opened(calm(settings)) as engine:
        status = await engine.ingest(IngestRequest(str(path)))
    assert status.error_code == code and status.state in ("failed", "partial")
    assert "twice" in status.error
    assert ("damaged" in status.error) == (code == "CORRUPT_MEDIA")
    if kind == "SIGKILL":
        assert "memory" in status.error
        assert len(Path(f"{path}.deaths").read_text()) == 2


async def test_evidence_is_opened_although_the_decoder_was_killed(
    fragile: Callable[[str, str, int], Path], opened: Opened, settings: Settings
) -> None:
    path = fragile("page", "SIGKILL", 1)
    async with asyncio.timeout(100), opened(calm(settings)) as engine:
        shown = await engine._context.decoders.open("page", str(path), 2, 100, None)
        assert shown.shape == (8, 8, 3) and Path(f"{path}.deaths").exists()


async def test_evidence_whose_decoder_is_killed_twice_is_not_called_damaged(
    fragile: Callable[[str, str, int], Path], opened: Opened, settings: Settings
) -> None:
    path = fragile("page", "SIGKILL", 9)
    async with asyncio.timeout(100), opened(calm(settings)) as engine:
        with pytest.raises(OmniError, match="died twice") as e:
            await engine._context.decoders.open("page", str(path), 2, 100, None)
    assert e.value.code == "WORKER_DIED"
