"""From a batch to points: read and embedded by the models, with headings, words and thumbnails.

The result is plain data. It depends on the batch and on what the readers hold of its source, which
`Session.restore` sets before the first one; nothing is stored here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from omni_core.engine.ingest.chapters import Chapters
from omni_core.engine.ingest.emptiness import is_findable
from omni_core.engine.ingest.groups import Batch
from omni_core.engine.ingest.points import to_points
from omni_core.engine.session import Session
from omni_core.evidence import thumbnails
from omni_core.models.answers import Processed
from omni_core.points import Point
from omni_core.types import ImageContent, Segment, Source, VideoContent, Voices


@dataclass(frozen=True, slots=True)
class Target:
    """For what the points are made."""

    source: Source
    collections: tuple[str, ...]
    multi_vector: bool
    thumbnails: bool = False


@dataclass(frozen=True, slots=True)
class Embedded:
    """What a batch, or the end of a group, became. Pickles; without pixels and samples."""

    group: int
    points: tuple[Point, ...] = ()
    findable: bool = False
    """Whether one of them finds something in the file, and not only its title."""
    title: str = ""
    """Id of the title's segment, where it is one of them."""
    replaces: str = ""
    """Id of a point that these stand for, and which is deleted."""
    thumbnails: tuple[tuple[str, bytes], ...] = ()
    """Ids of segments, and a JPEG of each."""
    at: float = 0.0
    """See `Batch.at`."""
    pending_from: float | None = None
    """The second from which words are still buffered by a reader."""
    ends_group: bool = False
    segments: tuple[str, ...] = ()
    """At the end of a group, the ids of all its segments."""
    readers: bytes = b""
    """At the end of a group, the readers' buffers, for `Session.restore`."""
    last: bool = False
    """Whether it is the last of its source."""
    voices: Voices | None = None
    """With the last: who spoke when; None where nobody was told apart."""
    timings: Mapping[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


async def embed(session: Session, batch: Batch, target: Target, chapters: Chapters) -> Embedded:
    """Read and embed one batch. Raises ModelsDied."""
    segments = list(batch.segments)
    processed = await session.process(segments, batch.reading)
    made = _points(processed, target, chapters)
    small = await asyncio.to_thread(_thumbnails, segments) if target.thumbnails else ()
    return Embedded(
        batch.group, *made, title=segments[0].id if segments[0].is_title else "",
        thumbnails=small, at=batch.at, pending_from=processed.pending_from,
        timings=processed.timings, warnings=processed.warnings,
    )  # fmt: skip


async def end_group(
    session: Session, group: int, segments: Sequence[str], target: Target, chapters: Chapters
) -> Embedded:
    """End a group of these segments (ids): the readers' buffers as they are, and the words of
    those that cannot save theirs. Raises ModelsDied."""
    saved = await session.save()
    return Embedded(
        group, *_points(saved.flushed, target, chapters), ends_group=True,
        segments=tuple(segments), readers=saved.state, timings=saved.flushed.timings,
    )  # fmt: skip


async def end_source(
    session: Session, group: int, segments: Sequence[str], target: Target, chapters: Chapters
) -> Embedded:
    """End the last group: all that the readers have buffered, and who spoke. Raises ModelsDied."""
    flushed = await session.flush()
    return Embedded(
        group, *_points(flushed, target, chapters), ends_group=True, segments=tuple(segments),
        last=True, voices=flushed.voices, timings=flushed.timings, warnings=flushed.warnings,
    )  # fmt: skip


def _points(
    processed: Processed, target: Target, chapters: Chapters
) -> tuple[tuple[Point, ...], bool]:
    named = chapters.name(processed.encoded)
    points = to_points(target.source, named, target.collections, target.multi_vector)
    return tuple(points), bool(points) and any(map(is_findable, processed.encoded))


def _thumbnails(segments: Sequence[Segment]) -> tuple[tuple[str, bytes], ...]:
    found = []
    for segment in segments:
        content = segment.content
        if isinstance(content, ImageContent | VideoContent):
            pixels = content.keyframe if isinstance(content, VideoContent) else content.pixels
            found.append((segment.id, thumbnails.small(pixels)))
    return tuple(found)
