"""File suffixes that several packages share."""

from __future__ import annotations

SUBTITLE_SUFFIXES = (
    ".srt", ".vtt", ".ass", ".ssa", ".ttml", ".dfxp", ".itt", ".sbv", ".smi", ".sami", ".sub",
    ".mpl", ".lrc", ".scc", ".srv3", ".srv1", ".json3", ".idx", ".sup",
)  # fmt: skip
"""Subtitle files, in order of preference as sidecars; those of pictures last."""
VIDEO_CLIPS = frozenset(
    {".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi", ".flv", ".ts", ".mts"}
)  # fmt: skip
AUDIO_CLIPS = frozenset(
    {".m4a", ".mp3", ".flac", ".ogg", ".oga", ".opus", ".wav", ".aac", ".mka"}
)  # fmt: skip
"""Containers in which clips can be written; `media.av.clip_formats` has the muxers."""


def clip_suffix(source: str, *, audio: bool) -> str:
    """The suffix of a clip from a file with the suffix `source`: its own where a clip of this kind
    can be written in it, else `.m4a` for audio and `.mp4` for video."""
    possible, otherwise = (AUDIO_CLIPS, ".m4a") if audio else (VIDEO_CLIPS, ".mp4")
    return source.lower() if source.lower() in possible else otherwise
