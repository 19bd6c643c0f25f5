"""File suffixes that more than one package must agree on."""

from __future__ import annotations

SUBTITLE_SUFFIXES = (".srt", ".vtt", ".ass", ".ssa", ".ttml", ".sbv", ".smi", ".sami")
"""Subtitle files, in the order in which a video takes one that lies beside it."""
