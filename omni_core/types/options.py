"""How files are cut and shown, and what they may cost."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CutOptions:
    """How files are cut into segments; the encoder decides it (`EncoderInfo.cut`)."""

    image_edge: int = 1280
    """Long edge of images, pages and keyframes, pixels: small print must stay readable."""
    video_fps: float = 0.5
    """Frames of a shot for each second of it ..."""
    video_edge: int = 384
    """... their long edge in pixels ..."""
    video_max_frames: int = 8
    """... and at most so many for one shot, evenly spread."""
    video_audio: bool = False
    """Whether a shot carries its own audio, for models that take both."""
    shot_min_s: float = 1.0
    """Shots that are shorter are joined with a neighbour."""
    shot_max_s: float = 15.0
    """Shots that are longer are split."""
    audio_window_s: float = 30.0
    audio_overlap_s: float = 2.0
    """Of each window so much repeats the one before."""
    text_window_words: int = 150
    text_window_stride: int = 120
    """Words from the start of one window of text to the start of the next."""
    fast: bool = False
    """Decode only the codec's own keyframes (I-frames): 11-17 times cheaper, cuts less exact."""
    password: str | None = None
    transcript: str | None = None
    """Path of a subtitle file to use as the transcript."""


Crop = tuple[float, float, float, float]
"""Left, top, right, bottom as fractions of the whole, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may cost before anything is decoded (see `Settings`)."""

    max_pixels: int = 100_000_000
    max_file_mb: int = 20_000
    max_duration_s: float = 12 * 3600
    max_pages: int = 5000
