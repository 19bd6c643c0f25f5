"""DrawingML, which slides, documents and sheets share: text, pictures, charts, alt texts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import unquote
from xml.etree import ElementTree as ET

from omni_core.media.document import formulas
from omni_core.media.document.charts import graphic_lines
from omni_core.media.document.unread import EMBEDDED, LINKED, LINKED_FILE, MISSING, Unread
from omni_core.media.document.zipped_xml import Link, Package, attribute, local, relationship
from omni_core.types import Crop

_TEXT_FORMAT = ("rPr", "pPr", "lstStyle")
"""Elements in which an image is a bullet or the colour of a letter."""
_MEANINGLESS = re.compile(
    r"(?:image|picture|pic|img|photo|figure|bild|grafik|imagen|screenshot)?[ _-]*\d*(?:\.\w{2,5})?",
    re.I,
)
_PATH = re.compile(r"(?:[A-Za-z]:\\|/|file:)\S.*\.\w{2,5}")
_READ = ("t", "blip", "chart", "relIds", "imagedata", "textpath")
_EMBEDDED = ("package", "oleObject", "video", "audio", "media", "subDocument")
_WHOLE = 100_000
_DEGREE = 60_000


class Picture(NamedTuple):
    """An image that is shown: its part, what its author says of it, what of it is shown and how
    many degrees it is turned clockwise (0, 90, 180 or 270). `preview`: it stands for an embedded
    file."""

    part: str
    alt: str = ""
    crop: Crop | None = None
    turn: int = 0
    preview: bool = False


def children(element: ET.Element) -> Iterator[ET.Element]:
    """The children, of alternatives (`mc:AlternateContent`) only the first that holds words or
    pictures: handwriting, for one, is a picture in the last."""
    if local(element) == "AlternateContent":
        chosen = next((e for e in element if _is_read(e)), None)
        return iter(() if chosen is None else (chosen,))
    return iter(element)


def _is_read(alternative: ET.Element) -> bool:
    return any(local(e) in _READ or e.get("descr") for e in alternative.iter())


def visible(element: ET.Element) -> Iterator[ET.Element]:
    """An element and all below it, of alternatives only the first."""
    yield element
    for child in children(element):
        yield from visible(child)


def is_file_name(said: str) -> bool:
    """Whether an alternative text is no more than a name that a program put there."""
    return _MEANINGLESS.fullmatch(said) is not None or _PATH.fullmatch(said) is not None


def alt_text(properties: ET.Element) -> str:
    """The alternative text of `cNvPr` or `docPr`: its description, else its title; "" for the
    names that programs put there."""
    said = " ".join((properties.get("descr") or properties.get("title") or "").split())
    return "" if is_file_name(said) else said


def paragraphs(element: ET.Element) -> list[str]:
    """The paragraphs below an element; a table gives a line for each row: `a | b`."""
    found: list[str] = []
    stack = [iter((element,))]
    while stack:
        e = next(stack[-1], None)
        if e is None:
            stack.pop()
        elif local(e) == "p":
            found.append(_words(e))
        elif local(e) == "tr":
            cells = [" ".join(paragraphs(c)) for c in e if local(c) == "tc"]
            found.append(" | ".join(cells).rstrip(" |"))
        else:
            stack.append(children(e))
    return [text for text in found if text]


def _words(paragraph: ET.Element) -> str:
    """The text of a paragraph's runs and formulas; breaks and tabs become spaces."""
    return " ".join("".join(_pieces(paragraph)).split())


def _pieces(e: ET.Element) -> Iterator[str]:
    name = local(e)
    if name == "t":
        yield e.text or ""
    elif name in ("tab", "br"):
        yield " "
    elif name in formulas.PARTS:
        yield formulas.formula(e)
    else:
        for child in children(e):
            yield from _pieces(child)


def pictures(element: ET.Element, links: Mapping[str, Link], alt: str = "") -> Iterator[Picture]:
    """The pictures and picture fills below an element that are in the file, in order."""
    yield from _pictures(element, links, Picture("", alt))


