"""Subtitle text to cues: detects the format by content, normalises it, parses with pysubs2.

Real files are looser than what pysubs2 accepts, so SRT, WebVTT, SBV and ASS are rewritten in a
strict form first. Measured on the project's collection of malformed files, without that step
pysubs2 1.8: ignores the `Format:` line of ASS (columns in another order raise) and refuses a whole
ASS file for one bad time; loses SRT cues whose times have no hours, and a last line that is a
number; reads WebVTT notes, styles and cue names as text, and a line with two inline times for a
cue; needs seconds in regular expressions for a cue of 100 kB (`<a<a<a...`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pysubs2

from omni_core.media.text.cues import MAX_CUE, Cue, clean

TOLERANT_SUFFIXES = (".srt", ".vtt")
_TIME = r"(?:(\d{1,4}):)?(\d{1,3}):(\d{1,2})(?:[.,](\d{1,3}))?"
_TIMING = re.compile(rf"[ \t]*{_TIME}[ \t]*-->[ \t]*{_TIME}")
_SBV = re.compile(rf"{_TIME},{_TIME}[ \t]*$")
_ASS_TIME = re.compile(rf"\s*{_TIME}\s*")
_CUE_SETTINGS = re.compile(r"(?:[ \t]+\w+:\S+)*")
_INLINE_TIME = re.compile(r"<[\d:.]+>")
_VTT_BLOCK = re.compile(r"(NOTE|STYLE|REGION)\b")
_TTML = re.compile(r"\s*(?:<\?xml[^>]*>)?\s*(?:<!--[^>]*-->)?\s*<(?:\w+:)?tt\s[^>]*/ns/ttml\"")
_MICRODVD = re.compile(r"\{1\}\{1\}\d+(\.\d+)?[ \t]*\n\{\d+\}\{\d+\}")
_LRC = re.compile(r"((?:\[\d{1,3}:\d{1,2}(?:[.:]\d{1,3})?\])+)(.*)")
_LRC_TIME = re.compile(r"\[(\d+):(\d+)(?:[.:](\d+))?\]")
_LRC_TAG = re.compile(r"\[[a-z]+:[^\]]*\]", re.I)
LRC_CUE_S = 8.0
"""Longest time for which a line of a song counts as shown: the format has no ends."""
_VOICE = re.compile(r"<v(?:\.[\w.-]+)*[ \t]+([^<>]{1,80})>")
"""WebVTT's speaker of what follows."""
_DRAWING = re.compile(r"\\p(\d)")
_OVERRIDES = re.compile(r"(\{[^{}]*\})")
_PARSE_ERRORS = (
    ValueError, KeyError, NotImplementedError, OverflowError, RecursionError, SyntaxError,
    pysubs2.Pysubs2Error,
)  # fmt: skip
"""What pysubs2 raises for malformed times and markup (SyntaxError: malformed XML)."""


def detect_format(text: str, suffix: str = "") -> str | None:
    """The subtitle format by the first 4096 characters: srt, vtt, ass, sbv, ttml, sami, microdvd,
    lrc, subviewer.

    None for other text. A text must begin with a cue, so one that only quotes a cue is not taken
    for SRT; with the suffix .srt or .vtt other lines may precede it.
    """
    start = text[:4096].lstrip("\ufeff \t\n")
    if start.startswith("WEBVTT"):
        return "vtt"
    if start.startswith("[Script Info]"):
        return "ass"
    if start[:6].lower() == "<sami>":
        return "sami"
    if _TTML.match(start):
        return "ttml"
    if _MICRODVD.match(start):
        return "microdvd"
    if start.startswith("[INFORMATION]") and "[SUBTITLE]" in start:
        return "subviewer"
    if _is_lrc(start):
        return "lrc"
    lines = [line for line in map(str.strip, start.split("\n")) if line and not line.isdecimal()]
    begin = lines if suffix in TOLERANT_SUFFIXES else lines[:1]
    if any(map(_begins_cue, begin)):
        return "srt"
    return "sbv" if lines and _SBV.match(lines[0]) else None


def _is_lrc(start: str) -> bool:
    """Song lines with times in brackets, two at least, after nothing but tags."""
    lines = [line.strip() for line in start.split("\n") if line.strip()]
    songs = [line for line in lines if not _LRC_TAG.fullmatch(line)][:2]
    return len(songs) == 2 and all(map(_LRC.match, songs))


def _lrc_cues(text: str) -> list[Cue]:
    """A line is shown until the next one; a line with several times is repeated."""
    lines: list[tuple[float, str]] = []
    for found in _LRC.finditer(text):
        words = clean(re.sub(r"<\d+:\d+[.:]\d+>", "", found[2]))
        for minutes, seconds, part in _LRC_TIME.findall(found[1]):
            lines.append((int(minutes) * 60 + int(seconds) + float(f"0.{part or 0}"), words))
    lines.sort()
    ends = [at for at, _ in lines[1:]] + [float("inf")]
    return [
        Cue(at, min(end, at + LRC_CUE_S), words)
        for (at, words), end in zip(lines, ends, strict=True)
        if words and end > at
    ]


