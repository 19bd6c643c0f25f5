from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from omni_core.types import (
    ASIDE,
    SAMPLE_RATE,
    AudioContent,
    Channel,
    Modality,
    Samples,
    Segment,
    Span,
    TextContent,
)

pytestmark = pytest.mark.models


def windows(
    samples: Samples,
    source_id: str = "src_a",
    at: float = 0.0,
    size_s: float = 30.0,
    overlap_s: float = 2.0,
) -> list[Segment]:
    """Sound as the cutter hands it on: windows whose head repeats the one before."""
    found = []
    start, head = 0.0, 0.0
    while start < len(samples) / SAMPLE_RATE:
        end = min(start - head + size_s, len(samples) / SAMPLE_RATE)
        part = samples[round((start - head) * SAMPLE_RATE) : round(end * SAMPLE_RATE)]
        span = Span("second", at + start, at + end)
        found.append(
            Segment(source_id, Modality.AUDIO, Channel.SOUND, span, AudioContent(part, head))
        )  # fmt: skip
        start, head = end, overlap_s
    return found


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * SAMPLE_RATE), np.float32)


def listen(reader: Any, segments: list[Segment], source_id: str = "src_a") -> list[Segment]:
    said: list[Segment] = [s for segment in segments for s in reader.read([segment])]
    said += reader.flush(source_id)
    return said


def test_words_come_with_their_place_their_language_and_their_origin(
    speech: Any, voice: Samples
) -> None:
    [said] = listen(speech, windows(voice, at=100.0))
    assert "young man" in said.text.lower()
    assert (said.channel, said.origin, said.part) == (Channel.SPEECH, "whisper-base", 0)
    assert said.content == TextContent(said.text)
    assert said.extra["language"] == "en"
    assert 100.0 <= said.span.start < 100.6 and 102.2 < said.span.end <= 103.0


def test_words_on_a_cut_are_whole_and_heard_once(speech: Any, voice: Samples) -> None:
    film = np.concatenate([silence(8), voice, silence(9)])
    said = listen(speech, windows(film, size_s=10.0))
    assert len(said) == 1
    assert said[0].text.lower().count("young man") == 1
    assert 8.0 <= said[0].span.start < 8.7 and 10.2 < said[0].span.end < 11.2


def test_the_same_words_said_again_are_another_moment(speech: Any, voice: Samples) -> None:
    said = listen(speech, windows(np.concatenate([voice, silence(40), voice])))
    assert [round(s.span.start) for s in said] == [0, 43]


def test_noise_tones_and_silence_hold_no_words(speech: Any) -> None:
    rng = np.random.default_rng(0)
    t = np.arange(12 * SAMPLE_RATE, dtype=np.float32) / SAMPLE_RATE
    chord = sum(np.sin(2 * np.pi * f * t) for f in (220, 277.2, 329.6)) / 5 * (t % 0.5 < 0.4)
    noise = rng.normal(0, 0.05, t.size)
    sounds = np.concatenate([noise, chord, silence(6)]).astype(np.float32)
    assert listen(speech, windows(sounds)) == []


def test_two_sources_may_be_read_in_turns(speech: Any, voice: Samples) -> None:
    first, second = windows(voice, "src_a"), windows(voice, "src_b", at=50.0)
    assert speech.read([first[0], second[0]]) == []
    [a], [b] = speech.flush("src_a"), speech.flush("src_b")
    assert (a.source_id, b.source_id) == ("src_a", "src_b")
    assert a.text == b.text
    assert b.span.start - a.span.start == pytest.approx(50.0)


def test_two_channels_that_say_something_each_are_heard_side_by_side(
    speech: Any, voice: Samples
) -> None:
    first = windows(np.concatenate([voice, silence(8)]))
    beside = windows(np.concatenate([silence(4), voice, silence(4)]))
    pairs = zip(first, (replace(w, part=ASIDE) for w in beside), strict=True)
    found = [s for pair in pairs for w in pair for s in speech.read([w])]
    assert speech.pending_from("src_a") is not None
    saved = speech.save("src_a")
    speech.restore("src_a", b"")
    assert speech.flush("src_a") == []
    speech.restore("src_a", saved)
    assert speech.save("src_a") == saved
    said = sorted(found + speech.flush("src_a"), key=lambda s: s.span.start)
    assert [(s.source_id, "young man" in s.text.lower()) for s in said] == [("src_a", True)] * 2
    assert said[1].span.start - said[0].span.start == pytest.approx(4, abs=0.3)


def test_what_both_channels_say_at_the_same_span_is_kept_of_each(
    speech: Any, voice: Samples
) -> None:
    both = [w for one in windows(voice) for w in (one, replace(one, part=ASIDE))]
    said = speech.read(both) + speech.flush("src_a")
    assert len({s.span for s in said}) == 1
    assert len({s.id for s in said}) == len(said) == 2


def test_reading_again_makes_the_same_segments(speech: Any, voice: Samples) -> None:
    once = listen(speech, windows(voice))
    speech.read(windows(voice))  # given up half-way: never flushed
    again = listen(speech, windows(voice))
    assert [(s.id, s.text) for s in once] == [(s.id, s.text) for s in again]


def test_a_flush_on_the_way_repeats_nothing(speech: Any, voice: Samples) -> None:
    film = np.concatenate([silence(5), voice, silence(1.5), voice, silence(2)])
    first, second = windows(film, size_s=9.0)[:2]
    said = speech.read([first]) + speech.flush("src_a") + speech.read([second])
    said += speech.flush("src_a")
    assert [s.text.lower().count("young man") for s in said] == [1, 1]


def test_segments_without_sound_are_passed_over(speech: Any) -> None:
    text = Segment(
        "src_a", Modality.AUDIO, Channel.TEXT, Span("second", 0, 1), TextContent("words")
    )
    assert speech.read([text]) == [] and speech.flush("src_a") == []
    assert speech.flush("src_never_seen") == []


def test_a_spoken_question_becomes_words(speech: Any, voice: Samples) -> None:
    assert "young man" in speech.transcribe(voice).lower()
    assert speech.transcribe(silence(1)) == ""
