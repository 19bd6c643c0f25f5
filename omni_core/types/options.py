"""Options of cutting a file into segments, and limits on files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PdfEngine = Literal["pymupdf", "pypdfium2"]
"""The library that reads PDF."""


@dataclass(frozen=True, slots=True)
class CutOptions:
    """How files are cut into segments; the encoder decides it (`EncoderInfo.cut`)."""

    image_edge: int = 1280
    """Long edge of images, pages and keyframes, pixels: small print must stay readable."""
    video_fps: float = 0.5
    """Frames sampled for each second of a shot."""
    video_edge: int = 384
    """Long edge of these frames, pixels."""
    video_max_frames: int = 8
    """Most frames of one shot; those of a longer shot are evenly spaced."""
    video_audio: bool = False
    """Whether a shot carries its own audio, for models that take both."""
    shot_min_s: float = 1.0
    """Shorter shots are merged with a neighbour."""
    shot_max_s: float = 15.0
    """Longer shots are split."""
    audio_window_s: float = 30.0
    audio_overlap_s: float = 2.0
    """Seconds of each window that repeat the end of the previous one."""
    text_window_words: int = 150
    text_window_stride: int = 120
    """Words between the starts of two consecutive windows of text."""
    fast: bool = False
    """Decode only the codec's own keyframes (I-frames): 11-17 times cheaper, cuts less exact."""
    password: str | None = None
    transcript: str | None = None
    """Path of a subtitle file to use as the transcript."""
    undrawn: tuple[int, ...] = ()
    """Pages whose picture is left out: it is stored already, or the decoder died of it."""
    hung: tuple[int, ...] = ()
    """Pages that a decoder died of: the second PDF engine draws them, if there is one."""


Crop = tuple[float, float, float, float]
"""Left, top, right, bottom as fractions of the whole, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one file, checked before and while it is decoded, and who decodes it (see
    `Settings`)."""

    max_pixels: int = 100_000_000
    max_file_mb: int = 20_000
    max_duration_s: float = 12 * 3600
    max_pages: int = 5000
    max_segments: int = 50_000
    max_decode_s: float = 300.0
    pdf: PdfEngine = "pymupdf"
