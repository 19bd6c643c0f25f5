"""Cues of Scenarist closed captions (SCC): the bytes of EIA-608 in hexadecimal, at timecodes."""

from __future__ import annotations

import re

from omni_core.media.text.cues import clean
from omni_core.media.text.subtitle_reading import LINE_S, Reading

HEADER = "Scenarist_SCC"
FPS = 30000 / 1001
_LINE = re.compile(r"[ \t]*(\d{1,2}):(\d{2}):(\d{2})([:;.,])(\d{2})[ \t]+([0-9a-fA-F \t]+)")
_BASIC = {0x2A: "á", 0x5C: "é", 0x5E: "í", 0x5F: "ó", 0x60: "ú", 0x7B: "ç", 0x7C: "÷", 0x7D: "Ñ",
          0x7E: "ñ", 0x7F: "█"}  # fmt: skip
"""Where the characters differ from ASCII (CTA-608)."""
_SPECIAL = "®°½¿™¢£♪à èâêîôû"
_EXTENDED = {
    2: "ÁÉÓÚÜü‘¡*’—©℠•“”ÀÂÇÈÊËëÎÏïÔÙùÛ«»",
    3: "ÃãÍÌìÒòÕõ{}\\^_|~ÄäÖöß¥¤│ÅåØø┌┐└┘",
}
"""Characters that replace the plain one before them."""
_ROLL_UP = (0x25, 0x26, 0x27)
_POP_ON, _PAINT_ON, _BACKSPACE, _ERASE, _RETURN, _CLEAR, _SHOW = (
    0x20, 0x29, 0x21, 0x2C, 0x2D, 0x2E, 0x2F,
)  # fmt: skip


def read_scc(text: str) -> Reading:
    """Captions that pop on, are painted or roll up, of the first caption channel."""
    return _Decoder(text).reading


class _Decoder:
    """A caption decoder that notes when words come and go."""

    def __init__(self, text: str) -> None:
        self.reading = Reading()
        self._hidden: list[str] = []
        """Words that are loaded and not shown yet."""
        self._shown: list[str] = []
        self._since = self._now = 0.0
        self._live = False
        """Whether words are shown as they come (rolling up, painted)."""
        self._last = b""
        for line in text.split("\n"):
            found = _LINE.match(line)
            if found is None:
                continue
            start = _seconds(found)
            for n, code in enumerate(found[6].split()):
                if len(code) == 4:
                    self._now = round(start + n / FPS, 3)
                    self._take(bytes(b & 0x7F for b in bytes.fromhex(code)))
        self._now += LINE_S
        self._end()

    def _take(self, pair: bytes) -> None:
        first, second = pair
        if first >= 0x20:
            self._last = b""
            self._write("".join(_BASIC.get(b, chr(b)) for b in pair if b >= 0x20))
        elif first >= 0x18 or first < 0x10 or pair == self._last:
            self._last = b""  # another channel, padding, or a command sent twice
        else:
            self._last = pair
            self._command(first, second)

    def _command(self, first: int, second: int) -> None:
        if second >= 0x40:
            self._write("\n")
        elif first == 0x11 and second >= 0x30:
            self._write(_SPECIAL[second - 0x30])
        elif first in (0x12, 0x13):
            words = self._words()
            del words[-1:]
            words.append(_EXTENDED[first & 3][second - 0x20])
        elif first == 0x11:
            self._write(" ")
        elif first in (0x14, 0x15):
            self._control(second)

    def _control(self, code: int) -> None:
        if code == _POP_ON:
            self._live = False
        elif code in _ROLL_UP or code == _PAINT_ON:
            if not self._live:
                self._end()
            self._live = True
        elif code == _SHOW:
            self._end()
            self._shown, self._hidden, self._live = self._hidden, [], False
            self._since = self._now
        elif code == _ERASE or (code == _RETURN and self._live):
            self._end()
        elif code == _CLEAR:
            self._hidden = []
        elif code == _BACKSPACE:
            del self._words()[-1:]

    def _words(self) -> list[str]:
        return self._shown if self._live else self._hidden

    def _write(self, text: str) -> None:
        words = self._words()
        if self._live and not words:
            self._since = self._now
        words += text

    def _end(self) -> None:
        """What is shown goes."""
        self.reading.add(self._since, self._now, clean("".join(self._shown)))
        self._shown = []


def _seconds(found: re.Match[str]) -> float:
    """Seconds of a timecode: drop-frame counts real time, the other 30 frames as a second."""
    whole = int(found[1]) * 3600 + int(found[2]) * 60 + int(found[3])
    if found[4] == ":":
        return (whole + int(found[5]) / 30) * 1.001
    return whole + int(found[5]) / FPS
