"""DOCX, PPTX and XLSX from their XML: text with headings, a slide with its notes, sheets as tables.

MuPDF would open them, but it runs all slides into one page and loses the notes.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from xml.etree import ElementTree as ET

import numpy as np
from PIL import Image

from omni_core.errors import BadRequestError, NotFoundError, TooLargeError, UnreadableError
from omni_core.media.dates import from_file, parse
from omni_core.media.document import spreadsheet
from omni_core.media.document.zipped_xml import Package, attribute, local, package
from omni_core.media.geometry import box, fit
from omni_core.media.rgb import to_rgb
from omni_core.media.text.plain import segments
from omni_core.media.titles import title
from omni_core.protocols import Medium
from omni_core.text.windows import text_windows
from omni_core.types import (
    Channel,
    Crop,
    CutOptions,
    ImageContent,
    MediaInfo,
    Modality,
    Pixels,
    Segment,
    Source,
    Span,
    TextContent,
)

_OPEN = "application/vnd.openxmlformats-officedocument."
_MIME = {
    "docx": _OPEN + "wordprocessingml.document",
    "pptx": _OPEN + "presentationml.presentation",
    "xlsx": _OPEN + "spreadsheetml.sheet",
}
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
SMALLEST = 96
"""Pixels: icons, bullets and logos below this are no evidence."""


class OfficeMedium(Medium):
    """Documents of the big office suites."""

    rank = 3
    kinds = "office files (DOCX, PPTX, XLSX)"

    def matches(self, head: bytes, suffix: str) -> bool:
        """Any zip but EPUB, which was asked before; the parts tell what it is. And old OLE files,
        to name the way out.
        """
        return head[:4] == b"PK\3\4" or head[:8] == _OLE

    def probe(self, path: str, password: str | None = None) -> MediaInfo:
        """Raises UnreadableError (UNSUPPORTED_TYPE) for other zips and the formats before 2007."""
        _refuse_old(path)
        with package(path) as p:
            kind = _kind(p)
            core = p.xml("docProps/core.xml")
            meta = {local(e): e.text or "" for e in core} if core is not None else {}
            when = parse(meta.get("created", "")) or parse(meta.get("modified", ""))
            found = (when, "container") if when is not None else from_file(path)
            pages = {"pptx": lambda: len(_slides(p)), "xlsx": lambda: len(spreadsheet.sheets(p))}
            count = pages[kind]() if kind in pages else None
            if count is not None and count > self.limits.max_pages:
                raise TooLargeError(f"{count} pages are over the limit of {self.limits.max_pages}")
            return MediaInfo(
                modality=Modality.DOCUMENT,
                mime=_MIME[kind],
                title=title(path, meta.get("title", "")),
                pages=count,
                recorded_at=found[0],
                recorded_at_from=found[1],
            )

    def decompose(self, path: str, source: Source, options: CutOptions) -> Iterator[Segment]:
        """DOCX: spans in characters. PPTX: page = slide. XLSX: page = sheet."""
        _refuse_old(path)
        with package(path) as p:
            kind = _kind(p)
            if kind == "docx":
                text, headings = _document(p)
                yield from segments(text, source, options, headings, "document text")
            elif kind == "pptx":
                for number, slide in enumerate(_slides(p), 1):
                    yield from self._slide(p, slide, number, source, options)
            else:
                yield from spreadsheet.cut(p, source, options)

    def page(
        self, path: str, number: int, edge: int, crop: Crop | None, password: str | None
    ) -> Pixels:
        """The largest picture on a slide. Raises BadRequestError (NO_VISUAL) if none is."""
        _refuse_old(path)
        with package(path) as p:
            slides = _slides(p) if _kind(p) == "pptx" else []
            if slides and not 1 <= number <= len(slides):
                raise NotFoundError(
                    f"there is no slide {number} of {len(slides)}", code="OUT_OF_RANGE"
                )
            image = self._largest(p, slides[number - 1]) if slides else None
            if image is None:
                raise BadRequestError("this page has no picture; read its text", code="NO_VISUAL")
            if crop is not None:
                image = image.crop(box(crop, *image.size))
            return np.asarray(image.resize(fit(*image.size, edge)))

    def _slide(
        self, p: Package, part: str, number: int, source: Source, options: CutOptions
    ) -> Iterator[Segment]:
        span = Span("page", number, number + 1)
        image = self._largest(p, part)
        if image is not None:
            small = image.resize(fit(*image.size, options.image_edge))
            picture = ImageContent(np.asarray(small))
            yield Segment(source.id, Modality.DOCUMENT, Channel.VISUAL, span, picture)
        heading, text = _slide_text(p, part)
        extra = {"heading": heading} if heading else {}
        for part_number, w in enumerate(text_windows(text, options)):
            yield Segment(
                source.id, Modality.DOCUMENT, Channel.TEXT, span, TextContent(w.text), w.text,
                "slide text", part_number, extra,
            )  # fmt: skip

    def _largest(self, p: Package, part: str) -> Image.Image | None:
        """The largest raster picture of a slide, RGB."""
        best: Image.Image | None = None
        for target in sorted(set(p.related(part).values())):
            if not target.startswith("ppt/media/"):
                continue
            try:
                image = Image.open(io.BytesIO(p.read(target)))
                size = image.width * image.height
                if min(image.size) < SMALLEST or size > self.limits.max_pixels:
                    continue
                if best is None or size > best.width * best.height:
                    best = to_rgb(image)
            except TooLargeError:
                raise
            except Exception:  # vector drawings and damaged pictures leave the words  # noqa: S112
                continue
        return best


def _refuse_old(path: str) -> None:
    with open(path, "rb") as f:
        if f.read(8) == _OLE:
            raise UnreadableError(
                f"{title(path)} is an office file from before 2007, or encrypted with a password; "
                "save it as DOCX, PPTX, XLSX or PDF without password",
                code="UNSUPPORTED_TYPE",
            )


def _kind(p: Package) -> str:
    for part, kind in (("word/", "docx"), ("ppt/", "pptx"), ("xl/", "xlsx")):
        if any(name.startswith(part) and name.endswith(".xml") for name in p.names):
            return kind
    raise UnreadableError(
        "this archive is no DOCX, PPTX, XLSX or EPUB; unpack it and ingest what is inside",
        code="UNSUPPORTED_TYPE",
    )


def _document(p: Package) -> tuple[str, list[tuple[int, str]]]:
    """The words of a DOCX in order, and where its headings stand."""
    lines: list[str] = []
    headings: list[tuple[int, str]] = []
    at = 0
    main = next((n for n in p.related("").values() if n.startswith("word/document")), "")
    root = p.xml(main or "word/document.xml")
    for text, level in _blocks(root) if root is not None else ():
        if level:
            headings.append((at, text))
        lines.append(text)
        at += len(text) + 1
    return "\n".join(lines), headings


def _blocks(root: ET.Element) -> Iterator[tuple[str, bool]]:
    """(text, whether it is a heading) of paragraphs and table rows."""
    stack = [iter(root)]
    while stack:
        element = next(stack[-1], None)
        if element is None:
            stack.pop()
        elif local(element) == "p":
            text = _runs(element)
            if text:
                styles = (
                    attribute(e, "val").lower() for e in element.iter() if local(e) == "pStyle"
                )
                yield text, next(styles, "").startswith(("heading", "title", "titre", "berschrift"))
        elif local(element) == "tr":
            cells = (" ".join(_runs(c).split()) for c in element if local(c) == "tc")
            row = " | ".join(c for c in cells if c)
            if row:
                yield row, False
        else:
            stack.append(iter(element))


def _runs(element: ET.Element) -> str:
    """The words below an element; breaks, tabs and paragraphs keep words apart."""
    out = []
    for e in element.iter():
        name = local(e)
        if name == "t" and e.text:
            out.append(e.text)
        elif name in ("tab", "br", "cr", "p"):
            out.append(" ")
    return " ".join("".join(out).split())


def _slides(p: Package) -> list[str]:
    """The slides' parts in the order of the show."""
    root = p.xml("ppt/presentation.xml")
    links = p.related("ppt/presentation.xml")
    # sldId carries both id="256" and r:id="rId2"; the relationship is the namespaced one
    wanted = [
        links.get(value, "")
        for e in (root.iter() if root is not None else ())
        if local(e) == "sldId"
        for key, value in e.attrib.items()
        if key.endswith("}id")
    ]
    return [part for part in wanted if part in p.names]


def _slide_text(p: Package, part: str) -> tuple[str, str]:
    """(title, title + body + notes) of a slide."""
    heading, body = "", []
    root = p.xml(part)
    for shape in root.iter() if root is not None else ():
        if local(shape) in ("sp", "graphicFrame"):
            lines = [t for e in shape.iter() if local(e) == "p" and (t := _runs(e))]
            kind = next((e.get("type", "") for e in shape.iter() if local(e) == "ph"), "")
            if kind in ("title", "ctrTitle") and not heading:
                heading = " ".join(lines)
            elif kind not in ("sldNum", "dt", "ftr"):
                body += lines
    notes = []
    for target in p.related(part).values():
        if target.startswith("ppt/notesSlides/") and (page := p.xml(target)) is not None:
            for shape in page.iter():
                kind = next((e.get("type", "") for e in shape.iter() if local(e) == "ph"), "")
                if local(shape) == "sp" and kind == "body":
                    notes += [t for e in shape.iter() if local(e) == "p" and (t := _runs(e))]
    lines = [heading, *body] if heading else body
    if notes:
        lines += ["Notes: " + " ".join(notes)]
    return heading, "\n".join(lines)
