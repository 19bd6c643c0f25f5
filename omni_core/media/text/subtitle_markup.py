"""Cues of formats in markup: TTML (DFXP, IMSC), SAMI, and YouTube's srv1 and srv3.

TTML is parsed as HTML, so that one bad character costs itself and not the file.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

from omni_core.media.text.cues import clean
from omni_core.media.text.markup import without
from omni_core.media.text.subtitle_reading import LINE_S, Reading, next_starts

DEFAULT_FPS = 30.0
"""Frames a second of TTML that names none, as its standard says."""
DIVISIONS = 20
"""Divisions in which it is looked how a file counts."""
MAX_DEPTH = 12
"""Parents of a paragraph whose times and languages count."""
_SELF_CLOSING = re.compile(r"<(?!br\b)([a-zA-Z][\w:.-]*)((?:\s[^<>]*)?)/>")
_ROOT = re.compile(r"<(?:(\w+):)?tt\b[^>]*>")
_HEAD = re.compile(r"<(?:\w+:)?head\b")
_HEAD_END = re.compile(r"</(?:\w+:)?head>")
_AGENT = re.compile(
    r"""<(?:\w+:)?agent\b[^>]*xml:id=["']([^"']+)["'][^>]*>(.{0,2000}?)</(?:\w+:)?agent>""", re.S
)
_CLOCK = re.compile(r"(?:(\d+):)?(\d{1,3}):(\d{1,2})(?:([.,]\d+)|:(\d+(?:\.\d+)?))?")
_OFFSET = re.compile(r"(\d+(?:\.\d+)?)(h|m|s|ms|f|t)?")
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_RATE = re.compile(r"""\sttp:(frameRate|frameRateMultiplier|tickRate)=["']([\d.: ]+)["']""", re.I)
_SYNC = re.compile(r"<sync\b[^<>]{0,300}?\bstart\s*=\s*[\"']?(-?\d{1,9})[^<>]*>", re.I)
_PARAGRAPH = re.compile(r"<p\b(?:[^<>]{0,300}?\bclass\s*=\s*[\"']?([\w-]+))?[^<>]*>", re.I)
_AFTER_BODY = re.compile(r"</body\b.*", re.I | re.S)


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
        tree = LexborHTMLParser(_SELF_CLOSING.sub(r"<\1\2></\1>", body))
        self._words = _Words(body)
        self._absolute = self._counts_from_zero(tree)
        self._ended = 0.0
        rows: list[tuple[float, float | None, str, str]] = []
        for number, p in enumerate(tree.css("p"), 1):
            rows += self._paragraph(p, number)
        languages = {row[3] for row in rows}
        rows.sort(key=lambda row: row[0])
        after = next_starts([row[0] for row in rows])
        for (start, end, words, language), following in zip(rows, after, strict=True):
            shown = min(following, start + LINE_S) if end is None else end
            self.reading.add(start, shown, words, language if len(languages) > 1 else "")

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
        base, language, speaker = self._inherited(p)
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
            self._ended = end if end is not None else start
            yield start, end, f"{speaker}: {words}" if speaker else words, language

    def _inherited(self, p: LexborNode) -> tuple[float, str, str]:
        """(second at which its parents begin, language, speaker) of a paragraph."""
        base, language, speaker = 0.0, "", ""
        node: LexborNode | None = p
        for _ in range(MAX_DEPTH):
            if node is None or node.tag == "html":
                break
            attributes = node.attributes
            language = language or attributes.get("xml:lang") or ""
            agent = attributes.get("ttm:agent") or ""
            speaker = speaker or self._agents.get(agent, "")
            if node is not p and not self._absolute:
                base += self._time(attributes.get("begin")) or 0.0
                if attributes.get("timecontainer") == "seq" and "begin" not in p.attributes:
                    base = max(base, self._ended)
            node = node.parent
        return base, language, speaker

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


class _Words:
    """The words of a file's paragraphs; of paragraphs in paragraphs in paragraphs, which hold the
    same words again and again, no more than four times the file."""

    def __init__(self, text: str) -> None:
        self._room = 4 * len(text)

    def of(self, node: LexborNode) -> str:
        """The text of a paragraph, its line breaks as such and other space as one space."""
        out: list[str] = []
        for child in node.traverse(include_text=True):
            if self._room <= 0:
                break
            if child.tag == "-text":
                out.append(re.sub(r"\s+", " ", child.text_content or ""))
            elif child.tag == "br":
                out.append("\n")
            self._room -= 1 + (len(out[-1]) if child.tag == "-text" else 0)
        return html.escape("".join(out), quote=False)


def read_sami(text: str) -> Reading:
    """Each class of paragraphs is a language, whose words are shown until its next paragraph."""
    reading = Reading()
    parts = _SYNC.split(without(text, "<!--", "-->"))
    shown: dict[str, list[tuple[float, str]]] = {}
    for at, block in zip(parts[1::2], parts[2::2], strict=True):
        found = _PARAGRAPH.split(_AFTER_BODY.sub("", block))
        pairs = list(zip(found[1::2], found[2::2], strict=True)) or [(None, found[0])]
        for name, words in pairs:
            lines = shown.setdefault((name or "").lower(), [])
            lines.append((int(at) / 1000, clean(words.replace("\n", " "))))
    speaking = [name for name, lines in shown.items() if any(words for _, words in lines)]
    for name in speaking:
        lines = sorted(shown[name], key=lambda line: line[0])
        after = next_starts([at for at, _ in lines])
        for (at, words), following in zip(lines, after, strict=True):
            reading.add(at, min(following, at + LINE_S * 4) if following < 1e9 else at + LINE_S,
                        words, name if len(speaking) > 1 else "")  # fmt: skip
    return reading


def read_timedtext(text: str) -> Reading:
    """YouTube's srv3 (`<p t= d=>`, milliseconds) and srv1 (`<text start= dur=>`, seconds)."""
    reading, words = Reading(), _Words(text)
    tree = LexborHTMLParser(_SELF_CLOSING.sub(r"<\1\2></\1>", text.replace("<text", "<x-text")
                                              .replace("</text", "</x-text")))  # fmt: skip
    rows = [(p, "t", "d", 0.001) for p in tree.css("p[t]")]
    rows += [(x, "start", "dur", 1.0) for x in tree.css("x-text[start]")]
    for node, at, length, unit in rows:
        try:
            start = float(node.attributes.get(at) or 0) * unit
            end = start + float(node.attributes.get(length) or 0) * unit
        except ValueError:
            reading.untimed.append(f"paragraph {len(reading.cues) + 1}")
            continue
        reading.add(round(start, 3), round(end, 3), clean(html.unescape(words.of(node))))
    return reading
