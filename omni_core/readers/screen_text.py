"""OCR: the text of slides, signs, burnt-in subtitles, screens and scanned pages.

An image is recognised only if text is detected on a small copy. Consecutive shots with the same
text (a slide shown over three of them) make one segment, which is complete when the text changes;
the last one of a source comes with `flush`.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Any, Self

import numpy as np
from PIL import Image

from omni_core import weights
from omni_core.errors import UnavailableError
from omni_core.protocols import Reader
from omni_core.readers.layout import Layout, layout
from omni_core.readers.ocr import Ocr
from omni_core.readers.pages import pages_with_words
from omni_core.readers.sessions import Sessions
from omni_core.readers.state import pack, segment_of, segment_values, unpack
from omni_core.settings import Settings
from omni_core.text import units
from omni_core.text.figures import captions, figures
from omni_core.text.places import Place, within
from omni_core.text.places import pack as pack_places
from omni_core.text.tables import Cell, Row
from omni_core.text.units import Unit
from omni_core.text.windows import text_windows
from omni_core.types import (
    Channel,
    CutOptions,
    ImageContent,
    Modality,
    Pixels,
    ReaderInfo,
    Segment,
    TextContent,
    VideoContent,
)

ROLES = ("ocr-detect", "ocr-recognise", "ocr-direction")
ROW_ORIGIN, CAPTION_ORIGIN = "table row (ocr)", "figure caption (ocr)"
SAME_TEXT_RATIO = 0.9
"""Similarity (difflib ratio) above which two recognised texts count as the same."""
PAGE_WORDS_ENOUGH = 8
"""A page whose text layer has fewer words is recognised too: a scan with a stamp, for one."""
IMAGE_EDGE = 1280
PARTS_OF_PICTURE = 1000
"""Windows of text that one of several pictures of a page may have."""
VIDEO_EDGE = 960
"""Long edge at which text is detected; smaller for videos, whose letters are larger."""


@dataclass(frozen=True, slots=True)
class _OnScreen:
    """The text on screen in the latest shots of one source."""

    segment: Segment
    key: str


class ScreenTextReader(Reader):
    """From images, shots and scanned pages to segments of channel `screen_text`."""

    name = "screen_text"
    rank = 1
    lane = "pictures"
    loss = "no words are read from images (OCR)"
    origin = "ocr"

    @classmethod
    def describe(cls, settings: Settings) -> ReaderInfo:
        """The OCR models, and whether they are installed."""
        model = "PP-OCRv6 small"
        if settings.screen_text == "off":
            return ReaderInfo(cls.name, model, "off", "screen_text = off")
        if importlib.util.find_spec("rapidocr") is None:
            return ReaderInfo(cls.name, model, "missing", "pip install rapidocr")
        try:
            for role in ROLES:
                weights.find(role, settings)
        except UnavailableError as e:
            return ReaderInfo(cls.name, model, "missing", str(e))
        return ReaderInfo(cls.name, model, "present")

    @classmethod
    def load(cls, settings: Settings, loaded: Mapping[str, Reader]) -> Self | None:
        """The reader of `settings.screen_text`; None when that is `off`.

        Raises UnavailableError when the weights are missing or not the pinned ones.
        """
        if settings.screen_text == "off":
            return None
        detect, recognise, direction = (weights.find(role, settings) for role in ROLES)
        ocr = Ocr(detect, recognise, direction, threads=settings.threads)
        return cls(ocr, detect_first=settings.screen_text != "always")

    @classmethod
    def select(cls, segments: Sequence[Segment]) -> list[Segment]:
        """Images and videos; no image whose tiles follow, no page whose text layer holds enough
        words, unless the medium says that words stand in its picture (`scan`, `picture`)."""
        with_text_layer = pages_with_words(segments, PAGE_WORDS_ENOUGH)
        return [
            s
            for s in segments
            if isinstance(s.content, ImageContent | VideoContent)
            and not s.extra.get("tiles")
            and (
                s.modality is not Modality.DOCUMENT
                or s.span.start not in with_text_layer
                or s.extra.get("scan")
                or s.extra.get("picture")
            )
        ]

    def __init__(self, ocr: Ocr, *, detect_first: bool = True) -> None:
        """`detect_first`: skip images on whose small copy no text is detected."""
        self._ocr = ocr
        self._detect_first = detect_first
        self._on_screen: Sessions[_OnScreen] = Sessions()
        self._last_frames: Sessions[tuple[Pixels, str, str]] = Sessions()
        """The last keyframe, small, its words, and their places packed."""

    def read(self, segments: Sequence[Segment]) -> list[Segment]:
        """The text segments that are complete by now, in order; others come later."""
        found: list[Segment] = []
        for segment in segments:
            pixels = _pixels(segment)
            if pixels is None:
                continue
            if segment.modality is Modality.VIDEO:
                found += self._shot(segment, pixels)
                continue
            lines = self._ocr.read(pixels, edge=IMAGE_EDGE, detect_first=self._detect_first)
            read = layout(lines)
            text, places = read.text()
            if segment.modality is Modality.DOCUMENT:
                found += self._page(segment, text, places)
            elif text:
                placed = pack_places(_within(places, segment.extra.get("crop")))
                found.append(_words(segment, text, placed, segment.part))
            found += _units(segment, pixels, read)
        return found

    def flush(self, source_id: str) -> list[Segment]:
        """The segment of the text still on screen, at the end of a source or before."""
        last = self._on_screen.end(source_id)
        return [last.segment] if last else []

    def save(self, source_id: str) -> bytes:
        """The text on screen, and the last keyframe with its text."""
        shown, frame = self._on_screen.get(source_id), self._last_frames.get(source_id)
        values: dict[str, Any] = {}
        if shown is not None:
            values |= {"segment": segment_values(shown.segment), "key": shown.key}
        if frame is not None:
            values |= {"text": frame[1], "placed": frame[2]}
        return pack(values, {"frame": frame[0]} if frame else None) if values else b""

    def restore(self, source_id: str, state: bytes) -> None:
        """Go on with what `save` returned."""
        self._on_screen.end(source_id)
        self._last_frames.end(source_id)
        if not state:
            return
        values, arrays = unpack(state)
        if "segment" in values:
            shown = _OnScreen(segment_of(values["segment"]), values["key"])
            self._on_screen.put(source_id, shown)
        if "frame" in arrays:
            kept = (arrays["frame"], values["text"], values.get("placed", ""))
            self._last_frames.put(source_id, kept)

    def _shot(self, segment: Segment, pixels: Pixels) -> list[Segment]:
        """The segments that a shot completes; an unchanged keyframe is not recognised again."""
        thumbnail = _thumbnail(pixels)
        before = self._last_frames.get(segment.source_id)
        if before is None or not _same_image(before[0], thumbnail):
            lines = self._ocr.read(pixels, edge=VIDEO_EDGE, detect_first=self._detect_first)
            text, places = layout(lines).text()
            placed = pack_places(places)
        else:
            _, text, placed = before
        self._last_frames.put(segment.source_id, (thumbnail, text, placed))
        return self._merge(segment, text, placed)

    def _merge(self, segment: Segment, text: str, placed: str) -> list[Segment]:
        """Extend the segment on screen if the text is the same; else return it, start another."""
        before = self._on_screen.get(segment.source_id)
        key = " ".join(text.lower().split())
        if before is not None and key and _same_text(before.key, key):
            # keep the longer text: on slides words appear one by one
            keep = len(before.key) >= len(key)
            best = before.segment if keep else _words(segment, text, placed)
            span = before.segment.span.union(segment.span)
            longer = max(before.key, key, key=len)
            self._on_screen.put(segment.source_id, _OnScreen(replace(best, span=span), longer))
            return []
        found = self.flush(segment.source_id)
        if key:
            self._on_screen.put(segment.source_id, _OnScreen(_words(segment, text, placed), key))
        return found

    def _page(self, segment: Segment, text: str, seen: Sequence[Place]) -> list[Segment]:
        """Windows of text, cut as those of a text layer."""
        places = _within(seen, segment.extra.get("crop"))
        first = segment.part * PARTS_OF_PICTURE
        return [
            _words(segment, w.text, pack_places(within(text, places, w.start, w.end)), first + n)
            for n, w in enumerate(text_windows(text, CutOptions()))
        ]


def _units(segment: Segment, pixels: Pixels, read: Layout) -> Iterator[Segment]:
    """The rows of the tables that are seen, and the figures with captions."""
    crop = segment.extra.get("crop")
    behind = segment.part * PARTS_OF_PICTURE
    tables = [
        replace(t, rows=tuple(Row(r.text, tuple(_within(r.places, crop))) for r in t.rows))
        for t in read.tables
    ]
    for unit in units.rows(tables, first=units.ROW_PARTS + behind):
        yield _unit(segment, unit, ROW_ORIGIN)
    lines = [line for row in read.rows for line in row]
    if crop is not None or not all(line.upright for line in lines):
        return
    size = (float(pixels.shape[1]), float(pixels.shape[0]))
    cells = [Cell(line.text, line.box, line.places) for line in lines]
    told = captions(cells)
    shown = figures(told, cells, (), read.tables, size, pixels)
    for number, (caption, _, whole) in enumerate(shown, 1):
        unit = units.figure(number, caption, "", whole, units.FIGURE_PARTS + behind)
        yield _unit(segment, unit, CAPTION_ORIGIN)


def _unit(segment: Segment, unit: Unit, origin: str) -> Segment:
    return replace(
        segment, channel=Channel.SCREEN_TEXT, content=TextContent(unit.text), text=unit.text,
        origin=origin, part=unit.part, extra={**segment.extra, **unit.extra},
    )  # fmt: skip


def _pixels(segment: Segment) -> Pixels | None:
    if isinstance(segment.content, VideoContent):
        return segment.content.keyframe
    return segment.content.pixels if isinstance(segment.content, ImageContent) else None


def _words(segment: Segment, text: str, placed: str, part: int = 0) -> Segment:
    extra = {**segment.extra, "placed": placed} if placed else segment.extra
    return replace(
        segment, channel=Channel.SCREEN_TEXT, content=TextContent(text), text=text,
        origin=ScreenTextReader.origin, part=part, extra=extra,
    )  # fmt: skip


def _within(places: Sequence[Place], crop: Sequence[float] | None) -> Sequence[Place]:
    """The places on the whole image, of which what was read is the part `crop`."""
    if crop is None:
        return places
    x, y, wide, high = crop[0], crop[1], crop[2] - crop[0], crop[3] - crop[1]
    return [
        Place(start, end, (x + x0 * wide, y + y0 * high, x + x1 * wide, y + y1 * high), turn)
        for start, end, (x0, y0, x1, y1), turn in places
    ]


def _thumbnail(pixels: Pixels) -> Pixels:
    """Greyscale, long edge 160: a line of subtitles is still several pixels high."""
    image = Image.fromarray(pixels).convert("L")
    image.thumbnail((160, 160), Image.Resampling.BOX)
    return np.asarray(image)


def _same_image(a: Pixels, b: Pixels) -> bool:
    """Whether no pixel differs by 24 or more, so that another subtitle makes a difference."""
    if a.shape != b.shape:
        return False
    return int(np.abs(a.astype(np.int16) - b.astype(np.int16)).max()) < 24


def _same_text(a: str, b: str) -> bool:
    if a == b:
        return True
    match = SequenceMatcher(None, a, b, autojunk=False)
    return (
        match.real_quick_ratio() > SAME_TEXT_RATIO
        and match.quick_ratio() > SAME_TEXT_RATIO
        and match.ratio() > SAME_TEXT_RATIO
    )
