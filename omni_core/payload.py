"""The stored payload of a segment; this is the only file that knows its keys.

| key | kind | note |
|---|---|---|
| source_id, modality, channel | keyword, indexed | `src_...`, `Modality`, `Channel` |
| collections | list of keywords, indexed | a source may be in several |
| start, end | float, indexed | on `axis`: seconds, pages or characters; half-open |
| page | integer, indexed | 1-based; pages of documents only |
| recorded_at | datetime, indexed | RFC 3339 in UTC; absent when unknown |
| axis, text, origin, part | not indexed | as in `Segment` |
| title | not indexed | of the source |
| extra | not indexed | `Segment.extra`: key_time, seen, heard, language, heading, picture ... |

Only indexed keys may be filtered on; the constructors below are the filters that exist.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

from omni_core.query import During, Filter, In, Range
from omni_core.types import (
    TITLE_ORIGIN,
    Beats,
    Channel,
    Crop,
    Modality,
    PlacedWord,
    Segment,
    Source,
    Span,
)


class FieldKind(StrEnum):
    """Types of indexed fields, by Qdrant's names."""

    KEYWORD = "keyword"
    FLOAT = "float"
    INTEGER = "integer"
    DATETIME = "datetime"


INDEXED: Mapping[str, FieldKind] = {
    "source_id": FieldKind.KEYWORD,
    "modality": FieldKind.KEYWORD,
    "channel": FieldKind.KEYWORD,
    "collections": FieldKind.KEYWORD,
    "start": FieldKind.FLOAT,
    "end": FieldKind.FLOAT,
    "page": FieldKind.INTEGER,
    "recorded_at": FieldKind.DATETIME,
}
"""Fields that a store indexes before its first point."""
GROUPED = frozenset({"collections"})
"""Indexed fields of which questions name one value: a store may lay out its points by them."""

SHOWN_ONLY = ("placed", "places", "beats", "faces")
"""Keys of `extra` that are read of a segment which is shown, never to rank: places of words and
phrases, often larger than the words."""


_MODALITIES: Mapping[Any, Modality] = {m.value: m for m in Modality}
_CHANNELS: Mapping[Any, Channel] = {c.value: c for c in Channel}
_Kind = TypeVar("_Kind", bound=StrEnum)


def _member(known: Mapping[Any, _Kind], kind: type[_Kind], value: Any) -> _Kind:
    """`kind(value)`, in a third of its time: a search asks thousands of times."""
    try:
        return known[value]
    except (KeyError, TypeError):
        return kind(value)


