"""Cues of formats that few programs write today: JACOsub, RealText, AQTitle, PJS, and the TextGrids
of Praat, by which linguists mark recordings."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable

from omni_core.media.text.cues import clean
from omni_core.media.text.subtitle_reading import LINE_S, TIME, Reading, next_starts, seconds
from omni_core.media.text.subtitle_timecoded import DEFAULT_FPS

_JACO_TIME = r"(\d{1,2}):([0-5]\d):([0-5]\d)\.(\d{2})"
_JACO = re.compile(rf"{_JACO_TIME}[ \t]+{_JACO_TIME}[ \t]+(\S.*)")
_JACO_SIGNS = re.compile(
    r"(?:(?:D|J[CLRB]+|V[BMTUL]\w*|H[LMR]?\d*|[RSFGTUCP]\d[\w.-]*|\[[^\]\s]*\])[A-Z0-9.]*[ \t]+)+"
)
"""Where and how a line is shown, before its words."""
_JACO_HEAD = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\n)*")
_AQT = re.compile(r"[ \t]*-->>[ \t]*(\d{1,8})[ \t]*$")
_PJS = re.compile(r'[ \t]*(\d{1,7}),[ \t]*(\d{1,7}),[ \t]*"?(.*?)"?[ \t]*$')
_REAL = re.compile(r"<time\b([^<>]{0,200})>", re.I)
_REAL_AT = re.compile(r"\b(begin|end)[ \t]*=[ \t]*[\"']?([\d:.]+)", re.I)
_CLOCK = re.compile(TIME)
_PRAAT = re.compile(r'"((?:[^"]|"")*)"|(?<!\S)(-?\d{1,9}(?:\.\d{1,40})?)(?!\S)')
"""Whatever stands free is a value: all else of a TextGrid is there for people."""
_PRAAT_HEAD = re.compile(r"(?:File type = )?\"ooTextFile\"\s+(?:Object class = )?\"TextGrid\"")
_TIERS = ("IntervalTier", "TextTier")
_SOUNDS = ("phone", "phoneme", "segment")
"""Tiers of single sounds, which are no words."""


def rare_kind(start: str, suffix: str) -> str | None:
    """jacosub, realtext, aqtitle, pjs or textgrid; None for other text."""
    begin = start[:40].lower()
    if begin.startswith("<window") and _REAL.search(start):
        return "realtext"
    if start.startswith("-->>") and _AQT.match(start.partition("\n")[0]):
        return "aqtitle"
    if _PRAAT_HEAD.match(start):
        return "textgrid"
    if suffix == ".pjs" and _PJS.match(start.partition("\n")[0]):
        return "pjs"
    if begin[:1] in "#0123456789" and (head := _JACO_HEAD.match(start)):
        found = _JACO.match(start, head.end())
        if found and _jaco_time(found, 1) < _jaco_time(found, 5):
            return "jacosub"
    return None


def read_rare(text: str, kind: str, ask: Callable[[], float | None] | None = None) -> Reading:
    """The cues of one of these; AQTitle counts frames of the film (`ask`), or 25 a second."""
    match kind:
        case "realtext":
            return _realtext(text)
        case "aqtitle":
            return _aqtitle(text, (ask() if ask is not None else None) or DEFAULT_FPS)
        case "textgrid":
            return _textgrid(text)
        case "pjs":
            return _pjs(text)
        case _:
            return _jacosub(text)


def _jacosub(text: str) -> Reading:
    reading = Reading()
    for line in text.split("\n"):
        found = _JACO.match(line)
        if found is None:
            continue
        signs = _JACO_SIGNS.match(found[9])
        words = found[9][signs.end() if signs else 0 :].replace("~", " ").replace("\\n", "\n")
        words = re.sub(r"\\[A-Za-z]", "", words)
        reading.add(_jaco_time(found, 1), _jaco_time(found, 5), clean(words))
    return reading


def _jaco_time(found: re.Match[str], at: int) -> float:
    return seconds(("", *(found[n] for n in range(at, at + 4))))


def _aqtitle(text: str, fps: float) -> Reading:
    reading = Reading()
    at, held = -1.0, list[str]()
    for line in itertools.chain(text.split("\n"), ["-->> 99999999"]):
        found = _AQT.match(line)
        if found is None:
            held.append(line)
            continue
        time = round(int(found[1]) / fps, 3)
        if at >= 0:
            reading.add(at, min(time, at + 4 * LINE_S), clean("\n".join(held)))
        at, held = time, []
    return reading


def _pjs(text: str) -> Reading:
    reading = Reading()
    for row in filter(None, map(_PJS.match, text.split("\n"))):
        reading.add(int(row[1]) / 10, int(row[2]) / 10, clean(row[3].replace("|", "\n")))
    return reading


def _realtext(text: str) -> Reading:
    """Words between two times; without an end they are shown until the next ones."""
    reading = Reading()
    parts = _REAL.split(text)
    said: list[tuple[float, float | None, str]] = []
    for number, (attributes, words) in enumerate(zip(parts[1::2], parts[2::2], strict=True), 1):
        at = {m[1].lower(): _real_time(m[2]) for m in _REAL_AT.finditer(attributes)}
        start = at.get("begin")
        if start is None:
            reading.untimed.append(f"cue {number}")
        else:
            said.append((start, at.get("end"), clean(words.replace("\n", " "))))
    said.sort(key=lambda cue: cue[0])
    after = next_starts([start for start, _, _ in said])
    for (start, end, words), following in zip(said, after, strict=True):
        reading.add(start, min(following, start + LINE_S) if end is None else end, words)
    return reading


def _real_time(said: str) -> float | None:
    if re.fullmatch(r"\d{1,6}(?:\.\d{1,6})?", said):
        return float(said)
    found = _CLOCK.fullmatch(said)
    return seconds(found.groups()) if found else None


def _textgrid(text: str) -> Reading:
    """The marks of all tiers, each after the tier's name where several have words."""
    tiers: list[tuple[str, list[tuple[float, float, str]]]] = []
    kind, begins, times = "", -2, list[float]()
    for found in _PRAAT.finditer(text):
        if found[2]:
            times.append(float(found[2]))
            continue
        said = found[1].replace('""', '"')
        if kind and not times:
            tiers.append((said, []))  # its name follows its kind at once
            kind = ""
        elif said in _TIERS:
            kind = said
            begins = -2 if said == _TIERS[0] else -1
        elif tiers and len(times) >= -begins and (words := clean(said)):
            tiers[-1][1].append((times[begins], times[-1], words))
        times.clear()
    spoken = [tier for tier in tiers if not tier[0].lower().rstrip("s").endswith(_SOUNDS)]
    with_words = [tier for tier in spoken if tier[1]] or tiers
    reading = Reading()
    for name, marks in with_words:
        for start, end, words in marks:
            reading.add(start, end, f"{name}: {words}" if len(with_words) > 1 else words)
    return reading
