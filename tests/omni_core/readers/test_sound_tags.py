"""Guesses of what a sound is: where there are any, and that words take them back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from omni_core.readers import content_free
from omni_core.readers.sound_tags import MAX_TAGS, SoundTagReader, labels
from omni_core.settings import Settings
from omni_core.types import (
    SAMPLE_RATE,
    AudioContent,
    Channel,
    Modality,
    Samples,
    Segment,
    Span,
    TextContent,
)


@pytest.fixture
def tags(_loaded: dict[str, Any]) -> SoundTagReader:
    found = _loaded["sound_tags"]
    assert isinstance(found, SoundTagReader)
    return found


@pytest.fixture
def beeps() -> Samples:
    t = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    return np.asarray(0.4 * np.sin(2 * np.pi * 950 * t) * (t * 4 % 1 < 0.5), np.float32)


def window(samples: Samples, *, at: float = 0.0, modality: Modality = Modality.AUDIO) -> Segment:
    span = Span("second", at, at + len(samples) / SAMPLE_RATE)
    return Segment("src_a", modality, Channel.SOUND, span, AudioContent(samples))


def test_every_label_is_named_once_and_has_words_that_speak_for_it() -> None:
    table = labels()
    assert 60 <= len(table) <= 120
    assert len({name for name, _ in table}) == len(table)
    assert all(words for _, words in table)


def test_the_loudest_part_is_kept_at_one_level() -> None:
    samples = np.zeros(20 * SAMPLE_RATE, np.float32)
    samples[15 * SAMPLE_RATE : 16 * SAMPLE_RATE] = 0.01
    part = content_free.loudest_stretch(samples, 6.0)
    assert len(part) == 6 * SAMPLE_RATE
    assert np.count_nonzero(part) == SAMPLE_RATE
    assert part.max() == pytest.approx(0.5)


def test_silence_stays_silence() -> None:
    assert not content_free.loudest_stretch(np.zeros(100, np.float32), 6.0).any()


def test_the_meaningless_sounds_are_the_same_in_every_run_and_within_range() -> None:
    first, second = content_free.sounds(), content_free.sounds()
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert all(np.abs(s).max() <= 1.0 and s.dtype == np.float32 for s in first)


def test_off_or_without_a_speech_model_there_is_no_reader() -> None:
    assert SoundTagReader.load(Settings(sound_tags="off"), {}) is None
    assert SoundTagReader.load(Settings(), {}) is None
    assert SoundTagReader.describe(Settings(sound_tags="off")).state == "off"
    assert SoundTagReader.describe(Settings(speech="off")).state == "off"
    assert SoundTagReader.describe(Settings()).state == "present"


@pytest.mark.models
def test_a_sound_gets_a_guess_that_is_content_and_not_words(
    tags: SoundTagReader, beeps: Samples
) -> None:
    assert tags.read([window(beeps)]) == []
    (guess,) = tags.flush("src_a")
    assert guess.channel is Channel.SOUND
    assert guess.span == Span("second", 0.0, 2.0)
    assert guess.text == ""
    assert isinstance(guess.content, TextContent)
    assert guess.content.text == f"a sound of {guess.extra['heard']}"
    assert len(str(guess.extra["heard"]).split(", ")) == MAX_TAGS
    assert guess.id != window(beeps).id


@pytest.mark.models
def test_a_beep_is_told_from_noise(tags: SoundTagReader, beeps: Samples) -> None:
    noise = np.random.default_rng(1).normal(size=2 * SAMPLE_RATE).astype(np.float32) * 0.1
    of_beeps, of_noise = tags.names(beeps), tags.names(noise)
    assert of_beeps.index("a beep") < 20
    assert of_beeps.index("a beep") < of_noise.index("a beep")


@pytest.mark.models
def test_words_found_later_take_the_guess_back(tags: SoundTagReader, beeps: Samples) -> None:
    said = Segment(
        "src_a",
        Modality.AUDIO,
        Channel.SPEECH,
        Span("second", 0.5, 1.5),
        TextContent("hello"),
        "hello",
    )
    tags.read([window(beeps), window(beeps, at=2.0)])
    tags.read([said])
    assert [g.span.start for g in tags.flush("src_a")] == [2.0]


@pytest.mark.models
def test_speech_is_not_listened_to(tags: SoundTagReader, voice: Samples) -> None:
    tags.read([window(voice)])
    assert tags.flush("src_a") == []


@pytest.mark.models
def test_film_sound_and_digital_silence_are_left_alone(
    tags: SoundTagReader, beeps: Samples
) -> None:
    tags.read([window(beeps, modality=Modality.VIDEO)])
    tags.read([window(np.zeros(SAMPLE_RATE, np.float32), at=3.0)])
    assert tags.flush("src_a") == []