def _begins_cue(line: str) -> bool:
    """Two times with an arrow and at most cue settings; `10:30 --> 11:45`, a timetable, is none."""
    times = _TIMING.match(line)
    if times is None or not (times[1] or times[4]):
        return False
    return _CUE_SETTINGS.fullmatch(line, times.end()) is not None


def parse(text: str) -> list[Cue]:
    """The cues of any of the formats, in order of time; malformed ones are left out."""
    kind = detect_format(text) or ("ass" if "[Events]" in text else "srt")
    if kind == "lrc":
        return _lrc_cues(text)
    if kind == "subviewer":
        kind, text = "sbv", text.partition("[SUBTITLE]")[2].replace("[br]", "\n")
    if kind == "ass":
        strict = "[Events]\n" + "\n".join(_dialogues(text))
    elif kind in ("srt", "vtt", "sbv"):
        kind, strict = "vtt", "WEBVTT\n\n" + "\n".join(_timed_lines(text, kind))
    elif kind == "microdvd":
        strict = "\n".join(line[:MAX_CUE] for line in text.split("\n"))
    elif kind == "sami":
        strict = text + "</body>"  # pysubs2 drops a last cue without an end
    else:
        strict = text.replace(" dur=", " duration=")  # pysubs2 reads `duration`, TTML says `dur`
    try:
        events = pysubs2.SSAFile.from_string(strict, format_=kind)
    except _PARSE_ERRORS:
        return []
    cues = (Cue(e.start / 1000, e.end / 1000, clean(without_drawings(e.text))) for e in events)
    return sorted((c for c in cues if c.text and c.end > c.start), key=lambda c: (c.start, c.end))


def _timed_lines(text: str, kind: str) -> Iterator[str]:
    """SRT, WebVTT or SBV as lines of strict WebVTT: a counter before every cue, full timestamps,
    no inline times, notes or styles."""
    timing = _SBV if kind == "sbv" else _TIMING
    held: list[str] = []
    count, remaining, skipped = 0, 0, False
    for line in text.split("\n"):
        times = timing.match(line)
        if times is not None:
            yield from _cue_lines(held, kind, count)
            count += 1
            start, end = _milliseconds(times.groups()[:4]), _milliseconds(times.groups()[4:])
            yield f"\n{count}\n{_timestamp(start)} --> {_timestamp(end)}"
            held, remaining, skipped = [], MAX_CUE, False
            continue
        if kind == "vtt" and held and not held[-1].strip() and _VTT_BLOCK.match(line):
            skipped = True
        skipped = skipped and bool(line.strip())
        if remaining > 0 and not skipped:
            held.append(_VOICE.sub(r"\1: ", _INLINE_TIME.sub("", line[:remaining])))
            remaining -= len(line) + 1
    yield from held
    yield f"\n{count + 1}"  # pysubs2 reads a trailing number as a counter


def _cue_lines(lines: list[str], kind: str, count: int) -> list[str]:
    """The lines between two timing lines, without the second cue's counter or WebVTT name.

    That line directly precedes the second timing line; empty lines may follow a counter.
    """
    end = len(lines)
    while end and not lines[end - 1].strip():
        end -= 1
    if not end:
        return []
    last = lines[end - 1].strip()
    if end < len(lines):
        leads = last == str(count + 1)
    else:
        named = kind == "vtt" and end > 1 and not lines[end - 2].strip()
        leads = named or last.isdecimal()
    return lines[: end - leads]


def _dialogues(text: str) -> Iterator[str]:
    """The dialogue lines of ASS and SSA with their columns in the standard order."""
    columns = ["layer", "start", "end", "style", "name", "ml", "mr", "mv", "effect", "text"]
    events = False
    for raw in text.split("\n"):
        line = raw.strip()
        if line.startswith("["):
            events = line.lower() == "[events]"
        elif events and line.lower().startswith("format:"):
            columns = [c.strip().lower() for c in line[7:].split(",")]
        elif events and line.startswith("Dialogue:"):
            row = dict(zip(columns, line[9:].split(",", len(columns) - 1), strict=False))
            start, end = (_ASS_TIME.fullmatch(row.get(key, "")) for key in ("start", "end"))
            if start and end and all(len(m[1] or "") < 3 for m in (start, end)):
                first, last = (_timestamp(_milliseconds(m.groups())) for m in (start, end))
                speaker = row.get("name", "").strip()
                words = (f"{speaker}: " if speaker else "") + row.get("text", "")[:MAX_CUE]
                yield f"Dialogue: 0,{first},{last},Default,,0,0,0,,{words}"


def _milliseconds(groups: tuple[str | None, ...]) -> int:
    hours, minutes, seconds, fraction = groups
    whole = int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0)
    return whole * 1000 + int((fraction or "").ljust(3, "0"))


def _timestamp(ms: int) -> str:
    """Milliseconds as `hh:mm:ss.mmm`."""
    seconds, ms = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}.{ms:03}"


def without_drawings(text: str) -> str:
    """The text without ASS vector drawings, which appear in it as `m 0 0 l 100 0`."""
    words, drawing = [], False
    for part in _OVERRIDES.split(text):  # pysubs2's parse_tags is quadratic in overrides
        scales = _DRAWING.findall(part) if part.startswith("{") else []
        drawing = scales[-1] != "0" if scales else drawing
        if part.startswith("{") or not drawing:
            words.append(part)
    return "".join(words)
