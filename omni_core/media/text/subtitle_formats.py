"""Subtitle text to cues: detects the format by content, and reads each with what real files need.

Measured on the project's collection of malformed files, pysubs2 1.8 alone: ignores the `Format:`
line of ASS (columns in another order raise) and refuses a whole ASS file for one bad time; loses
SRT cues whose times have no hours, and a last line that is a number; reads WebVTT notes, styles and
cue names as text, and a line with two inline times for a cue; reads no LRC, SBV, SubViewer or
YouTube captions, and of TTML no frames and no spans; needs seconds in regular expressions for a cue
of 100 kB (`<a<a<a...`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from omni_core.media.text.cues import Cue, clean
from omni_core.media.text.subtitle_ass import read_ass
from omni_core.media.text.subtitle_lines import PAIR, begins_cue, read_lines, with_clocks
from omni_core.media.text.subtitle_lyrics import (
    is_lrc,
    is_microdvd,
    read_lrc,
    read_microdvd,
    read_subviewer1,
)
from omni_core.media.text.subtitle_mpl2 import is_mpl2, is_tmplayer, read_mpl2, read_tmplayer
from omni_core.media.text.subtitle_paragraphs import read_sami, read_timedtext
from omni_core.media.text.subtitle_rare import rare_kind, read_rare
from omni_core.media.text.subtitle_reading import Reading
from omni_core.media.text.subtitle_rows import is_rows, read_rows
from omni_core.media.text.subtitle_scc import HEADER as SCC_HEADER
from omni_core.media.text.subtitle_scc import read_scc
from omni_core.media.text.subtitle_stl import is_stl, read_stl
from omni_core.media.text.subtitle_table import is_cue_table, read_cue_table
from omni_core.media.text.subtitle_timecoded import is_timecoded, read_timecoded
from omni_core.media.text.subtitle_transcripts import may_be_transcript, read_transcript
from omni_core.media.text.subtitle_ttml import read_ttml
from omni_core.media.text.subtitle_typed import is_typed, read_typed
from omni_core.media.text.subtitle_xml import read_xml, xml_kind
from omni_core.text.charset import decode, decoded, is_text

FrameRate = Callable[[], float | None]
"""Frames a second of the film; None when that is not known."""
TOLERANT_SUFFIXES = (".srt", ".vtt")
_TTML = re.compile(
    r"\s*(?:<\?xml[^>]*>)?(?:\s*<!--.*?-->)*\s*(?:<!DOCTYPE[^>]*>)?\s*<(?:\w+:)?tt\s[^>]*"
    r"(?:/ns/ttml|2006/\d\d/ttaf1|2006/04/ttaf1)",
    re.S,
)
_TIMEDTEXT = re.compile(r"\s*(?:<\?xml[^>]*>)?\s*<(?:timedtext\b|transcript>\s*<text\s+start=)")
_JSON3 = re.compile(r"\s*\{.{0,4000}?\"events\"\s*:\s*\[.{0,4000}?\"tStartMs\"", re.S)
_REMARKS = re.compile(r"(?:[;!][^\n]*\n\s*)+")
"""Lines that may stand before the first section of ASS."""
_SUBVIEWER1 = re.compile(r"(?:\[(?:TITLE|BEGIN|AUTHOR|SOURCE|FILEPATH)\]|\*+ ?START SCRIPT)", re.I)
_VTT, _VTT_ALONE = re.compile(r"WEBVTT(?!\w)"), re.compile(r"WEBVTT[ \t]*(?:\n|\Z)")
_PROSE = (".md", ".markdown", ".rst", ".adoc", ".org", ".tex", ".html", ".htm")
"""Suffixes of texts that may begin with the name of the format."""
_PICTURE = re.compile(r"\S{1,500}\.(?:jpe?g|png|webp|gif|avif)(?:[?#]\S{0,500})?", re.I)
_LRC_TITLE = re.compile(r"\[(ti|ar):([^\]\n]*)\]", re.I)
_TITLE = re.compile(r"<(?:\w+:)?title\b[^>]*>([^<]{1,300})</", re.I)


@dataclass(frozen=True, slots=True)
class Subtitles:
    """A subtitle file as read."""

    kind: str
    cues: list[Cue]
    """In order of time."""
    warnings: tuple[str, ...] = ()
    """What could not be read."""
    doubts: tuple[str, ...] = ()
    """About its encoding, where that is a guess."""
    aside: str = ""
    """What a transcript says beside its cues."""


def detect_format(text: str, suffix: str = "") -> str | None:
    """The subtitle format by the first 4096 characters: srt, vtt, ass, sbv, ttml, sami, microdvd,
    mpl2, tmplayer, lrc, subviewer, subviewer1, scc, timecoded (Spruce, Encore), rows (Whisper,
    Audacity), timedtext or json3 (YouTube), typed (copied from a page or a service), or one of
    `subtitle_xml` and `subtitle_rare`.

    None for other text. A text must begin with a cue, so one that only quotes a cue is not taken
    for SRT; with the suffix .srt or .vtt other lines may precede it.
    """
    start = with_clocks(text[:4096].lstrip("\ufeff \t\n"))
    low = _REMARKS.sub("", start)[:40].lower()
    if (_VTT_ALONE if suffix in _PROSE else _VTT).match(start):
        return "vtt"
    if start.startswith(SCC_HEADER):
        return "scc"
    if low.startswith(("[script info]", "[v4+ styles]", "[v4 styles]")) or (
        low.startswith("[events]") and suffix in (".ass", ".ssa")
    ):
        return "ass"
    if low.startswith("<sami"):
        return "sami"
    if _TTML.match(start):
        return "ttml"
    if _TIMEDTEXT.match(start):
        return "timedtext"
    if _JSON3.match(start):
        return "json3"
    if known := xml_kind(start) or rare_kind(start, suffix):
        return known
    if is_microdvd(start, named=suffix == ".sub"):
        return "microdvd"
    if start.startswith("[INFORMATION]") and "[SUBTITLE]" in start:
        return "subviewer"
    if _SUBVIEWER1.match(start) and re.search(r"^\[\d\d:\d\d:\d\d\]", start, re.M):
        return "subviewer1"
    if suffix != ".log" and is_lrc(start, named=suffix == ".lrc"):
        return "lrc"
    lines = [line for line in map(str.strip, start.split("\n")) if line and not line.isdecimal()]
    begin = lines if suffix in TOLERANT_SUFFIXES else lines[:1]
    if any(map(begins_cue, begin)):
        return "srt"
    if is_mpl2(start):
        return "mpl2"
    if is_timecoded(start):
        return "timecoded"
    if is_tmplayer(start, suffix):
        return "tmplayer"
    if is_rows(start) or is_cue_table(start):
        return "rows"
    if lines and PAIR.match(lines[0]):
        return "subviewer" if "[br]" in start else "sbv"
    return "typed" if is_typed(start, suffix) else None


def claims(head: bytes, suffix: str) -> bool:
    """Whether the first bytes of a file are those of subtitles."""
    if is_stl(head):
        return True
    if not is_text(head):
        return False
    start = decode(head, markup=True)
    return detect_format(start, suffix) is not None or may_be_transcript(start)


def read_bytes_of(data: bytes, suffix: str = "", fps: FrameRate | None = None) -> Subtitles:
    """The cues of a file; none where it is no text (pictures of words, as in VobSub)."""
    if is_stl(data):
        reading = read_stl(data)
        return Subtitles("stl", reading.in_order(), reading.warnings())
    if not is_text(data[:4096]):
        return Subtitles("", [])
    text = decoded(data, markup=True)
    return replace(read_subtitles(text.text, suffix, fps), doubts=text.warnings)


def parse(text: str, suffix: str = "") -> list[Cue]:
    """The cues of any of the formats, in order of time."""
    return read_subtitles(text, suffix).cues


def read_subtitles(text: str, suffix: str = "", fps: FrameRate | None = None) -> Subtitles:
    """The cues of any of the formats, and what could not be read.

    suffix: of the file's name. fps: asks the film, for a format that counts frames and names no
    rate.
    """
    kind = detect_format(text, suffix)
    if kind is None and may_be_transcript(text[:4096]):
        found = read_transcript(text)
        if found is None:
            return Subtitles("", [])
        cues, warnings = found.reading.in_order(), found.reading.warnings()
        return Subtitles("transcript", cues, warnings, aside=found.aside)
    if kind == "typed":
        reading, above = read_typed(text.lstrip("\ufeff"))
        return Subtitles(kind, reading.in_order(), reading.warnings(), aside=above)
    kind = kind or ("ass" if "[Events]" in text else "srt")
    reading = _read(text, kind, suffix, fps)
    if reading.cues and all(_PICTURE.fullmatch(cue.text) for cue in reading.cues):
        reading = Reading(notes=["its cues name the preview pictures of a player, and no words"])
    return Subtitles(kind, reading.in_order(), reading.warnings())


def _read(text: str, kind: str, suffix: str, fps: FrameRate | None) -> Reading:
    match kind:
        case "lrc":
            return read_lrc(text, named=suffix == ".lrc")
        case "ass":
            return read_ass(text)
        case "microdvd":
            return read_microdvd(text, fps)
        case "mpl2":
            return read_mpl2(text)
        case "tmplayer":
            return read_tmplayer(text)
        case "sami":
            return read_sami(text)
        case "ttml":
            return read_ttml(text)
        case "timedtext":
            return read_timedtext(text)
        case "json3":
            return _read_json3(text)
        case "timecoded":
            return read_timecoded(text, fps)
        case "scc":
            return read_scc(text)
        case "usf" | "dcsubtitle" | "eaf" | "trs":
            return read_xml(text, kind)
        case "jacosub" | "realtext" | "aqtitle" | "pjs" | "textgrid":
            return read_rare(text, kind, fps)
        case "rows":
            return read_cue_table(text, fps) if is_cue_table(text[:4096]) else read_rows(text)
        case "subviewer1":
            return read_subviewer1(text)
        case "subviewer":
            return read_lines(text.partition("[SUBTITLE]")[2] or text, kind)
        case _:
            return read_lines(with_clocks(text), kind)


def stated_title(text: str, kind: str) -> str:
    """The title that the file states, of LRC with its artist; else ""."""
    start = text[:4096]
    if kind == "lrc":
        tags = {m[1].lower(): m[2].strip() for m in _LRC_TITLE.finditer(start)}
        return " - ".join(filter(None, (tags.get("ar"), tags.get("ti"))))
    if kind in ("ttml", "sami") and (found := _TITLE.search(start)):
        return clean(found[1])
    return ""


def _read_json3(text: str) -> Reading:
    """YouTube's JSON: events in milliseconds, with the words of each in pieces."""
    reading = Reading()
    try:
        events = json.loads(text)["events"]
        for event in events:
            start = event.get("tStartMs", 0) / 1000
            end = start + event.get("dDurationMs", 0) / 1000
            words = "".join(piece.get("utf8", "") for piece in event.get("segs", ()))
            reading.add(start, end, clean(words))
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError):
        reading.notes.append("the file breaks off, or is no JSON; its words are left out")
    return reading
