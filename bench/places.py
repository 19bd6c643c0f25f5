"""How exactly quoted words are placed: rectangles against known positions, on generated pages.

    python bench/places.py [--save FOLDER] [--no-ocr]

Each page is text in two columns whose words' positions are known. Eight words in a row are quoted
and looked for: on text pages of both PDF engines, once by the words of the file (`get_segment`,
`check_citation`) and once by the lines that are stored (hits of a search); and on pictures of pages
by OCR. The rectangles, one for each line, are compared with the known ones by their intersection
over union (IoU); `lost` quotes were not found. FOLDER gets the pages with the last quote marked.
"""

from __future__ import annotations

import argparse
import random
import re
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pymupdf
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from omni_core.evidence.images import marked
from omni_core.evidence.places import of_quote
from omni_core.media.service import service
from omni_core.text import places
from omni_core.types import CutOptions, Modality, PlacedWord, Rect, Segment, Source

WORDS = re.findall(r"\w+", """
harbour lighthouse station measured depth current anchor mole vessel survey of the in at salinity
temperature buoy north keeper reported storm chart illuminated mill Williams
""")  # fmt: skip
SIZE, LEADING, MARGIN = 11, 15, 60
QUOTED, QUOTES = 8, 40
FONT = "helv"
Known = list[tuple[str, Rect]]
"""Words with their rectangles in points."""


def page_of(rng: random.Random, doc: pymupdf.Document) -> Known:
    """A page in two columns, the left one first."""
    page = doc.new_page()
    font = pymupdf.Font(FONT)
    known: Known = []
    for left, right in ((MARGIN, 285), (310, 595 - MARGIN)):
        for line in range(44):
            y, x = MARGIN + SIZE + line * LEADING, float(left)
            while True:
                word = f"{rng.choice(WORDS)}{len(known) if rng.random() < 0.3 else ''}"
                wide = font.text_length(word, SIZE)
                if x + wide > right:
                    break
                page.insert_text((x, y), word, fontname=FONT, fontsize=SIZE)
                top, bottom = y - font.ascender * SIZE, y - font.descender * SIZE
                known.append((word, (x, top, x + wide, bottom)))
                x += wide + font.text_length(" ", SIZE)
    return known


def seen(known: Known, page: pymupdf.Page) -> list[tuple[str, Rect]]:
    """The words in fractions of the page as it is seen, turned and cropped."""
    found = []
    crop, turn = page.cropbox, page.rotation_matrix
    for word, box in known:
        area = pymupdf.Rect(box) - (crop.x0, crop.y0, crop.x0, crop.y0)
        area = (area * turn).normalize()
        wide, high = page.rect.width, page.rect.height
        found.append((word, (area.x0 / wide, area.y0 / high, area.x1 / wide, area.y1 / high)))
    return [(w, r) for w, r in found if min(r) >= 0 and max(r) <= 1]


def turned(doc: pymupdf.Document, rotation: int) -> pymupdf.Document:
    """The page drawn lying down, and turned by its `/Rotate`: as upright as before."""
    out = pymupdf.open()
    width, height = doc[0].rect.width, doc[0].rect.height
    size = (height, width) if rotation % 180 else (width, height)
    page = out.new_page(width=size[0], height=size[1])
    page.show_pdf_page(page.rect, doc, 0, rotate=rotation)
    page.set_rotation(rotation)
    return out


def iou(a: Sequence[Rect], b: Sequence[Rect]) -> float:
    """Of two sets of rectangles, as areas of a grid of 2000 x 2000."""
    both = []
    for rects in (a, b):
        grid = np.zeros((2000, 2000), bool)
        for x0, y0, x1, y1 in rects:
            grid[round(y0 * 2000) : round(y1 * 2000), round(x0 * 2000) : round(x1 * 2000)] = True
        both.append(grid)
    return float((both[0] & both[1]).sum() / max(1, (both[0] | both[1]).sum()))


