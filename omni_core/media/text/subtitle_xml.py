"""Cues of other formats in XML: USF, the subtitles of digital cinema (DCSubtitle, SMPTE), and the
transcripts of ELAN and Transcriber."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from omni_core.media.text.cues import clean
from omni_core.media.text.subtitle_reading import TIME, Reading, seconds

_ROOT = re.compile(
    r"\s*+(?:<\?xml[^>]*+>\s*+)?(?:<!DOCTYPE[^>]*+>\s*+)?(?:<!--(?>.{0,500}?-->)\s*+)*+"
    r"<(?:\w+:)?(USFSubtitles|DCSubtitle|SubtitleReel|ANNOTATION_DOCUMENT|Trans)[\s>]",
    re.S,
)
_ATTRIBUTE = re.compile(r"""(?<![\w:])([\w:]++)\s*+=\s*+(?:"([^"]*)"|'([^']*)')""")
_CUE = re.compile(r"<(?:\w+:)?subtitle\b([^<>]*)>", re.I)
_CUE_END = re.compile(r"</(?:\w+:)?subtitle\s*>", re.I)
_LINE_END = re.compile(r"</(?:\w+:)?text\s*>", re.I)
_TICKS, _FRAMES = 250, 24
"""Parts of a second after the last colon in digital cinema, of Interop and of SMPTE."""
_RATE = re.compile(r"<(?:\w+:)?TimeCodeRate>\s*(\d{1,3})\s*<")
_FOUR = re.compile(r"(\d{1,2}):(\d\d):(\d\d)[:.](\d{1,3})")
_CLOCK = re.compile(TIME)
_SLOT = re.compile(r"<TIME_SLOT\b([^<>]*)>")
_TIER = re.compile(r"<TIER\b([^<>]*)>")
_MARK = re.compile(
    r"<(?:ALIGNABLE|REF)_ANNOTATION\b([^<>]*)>\s*<ANNOTATION_VALUE>([^<]*)</ANNOTATION_VALUE>"
)
_TURN = re.compile(r"<Turn\b([^<>]*)>")
_SPEAKER = re.compile(r"<Speaker\b([^<>]*)>")
_SYNC = re.compile(r"<Sync\b([^<>]*)>")


def xml_kind(start: str) -> str | None:
    """usf, dcsubtitle, eaf or trs; None for other text."""
    found = _ROOT.match(start) if start[:1] == "<" else None
    if found is None:
        return None
    kinds = {"USFSubtitles": "usf", "ANNOTATION_DOCUMENT": "eaf", "Trans": "trs"}
    return kinds.get(found[1], "dcsubtitle")


def read_xml(text: str, kind: str) -> Reading:
    """The cues of one of these."""
    if kind == "eaf":
        return _elan(text)
    return _transcriber(text) if kind == "trs" else _subtitles(text, kind)


def _subtitles(text: str, kind: str) -> Reading:
    reading = Reading()
    rate = _RATE.search(text[:20_000])
    parts = int(rate[1]) or _FRAMES if rate else _TICKS
    for number, block in enumerate(_CUE_END.split(text)[:-1], 1):
        begun = next(reversed([*_CUE.finditer(block)]), None)
        if begun is None:
            continue
        said = _attributes(begun[1])
        names = ("start", "stop") if kind == "usf" else ("timein", "timeout")
        start, end = (_time(said.get(name, ""), parts if kind != "usf" else 0) for name in names)
        if start is None:
            reading.untimed.append(f"cue {number}")
            continue
        words = " ".join(block[begun.end() :].split())
        reading.add(start, end if end is not None else start, clean(_LINE_END.sub("\n", words)))
    return reading


def _time(said: str, parts: int) -> float | None:
    """Seconds; `parts`: of one, that a number after a third colon counts."""
    found = _FOUR.fullmatch(said) if parts else None
    if found is not None:
        whole = int(found[1]) * 3600 + int(found[2]) * 60 + int(found[3])
        return round(whole + int(found[4]) / parts, 3)
    clock = _CLOCK.fullmatch(said.strip())
    return seconds(clock.groups()) if clock else None


def _elan(text: str) -> Reading:
    """Annotations with the times of their slots, or of the annotation that they belong to."""
    reading = Reading()
    slots = {
        one["time_slot_id"]: int(one["time_value"]) / 1000
        for one in (_attributes(m[1]) for m in _SLOT.finditer(text))
        if one.get("time_value", "").isdecimal() and "time_slot_id" in one
    }
    spans: dict[str, tuple[float, float]] = {}
    found: list[tuple[str, str, str]] = []
    parts = _TIER.split(text)
    for tier, block in zip(parts[1::2], parts[2::2], strict=True):
        who = _attributes(tier).get("tier_id", "")
        for mark in _MARK.finditer(block):
            one = _attributes(mark[1])
            name, whose = one.get("annotation_id", ""), one.get("annotation_ref", "")
            if (start := slots.get(one.get("time_slot_ref1", ""))) is not None:
                spans[name] = start, slots.get(one.get("time_slot_ref2", ""), start)
            found.append((whose or name, who, clean(mark[2])))
    several = len({who for _, who, words in found if words}) > 1
    for name, who, words in found:
        if name in spans:
            reading.add(*spans[name], f"{who}: {words}" if several and words else words)
        elif words:
            reading.untimed.append(name)
    return reading


def _transcriber(text: str) -> Reading:
    """Turns, in pieces where their words are set to times."""
    reading = Reading()
    speakers = {
        one.get("id", ""): one.get("name", "")
        for one in (_attributes(m[1]) for m in _SPEAKER.finditer(text))
    }
    parts = _TURN.split(text)
    for turn, block in zip(parts[1::2], parts[2::2], strict=True):
        said = _attributes(turn)
        who = " + ".join(
            filter(None, (speakers.get(s, "") for s in said.get("speaker", "").split()))
        )
        pieces = _SYNC.split(block.partition("</Turn>")[0])
        if len(pieces) == 1:
            pieces = ["", f'time="{said.get("starttime", "")}"', pieces[0]]
        times = [_time_of(_attributes(p).get("time", "")) for p in pieces[1::2]]
        ends = [*times[1:], _time_of(said.get("endtime", ""))]
        for start, end, words in zip(times, ends, pieces[2::2], strict=True):
            words = clean(" ".join(words.split()))
            if start is not None:
                reading.add(start, end or start, f"{who}: {words}" if who and words else words)
    return reading


def _time_of(said: str) -> float | None:
    return float(said) if re.fullmatch(r"\d{1,6}(?:\.\d{1,6})?", said) else None


def _attributes(tag: str) -> dict[str, str]:
    return dict(_pairs(tag))


def _pairs(tag: str) -> Iterator[tuple[str, str]]:
    for name, double, single in _ATTRIBUTE.findall(tag):
        yield name.lower(), html.unescape(double or single)
