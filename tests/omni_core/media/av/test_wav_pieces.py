"""A WAV is read whole, in however many chunks its sound lies and however these are padded."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from omni_core.media.av.wav_pieces import wav_pieces
from omni_core.types import AudioContent, Segment

RATE = 16000


def chunk(kind: bytes, data: bytes, *, padded: bool = True) -> bytes:
    return kind + struct.pack("<I", len(data)) + data + b"\0" * (padded and len(data) & 1)


def wav(*chunks: bytes) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


FORMAT = chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, RATE, 2 * RATE, 2, 16))


def hum(seconds: float, loudness: int) -> bytes:
    t = np.arange(int(seconds * RATE)) / RATE
    return (loudness * np.sin(700 * t)).astype("<i2").tobytes()


def loudest(segments: list[Segment], start: float, end: float) -> float:
    """The amplitude within these seconds of the one window."""
    (audio,) = (s.content for s in segments if isinstance(s.content, AudioContent))
    return float(np.abs(audio.samples[int(start * RATE) : int(end * RATE)]).max())


@pytest.mark.parametrize("kind", ["appended", "list of waves"])
def test_sound_in_several_chunks_is_heard_to_its_end(
    kind: str, tmp_path: Path, svc: Any, cut: Any
) -> None:
    data = chunk(b"data", hum(3, 16384)), chunk(b"data", hum(2, 4096))
    rows = data if kind == "appended" else (chunk(b"LIST", b"wavl" + b"".join(data)),)
    path = tmp_path / "talk.wav"
    path.write_bytes(wav(FORMAT, *rows))
    assert svc.probe(str(path)).duration_s == pytest.approx(5)
    found = cut(path)
    assert loudest(found, 0, 2.9) == pytest.approx(0.5, abs=0.02)
    assert loudest(found, 3.1, 5) == pytest.approx(0.125, abs=0.02)
    assert np.abs(svc.audio(str(path), 3.5, 4.5)).max() == pytest.approx(0.125, abs=0.02)


@pytest.mark.parametrize("where", ["before the sound", "the sound", "before the format"])
def test_a_chunk_of_odd_length_without_padding_costs_nothing(
    where: str, tmp_path: Path, svc: Any, cut: Any
) -> None:
    named = chunk(b"LIST", b"INFO" + chunk(b"INAM", b"Eel traps\0"))
    odd = chunk(b"JUNK", b"x" * 601, padded=False)
    sound = chunk(b"data", hum(3, 16384)[: -(where == "the sound") or None], padded=False)
    chunks = {
        "before the sound": (FORMAT, odd, named, sound),
        "the sound": (FORMAT, sound, named),
        "before the format": (odd, FORMAT, named, sound),
    }[where]
    path = tmp_path / "a.wav"
    path.write_bytes(wav(*chunks))
    info = svc.probe(str(path))
    assert (info.title, round(info.duration_s, 2)) == ("Eel traps", 3)
    assert loudest(cut(path), 0, 3) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(
    "chunks",
    [(FORMAT, chunk(b"data", hum(1, 9000))),
     (FORMAT, chunk(b"JUNK", b"xyz"), chunk(b"data", hum(1, 9000)), chunk(b"LIST", b"INFOx")),
     (FORMAT, b"data" + b"\xff" * 4 + hum(1, 9000)),
     (FORMAT, chunk(b"data", hum(1, 9000)), b"\xff\x00" * 9)],
)  # fmt: skip
def test_an_ordinary_wav_is_left_to_ffmpeg(chunks: tuple[bytes, ...], tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(wav(*chunks))
    assert wav_pieces(str(path)) is None
