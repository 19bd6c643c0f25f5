"""Cues of TTML (DFXP, IMSC).

It is parsed as HTML, so that one bad character costs itself and not the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser, LexborNode

from omni_core.media.text.cues import clean
from omni_core.media.text.subtitle_paragraphs import SELF_CLOSING, Words
from omni_core.media.text.subtitle_reading import LINE_S, Reading, next_starts

DEFAULT_FPS = 30.0
"""Frames a second of TTML that names none, as its standard says."""
DIVISIONS = 20
"""Divisions in which it is looked how a file counts."""
MAX_DEPTH = 12
"""Parents of a paragraph whose times and languages count."""
_ROOT = re.compile(r"<(?:(\w+):)?tt\b[^>]*>")
_HEAD = re.compile(r"<(?:\w+:)?head\b")
_HEAD_END = re.compile(r"</(?:\w+:)?head>")
_AGENT = re.compile(
    r"""<(?:\w+:)?agent\b[^>]*xml:id=["']([^"']+)["'][^>]*>(.{0,2000}?)</(?:\w+:)?agent>""", re.S
)
_PICTURE = re.compile(r"<(?:p|div|span)\b[^<>]*\bbackgroundImage=|<image\b[^<>]*\b(?:src|type)=")
_CLOCK = re.compile(r"(?:(\d+):)?(\d{1,3}):(\d{1,2})(?:([.,]\d+)|:(\d+(?:\.\d+)?))?")
_OFFSET = re.compile(r"(\d+(?:\.\d+)?)(h|m|s|ms|f|t)?")
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_RATE = re.compile(r"""\sttp:(frameRate|frameRateMultiplier|tickRate)=["']([\d.: ]+)["']""", re.I)

_OF_APPLE = ".apple.com/"
"""In the namespaces of its podcasts and lyrics, whose times all count from the beginning."""
_WHOLE_WORD = re.compile(r"""<span\b[^<>]*\s[\w:]*unit=["'](?:word|sentence)["']""")
"""The begin of a word in Apple's transcripts of podcasts, which have no spaces between words."""


def read_ttml(text: str) -> Reading:
    """The paragraphs, or timed spans of those without times; an agent's name is the speaker.
    Paragraphs in several languages are cues of as many tracks."""
    return _Ttml(text).reading


class _Ttml:
    """One TTML file."""

    def __init__(self, text: str) -> None:
        self.reading = Reading()
        root = _ROOT.search(text)
        if root is None:
            return
        self._rates(root[0])
        self._agents = {name: clean(said) for name, said in _AGENT.findall(text[:200_000])}
        body = _without_head(text[root.end() :])
        if root[1]:
            body = re.sub(rf"<(/?){root[1]}:", r"<\1", body)
        body = body.replace("<![CDATA[", "").replace("]]>", "")
        body = _WHOLE_WORD.sub(r" \g<0>", body)
        tree = LexborHTMLParser(SELF_CLOSING.sub(r"<\1\2></\1>", body))
        self._words = Words(body)
        self._absolute = _OF_APPLE in root[0] or self._counts_from_zero(tree)
        self._rows: dict[int, _Row] = {}
        rows: list[tuple[float, float | None, str, str]] = []
        for number, p in enumerate(tree.css("p"), 1):
            rows += self._paragraph(p, number)
        languages = {row[3] for row in rows}
        rows.sort(key=lambda row: row[0])
        after = next_starts([row[0] for row in rows])
        for (start, end, words, language), following in zip(rows, after, strict=True):
            shown = min(following, start + LINE_S) if end is None else end
            self.reading.add(start, shown, words, language if len(languages) > 1 else "")
        if pictures := len(_PICTURE.findall(body)):
            what = "subtitles are pictures" if pictures > 1 else "subtitle is a picture"
            self.reading.notes.append(f"{pictures} {what} of words, not read")

    def _rates(self, root: str) -> None:
        said = {name.lower(): value.strip() for name, value in _RATE.findall(root)}
        numbers = re.split(r"[ :]+", said.get("frameratemultiplier", "1 1"))
        below = _positive(numbers[1]) if len(numbers) > 1 else 1.0
        rate = _positive(said.get("framerate", "")) or DEFAULT_FPS
        self._fps = rate * (_positive(numbers[0]) or 1.0) / (below or 1.0)
        ticks = _positive(said.get("tickrate", ""))
        self._tick_s = 1 / ticks if ticks else None

    def _counts_from_zero(self, tree: LexborHTMLParser) -> bool:
        """Whether paragraphs count from the beginning, not from that of their division, as in
        Apple's lyrics: counted from it, one would begin after its end."""
        for div in tree.css("div[begin][end]")[:DIVISIONS]:
            start = self._time(div.attributes.get("begin")) or 0.0
            end = self._time(div.attributes.get("end")) or 0.0
            for p in div.css("p[begin]"):
                at = self._time(p.attributes.get("begin"))
                if at is not None and start <= at < end <= start + at:
                    return True
        return False

    def _paragraph(
        self, p: LexborNode, number: int
    ) -> Iterator[tuple[float, float | None, str, str]]:
        base, language, speaker, rows = self._inherited(p)
        nodes = [p]
        if "begin" not in p.attributes:
            timed = (s for s in p.css("span") if "begin" in s.attributes)
            nodes = [s for s in timed if not _is_timed(s.parent)] or [p]
        for node in nodes:
            words = clean(self._words.of(node))
            if not words:
                continue
            start, end = self._times(node, base)
            if start is None:
                self.reading.untimed.append(f"paragraph {number}")
                continue
            for row in rows:
                row.ended = max(row.ended, end if end is not None else start)
            yield start, end, f"{speaker}: {words}" if speaker else words, language

    def _inherited(self, p: LexborNode) -> tuple[float, str, str, list[_Row]]:
        """(second at which its parents begin, language, speaker, rows in which it stands) of a
        paragraph."""
        path = [p]
        while (node := path[-1].parent) is not None and node.tag != "html":
            if len(path) == MAX_DEPTH:
                break
            path.append(node)
        said = [node.attributes for node in path]
        language = next(filter(None, (a.get("xml:lang") for a in said)), "")
        agents = (self._agents.get(a.get("ttm:agent") or "", "") for a in said)
        speaker = next(filter(None, agents), "")
        base, rows = 0.0, []
        for node, child in zip(path[:0:-1], path[-2::-1], strict=True):
            base += 0.0 if self._absolute else self._time(node.attributes.get("begin")) or 0.0
            if node.attributes.get("timecontainer") == "seq":
                row = self._rows.setdefault(node.mem_id, _Row(child.mem_id, base, base))
                row.go_on(child.mem_id)
                rows.append(row)
                if "begin" not in child.attributes:
                    base = row.start
        return base, language, speaker, rows

    def _times(self, node: LexborNode, base: float) -> tuple[float | None, float | None]:
        attributes = node.attributes
        begin, end, length = (attributes.get(name) for name in ("begin", "end", "dur"))
        start = self._time(begin) if begin else (0.0 if end or length else None)
        if start is None:
            return None, None
        stated = self._time(end) if end else None
        if stated is None and length and (seconds := self._time(length)) is not None:
            stated = start + seconds
        return round(base + start, 3), None if stated is None else round(base + stated, 3)

    def _time(self, said: str | None) -> float | None:
        """Seconds of a time expression; None for what is none, and for ticks of unknown length."""
        said = (said or "").strip()
        if clock := _CLOCK.fullmatch(said):
            whole = int(clock[1] or 0) * 3600 + int(clock[2]) * 60 + int(clock[3])
            part = float(clock[4].replace(",", ".")) if clock[4] else 0.0
            return whole + part + (float(clock[5]) / self._fps if clock[5] else 0.0)
        if offset := _OFFSET.fullmatch(said):
            value, unit = float(offset[1]), offset[2] or "s"  # Apple's lyrics have bare seconds
            if unit == "f":
                return value / self._fps
            if unit == "t":
                return value * self._tick_s if self._tick_s else None
            return value * _UNITS[unit]
        return None


@dataclass
class _Row:
    """A container whose children are shown one after the other (timeContainer="seq")."""

    child: int
    """Which of them it is."""
    start: float
    """The second at which that begins."""
    ended: float
    """The second until which any was shown."""

    def go_on(self, child: int) -> None:
        """With the next child, if it is another."""
        if child != self.child:
            self.child, self.start = child, self.ended


def _positive(said: str) -> float | None:
    try:
        value = float(said)
    except ValueError:
        return None
    return value if 0 < value < 1e12 else None


def _is_timed(node: LexborNode | None) -> bool:
    return node is not None and node.tag == "span" and "begin" in node.attributes


def _without_head(text: str) -> str:
    begin = _HEAD.search(text)
    end = _HEAD_END.search(text, begin.end()) if begin is not None else None
    return text[: begin.start()] + text[end.end() :] if begin and end else text
