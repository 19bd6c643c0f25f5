"""The nouns. Everything else passes these around; this file imports nothing of ours.

Ingest:  file -> Source -> Segment* -> (Segment + Vector)* -> Point* -> stored.
Search:  question -> Vector -> Hit* -> Moment* -> Evidence.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

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

_NAMESPACE = uuid.UUID("6f6d6e69-2d6d-6370-8000-65766964656e")


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
        return source_id(self.sha256)


def source_id(sha256: str) -> str:
    """The public id of the file with this hash."""
    return "src_" + base64.b32encode(bytes.fromhex(sha256)[:10]).decode().lower()


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
class Text:
    """Words."""

    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One still picture or page, RGB (height, width, 3) uint8."""

    pixels: Pixels


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """A window of mono 16 kHz sound. The first `head_s` seconds repeat the window before."""

    samples: Samples
    head_s: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Film:
    """A shot: frames at one rate, the sharpest representative picture, and its sound.

    `times[i]` is the second (on the source's clock) at which `frames[i]` is shown.
    `key` is larger than the frames: small print is read from it.
    """

    frames: Frames
    times: tuple[float, ...]
    fps: float
    key: Pixels
    sound: Samples | None = None


Content = Text | Picture | Sound | Film


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
        part = f"#{self.part}" if self.part else ""
        key = f"{self.source_id}/{self.channel}/{self.span.fragment()}{part}"
        return str(uuid.uuid5(_NAMESPACE, key))

    def without_content(self) -> Segment:
        """The same segment, light enough to keep."""
        return replace(self, content=None)


def segment_ref(segment_uuid: str) -> str:
    """The public id of a segment: `seg_` and 26 base32 characters."""
    raw = base64.b32encode(uuid.UUID(segment_uuid).bytes).decode().lower()
    return "seg_" + raw.rstrip("=")


def segment_uuid(ref: str) -> str | None:
    """The inverse of `segment_ref`; None when `ref` is not one."""
    body = ref.removeprefix("seg_").upper()
    if not ref.startswith("seg_") or len(body) != 26:
        return None
    try:
        return str(uuid.UUID(bytes=base64.b32decode(body + "======")))
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class CutOptions:
    """How media are cut; what a model wants to see decides it (`EncoderInfo.cut`)."""

    picture_edge: int = 1280
    """Long edge of stills, pages and key pictures, pixels: small print must stay readable."""
    film_fps: float = 0.5
    film_edge: int = 384
    film_max_frames: int = 8
    film_sound: bool = False
    """Whether a shot carries its own sound for models that take both."""
    shot_min_s: float = 1.0
    shot_max_s: float = 15.0
    sound_window_s: float = 30.0
    sound_overlap_s: float = 2.0
    text_window_words: int = 150
    text_window_stride: int = 120
    fast: bool = False
    """Keyframe packets only: 11-17 times cheaper, cuts less exact."""
    password: str | None = None
    transcript: str | None = None
    """Path of a subtitle file to use as the transcript."""


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
    has_sound: bool = False
    has_picture: bool = False
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


# The seams. Two to four methods each; a new backend is one new file.


class Decomposer(Protocol):
    """A medium: knows its files by their bytes, looks at them, cuts them."""

    def matches(self, head: bytes, suffix: str) -> bool:
        """Whether the first 4 KiB (and, for text, the suffix) are of this medium."""
        ...

    def probe(self, path: str) -> MediaInfo:
        """Modality, title, length, date: cheap, opens the file once."""
        ...

    def decompose(self, path: str, source: Source, options: CutOptions) -> Iterator[Segment]:
        """Segments in order of time or page, streamed: never the whole film at once."""
        ...


class Reader(Protocol):
    """Finds words in pictures or sound."""

    name: str

    def read(self, segments: Sequence[Segment]) -> list[Segment]:
        """New segments (channel speech or screen_text) with spans of their own; may be empty."""
        ...


class Encoder(Protocol):
    """A model: evidence and questions to vectors of one space."""

    info: EncoderInfo

    def encode(self, contents: Sequence[Content]) -> list[Vector | None]:
        """One vector for each content; None where the model cannot take it."""
        ...

    def encode_questions(self, contents: Sequence[Content]) -> list[Vector | None]:
        """The same for the question's side, with its prompt."""
        ...


class Reranker(Protocol):
    """A second, slower look: question and candidate judged together."""

    name: str

    def score(self, question: Content, candidates: Sequence[Content | str]) -> list[float | None]:
        """One score for each candidate, higher is better; None where it cannot judge."""
        ...


class Index(Protocol):
    """A store of points. Filters are `omni_core.index.plan.Filter`."""

    async def open(self) -> None:
        """Create or open; raises StoreError when another process holds it."""
        ...

    async def upsert(self, points: Sequence[Point]) -> None:
        """Durable against a process crash when this returns."""
        ...

    async def search(self, legs: Sequence[Any], *, filter: Any = None) -> list[list[Hit]]:
        """For each leg (`plan.Leg`) its hits, best first."""
        ...

    async def get(self, ids: Sequence[str], *, vectors: bool = False) -> list[Point]:
        """The points that exist, in the order asked."""
        ...

    async def scroll(
        self, filter: Any = None, *, limit: int = 256, offset: str | None = None
    ) -> tuple[list[Point], str | None]:
        """Points without vectors, in id order, and the next offset."""
        ...

    async def count(self, filter: Any = None) -> int:
        """Exactly how many."""
        ...

    async def set_payload(self, filter: Any, payload: Mapping[str, Any]) -> None:
        """Merge `payload` into the points that match; refuses an empty filter."""
        ...

    async def delete(self, filter: Any) -> None:
        """Remove the points that match; refuses an empty filter."""
        ...

    async def flush(self) -> None:
        """Durable against power loss when this returns."""
        ...

    async def optimize(self) -> bool:
        """Give back the space of deleted points; False when there was nothing to do."""
        ...

    async def activate(self) -> None:
        """Make this version the one that searches use: all or nothing."""
        ...

    async def close(self) -> None:
        """Release the store."""
        ...
