"""Chapters and tags are found and shown; the catalog holds the length that was decoded."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from omni_core import Engine, IngestRequest, OpenRequest, SearchRequest
from omni_core.engine.ingest.chapters import Chapters
from omni_core.payload import source_filter
from omni_core.types import CHAPTER_ORIGIN, Channel, Encoded, Modality, Segment, Span

pytestmark = pytest.mark.timeout(120)


def sound(container: av.container.OutputContainer, codec: str, seconds: int) -> None:
    stream = container.add_stream(codec, rate=48000, layout="mono")
    t = np.arange(seconds * 48000) / 48000
    tone = (0.4 * np.sin(2 * np.pi * 440 * t)).astype(np.float32)
    for at in range(0, tone.size - 4607, 4608):
        block = (tone[None, at : at + 4608] * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(block, "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = 48000, at, Fraction(1, 48000)
        container.mux(stream.encode(frame))
    container.mux(stream.encode())


@pytest.fixture
def tour(tmp_path: Path) -> Path:
    """Twenty seconds of two scenes, a chapter each, with a description."""
    path = tmp_path / "tour.mkv"
    titles = ("The sluice gate", "The turbine hall")
    with av.open(str(path), "w") as c:
        c.metadata.update({"title": "A visit", "artist": "Nina Berg", "comment": "Filmed in May"})
        c.set_chapters(
            [
                {
                    "id": n + 1, "start": n * 10, "end": n * 10 + 10, "time_base": Fraction(1, 1),
                    "metadata": {"title": title},
                }
                for n, title in enumerate(titles)
            ]
        )  # fmt: skip
        v = c.add_stream("libx264", rate=10)
        v.width, v.height, v.pix_fmt = 160, 120, "yuv420p"
        for i in range(200):
            picture = np.full((120, 160), 40 if i < 100 else 200, np.uint8)
            picture[20:60, i % 90 : i % 90 + 30] = 128
            frame = av.VideoFrame.from_ndarray(picture, "gray").reformat(format="yuv420p")
            frame.pts, frame.time_base = i, Fraction(1, 10)
            c.mux(v.encode(frame))
        c.mux(v.encode())
    return path


async def test_a_chapter_is_found_cited_with_its_span_and_opened(
    engine: Engine, tour: Path
) -> None:
    async with asyncio.timeout(60):
        status = await engine.ingest(IngestRequest(str(tour)))
        found = await engine.search(SearchRequest("turbine hall"))
    assert status.state == "ready" and status.warnings == ()
    assert status.duration_s == pytest.approx(20, abs=0.1)
    hit = found.hits[0]
    assert (hit.text, hit.origin) == ("The turbine hall", "chapter title")
    assert (hit.start_s, hit.end_s) == pytest.approx((10, 20), abs=0.1)
    opened = await engine.open_ref(OpenRequest(hit.ref))
    assert "The turbine hall" in [line.text for line in opened.lines]
    assert opened.pictures


async def test_what_lies_in_a_chapter_has_its_title_as_heading(engine: Engine, tour: Path) -> None:
    async with asyncio.timeout(60):
        status = await engine.ingest(IngestRequest(str(tour)))
    index = await engine._context.opened_index()
    points, _ = await index.scroll(source_filter(status.source_id))
    shots = [p.stored for p in points if p.stored.channel is Channel.VISUAL]
    assert {(s.span.start < 9, s.heading) for s in shots} == {
        (True, "The sluice gate"),
        (False, "The turbine hall"),
    }


async def test_tags_are_found_and_opened_at_the_first_instant(engine: Engine, tour: Path) -> None:
    async with asyncio.timeout(60):
        await engine.ingest(IngestRequest(str(tour)))
        by = await engine.search(SearchRequest("Nina Berg"))
    assert by.hits[0].origin == "file tags"
    opened = await engine.open_ref(OpenRequest(by.hits[0].ref, show=("frame", "clip")))
    assert "artist: Nina Berg" in [line.text for line in opened.lines]
    assert opened.pictures and opened.clips


async def test_tags_of_a_recording_can_be_opened_with_its_sound(
    engine: Engine, tmp_path: Path
) -> None:
    path = tmp_path / "a.flac"
    with av.open(str(path), "w") as c:
        c.metadata.update({"artist": "Nina Berg", "comment": "Recorded beside the mill"})
        sound(c, "flac", 6)
    async with asyncio.timeout(60):
        await engine.ingest(IngestRequest(str(path)))
        found = await engine.search(SearchRequest("beside the mill"))
        opened = await engine.open_ref(OpenRequest(found.hits[0].ref, show=("audio",)))
    assert found.hits[0].origin == "description"
    assert opened.audio_wav


async def test_the_catalog_holds_the_length_that_was_decoded(
    engine: Engine, tmp_path: Path
) -> None:
    path = tmp_path / "long.flac"
    with av.open(str(path), "w") as c:
        sound(c, "flac", 6)
    data = bytearray(path.read_bytes())
    at = data.index(b"fLaC") + 18
    facts = int.from_bytes(data[at : at + 8], "big")
    data[at : at + 8] = (facts >> 36 << 36 | 48000 * 600).to_bytes(8, "big")
    path.write_bytes(data)
    async with asyncio.timeout(60):
        status = await engine.ingest(IngestRequest(str(path)))
        (row,) = (await engine.sources()).sources
    assert status.duration_s == row.duration_s == pytest.approx(6, abs=0.1)
    begin = [w.split(":")[0] for w in status.warnings]
    assert begin == ["only its title can be found", "the file breaks off"]


def chapter(start: float, end: float, title: str) -> Segment:
    span = Span("second", start, end)
    return Segment("src_a", Modality.AUDIO, Channel.TEXT, span, None, title, CHAPTER_ORIGIN)


def headings(chapters: Chapters, spans: list[tuple[float, float]]) -> Iterator[str]:
    said = [
        Segment("src_a", Modality.AUDIO, Channel.SPEECH, Span("second", a, b)) for a, b in spans
    ]
    for one in chapters.name([Encoded(s, None) for s in said]):
        yield one.segment.extra.get("heading", "")


def test_words_between_chapters_have_no_heading() -> None:
    chapters = Chapters()
    for _ in range(2):  # a run that begins again yields them again
        chapters.saw(chapter(0, 4, "First"))
        chapters.saw(chapter(6, 9, "Second"))
    assert list(headings(chapters, [(1, 2), (4, 6), (5.5, 7.5), (9, 12)])) == [
        "First", "", "Second", "",
    ]  # fmt: skip
