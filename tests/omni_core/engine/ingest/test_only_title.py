"""A file in which nothing can be found is ready, says why, and is found by its title."""

from __future__ import annotations

import asyncio
import wave
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from omni_core import Engine, IngestRequest, SearchRequest
from omni_core.engine.ingest.emptiness import _CUES, is_findable, why_empty
from omni_core.engine.results import OpenRequest
from omni_core.media.text.subtitles import _MIME
from omni_core.types import (
    CHAPTER_ORIGIN,
    TITLE_ORIGIN,
    Channel,
    Encoded,
    Modality,
    Segment,
    Source,
    Span,
)

pytestmark = pytest.mark.timeout(240)


def sound(path: Path, loudness: float) -> None:
    t = np.arange(16_000 * 4) / 16_000
    with wave.open(str(path), "wb") as w:
        w.setnchannels(1)
        w.setsampwidth(2)
        w.setframerate(16_000)
        w.writeframes((np.sin(2 * np.pi * 440 * t) * loudness * 32767).astype("<i2").tobytes())


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    folder = tmp_path / "bare"
    folder.mkdir()
    sound(folder / "lost walrus.wav", 0.0)
    sound(folder / "humming kiln.wav", 0.3)
    (folder / "otter census.csv").write_text(";;\n;;\n")
    (folder / "heron diary.txt").write_text(" \n\n")
    (folder / "badger page.html").write_text("<html><body><p> </p></body></html>")
    return folder


REASONS = {
    "lost walrus.wav": "its sound is silent",
    "humming kiln.wav": "no speech in its sound, and no model for other sounds",
    "otter census.csv": "all its cells are empty",
    "heron diary.txt": "there are no words in it",
    "badger page.html": "there are no words in it",
}


async def test_each_kind_of_file_names_its_own_reason_and_is_found_opened_and_compared(
    engine: Engine, bare: Path
) -> None:
    for name, why in REASONS.items():
        async with asyncio.timeout(60):
            status = await engine.ingest(IngestRequest(str(bare / name)))
        assert (status.state, status.segments) == ("ready", 1), name
        assert why in status.empty and why in status.warnings[0], name
        again = await engine.ingest(IngestRequest(str(bare / name)))
        assert again.already and (again.empty, again.warnings) == (status.empty, status.warnings)
        stem = Path(name).stem
        (hit, *_) = (await engine.search(SearchRequest(stem))).hits
        assert (hit.title, hit.text, hit.origin) == (stem, stem, "title")
        assert hit.cite.startswith(f"[{stem}") and "chars" not in hit.cite
        for ref in (hit.ref, hit.cite, status.source_id):
            opened = await engine.open_ref(OpenRequest(ref))
            assert any(why in line for line in opened.warnings), ref
        assert (await engine.read(status.source_id)).lines == ()
        found = await engine.search(SearchRequest(ref=hit.ref))
        assert hit.source_id not in {h.source_id for h in found.hits}
    rows = (await engine.sources()).sources
    assert all(row.empty for row in rows) and len(rows) == len(REASONS)


async def test_a_default_name_is_a_title_too_where_there_is_nothing_else(
    engine: Engine, tmp_path: Path
) -> None:
    sound(tmp_path / "REC_20417.wav", 0.0)
    async with asyncio.timeout(60):
        await engine.ingest(IngestRequest(str(tmp_path / "REC_20417.wav")))
    (hit,) = (await engine.search(SearchRequest("20417"))).hits
    assert hit.title == "REC 20417"


async def test_what_is_found_in_a_file_makes_it_none_of_these(engine: Engine, media: Path) -> None:
    for name in ("lake.jpg", "notes.md", "colours.mp4"):
        async with asyncio.timeout(60):
            status = await engine.ingest(IngestRequest(str(media / name)))
        assert (status.state, status.empty, status.warnings) == ("ready", "", ())


async def test_a_segment_of_an_image_opens_with_its_words(engine: Engine, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010E] = "The ferry leaves the harbour of Bergen"
    Image.new("RGB", (320, 240), (20, 40, 220)).save(tmp_path / "b.jpg", exif=exif)
    async with asyncio.timeout(60):
        status = await engine.ingest(IngestRequest(str(tmp_path / "b.jpg")))
    (hit, *_) = (await engine.search(SearchRequest("ferry harbour Bergen"))).hits
    opened = await engine.open_ref(OpenRequest(hit.ref))
    assert "ferry leaves" in opened.lines[0].text
    assert status.empty == ""


@pytest.mark.parametrize(
    ("modality", "mime", "pages", "cut", "why"),
    [
        (Modality.IMAGE, "image/png", None, {Channel.VISUAL}, "no model for pictures"),
        (Modality.DOCUMENT, "application/pdf", 3, {Channel.VISUAL}, "no model for pictures"),
        (Modality.DOCUMENT, "application/pdf", 3, set(), "no words and no pictures on its pages"),
        (Modality.DOCUMENT, "text/vtt", None, set(), "no subtitle in it has words"),
        (Modality.VIDEO, "video/mp4", None, {Channel.VISUAL}, "no sound is heard"),
        (Modality.VIDEO, "video/mp4", None, {Channel.SOUND}, "no pictures that can be shown"),
    ],
)
def test_the_reason_is_that_of_the_kind(
    modality: Modality, mime: str, pages: int | None, cut: set[Channel], why: str
) -> None:
    source = Source("0" * 64, "/a", "a", modality, mime, 1, pages=pages)
    assert why in why_empty(source, cut)


def test_every_kind_of_subtitles_is_known_as_such() -> None:
    assert set(_MIME.values()) - {"application/json"} <= _CUES


def test_a_picture_without_a_vector_and_words_about_a_recording_are_nothing_found_in_it() -> None:
    def stored(
        modality: Modality, channel: Channel, text: str, origin: str = "", end: float = 0
    ) -> Encoded:
        span = Span("second", 0, end)
        return Encoded(Segment("src_a", modality, channel, span, None, text, origin), None)

    nothing = [
        stored(Modality.IMAGE, Channel.VISUAL, ""),
        stored(Modality.AUDIO, Channel.TEXT, "artist: Ada", "tags"),
        stored(Modality.DOCUMENT, Channel.TEXT, "minutes", TITLE_ORIGIN),
    ]
    assert not any(map(is_findable, nothing))
    assert is_findable(stored(Modality.DOCUMENT, Channel.TEXT, "minutes"))
    assert is_findable(stored(Modality.AUDIO, Channel.SPEECH, "hello"))
    assert is_findable(stored(Modality.AUDIO, Channel.TEXT, "Evening reeds", CHAPTER_ORIGIN, 5))
