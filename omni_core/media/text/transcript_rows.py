"""Rows of transcripts in JSON: the names under which services write a begin, an end, words and a
speaker, and how they write times."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from omni_core.media.text.subtitle_reading import TIME, seconds

TEXT = ("text", "body", "transcript", "sentence", "display", "punctuated_word", "word", "content",
         "value")  # fmt: skip
START = ("start", "startTime", "start_time", "begin", "ts", "from", "startOffset", "data_start")
END = ("end", "endTime", "end_time", "stop", "end_ts", "to", "endOffset", "data_end")
LENGTH = ("duration", "dur")
SPEAKER = ("speaker", "speaker_name", "speakerName", "speaker_label", "speaker_id", "speakerTag")
_NUMBER = re.compile(r"(-?\d+(?:\.\d+)?)s?")
_ISO = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?")
_CLOCK = re.compile(TIME)
_WORDS = ("words", "elements")
"""Lists of the words of a turn."""
_MAX_DEPTH, _MAX_LISTS = 6, 5_000


@dataclass(slots=True)
class Row:
    """What is said, when, and by whom."""

    start: float
    end: float | None
    text: str
    speaker: str


def lists_of(value: Any, name: str, depth: int) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    """(name, objects) of each list of objects; "" for the whole file."""
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from lists_of(inner, str(key), depth + 1)
    elif isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        yield name, value
        for inner in value[:_MAX_LISTS]:
            yield from lists_of(inner, "-", depth)


def value_of(one: Mapping[str, Any], names: Sequence[str]) -> Any:
    """The first value of an object that stands under one of the names; None where none does."""
    return next((one[name] for name in names if one.get(name) is not None), None)


def time_of(value: Any, *, thousandths: bool = False) -> float | None:
    """Seconds of a number, `1.5s`, `PT1.5S` or `00:00:01,500`; `09:00` is a time of day."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value) / (1000 if thousandths else 1) if abs(value) < 1e12 else None
    said = value.strip()[:40] if isinstance(value, str) else ""
    if number := _NUMBER.fullmatch(said):
        return float(number[1])
    if said and (iso := _ISO.fullmatch(said)):
        return int(iso[1] or 0) * 3600 + int(iso[2] or 0) * 60 + float(iso[3] or 0)
    clock = _CLOCK.fullmatch(said)
    return seconds(clock.groups()) if clock and (clock[2] or clock[5]) else None


def speaker_of(one: Mapping[str, Any]) -> str:
    """A name, or `speaker 1` where services count them."""
    said = value_of(one, SPEAKER)
    if isinstance(said, str) and said.strip():
        name = said.strip()[:80]
        return f"speaker {name}" if name.isdecimal() or len(name) == 1 else name
    return f"speaker {said}" if isinstance(said, int) and not isinstance(said, bool) else ""


def with_speakers(top: Any) -> None:
    """Give words the speaker of the turn that they stand in, by name where the file lists names
    (Premiere)."""
    listed = top.get("speakers") if isinstance(top, dict) else None
    named = {
        one["id"]: one["name"]
        for one in (listed if isinstance(listed, list) else ())
        if isinstance(one, dict) and all(isinstance(one.get(k), str) for k in ("id", "name"))
    }
    for _, values in lists_of(top, "", 0):
        for one in values:
            who = value_of(one, SPEAKER)
            if isinstance(who, str) and who in named and isinstance(one, dict):
                who = one["speaker"] = named[who]
            for piece in _pieces(one) if who is not None else ():
                if value_of(piece, SPEAKER) is None:
                    piece["speaker"] = who


def _pieces(one: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name in _WORDS:
        words = one.get(name)
        yield from (w for w in (words if isinstance(words, list) else ()) if isinstance(w, dict))
