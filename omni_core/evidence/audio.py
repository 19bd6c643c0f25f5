"""Encodes audio as a WAV file small enough for an answer."""

from __future__ import annotations

import io
import wave

import numpy as np

from omni_core.types import SAMPLE_RATE, Samples

MAX_S = 12.0
"""16 kHz mono of 16 bits is 32 kB a second; 12 s are 512 kB in base64."""


def wav(samples: Samples, *, max_s: float = MAX_S) -> bytes:
    """16-bit mono WAV of the first `max_s` seconds; anything outside [-1, 1] is clipped."""
    cut = np.nan_to_num(samples[: int(max_s * SAMPLE_RATE)])
    pcm = np.rint(np.clip(cut, -1.0, 1.0) * 32767).astype("<i2")
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(pcm.tobytes())
    return out.getvalue()
