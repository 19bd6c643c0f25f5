"""The text of RTF: paragraphs, tables, notes, comments, headers and text boxes, in any code page.

Hidden and deleted text, and destinations that hold no text of the document, are left out. Read
here, since striprtf 0.0.35 leaves out headings, notes and headers, reads hidden text, and breaks
characters beyond U+FFFF and runs of two code pages.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from omni_core.media.dates import parse
from omni_core.media.document.document_lines import Line
from omni_core.media.document.drawing_ml import Picture
from omni_core.media.document.rtf_flow import Flow
from omni_core.media.document.rtf_words import (
    ABOUT,
    BOXES,
    CHARACTERS,
    DRAWN,
    HEADERS,
    HEADINGS,
    LEFT_OUT,
    STARRED,
)
from omni_core.media.text.rtf_charset import code_page, decoded, of_charset

MAX_DEPTH = 1_000
"""Groups within groups that are read."""
_TOKEN = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\(.)|([{}])|([^\\{}\r\n]+)|[\r\n]+",
    re.S,
)
_SKIPPING = re.compile(rb"\\bin(\d{1,10}) ?|\\[^a-zA-Z]|[{}]", re.S)
_HIDDEN, _DELETED = 1, 2


@dataclass(slots=True)
class _State:
    """What a group inherits from the one around it."""

    flow: Flow
    mute: bool = False
    place: str = ""
    font: int = -1
    hidden: int = 0
    skipped: int = 1
    style: int = 0
    outline: int = 9
    in_table: bool = False

    def copy(self) -> _State:
        return _State(
            self.flow, self.mute, self.place, self.font, self.hidden, self.skipped, self.style,
            self.outline, self.in_table,
        )  # fmt: skip


class Rtf:
    """A document that was read.

    lines: in reading order, those of pictures without text. title, date: of its information group.
    pictures: (first byte, last) of each by its name. objects: the names of programs whose objects
    are not read. hidden: it has hidden text. cut_short: it ends within its text.
    """

    def __init__(self, data: bytes) -> None:
        self.pictures: dict[str, tuple[int, int]] = {}
        self.objects: list[str] = []
        self.hidden = False
        self.cut_short = False
        self.too_deep = False
        self._data = data
        self._at = 0
        self._body = Flow()
        self._state = _State(self._body)
        self._stack: list[tuple[_State, Callable[[], None] | None]] = []
        self._closing: Callable[[], None] | None = None
        self._starred = False
        self._to_skip = 0
        self._raw: list[bytes] = []
        self._raw_font = -1
        self._page = "cp1252"
        self._default_font = -1
        self._fonts: dict[int, str] = {}
        self._font_names: dict[int, str] = {}
        self._heading_styles: set[int] = set()
        self._author = self._property = ""
        self._endnotes: list[str] = []
        self._margins: dict[str, None] = {}
        self._info: dict[str, str] = {}
        self._created: dict[str, int] = {}
        self._read()
        self._body.close()
        described = [
            f"{label}: {self._info[k]}" for k, label in ABOUT.items() if label and self._info.get(k)
        ]
        rest = [*self._endnotes, *self._margins, *described]
        self.lines = self._body.lines + [Line(text) for text in rest]

    @property
    def title(self) -> str:
        """The title in the information group; "" without one."""
        return self._info.get("title", "")

    @property
    def date(self) -> datetime | None:
        """When the document was made."""
        c = self._created
        return parse(
            f"{c.get('yr', 0):04d}-{c.get('mo', 1):02d}-{c.get('dy', 1):02d}"
            f"T{c.get('hr', 0):02d}:{c.get('min', 0):02d}:{c.get('sec', 0):02d}"
        )

    def _read(self) -> None:
        data, end = self._data, len(self._data)
        while self._at < end:
            m = _TOKEN.match(data, self._at)
            if m is None:  # a last backslash
                break
            self._at = m.end()
            word, number, code, sign, brace, text = m.groups()
            if text is not None:
                self._text(text)
            elif code is not None:
                self._text(bytes.fromhex(code.decode()))
            elif brace == b"{":
                self._open()
            elif brace == b"}":
                self._close()
                if not self._stack:
                    return
            elif word is not None:
                self._control(word.decode(), int(number) if number is not None else None)
            elif sign is not None:
                self._symbol(sign.decode("latin-1"))
        self.cut_short = bool(self._stack)
        while self._stack:
            self._close()

    def _open(self) -> None:
        self._flush()
        self._to_skip = 0
        if len(self._stack) >= MAX_DEPTH:
            self.too_deep = True
            self._skip_group()
            self._at += 1
            return
        self._stack.append((self._state, self._closing))
        self._state = self._state.copy()
        self._closing = None

    def _close(self) -> None:
        self._flush()
        self._to_skip, self._starred = 0, False
        if self._closing is not None:
            self._closing()
        if self._stack:
            self._state, self._closing = self._stack.pop()

    def _skip_group(self) -> None:
        """Go to the brace that ends the group, over binary data."""
        depth = 1
        while (m := _SKIPPING.search(self._data, self._at)) is not None:
            self._at = m.end()
            if m[1] is not None:
                self._at += int(m[1])
            elif m[0] == b"{":
                depth += 1
            elif m[0] == b"}":
                depth -= 1
                if depth == 0:
                    self._at -= 1
                    return
        self._at = len(self._data)

    def _text(self, raw: bytes) -> None:
        if self._to_skip:
            skipped = min(self._to_skip, len(raw))
            self._to_skip -= skipped
            raw = raw[skipped:]
        state = self._state
        if state.place in ("fonttbl", "stylesheet"):
            self._named(state, raw.decode("latin-1"))
        if state.hidden & _HIDDEN and not state.mute and raw.strip():
            self.hidden = True
        if not raw or state.mute or state.hidden:
            return
        if state.font != self._raw_font:
            self._flush()
            self._raw_font = state.font
        self._raw.append(raw)

    def _named(self, state: _State, text: str) -> None:
        """The name of a font or a style."""
        if state.place == "fonttbl":
            self._font_names[state.font] = self._font_names.get(state.font, "") + text
        elif text.strip().lower().lstrip("ü").startswith(HEADINGS):
            self._heading_styles.add(state.style)

    def _flush(self) -> None:
        """Give the bytes so far to the flow: characters may be of several bytes and escapes."""
        if self._raw:
            page = self._fonts.get(self._raw_font, "") or self._page
            name = self._font_names.get(self._raw_font, "")
            self._state.flow.add(decoded(b"".join(self._raw), page, name))
            self._raw.clear()

    def _say(self, text: str) -> None:
        self._flush()
        if self._to_skip:
            self._to_skip -= 1
        elif not (self._state.mute or self._state.hidden):
            self._state.flow.add(text)

    def _symbol(self, sign: str) -> None:
        if sign == "*":
            self._starred = True
        elif sign in "\r\n":
            self._paragraph()
        elif sign in "\\{}" and not self._to_skip:
            self._text(sign.encode())
        elif sign in CHARACTERS:
            self._say(CHARACTERS[sign])

    def _control(self, word: str, number: int | None) -> None:
        if self._starred:
            self._starred = False
            if word not in STARRED:
                self._skip_group()
                return
        if word in CHARACTERS:
            self._say(CHARACTERS[word])
        elif word == "u" and number is not None:
            self._unicode(number)
        elif word == "bin":
            self._at += max(0, number or 0)
        elif self._to_skip:
            self._to_skip -= 1
        elif word == "upr" and self._data[self._at : self._at + 1] == b"{":
            self._at += 1  # the text in the code page; in Unicode (`ud`) it follows
            self._skip_group()
            self._at += 1
        elif word in LEFT_OUT:
            self._skip_group()
        elif not self._property_of_text(word, number):
            self._destination(word, number)

    def _unicode(self, number: int) -> None:
        code = number + 0x10000 if number < 0 else number
        if 0xF020 <= code <= 0xF0FF:  # a sign of a font of signs
            code -= 0xF000
            text = decoded(bytes([code]), "symbol", self._font_names.get(self._state.font, ""))
        else:
            text = chr(code) if 0 <= code <= 0x10FFFF else "\ufffd"
        self._to_skip = 0
        self._say(text)
        self._to_skip = self._state.skipped

    def _paragraph(self) -> None:
        self._flush()
        state = self._state
        if not state.mute:
            heading = state.style in self._heading_styles or 0 <= state.outline <= 8
            state.flow.end_paragraph(heading=heading, in_table=state.in_table)

    def _property_of_text(self, word: str, number: int | None) -> bool:
        """Whether the word is one that formats text, which is done."""
        state = self._state
        if word in ("par", "sect"):
            self._paragraph()
        elif word in ("cell", "row"):
            self._flush()
            if not state.mute:
                state.flow.end_cell() if word == "cell" else state.flow.end_row()
        elif word == "pard":
            state.style, state.outline, state.in_table = 0, 9, False
        elif word == "intbl":
            state.in_table = True
        elif word == "plain":
            self._flush()
            state.hidden, state.font = 0, self._default_font
        elif word in ("v", "deleted"):
            bit = _HIDDEN if word == "v" else _DELETED
            state.hidden = state.hidden & ~bit if number == 0 else state.hidden | bit
        elif word == "f" and number is not None:
            state.font = number
        elif word == "s" and number is not None:
            state.style = number
        elif word == "outlinelevel" and number is not None:
            state.outline = number
            if state.place == "stylesheet":
                self._heading_styles |= {state.style} if number <= 8 else set()
        elif word == "uc" and number is not None:
            state.skipped = max(0, min(number, 16))
        else:
            return False
        return True

    def _destination(self, word: str, number: int | None) -> None:
        state = self._state
        if word in ("footnote", "annotation", *BOXES) or word in HEADERS:
            self._aside(word)
        elif word == "ftnalt":
            state.flow.endnote = True
        elif word in ("shpinst", "do", "info", "fonttbl", "stylesheet"):
            state.mute, state.place = True, word
        elif word in ("atnauthor", "sn", "sv") or (state.place == "info" and word in ABOUT):
            self._capture(word)
        elif word == "creatim":
            state.place = word
        elif state.place == "creatim" and number is not None:
            self._created[word] = number
        elif word == "pict":
            begin = self._at
            self._skip_group()
            name = f"picture {len(self.pictures) + 1}"
            self.pictures[name] = (begin, self._at)
            state.flow.follow([Picture(name, preview=state.place == "object")])
        elif word == "object":
            state.place = word
        elif word in ("objemb", "objocx"):
            self.objects.append("object")
        else:
            self._setting(word, number)

    def _setting(self, word: str, number: int | None) -> None:
        """A word about the document or one of its fonts."""
        state = self._state
        if word == "fcharset" and number is not None:
            self._fonts.setdefault(state.font, of_charset(number))
        elif word == "cpg" and number:
            self._fonts[state.font] = code_page(number)
        elif word == "ansicpg" and number:
            self._page = code_page(number) or self._page
        elif word in ("mac", "pc", "pca") and len(self._stack) == 1:
            self._page = {"mac": "mac_roman", "pc": "cp437", "pca": "cp850"}[word]
        elif word == "deff" and number is not None:
            self._default_font = state.font = number

    def _aside(self, word: str) -> None:
        """A text apart from the one around it, to which its lines are added when it ends."""
        self._flush()
        around, flow = self._state.flow, Flow()
        self._state.flow, self._state.mute, self._state.in_table = flow, False, False
        self._state.style, self._state.outline = 0, 9

        def ended() -> None:
            lines = flow.texts()
            around.follow(flow.pictures())
            words = " ".join(lines)
            if word in HEADERS:
                self._margins |= dict.fromkeys(lines)
            elif word in BOXES or not words:
                around.follow(lines)
            elif flow.endnote:
                self._endnotes.append(f"Endnote: {words}")
            elif word == "footnote":
                around.follow([f"Footnote: {words}"])
            else:
                by = f" by {self._author}" if self._author else ""
                around.follow([f"Comment{by}: {words}"])
                self._author = ""

        self._closing = ended

    def _capture(self, word: str) -> None:
        """A value, not text of the document."""
        self._flush()
        around, flow = self._state.flow, Flow()
        self._state.flow, self._state.mute = flow, False

        def ended() -> None:
            value = " ".join(flow.texts())
            around.follow(flow.pictures())
            if word == "atnauthor":
                self._author = value
            elif word == "sn":
                self._property = value
            elif word == "sv":
                if self._property in DRAWN and value:
                    around.follow([value])
            else:
                self._info[word] = value

        self._closing = ended
