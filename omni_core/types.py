"""The nouns. Everything else passes these around; this file imports nothing of ours but `ids`.

Ingest:  file -> Source -> Segment* -> (Segment + Vector)* -> Point* -> stored.
Search:  question -> Vector -> Hit* -> Moment* -> Evidence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from omni_core import ids

Pixels = NDArray[np.uint8]
"""One picture: (height, width, 3), RGB."""
Frames = NDArray[np.uint8]
"""Pictures in time order: (frames, height, width, 3), RGB."""
Samples = NDArray[np.float32]
"""Mono sound at 16 kHz: (samples,), in [-1, 1]."""
Vector = NDArray[np.float32]
"""L2-normalised: (dim,), or (tokens, dim) for late interaction."""

SAMPLE_RATE = 16_000
"""Hz. Every model of this field hears mono 16 kHz."""


TITLE_ORIGIN = "title"
"""`Segment.origin` of the words of a source's name."""


class Modality(StrEnum):
    """What a source is."""

    VIDEO = "video"
    AUDIO = "audio"
    IMAGE = "image"
    DOCUMENT = "document"


class Channel(StrEnum):
    """What a segment's vector was made from: a result's "why"."""

    VISUAL = "visual"
    SOUND = "sound"
    SPEECH = "speech"
    SCREEN_TEXT = "screen_text"
    TEXT = "text"


Axis = Literal["second", "page", "char"]


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Where in a source, half-open: seconds of its clock, pages (1-based), or characters.

    Page 7 is `Span("page", 7, 8)`. A picture is `Span("second", 0, 0)`.
    """

    axis: Axis
    start: float
    end: float

    def fragment(self) -> str:
        """The span as a W3C media fragment: `t=45.2,52.8`, `page=7`, `char=0,120`."""
        if self.axis == "page" and self.end - self.start <= 1:
            return f"page={self.start:g}"
        key = {"second": "t", "page": "page", "char": "char"}[self.axis]
        return f"{key}={_round(self.start)},{_round(self.end)}"

    def overlaps(self, other: Span) -> bool:
        """Whether both share an instant, a page or a character; a point inside counts."""
        if self.axis != other.axis:
            return False
        if self.start == self.end or other.start == other.end:
            return self.start <= other.end and other.start <= self.end
        return self.start < other.end and other.start < self.end

    def union(self, other: Span) -> Span:
        """The smallest span that holds both."""
        return Span(self.axis, min(self.start, other.start), max(self.end, other.end))


def _round(x: float) -> str:
    return f"{x:.3f}".rstrip("0").rstrip(".") or "0"


@dataclass(frozen=True, slots=True)
class Source:
    """One ingested file, named by the sha256 of its bytes: two paths, same bytes, one source."""

    sha256: str
    uri: str
    title: str
    modality: Modality
    mime: str
    size: int
    duration_s: float | None = None
    pages: int | None = None
    recorded_at: datetime | None = None
    recorded_at_from: str = ""
    """exif, container, pdf, file name, file time, or caller."""

    @property
    def id(self) -> str:
        """`src_` and 16 base32 characters (80 bits) of the hash."""
        return ids.source_id(self.sha256)


State = Literal["queued", "processing", "ready", "partial", "failed"]


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One source as the catalog knows it and as it is listed."""

    id: str
    title: str
    modality: Modality
    uri: str
    sha256: str
    mime: str
    size: int
    state: State
    segments: int
    progress: float = 1.0
    duration_s: float | None = None
    pages: int | None = None
    recorded_at: datetime | None = None
    recorded_at_from: str = ""
    ingested_at: datetime | None = None
    collections: tuple[str, ...] = ()
    model: str = ""
    pipeline: str = ""
    warnings: tuple[str, ...] = ()
    error_code: str = ""
    error: str = ""


# What a segment is made of. Arrays only: a path or a URL never reaches a model.


@dataclass(frozen=True, slots=True)
class TextContent:
    """Words."""

    text: str


@dataclass(frozen=True, slots=True, eq=False)
class ImageContent:
    """One still picture or page, RGB (height, width, 3) uint8."""

    pixels: Pixels


@dataclass(frozen=True, slots=True, eq=False)
class AudioContent:
    """A window of audio. Its first `overlap_s` seconds repeat the end of the window before."""

    samples: Samples
    overlap_s: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class VideoContent:
    """A shot: frames sampled at one rate, one representative frame, and its audio.

    `times[i]` is the second (on the source's clock) at which `frames[i]` is shown. `keyframe` is
    the best frame of the shot, larger than `frames`: small print is read from it.
    """

    frames: Frames
    times: tuple[float, ...]
    fps: float
    keyframe: Pixels
    audio: Samples | None = None


Content = TextContent | ImageContent | AudioContent | VideoContent


