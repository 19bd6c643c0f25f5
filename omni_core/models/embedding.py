"""Segments to vectors and captions: which contents the encoder gets, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from omni_core.models.timer import StageTimer
from omni_core.protocols import Encoder
from omni_core.readers.pages import pages_with_words
from omni_core.types import (
    Content,
    Encoded,
    EncoderInfo,
    ImageContent,
    Segment,
    TextContent,
    Vector,
    VideoContent,
)

STAGE = "embed"
PAGE_WORDS_ONLY = 80
"""A page with so many words is a page of words; one with fewer may be a slide or a brochure,
whose image counts too."""


def embed(
    encoder: Encoder, segments: Sequence[Segment], timer: StageTimer, *, urgent: bool = False
) -> tuple[Encoded, ...]:
    """Every segment, without its content, in order, then the additional vectors of videos.

    The vector is None where the encoder takes no such channel. `urgent` goes ahead of ingest,
    where the encoder can.
    """
    contents = embeddable(segments, encoder.info)
    encode = encoder.encode_urgent if urgent else encoder.encode
    with timer.stage(STAGE):
        vectors: dict[int, Vector | None] = {}
        if contents:
            vectors = dict(zip(contents, encode(list(contents.values())), strict=True))
        captions = _captions(encoder, contents)
        additional = _additional(encoder, segments, contents)
    encoded = tuple(
        Encoded(_without_content(s, captions.get(i, "")), vectors.get(i))
        for i, s in enumerate(segments)
    )
    return encoded + additional


def embeddable(segments: Sequence[Segment], info: EncoderInfo) -> dict[int, Content]:
    """The contents that this encoder embeds, by their place in `segments`.

    Text is taken whatever its channel: what a sound may be is words, which every encoder takes.
    Images of pages full of words are left out for encoders that see no more in them
    (`EncoderInfo.embed_page_images`).
    """
    words_only = set() if info.embed_page_images else pages_with_words(segments, PAGE_WORDS_ONLY)
    found: dict[int, Content] = {}
    for i, segment in enumerate(segments):
        content = segment.content
        if isinstance(content, TextContent):
            found[i] = content
        elif isinstance(content, ImageContent) and segment.span.start in words_only:
            continue
        elif content is not None and segment.channel in info.channels:
            found[i] = content
    return found


def _captions(encoder: Encoder, contents: Mapping[int, Content]) -> dict[int, str]:
    """What images and videos show, by place; empty for what cannot be said."""
    shown = {i: c for i, c in contents.items() if isinstance(c, ImageContent | VideoContent)}
    if not shown:
        return {}
    return dict(zip(shown, encoder.caption(list(shown.values())), strict=True))


def _additional(
    encoder: Encoder, segments: Sequence[Segment], contents: Mapping[int, Content]
) -> tuple[Encoded, ...]:
    """Further vectors of videos, stored as parts 1, 2 ... of the segment: the mean of a beach
    and a face is neither."""
    videos = {i: c for i, c in contents.items() if isinstance(c, VideoContent)}
    if not videos:
        return ()
    more = encoder.encode_additional(list(videos.values()))
    return tuple(
        Encoded(replace(segments[i].without_content(), part=number), vector)
        for i, vectors in zip(videos, more, strict=True)
        for number, vector in enumerate(vectors, 1)
    )


def _without_content(segment: Segment, caption: str) -> Segment:
    light = segment.without_content()
    return replace(light, extra={**light.extra, "seen": caption}) if caption else light
