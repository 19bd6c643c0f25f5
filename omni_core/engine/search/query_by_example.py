"""Query by example: a segment, a span or a file as a question of vectors and words."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from omni_core.engine.context import Context
from omni_core.engine.decoder_death import tried_twice
from omni_core.engine.hashing import read_hash
from omni_core.engine.refs import Target, points_of, resolve
from omni_core.engine.search.question import Question
from omni_core.errors import BadRequestError, UnreadableError
from omni_core.ids import source_id
from omni_core.originals import Original
from omni_core.types import Channel, MediaInfo, Modality, Segment, Source, Vector

MAX_VECTORS = 8
"""Most vectors of one example: enough for the shot, sound and words of a moment."""
FILE_SECONDS = 60.0
FILE_PAGES = 4
FILE_SEGMENTS = 32
"""Of a file as an example, only this much is embedded: seconds, pages and segments."""
MAX_CHARACTERS = 400
"""Most characters of a file's text that are used as the words of the question."""


async def by_ref(context: Context, ref: str, *, same_source: bool) -> Question:
    """The stored vectors of a reference as a question. Raises BadRequestError where it has none."""
    return await by_target(context, ref, await resolve(context, ref), same_source=same_source)


async def by_target(context: Context, ref: str, target: Target, *, same_source: bool) -> Question:
    """`by_ref` for a reference that was resolved before; `ref` is for the error message."""
    points = await points_of(context, target, vectors=True)
    vectors = [v for p in points if (v := p.late if p.late is not None else p.dense) is not None]
    if not vectors:
        raise BadRequestError(
            f"{ref} holds nothing that the model embeds; try another segment", code="NO_VISUAL"
        )
    return Question(
        tuple(_evenly_spaced(vectors, MAX_VECTORS)),
        "",
        frozenset(p.id for p in points),
        () if same_source else (target.row.id,),
        frozenset(p.stored.channel for p in points),
    )


async def by_file(
    context: Context, path: str, *, same_source: bool, links: bool = True
) -> Question:
    """A file (image, spoken question, clip, document) as a question, embedded as evidence is.
    `links`: whether the path may lead through symbolic links."""
    segments, info, same = await _cut(context, path, links)
    if not segments:
        raise UnreadableError(f"{Path(path).name!r} holds nothing to search with")
    processed = await context.models.understand(segments)
    vectors = [e.vector for e in processed.encoded if e.vector is not None]
    words = " ".join(
        e.segment.text for e in processed.encoded
        if e.segment.channel in (Channel.SPEECH, Channel.TEXT, Channel.SCREEN_TEXT)
        and e.segment.part == 0
    )  # fmt: skip
    if not vectors and not words:
        raise BadRequestError(
            f"the model hears and sees nothing it can search with in {Path(path).name!r} "
            f"({info.modality.value}); try a text question",
            code="NO_VISUAL",
        )
    return Question(
        tuple(_evenly_spaced(vectors, MAX_VECTORS)),
        words[:MAX_CHARACTERS],
        exclude_sources=() if same_source else same,
        example_channels=frozenset(e.segment.channel for e in processed.encoded),
    )


async def _cut(
    context: Context, path: str, links: bool
) -> tuple[list[Segment], MediaInfo, tuple[str, ...]]:
    """The first segments of a file, and the ids of the sources that have its bytes."""
    sha256, file = await read_hash(path, links=links)
    info: MediaInfo = await context.decoders.open("probe", file, None)
    source = Source(
        sha256, path, Path(path).stem, info.modality, info.mime, file.size, info.duration_s,
        info.pages,
    )  # fmt: skip
    segments = await tried_twice(lambda: _first_segments(context, file, source))
    same = await asyncio.to_thread(context.catalog.with_bytes, sha256)
    return segments, info, tuple(map(source_id, same))


async def _first_segments(context: Context, file: Original, source: Source) -> list[Segment]:
    segments: list[Segment] = []
    options = replace(context.info.cut, fast=True)
    timed = source.modality in (Modality.VIDEO, Modality.AUDIO)
    async with context.decoders.opener() as opener:
        stream = opener.stream(
            "decompose", file, source, options, stall_s=context.settings.decode_stall_s
        )
        try:
            async for segment in stream:
                if not isinstance(segment, Segment):
                    continue  # the readable part is used
                if timed and segment.channel is Channel.TEXT:
                    continue  # tags and chapters: like what is heard and seen is wanted
                limit = FILE_PAGES + 1 if segment.span.axis == "page" else FILE_SECONDS
                if segment.span.axis != "char" and segment.span.start >= limit:
                    break
                segments.append(segment)
                if len(segments) >= FILE_SEGMENTS:
                    break
        finally:
            await stream.aclose()
    return segments


def _evenly_spaced(vectors: list[Vector], limit: int) -> list[Vector]:
    """At most `limit` of them, evenly spaced."""
    if len(vectors) <= limit:
        return vectors
    step = len(vectors) / limit
    return [vectors[int(i * step)] for i in range(limit)]
