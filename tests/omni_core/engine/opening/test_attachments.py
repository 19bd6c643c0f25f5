"""Images and audio of an opened span keep to the budget of one answer; each is made once."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pymupdf
import pytest
from PIL import Image

from omni_core import Engine, IngestRequest, OpenRequest
from omni_core.settings import Settings

SECONDS, FPS = 20, 2
WAV_BYTES = 12 * 16_000 * 2 + 44


@pytest.fixture
async def engine(opened: Callable[..., Any], settings: Settings) -> AsyncIterator[Engine]:
    async with opened(replace(settings, index="memory")) as engine:
        yield engine


@pytest.fixture
def noisy(tmp_path: Path) -> Path:
    """A video of noise, the worst case for JPEG, that turns blue after ten seconds."""
    path = tmp_path / "noisy.mp4"
    rng = np.random.default_rng(0)
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=FPS, options={"preset": "ultrafast", "crf": "18"})
        video.width, video.height, video.pix_fmt = 320, 240, "yuv420p"
        audio = out.add_stream("aac", rate=16_000, layout="mono")
        for n in range(SECONDS * FPS):
            pixels = rng.integers(0, 256, (240, 320, 3), np.uint8)
            if n >= SECONDS * FPS // 2:
                pixels[:] = (20, 40, 220)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = n, Fraction(1, FPS)
            out.mux(video.encode(frame))
        wave = 0.1 * np.sin(2 * np.pi * 440 * np.arange(SECONDS * 16_000) / 16_000)
        for start in range(0, len(wave) - 1023, 1024):
            block = av.AudioFrame.from_ndarray(
                wave[None, start : start + 1024].astype(np.float32), format="fltp", layout="mono"
            )
            block.sample_rate, block.pts, block.time_base = 16_000, start, Fraction(1, 16_000)
            out.mux(audio.encode(block))
        out.mux(video.encode(None))
        out.mux(audio.encode(None))
    return path


@pytest.fixture
def decoded(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each method of the decoder was called."""
    calls: Counter[str] = Counter()
    run = engine._context.decoders.open

    async def counted(method: str, *args: Any) -> Any:
        calls[method] += 1
        return await run(method, *args)

    monkeypatch.setattr(engine._context.decoders, "open", counted)
    return calls


async def test_an_image_is_made_smaller_to_leave_room_for_the_audio(
    engine: Engine, noisy: Path, decoded: Counter[str]
) -> None:
    status = await engine.ingest(IngestRequest(str(noisy)))
    request = OpenRequest(f"{status.source_id}@2-14", show=("frame", "audio"))
    whole = await engine.open_ref(request)
    assert len(whole.audio_wav) == WAV_BYTES
    assert whole.pictures[0].width == 320 and not whole.warnings
    decoded.clear()
    fitted = await engine.open_ref(replace(request, max_bytes=WAV_BYTES + 12_000))
    assert fitted.audio_wav == whole.audio_wav
    assert len(fitted.pictures[0].jpeg) <= 12_000 < len(whole.pictures[0].jpeg)
    assert 192 <= fitted.pictures[0].width < 320
    assert any("made smaller" in w for w in fitted.warnings)
    assert decoded == {"frames": 1, "audio": 1}


async def test_what_cannot_fit_is_left_out_and_named(engine: Engine, noisy: Path) -> None:
    status = await engine.ingest(IngestRequest(str(noisy)))
    request = OpenRequest(f"{status.source_id}@2-14", show=("frame", "audio"), max_bytes=2_000)
    opened = await engine.open_ref(request)
    assert (opened.pictures, opened.audio_wav) == ((), b"")
    assert any("image left out" in w for w in opened.warnings)
    assert any("too long to attach" in w for w in opened.warnings)


async def test_a_step_from_a_second_shows_the_shot_that_it_leads_to(
    engine: Engine, noisy: Path
) -> None:
    status = await engine.ingest(IngestRequest(str(noisy)))
    here = await engine.open_ref(OpenRequest(f"{status.source_id}@1.0"))
    after = await engine.open_ref(OpenRequest(f"{status.source_id}@1.0", step=1))
    assert here.next == after.ref
    shown = Image.open(io.BytesIO(after.pictures[0].jpeg)).convert("RGB").resize((1, 1))
    red, _, blue = shown.getpixel((0, 0))  # type: ignore[misc]
    assert blue > 180 > 60 > red


async def test_words_of_a_page_come_with_their_places_when_asked_for(
    engine: Engine, tmp_path: Path
) -> None:
    path = tmp_path / "a.pdf"
    with pymupdf.open() as doc:
        for text in ("First page", "Second page"):
            doc.new_page().insert_text((72, 72), text)
        doc.save(path)
    source = (await engine.ingest(IngestRequest(str(path)))).source_id
    asked = OpenRequest(f"{source}#p2", word_boxes=True)
    [image] = (await engine.open_ref(asked)).pictures
    assert [word.text for word in image.words] == ["Second", "page"]
    [image] = (await engine.open_ref(OpenRequest(f"{source}#p2"))).pictures
    assert image.words == ()


async def test_a_thumbnail_is_what_was_kept_and_decodes_nothing(
    engine: Engine, noisy: Path, decoded: Counter[str]
) -> None:
    source = (await engine.ingest(IngestRequest(str(noisy)))).source_id
    opened = await engine.open_ref(OpenRequest(f"{source}@15", show=("thumbnail",)))
    [image] = opened.pictures
    assert max(image.width, image.height) <= 320
    assert not decoded


async def test_the_span_is_that_of_the_reference_without_the_padding(
    engine: Engine, noisy: Path
) -> None:
    source = (await engine.ingest(IngestRequest(str(noisy)))).source_id
    opened = await engine.open_ref(OpenRequest(f"{source}@8-9", pad_s=4))
    assert opened.span is not None
    assert (opened.span.start, opened.span.end) == (8, 9)
    assert opened.window.startswith("0:04.0-0:13.0")