def _pictures(e: ET.Element, links: Mapping[str, Link], known: Picture) -> Iterator[Picture]:
    """`known`: what is said of the picture by the elements around it."""
    name = local(e)
    if name == "blip":
        embedded = attribute(e, "embed")
        link = links.get(embedded, Link("image", f"picture {embedded}"))
        if embedded and not link.external:
            yield known._replace(part=link.target)
    elif name not in _TEXT_FORMAT:
        if name == "blipFill":
            shown = next((_crop(c) for c in e if local(c) == "srcRect"), None)
            known = known._replace(crop=shown)
        elif name == "oleObj":
            known = known._replace(preview=True)
        elif name == "pic":
            forms = (f for c in e if local(c) == "spPr" for f in c if local(f) == "xfrm")
            said = (alt_text(c) for c in e.iter() if local(c) == "cNvPr")
            known = known._replace(alt=known.alt or next(said, ""), turn=next(map(_turn, forms), 0))
        for child in children(e):
            yield from _pictures(child, links, known)


def _crop(rectangle: ET.Element) -> Crop | None:
    """What is shown of an image (20.1.8.55), within it; None for all of it."""
    left, top, right, bottom = (_share(rectangle.get(side, "0")) for side in "ltrb")
    crop = (left, top, 1 - right, 1 - bottom)
    whole = crop == (0, 0, 1, 1) or left + right >= 1 or top + bottom >= 1
    return None if whole else crop


def _share(value: str) -> float:
    try:
        share = float(value[:-1]) / 100 if value.endswith("%") else float(value) / _WHOLE
    except ValueError:
        return 0.0
    return min(1.0, max(0.0, share))


def _turn(form: ET.Element) -> int:
    """The nearest quarter turn of a shape, in degrees clockwise."""
    try:
        degrees = int(form.get("rot", "0")) / _DEGREE
    except ValueError:
        return 0
    return round(degrees / 90) * 90 % 360


@dataclass
class Drawn:
    """What the shapes of one slide or sheet show."""

    lines: list[str] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)

    def add(self, p: Package, shape: ET.Element, links: Mapping[str, Link]) -> None:
        """The text, charts, diagrams, alternative texts and pictures of a shape or a group."""
        inside = {i: link.target for i, link in links.items() if not link.external}
        self.pictures += pictures(shape, links)
        self.lines += _lines(p, shape, inside)

    def distinct(self, p: Package) -> list[Picture]:
        """The pictures that are in the file, each once however often it is shown."""
        found: dict[object, Picture] = {}
        for picture in self.pictures:
            if picture.part in p.names:
                key = (p.fingerprint(picture.part), picture.crop, picture.turn)
                found.setdefault(key, picture)
            else:
                p.unread.add(MISSING, picture.part)
        return list(found.values())


def _lines(p: Package, e: ET.Element, inside: Mapping[str, str]) -> Iterator[str]:
    name = local(e)
    if name in ("txBody", "tbl", "p"):
        yield from paragraphs(e)
    elif name in ("chart", "relIds"):
        yield from graphic_lines(p, e, inside)
    elif name == "pic":
        alt = next((alt_text(c) for c in e.iter() if local(c) == "cNvPr"), "")
        if alt:
            yield f"Picture: {alt}"
    elif name == "cNvPr":
        if alt := alt_text(e):
            yield alt
    elif name not in _TEXT_FORMAT:
        said = ""
        for child in children(e):
            for line in _lines(p, child, inside):
                if line != said:  # some programs repeat a shape's text as its description
                    yield line
                said = said or line


def note_unread(unread: Unread, links: Iterable[Link], place: str = "") -> None:
    """Note the files, films and sounds within the file, and the pictures outside it."""
    for link in links:
        name = re.split(r"[/\\]", unquote(link.target))[-1] or link.target
        at = f"{place}: {name}" if place else name
        if link.type in _EMBEDDED:
            unread.add(LINKED_FILE if link.external else EMBEDDED, at)
        elif link.type == "image" and link.external:
            unread.add(LINKED, at)


def vml_picture(
    data: ET.Element, links: Mapping[str, Link], alt: str, *, preview: bool
) -> Picture | None:
    """The picture of `v:imagedata`, the older markup."""
    link = links.get(relationship(data))
    if link is None or link.external:
        return None
    said = alt or " ".join(attribute(data, "title").split())
    return Picture(link.target, said, preview=preview)
