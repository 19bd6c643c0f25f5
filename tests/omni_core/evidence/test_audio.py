from __future__ import annotations

import io
import wave

import numpy as np

from omni_core.evidence.audio import MAX_S, wav
from omni_core.types import SAMPLE_RATE


def test_a_wav_holds_the_samples_as_they_were() -> None:
    samples = np.sin(np.arange(SAMPLE_RATE) / 20).astype(np.float32)
    with wave.open(io.BytesIO(wav(samples))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 16_000)
        back = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32767
    assert np.abs(back - samples).max() < 1 / 32767


def test_too_loud_audio_is_clipped_and_too_long_audio_is_cut() -> None:
    samples = np.full(int(SAMPLE_RATE * (MAX_S + 5)), 3.0, np.float32)
    samples[0] = np.nan
    with wave.open(io.BytesIO(wav(samples))) as file:
        assert file.getnframes() == int(SAMPLE_RATE * MAX_S)
        back = np.frombuffer(file.readframes(-1), "<i2")
    assert back[0] == 0 and (back[1:] == 32767).all()


def test_silence_of_no_length_is_a_valid_wav() -> None:
    with wave.open(io.BytesIO(wav(np.zeros(0, np.float32)))) as file:
        assert file.getnframes() == 0