@dataclass(frozen=True, slots=True)
class StoredSegment:
    """A typed view of one stored payload; fields are converted on access.

    A search receives hundreds of these and reads a few fields of each.
    """

    fields: Mapping[str, Any]
    """As stored. Only stores use it; all other code reads the properties."""

    @classmethod
    def of(cls, segment: Segment, source: Source, collections: Sequence[str]) -> StoredSegment:
        """The payload of `segment`. Equal arguments give byte-identical JSON."""
        fields: dict[str, object] = {
            "source_id": source.id,
            "modality": segment.modality.value,
            "channel": segment.channel.value,
            "collections": list(collections),
            "axis": segment.span.axis,
            "start": segment.span.start,
            "end": segment.span.end,
            "text": segment.text,
            "origin": segment.origin,
            "part": segment.part,
            "title": source.title,
            "extra": dict(segment.extra),
        }
        if segment.modality is Modality.DOCUMENT and segment.span.axis == "page":
            fields["page"] = int(segment.span.start)
        if source.recorded_at is not None:
            fields["recorded_at"] = rfc3339(source.recorded_at)
        return cls(fields)

    @property
    def claimed_source(self) -> str:
        """`source_id` of a payload that may be damaged; "" where it names none."""
        source = self.fields.get("source_id")
        return source if isinstance(source, str) else ""

    @property
    def source_id(self) -> str:
        """`src_...`."""
        return str(self.fields["source_id"])

    @property
    def modality(self) -> Modality:
        """The kind of its source."""
        return _member(_MODALITIES, Modality, self.fields["modality"])

    @property
    def channel(self) -> Channel:
        """What its vector was made from."""
        return _member(_CHANNELS, Channel, self.fields["channel"])

    @property
    def span(self) -> Span:
        """Its range in the source."""
        fields = self.fields
        return Span(fields["axis"], float(fields["start"]), float(fields["end"]))

    @property
    def text(self) -> str:
        """The words spoken, shown or printed; "" when there are none."""
        return str(self.fields.get("text", ""))

    @property
    def origin(self) -> str:
        """Where the words came from: `text layer`, `whisper-base`, `ocr` ..."""
        return str(self.fields.get("origin", ""))

    @property
    def is_title(self) -> bool:
        """Whether its words are the name of its source rather than something in it."""
        return self.origin == TITLE_ORIGIN

    @property
    def part(self) -> int:
        """Number that distinguishes segments of equal channel and span."""
        return int(self.fields.get("part") or 0)

    @property
    def title(self) -> str:
        """The title of its source when the segment was stored or last changed."""
        return str(self.fields.get("title", ""))

    @property
    def collections(self) -> tuple[str, ...]:
        """The collections of its source."""
        return tuple(self.fields.get("collections", ()))

    def is_in(self, collection: str) -> bool:
        """Whether its source is in this collection."""
        return collection in self.fields.get("collections", ())

    def in_collections(self, names: Sequence[str]) -> StoredSegment:
        """The same segment in these collections instead."""
        return StoredSegment({**self.fields, "collections": list(names)})

    def lean(self) -> StoredSegment:
        """The same segment without the fields of `SHOWN_ONLY`; itself where it has none."""
        extra = self._extra
        if extra.keys().isdisjoint(SHOWN_ONLY):
            return self
        kept = {k: v for k, v in extra.items() if k not in SHOWN_ONLY}
        return StoredSegment({**self.fields, "extra": kept})

    @property
    def recorded_at(self) -> datetime | None:
        """When its source was recorded, with a time zone; None when unknown."""
        text = self.fields.get("recorded_at")
        if not text:
            return None
        at = datetime.fromisoformat(str(text))
        return at if at.tzinfo else at.replace(tzinfo=UTC)

    @property
    def page(self) -> int | None:
        """1-based, for pages of documents."""
        page = self.fields.get("page")
        return None if page is None else int(page)

    @property
    def key_time(self) -> float | None:
        """Second of a shot's most representative frame."""
        key = self._extra.get("key_time")
        return None if key is None else float(key)

    @property
    def seen(self) -> str:
        """Caption of the image, from the encoder; "" without one."""
        return str(self._extra.get("seen") or "")

    @property
    def faces(self) -> tuple[Crop, ...]:
        """Where the image, the page or the frame at `key_time` shows faces, the largest first:
        left, top, right and bottom as fractions of it; () where none were found."""
        found: Sequence[Sequence[float]] = self._extra.get("faces") or ()
        return tuple((left, top, right, bottom) for left, top, right, bottom in found)

    @property
    def heard(self) -> str:
        """Sound tags of the audio; "" without any."""
        return str(self._extra.get("heard") or "")

    @property
    def language(self) -> str:
        """ISO 639 code of its speech; "" when unknown."""
        return str(self._extra.get("language") or "")

    @property
    def beats(self) -> Beats:
        """Where the phrases of its words begin, after the first; () when unknown."""
        found: Sequence[Sequence[float]] = self._extra.get("beats") or ()
        return tuple((int(at), float(second)) for at, second in found)

    @property
    def placed(self) -> str:
        """Where its words stand on the page, the image or the frame at `key_time`, as
        `text.places` packs it; "" when unknown."""
        return str(self._extra.get("placed") or "")

    @property
    def unit(self) -> str:
        """`row` of a table or `figure` with its caption: a part of a page whose words stand in the
        page's text as well; "" for others."""
        return str(self._extra.get("unit") or "")

    @property
    def places(self) -> tuple[PlacedWord, ...]:
        """The recognised lines of an image or page, with their places on it, as versions before
        `placed` stored them; () when unknown."""
        return tuple(PlacedWord(*place) for place in self._extra.get("places") or ())

    @property
    def picture(self) -> int:
        """Number of a picture of a page, or of a document without pages, from 1; 0 for others."""
        return int(self._extra.get("picture") or 0)

    @property
    def crop(self) -> Crop | None:
        """Where one of several pictures, or a figure with its caption, lies in the image of its
        page; None for others."""
        sides = self._extra.get("crop")
        return None if sides is None else (sides[0], sides[1], sides[2], sides[3])

    @property
    def heading(self) -> str:
        """The chapter, sheet or headings that its text belongs to, outermost first: `A › B`;
        "" without one."""
        above, heading = self._extra.get("above"), str(self._extra.get("heading") or "")
        return f"{above} › {heading}" if above else heading

    @property
    def _extra(self) -> Mapping[str, Any]:
        extra: Mapping[str, Any] = self.fields.get("extra") or {}
        return extra


def changes(
    *,
    title: str | None = None,
    recorded_at: datetime | None = None,
    collections: Iterable[str] | None = None,
) -> dict[str, object]:
    """The changes that `Index.set_payload` merges into points; None leaves a field as it is."""
    changed: dict[str, object] = {}
    if title is not None:
        changed["title"] = title
    if recorded_at is not None:
        changed["recorded_at"] = rfc3339(recorded_at)
    if collections is not None:
        changed["collections"] = list(collections)
    return changed


def rfc3339(at: datetime) -> str:
    """The time in UTC, to the second. A time without a zone is taken as local time."""
    if at.tzinfo is None:
        at = at.astimezone()
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# ---- filters


def of_sources(ids: Collection[str]) -> In:
    """Segments of these sources."""
    return In("source_id", tuple(ids))


def in_collection(name: str) -> In:
    """Segments of sources in this collection."""
    return In("collections", (name,))


def in_collections(names: tuple[str, ...]) -> In:
    """Segments of sources in any of these collections."""
    return In("collections", names)


def of_modalities(modalities: Iterable[Modality]) -> In:
    """Segments of sources of these kinds."""
    return In("modality", tuple(m.value for m in modalities))


def of_channel(channel: Channel) -> In:
    """Segments whose vector was made from this."""
    return In("channel", (channel.value,))


def overlapping(span: Span) -> tuple[Range, Range]:
    """Segments that overlap `span`; for a zero-length span also those that start at it, such as
    the one of an image."""
    before = Range("start", lt=max(span.end, span.start + 1e-3))
    if span.end <= 0:
        return before, Range("end", gte=0)
    return before, Range("end", gt=span.start)


def recorded_during(start: datetime | None, end: datetime | None) -> During:
    """Segments of sources recorded in [start, end); None is open."""
    return During(
        "recorded_at",
        gte=None if start is None else rfc3339(start),
        lt=None if end is None else rfc3339(end),
    )


def source_filter(source_id: str) -> Filter:
    """Every segment of one source."""
    return Filter(must=(of_sources((source_id,)),))