def scores(
    rng: random.Random, known: list[tuple[str, Rect]], words: Sequence[PlacedWord]
) -> tuple[list[float], int, tuple[Rect, ...]]:
    """The IoU of each quote, how many were not found, and the last rectangles."""
    found: list[float] = []
    rects: tuple[Rect, ...] = ()
    lost = 0
    for _ in range(QUOTES):
        at = rng.randrange(len(known) - QUOTED)
        part = known[at : at + QUOTED]
        match, here = of_quote(" ".join(w for w, _ in part), words)
        if match.verdict != "found":
            lost += 1
            continue
        rects = here
        found.append(iou(rects, places.by_line(r for _, r in part)))
    return found, lost, rects


def stored(segments: Iterator[object]) -> list[PlacedWord]:
    """The words of the stored windows, which repeat each other's ends."""
    found: dict[tuple[str, int, int], PlacedWord] = {}
    for segment in segments:
        if isinstance(segment, Segment) and not segment.extra.get("unit"):
            placed = places.unpack(str(segment.extra.get("placed") or ""))
            for text, rect in places.words(segment.text, placed):
                key = (text, round(rect[0] * 100), round(rect[1] * 200))
                found.setdefault(key, PlacedWord(text, *rect))
    return list(found.values())


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--save", type=Path)
    parser.add_argument("--no-ocr", action="store_true")
    args = parser.parse_args()
    rng = random.Random(7)
    kinds = {f"turned by {degrees}": degrees for degrees in (90, 180, 270)}
    print(f"{'':46}{'IoU mean':>9}{'median':>8}{'worst':>7}{'lost':>6}")

    def row(name: str, result: tuple[list[float], int, tuple[Rect, ...]], pixels: object) -> None:
        values, lost, rects = result
        values = values or [0.0]
        numbers = (statistics.mean(values), statistics.median(values), min(values))
        print(f"{name:46}{numbers[0]:9.3f}{numbers[1]:8.3f}{numbers[2]:7.3f}{lost:6}", flush=True)
        if args.save is not None:
            args.save.mkdir(parents=True, exist_ok=True)
            name = name.replace(" ", "_").replace(",", "")
            Image.fromarray(marked(pixels, rects)).save(args.save / f"{name}.png")  # type: ignore[arg-type]

    with tempfile.TemporaryDirectory() as folder:
        for name in ("upright", "cropped", "sideways", *kinds):
            path = Path(folder) / f"{name}.pdf"
            with pymupdf.open() as doc:
                words = page_of(rng, doc)
                if name == "cropped":
                    doc[0].set_cropbox((45, 50, 580, 760))
                if name == "sideways":
                    doc[0].set_rotation(90)
                known = seen(words, doc[0])
                (turned(doc, kinds[name]) if name in kinds else doc).save(path)
            for engine in ("pymupdf", "pypdfium2"):
                media = service(pdf=engine)
                info = media.probe(str(path))
                source = Source("0" * 64, str(path), "x", Modality.DOCUMENT, info.mime, 1)
                pixels = media.page(str(path), 1, 1280)
                file = media.words(str(path), 1)
                row(f"text layer, {engine}, {name}, file", scores(rng, known, file), pixels)
                kept = stored(media.decompose(str(path), source, CutOptions()))
                row(f"text layer, {engine}, {name}, stored", scores(rng, known, kept), pixels)
        if not args.no_ocr:
            _ocr(rng, row)


def _ocr(rng: random.Random, row: Callable[..., None]) -> None:
    from omni_core import readers
    from omni_core.settings import Settings
    from omni_core.types import Channel, ImageContent, Span

    with tempfile.TemporaryDirectory() as store:
        loaded, _ = readers.load(Settings(store=store, speech="off"))
        reader = next(r for r in loaded if r.name == "screen_text")
        for name, rotation in (("upright", 0), ("sideways", 90), ("upside down", 180)):
            with pymupdf.open() as doc:
                words = page_of(rng, doc)
                doc[0].set_rotation(rotation)
                known = seen(words, doc[0])
                image = doc[0].get_pixmap(dpi=150)
            flat = np.frombuffer(image.samples, np.uint8)
            pixels = flat.reshape(image.height, image.width, 3).copy()
            span = Span("page", 1, 2)
            page = Segment("src_a", Modality.DOCUMENT, Channel.VISUAL, span, ImageContent(pixels))
            found = stored(iter(reader.read([page])))
            row(f"OCR, {name}", scores(rng, known, found), pixels)


if __name__ == "__main__":
    main()
