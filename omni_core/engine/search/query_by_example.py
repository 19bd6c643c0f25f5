"""A question asked by example: a segment, a moment, or a file becomes vectors and words."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from pathlib import Path

from omni_core.engine.context import Context
from omni_core.engine.hashing import hash_file
from omni_core.engine.refs import Target, resolve
from omni_core.errors import BadRequestError, NotFoundError, UnreadableError
from omni_core.query import Filter, In, Range
from omni_core.types import Channel, FileWarning, MediaInfo, Point, Segment, Source, Vector
from omni_core.worker import WorkerDied

MOST_VECTORS = 8
"""Legs of one question by example: enough for a moment's shot, sound and words."""
FILE_SECONDS = 60.0
FILE_PAGES = 4
"""Of a file given as a question, this much is looked at."""


@dataclass(frozen=True, slots=True)
class Example:
    """What to look for."""

    vectors: tuple[Vector, ...]
    words: str
    ids: frozenset[str] = field(default_factory=frozenset)
    """Points that are the example itself."""
    exclude_sources: tuple[str, ...] = ()
    channels: frozenset[Channel] = frozenset()
    """What the example is made of; empty for a question in words."""
    waited_s: float = 0.0
    """How long the question waited for models that were still loading."""


async def by_ref(context: Context, ref: str, *, same_source: bool) -> Example:
    """The vectors of what a ref opens."""
    target = await resolve(context, ref)
    points = await points_of(context, target, vectors=True)
    vectors = [v for p in points if (v := p.late if p.late is not None else p.dense) is not None]
    if not vectors:
        raise BadRequestError(
            f"{ref} holds nothing that the model embeds; try another segment", code="NO_VISUAL"
        )
    return Example(
        tuple(_spread(vectors, MOST_VECTORS)),
        "",
        frozenset(p.id for p in points),
        () if same_source else (target.row.id,),
        frozenset(Channel(str(p.payload["channel"])) for p in points),
    )


async def points_of(context: Context, target: Target, *, vectors: bool = False) -> list[Point]:
    """The stored segments that a ref covers, in order of time or page."""
    index = await context.opened_index()
    if target.segment is not None:
        return await index.get([target.segment], vectors=vectors)
    must: list[In | Range] = [In("source_id", (target.row.id,))]
    if target.span is not None:
        # Half-open in the store; a point in time lies in the segment that starts at it.
        end = max(target.span.end, target.span.start + 1e-3)
        must += [Range("start", lt=end), Range("end", gt=target.span.start)]
    found: list[Point] = []
    offset: str | None = None
    while True:
        points, offset = await index.scroll(Filter(must=tuple(must)), limit=512, offset=offset)
        found += points
        if offset is None:
            break
    found.sort(key=lambda p: (p.payload["start"], p.payload["channel"], p.payload["part"]))
    if vectors and found:
        found = await index.get([p.id for p in found[:256]], vectors=True)
    return found


async def by_file(context: Context, path: str, *, same_source: bool) -> Example:
    """A picture, a spoken question, a clip or a page, cut and embedded as evidence would be."""
    segments, info, sha = await _cut(context, path)
    if not segments:
        raise UnreadableError(f"{Path(path).name} holds nothing to search with")
    processed = await context.models.understand(segments)
    vectors = [e.vector for e in processed.encoded if e.vector is not None]
    words = " ".join(
        e.segment.text for e in processed.encoded
        if e.segment.channel in (Channel.SPEECH, Channel.TEXT, Channel.SCREEN_TEXT)
        and e.segment.part == 0
    )  # fmt: skip
    if not vectors and not words:
        raise BadRequestError(
            f"the model hears and sees nothing it can search with in {Path(path).name} "
            f"({info.modality.value}); try a text question",
            code="NO_VISUAL",
        )
    return Example(
        tuple(_spread(vectors, MOST_VECTORS)),
        words[:400],
        exclude_sources=() if same_source else (sha,),
        channels=frozenset(e.segment.channel for e in processed.encoded),
    )


async def _cut(context: Context, path: str) -> tuple[list[Segment], MediaInfo, str]:
    sha256 = await hash_file(Path(path))
    segments: list[Segment] = []
    try:
        info: MediaInfo = await context.decoders.open("probe", path, None)
        source = Source(
            sha256, path, Path(path).stem, info.modality, info.mime,
            await asyncio.to_thread(lambda: Path(path).stat().st_size),
            info.duration_s, info.pages,
        )  # fmt: skip
        options = replace(context.info.cut, fast=True)
        async with context.decoders.opener() as opener:
            stream = opener.stream(
                "decompose", path, source, options, stall_s=context.settings.decode_stall_s
            )
            try:
                async for segment in stream:
                    if isinstance(segment, FileWarning):
                        continue  # what could be read is searched with
                    far = FILE_PAGES + 1 if segment.span.axis == "page" else FILE_SECONDS
                    if segment.span.axis != "char" and segment.span.start >= far:
                        break
                    segments.append(segment)
                    if len(segments) >= 32:
                        break
            finally:
                await stream.aclose()
    except WorkerDied as e:
        raise UnreadableError(f"{e}: {Path(path).name} is damaged") from e
    except FileNotFoundError as e:
        raise NotFoundError(f"no file {Path(path).name}") from e
    return segments, info, source.id


def _spread(vectors: list[Vector], most: int) -> list[Vector]:
    if len(vectors) <= most:
        return vectors
    step = len(vectors) / most
    return [vectors[int(i * step)] for i in range(most)]
