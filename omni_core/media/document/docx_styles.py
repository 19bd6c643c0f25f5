"""Paragraph styles and list numbers of DOCX: which paragraphs are headings, and `3.2 (b)`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple
from xml.etree import ElementTree as ET

from omni_core.media.document.zipped_xml import Package, attribute, local

_HEADINGS = ("heading", "title", "titre", "berschrift")
"""Prefixes of the names of heading styles, and of their ids, which Word writes in the language of
its interface."""
_MAX_DEPTH = 20
_BODY_LEVEL = "9"
_MOST_LETTERS = 26 * 5
_ROMAN = (
    (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"),
    (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
)  # fmt: skip


class _Style(NamedTuple):
    name: str
    based_on: str
    outline: str
    list: str
    level: str


class _Level(NamedTuple):
    start: int
    format: str
    text: str
    style: str


@dataclass
class _List:
    """The levels of a list and the numbers that it has reached."""

    levels: dict[int, _Level] = field(default_factory=dict)
    reached: dict[int, int] = field(default_factory=dict)


class Styles:
    """The paragraph styles and lists of one document. `number` counts on from call to call."""

    def __init__(self, p: Package, parts: dict[str, str]) -> None:
        """parts: parts by the type of their link, `styles` and `numbering` among them."""
        styles = p.xml(parts.get("styles", "word/styles.xml"))
        self._styles = {
            attribute(e, "styleId"): _Style(
                *(_value(e, name) for name in ("name", "basedOn", "pPr/outlineLvl")),
                *(_value(e, f"pPr/numPr/{name}") for name in ("numId", "ilvl")),
            )
            for e in (styles if styles is not None else ())
            if local(e) == "style"
        }
        self._lists: dict[str, _List] = {}
        self._starts: dict[str, dict[int, int]] = {}
        numbering = p.xml(parts.get("numbering", "word/numbering.xml"))
        if numbering is not None:
            self._read(numbering)

    def is_heading(self, paragraph: ET.Element) -> bool:
        """Whether a paragraph is a heading or a title, by its style or its outline level."""
        name = _value(paragraph, "pPr/pStyle")
        level = _value(paragraph, "pPr/outlineLvl")
        for style in self._chain(name):
            level = level or style.outline
            if style.name.lower().startswith(_HEADINGS):
                return True
        named = name.lower().lstrip("ü").startswith(_HEADINGS)
        return named or level not in ("", _BODY_LEVEL)

    def number(self, paragraph: ET.Element) -> str:
        """The number that a list puts before a paragraph; "" for bullets and other paragraphs."""
        style = _value(paragraph, "pPr/pStyle")
        number, level = (_value(paragraph, f"pPr/numPr/{n}") for n in ("numId", "ilvl"))
        if not number:
            inherited = next((s for s in self._chain(style) if s.list), None)
            if inherited is None:
                return ""
            number, level = inherited.list, level or inherited.level
        counted = self._lists.get(number)
        if counted is None:
            return ""
        if not level:
            level = next((str(i) for i, v in counted.levels.items() if v.style == style), "0")
        return self._counted(counted, number, int(level) if level.isdecimal() else 0)

    def _counted(self, counted: _List, number: str, at: int) -> str:
        level = counted.levels.get(at)
        if level is None:
            return ""
        start = self._starts.get(number, {}).pop(at, None)
        if start is not None:
            counted.reached[at] = start
        else:
            counted.reached[at] = counted.reached.get(at, level.start - 1) + 1
        for deeper in [i for i in counted.reached if i > at]:
            del counted.reached[deeper]
        if level.format in ("bullet", "none"):
            return ""
        text = level.text
        for i, above in counted.levels.items():
            if f"%{i + 1}" in text:
                shown = _shown(counted.reached.get(i, above.start), above.format)
                text = text.replace(f"%{i + 1}", shown)
        return text.strip()

    def _chain(self, name: str) -> Iterator[_Style]:
        """A style and those it is based on."""
        for _ in range(_MAX_DEPTH):
            style = self._styles.get(name)
            if style is None:
                return
            yield style
            name = style.based_on

    def _read(self, root: ET.Element) -> None:
        kinds = {}
        for e in root:
            if local(e) == "abstractNum":
                levels = {
                    int(attribute(v, "ilvl")): _level(v)
                    for v in e
                    if local(v) == "lvl" and attribute(v, "ilvl").isdecimal()
                }
                kinds[attribute(e, "abstractNumId")] = _List(levels)
        for e in root:
            if local(e) == "num":
                number = attribute(e, "numId")
                if (kind := kinds.get(_value(e, "abstractNumId"))) is not None:
                    self._lists[number] = kind
                self._starts[number] = {
                    int(attribute(o, "ilvl")): int(start)
                    for o in e
                    if local(o) == "lvlOverride" and attribute(o, "ilvl").isdecimal()
                    if (start := _value(o, "startOverride")).isdecimal()
                }


def _level(e: ET.Element) -> _Level:
    start = _value(e, "start")
    return _Level(
        int(start) if start.isdecimal() else 1,
        _value(e, "numFmt") or "decimal", _value(e, "lvlText"), _value(e, "pStyle"),
    )  # fmt: skip


def _value(element: ET.Element, path: str) -> str:
    """`val` of the element at a path of local names; "" where there is none."""
    found: ET.Element | None = element
    for name in path.split("/"):
        found = next((e for e in found if local(e) == name), None) if found is not None else None
    return attribute(found, "val") if found is not None else ""


def _shown(number: int, form: str) -> str:
    if form in ("lowerLetter", "upperLetter") and 0 < number <= _MOST_LETTERS:
        letter = chr(ord("a") + (number - 1) % 26) * (1 + (number - 1) // 26)
        return letter if form == "lowerLetter" else letter.upper()
    if form in ("lowerRoman", "upperRoman") and 0 < number < 4000:
        roman = ""
        for value, digits in _ROMAN:
            roman += digits * (number // value)
            number %= value
        return roman if form == "lowerRoman" else roman.upper()
    return f"{number:02d}" if form == "decimalZero" else str(number)
