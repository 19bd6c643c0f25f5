"""Cues of formats in paragraphs of markup: SAMI, and YouTube's srv1 and srv3; the words of such
paragraphs, of TTML too."""

from __future__ import annotations

import html
import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

from omni_core.media.text.cues import clean
from omni_core.media.text.markup import without
from omni_core.media.text.subtitle_reading import LINE_S, Reading, next_starts

SELF_CLOSING = re.compile(r"<(?!br\b)([a-zA-Z][\w:.-]*)((?:\s[^<>]*)?)/>")
_SYNC = re.compile(r"<sync\b[^<>]{0,300}?\bstart\s*=\s*[\"']?(-?\d{1,9})[^<>]*>", re.I)
_PARAGRAPH = re.compile(r"<p\b(?:[^<>]{0,300}?\bclass\s*=\s*[\"']?([\w-]+))?[^<>]*>", re.I)
_AFTER_BODY = re.compile(r"</body\b.*", re.I | re.S)


class Words:
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
    reading, words = Reading(), Words(text)
    tree = LexborHTMLParser(SELF_CLOSING.sub(r"<\1\2></\1>", text.replace("<text", "<x-text")
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
