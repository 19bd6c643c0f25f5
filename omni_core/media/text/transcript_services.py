"""Transcripts in JSON whose times stand otherwise than in rows of a begin and words, set right:
Trint (milliseconds as `time`), IBM Watson (lists of word, begin, end) and oTranscribe (a page)."""

from __future__ import annotations

import re
from typing import Any

_STAMP = re.compile(r"<span\b[^<>]{0,200}?\bdata-timestamp=[\"']([\d.]{1,12})[\"'][^<>]{0,200}>"
                    r"[^<]{0,20}</span>")  # fmt: skip
_PARAGRAPH_END = re.compile(r"</(?:p|div)>|<br\b[^<>]{0,20}>", re.I)


def set_right(top: Any) -> Any:
    """The value with rows as other services write them; any other as it is."""
    if not isinstance(top, dict):
        return top
    _trint(top.get("transcript"))
    _watson(top.get("results"))
    return _otranscribe(top)


def _trint(transcript: Any) -> None:
    """Words of milliseconds; who says them stands with their paragraphs."""
    words = transcript.get("words") if isinstance(transcript, dict) else None
    if not isinstance(words, list) or not words or not all(map(_is_of_trint, words)):
        return
    turns = [p for p in transcript.pop("paragraphs", None) or () if isinstance(p, dict)]
    starts = [(p["time"], str(p.get("speaker") or "")) for p in turns if _is_number(p.get("time"))]
    turn = 0
    for word in words:
        at, length = word.pop("time"), word.pop("duration")
        word["start"], word["end"] = at / 1000, (at + length) / 1000
        word["text"] = str(word.pop("value")).strip()
        while turn + 1 < len(starts) and starts[turn + 1][0] <= at:
            turn += 1
        if starts and starts[turn][1]:
            word["speaker"] = starts[turn][1]


def _is_of_trint(word: Any) -> bool:
    return (
        isinstance(word, dict)
        and {"time", "duration", "value"} <= word.keys()
        and _is_number(word["time"])
        and _is_number(word["duration"])
    )


def _watson(results: Any) -> None:
    for one in results if isinstance(results, list) else ():
        best = one.get("alternatives") if isinstance(one, dict) else None
        for told in best if isinstance(best, list) else ():
            times = told.get("timestamps") if isinstance(told, dict) else None
            if isinstance(times, list) and times and all(map(_is_of_watson, times)):
                told["words"] = [{"word": w, "start": a, "end": b} for w, a, b in times]
                del told["timestamps"]


def _is_of_watson(row: Any) -> bool:
    return (
        isinstance(row, list)
        and len(row) == 3
        and isinstance(row[0], str)
        and all(map(_is_number, row[1:]))
    )


def _otranscribe(top: dict[str, Any]) -> Any:
    """A page with a time before each paragraph."""
    page = top.get("text")
    if not isinstance(page, str) or len(parts := _STAMP.split(page)) < 3:
        return top
    rows = [
        {"start": float(at), "text": _PARAGRAPH_END.sub("\n", words)}
        for at, words in zip(parts[1::2], parts[2::2], strict=True)
        if at.count(".") < 2 and at != "."
    ]
    return {**{k: v for k, v in top.items() if k != "text"}, "above": parts[0], "captions": rows}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e12
