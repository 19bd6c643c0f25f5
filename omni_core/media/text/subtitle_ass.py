"""Cues of Advanced SubStation Alpha (ASS) and SubStation Alpha (SSA)."""

from __future__ import annotations

import re

from omni_core.media.text.cues import clean
from omni_core.media.text.subtitle_reading import TIME, Reading, seconds

_COLUMNS = ["layer", "start", "end", "style", "name", "ml", "mr", "mv", "effect", "text"]
_TIME = re.compile(rf"\s*{TIME}\s*")
_KARAOKE = re.compile(r"^Comment:[^\n]{0,200}?,karaoke,", re.M | re.I)
_DRAWING = re.compile(r"\\p(\d)")
_OVERRIDES = re.compile(r"(\{[^{}]*\})")


def read_ass(text: str) -> Reading:
    """The dialogue lines, whatever the order of their columns; comments and drawings are left out.

    A line's name is its speaker: `Roger: to the boats`. Of a song that a program has set syllable
    by syllable (effect `fx`), the lines that it was made of are read, which it leaves as comments.
    """
    reading = Reading()
    templated = _KARAOKE.search(text) is not None
    columns, events = _COLUMNS, "[events]" not in text.lower()
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip()
        low = line[:16].lower()
        if low.startswith("["):
            events = low == "[events]"
        elif events and low.startswith("format:"):
            columns = [c.strip().lower() for c in line[7:].split(",")]
        elif events and low.startswith(("dialogue:", "comment:") if templated else "dialogue:"):
            said = line.partition(":")[2]
            row = dict(zip(columns, said.split(",", len(columns) - 1), strict=False))
            effect = row.get("effect", "").strip().lower() if templated else ""
            if effect == "fx" or (low.startswith("c") and effect != "karaoke"):
                continue
            start, end = (_TIME.fullmatch(row.get(key, "")) for key in ("start", "end"))
            if start is None or end is None:
                reading.untimed.append(f"line {number}")
                continue
            speaker = row.get("name", row.get("actor", "")).strip()
            words = clean(without_drawings(row.get("text", "")), ass=True)
            if words and speaker:
                words = f"{speaker}: {words}"
            reading.add(seconds(start.groups()), seconds(end.groups()), words)
    return reading


def without_drawings(text: str) -> str:
    """The text without ASS vector drawings, which appear in it as `m 0 0 l 100 0`."""
    words, drawing = [], False
    for part in _OVERRIDES.split(text):
        scales = _DRAWING.findall(part) if part.startswith("{") else []
        drawing = scales[-1] != "0" if scales else drawing
        if part.startswith("{") or not drawing:
            words.append(part)
    return "".join(words)
