"""Readers go on with what another process of theirs had buffered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from omni_core.protocols import Reader
from omni_core.readers.screen_text import ScreenTextReader
from omni_core.readers.sound_tags import SoundTagReader
from omni_core.readers.speech import SpeechReader
from omni_core.readers.state import pack, segment_of, segment_values, unpack
from omni_core.types import (
    SAMPLE_RATE,
    AudioContent,
    Channel,
    Modality,
    Pixels,
    Samples,
    Segment,
    Span,
    TextContent,
    VideoContent,
)


def straight(reader: Reader, segments: Sequence[Segment]) -> list[Segment]:
    """What one reader finds."""
    found = [s for segment in segments for s in reader.read([segment])]
    return found + reader.flush("src_a")


def broken(make: Callable[[], Reader], segments: Sequence[Segment]) -> list[Segment]:
    """What readers find of which each reads one segment."""
    found: list[Segment] = []
    state: bytes | None = b""
    for segment in segments:
        reader = make()
        assert state is not None
        reader.restore("src_a", state)
        found += reader.read([segment])
        state = reader.save("src_a")
        assert reader.save("src_a") == state  # the buffer stays
    return found + reader.flush("src_a")


def test_values_and_arrays_come_back_as_they_were() -> None:
    samples = np.linspace(-1, 1, 100, dtype=np.float32)
    values, arrays = unpack(pack({"at": 1.5, "text": "ä"}, {"samples": samples}))
    assert values == {"at": 1.5, "text": "ä"}
    assert arrays["samples"].dtype == np.float32 and (arrays["samples"] == samples).all()


def test_a_segment_comes_back_as_it_was() -> None:
    segment = Segment(
        "src_a", Modality.AUDIO, Channel.SOUND, Span("second", 1.25, 2.5), TextContent("a bell"),
        "", "tags", 1, {"heard": "bell"},
    )  # fmt: skip
    assert segment_of(segment_values(segment)) == segment


@pytest.mark.models
def test_speech_is_the_same_with_a_break_after_each_window(speech: Any, voice: Samples) -> None:
    pause = np.zeros(round(1.5 * SAMPLE_RATE), np.float32)  # else it is taken for a loop
    talk = np.concatenate([voice, pause] * 3)
    size = 3 * SAMPLE_RATE  # windows end within words
    windows = [
        Segment(
            "src_a", Modality.AUDIO, Channel.SOUND,
            Span("second", at / SAMPLE_RATE, min(at + size, len(talk)) / SAMPLE_RATE),
            AudioContent(talk[at : at + size]),
        )
        for at in range(0, len(talk), size)
    ]  # fmt: skip
    whole = straight(SpeechReader(speech.model, speech.origin), windows)
    parts = broken(lambda: SpeechReader(speech.model, speech.origin), windows)
    assert len(whole) >= 2
    assert [(s.id, s.text) for s in parts] == [(s.id, s.text) for s in whole]


@pytest.mark.models
def test_a_slide_over_several_shots_is_one_segment_with_a_break_between_them(
    screen_text: Any, draw: Callable[..., Pixels]
) -> None:
    slides = [draw("Coral reefs"), draw("Coral reefs"), draw("Lava flows")]
    shots = [
        Segment(
            "src_a", Modality.VIDEO, Channel.VISUAL, Span("second", 10.0 * n, 10.0 * n + 10),
            VideoContent(np.ascontiguousarray(p[None, ::4, ::4]), (10.0 * n + 5,), 0.5, p),
        )
        for n, p in enumerate(slides)
    ]  # fmt: skip
    whole = straight(ScreenTextReader(screen_text._ocr), shots)
    assert broken(lambda: ScreenTextReader(screen_text._ocr), shots) == whole
    assert [(s.text, s.span.start, s.span.end) for s in whole] == [
        ("Coral reefs", 0.0, 20.0), ("Lava flows", 20.0, 30.0),
    ]  # fmt: skip


@pytest.mark.models
def test_tags_of_sounds_survive_a_break_and_come_before_the_end(speech: Any) -> None:
    t = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    beeps = np.asarray(0.4 * np.sin(2 * np.pi * 950 * t) * (t * 4 % 1 < 0.5), np.float32)
    windows = [
        Segment(
            "src_a", Modality.AUDIO, Channel.SOUND, Span("second", at, at + 2),
            AudioContent(beeps),
        )
        for at in (0.0, 100.0, 200.0)
    ]  # fmt: skip
    whole = straight(SoundTagReader(speech.model), windows)
    assert len(whole) == 3
    assert broken(lambda: SoundTagReader(speech.model), windows) == whole
    early = SoundTagReader(speech.model)
    assert [s.span.start for w in windows for s in early.read([w])] == [0.0]
