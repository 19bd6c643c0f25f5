"""OCR: the words of slides, signs, burnt-in subtitles, screens and scanned pages.

Detection on a small copy decides whether there are words at all; only then are they read. Shots
that follow each other with the same words (a slide shown over three of them) make one segment,
which is complete when the words change: the last one of a source comes with `flush`.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Self

import numpy as np
from PIL import Image

from omni_core import weights
from omni_core.errors import UnavailableError
from omni_core.protocols import Reader
from omni_core.readers.layout import Line, paragraphs
from omni_core.readers.ocr import Ocr
from omni_core.readers.pages import pages_with_words
from omni_core.readers.sessions import Sessions
from omni_core.settings import Settings
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
SAME = 0.9
"""Ratio of equal characters from which two readings are the same words."""
PAGE_WORDS_ENOUGH = 8
"""A page whose text layer has fewer words is read from its image too: a scan with a stamp."""
IMAGE_EDGE = 1280
VIDEO_EDGE = 960
"""Long edge at which words are detected. Videos show larger letters, and many more frames."""


@dataclass(frozen=True, slots=True)
class _Shown:
    """The words on screen in the last shots of one source."""

    segment: Segment
    key: str


class ScreenTextReader(Reader):
    """Images, shots and scanned pages in, screen_text segments out."""

    name = "screen_text"
    rank = 1
    loss = "no words are read from images (OCR)"
    origin = "ocr"

    @classmethod
    def describe(cls, settings: Settings) -> ReaderInfo:
        """The OCR models, and whether they are here."""
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
        """Images and videos, but no page whose text layer holds enough words."""
        written = pages_with_words(segments, PAGE_WORDS_ENOUGH)
        return [
            s
            for s in segments
            if isinstance(s.content, ImageContent | VideoContent)
            and not (s.modality is Modality.DOCUMENT and s.span.start in written)
        ]

    def __init__(self, ocr: Ocr, *, detect_first: bool = True) -> None:
        """`detect_first`: skip images in which a small copy shows no words."""
        self._ocr = ocr
        self._detect_first = detect_first
        self._showing: Sessions[_Shown] = Sessions()
        self._last_frames: Sessions[tuple[Pixels, str]] = Sessions()

    def read(self, segments: Sequence[Segment]) -> list[Segment]:
        """The words of `segments` that are complete by now, in order; others are skipped."""
        found: list[Segment] = []
        for segment in segments:
            pixels = _pixels(segment)
            if pixels is None:
                continue
            if segment.modality is Modality.VIDEO:
                found += self._shot(segment, pixels)
                continue
            lines = self._ocr.read(pixels, edge=IMAGE_EDGE, detect_first=self._detect_first)
            if segment.modality is Modality.DOCUMENT:
                found += self._page(segment, lines)
            elif text := paragraphs(lines):
                found.append(_words(segment, text))
        return found

    def flush(self, source_id: str) -> list[Segment]:
        """The words still on screen: at the end of a source, or on the way."""
        last = self._showing.end(source_id)
        return [last.segment] if last else []

    def _shot(self, segment: Segment, pixels: Pixels) -> list[Segment]:
        """The words of a shot; a keyframe that looks like the one before is not read again."""
        thumbnail = _thumbnail(pixels)
        before = self._last_frames.get(segment.source_id)
        if before is None or not _alike(before[0], thumbnail):
            lines = self._ocr.read(pixels, edge=VIDEO_EDGE, detect_first=self._detect_first)
            text = paragraphs(lines)
        else:
            text = before[1]
        self._last_frames.put(segment.source_id, (thumbnail, text))
        return self._show(segment, text)

    def _show(self, segment: Segment, text: str) -> list[Segment]:
        """Lengthen what is on screen, or close it and begin anew."""
        before = self._showing.get(segment.source_id)
        key = " ".join(text.lower().split())
        if before is not None and key and _same(before.key, key):
            # the longer reading is the better one: words appear one by one on slides
            best = before.segment if len(before.key) >= len(key) else _words(segment, text)
            span = before.segment.span.union(segment.span)
            longer = max(before.key, key, key=len)
            self._showing.put(segment.source_id, _Shown(replace(best, span=span), longer))
            return []
        found = self.flush(segment.source_id)
        if key:
            self._showing.put(segment.source_id, _Shown(_words(segment, text), key))
        return found

    def _page(self, segment: Segment, lines: Sequence[Line]) -> list[Segment]:
        """Windows of words, as the text layer of a page is cut."""
        windows = text_windows(paragraphs(lines), CutOptions())
        return [_words(segment, w.text, part) for part, w in enumerate(windows)]


def _pixels(segment: Segment) -> Pixels | None:
    if isinstance(segment.content, VideoContent):
        return segment.content.keyframe
    return segment.content.pixels if isinstance(segment.content, ImageContent) else None


def _words(segment: Segment, text: str, part: int = 0) -> Segment:
    return replace(
        segment, channel=Channel.SCREEN_TEXT, content=TextContent(text), text=text,
        origin=ScreenTextReader.origin, part=part,
    )  # fmt: skip


def _thumbnail(pixels: Pixels) -> Pixels:
    """Grey, 160 wide or high: small, yet one line of a subtitle is several pixels of it."""
    image = Image.fromarray(pixels).convert("L")
    image.thumbnail((160, 160), Image.Resampling.BOX)
    return np.asarray(image)


def _alike(a: Pixels, b: Pixels) -> bool:
    """No spot differs: the same slide, not the same room with another subtitle."""
    if a.shape != b.shape:
        return False
    return int(np.abs(a.astype(np.int16) - b.astype(np.int16)).max()) < 24


def _same(a: str, b: str) -> bool:
    if a == b:
        return True
    match = SequenceMatcher(None, a, b, autojunk=False)
    return match.real_quick_ratio() > SAME and match.quick_ratio() > SAME and match.ratio() > SAME