@dataclass(frozen=True, slots=True)
class Segment:
    """The smallest findable thing. `content` is what a model sees; it is never stored."""

    source_id: str
    modality: Modality
    channel: Channel
    span: Span
    content: Content | None = None
    text: str = ""
    """What a person reads: the words spoken, shown or printed. Empty for a silent picture."""
    origin: str = ""
    """Where `text` came from: `text layer`, `subtitle track eng`, `whisper-base`, `ocr` ..."""
    part: int = 0
    """Tells apart segments of one channel and span (windows of one page's text)."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Small facts that travel into the payload: language, key time, heading."""

    @property
    def id(self) -> str:
        """uuid5 of source, channel, span and part: ingest twice is ingest once, for any model."""
        return ids.segment_uuid(self.source_id, self.channel, self.span.fragment(), self.part)

    def without_content(self) -> Segment:
        """The same segment, light enough to keep."""
        return replace(self, content=None)


@dataclass(frozen=True, slots=True)
class FileWarning:
    """Something about the whole file that a user must know, found while it was read.

    Yielded by `Medium.decompose` among the segments; shown with the source, never indexed.
    """

    message: str
    """One line: what is wrong, and what of the file is missing because of it."""


@dataclass(frozen=True, slots=True)
class CutOptions:
    """How media are cut; what a model wants to see decides it (`EncoderInfo.cut`)."""

    image_edge: int = 1280
    """Long edge of stills, pages and key pictures, pixels: small print must stay readable."""
    video_fps: float = 0.5
    video_edge: int = 384
    video_max_frames: int = 8
    video_audio: bool = False
    """Whether a shot carries its own sound for models that take both."""
    shot_min_s: float = 1.0
    shot_max_s: float = 15.0
    audio_window_s: float = 30.0
    audio_overlap_s: float = 2.0
    text_window_words: int = 150
    text_window_stride: int = 120
    fast: bool = False
    """Keyframe packets only: 11-17 times cheaper, cuts less exact."""
    password: str | None = None
    transcript: str | None = None
    """Path of a subtitle file to use as the transcript."""


Crop = tuple[float, float, float, float]
"""Left, top, right, bottom as fractions of the whole, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may cost before anything is decoded (see `Settings`)."""

    max_pixels: int = 100_000_000
    max_file_mb: int = 20_000
    max_duration_s: float = 12 * 3600
    max_pages: int = 5000


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What the first look at a file tells, before anything is cut."""

    modality: Modality
    mime: str
    title: str = ""
    duration_s: float | None = None
    pages: int | None = None
    width: int | None = None
    height: int | None = None
    recorded_at: datetime | None = None
    recorded_at_from: str = ""
    has_audio: bool = False
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EncoderInfo:
    """What an index must know of the model that filled it."""

    name: str
    revision: str
    dim: int
    channels: frozenset[Channel]
    """What it embeds; segments of other channels are kept as words only."""
    multi_vector: bool = False
    licence: str = ""
    cut: CutOptions = field(default_factory=CutOptions)
    batch: int = 8
    """Segments that one call should bring; a GPU wants more than a laptop."""
    pages: bool = True
    """Whether the picture of a page that has words says more than its words do."""
    settings: str = ""
    """Prompts, pooling, pixel budget: anything that changes vectors, in one short string."""

    @property
    def fingerprint(self) -> str:
        """Two vectors compare only when these are equal."""
        return f"{self.name}@{self.revision}/{self.dim}/{self.settings}"


@dataclass(frozen=True, slots=True)
class ReaderInfo:
    """Which model a reader uses and whether it can be loaded."""

    name: str
    model: str
    state: Literal["present", "missing", "off"]
    why: str = ""
    """How to get what is missing, or which setting turns it off."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A segment (without content) and its vector; None when the model cannot take its channel."""

    segment: Segment
    vector: Vector | None


@dataclass(frozen=True, slots=True)
class Sparse:
    """A sparse vector: BM25 term weights."""

    indices: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Point:
    """What a store keeps of one segment: same id, same row."""

    id: str
    dense: Vector | None
    bm25: Sparse | None
    payload: Mapping[str, Any]
    late: Vector | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """What a store answers: one leg's score, higher is better."""

    id: str
    score: float
    payload: Mapping[str, Any]


Match = Literal["strong", "fair", "weak"]


@dataclass(frozen=True, slots=True)
class Moment:
    """What a search answers: neighbouring segments of one source, seen as one."""

    source_id: str
    modality: Modality
    span: Span
    best: Hit
    """The segment that earned the place."""
    hits: tuple[Hit, ...]
    channels: tuple[Channel, ...]
    score: float
    """Ranks within one answer; not comparable between answers."""
    cosine: float
    """Best raw cosine of the dense leg, -1 to 1; calibrated words come from it."""
    match: Match
    also_at: tuple[tuple[str, Span], ...] = ()
    """Near-duplicates that were folded into this moment: (source id, span)."""
