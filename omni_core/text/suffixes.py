"""File suffixes that several packages share."""

from __future__ import annotations

SUBTITLE_SUFFIXES = (".srt", ".vtt", ".ass", ".ssa", ".ttml", ".sbv", ".smi", ".sami")
"""Subtitle files, in order of preference as sidecars."""
