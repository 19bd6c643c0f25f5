"""Segments to vectors and captions: which contents the encoder gets, and its results."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from omni_core.errors import OmniError, UnavailableError
from omni_core.models.timer import StageTimer
from omni_core.points import is_usable
from omni_core.protocols import Encoder
from omni_core.readers.pages import pages_with_words
from omni_core.text.headings import with_heading
from omni_core.types import (
    Content,
    Crop,
    Encoded,
    EncoderInfo,
    ImageContent,
    Segment,
    TextContent,
    Vector,
    VideoContent,
)

STAGE = "embed"
_ADVICE = "; tell its authors"
PAGE_WORDS_ONLY = 80
"""Words of a text layer from which a page's image may be skipped; pages with fewer may be slides or
brochures, whose image matters."""


def embed(
    encoder: Encoder, segments: Sequence[Segment], timer: StageTimer, *, urgent: bool = False
) -> tuple[Encoded, ...]:
    """Every segment, without its content, in order, then the additional vectors of videos.

    The vector is None where the encoder does not embed the channel. `urgent` goes before running
    ingests if the encoder supports it.
    """
    contents = embeddable(segments, encoder.info)
    encode = encoder.encode_urgent if urgent else encoder.encode
    with timer.stage(STAGE):
        vectors: dict[int, Vector | None] = {}
        if contents:
            encoded_contents = checked(encode(list(contents.values())), len(contents), encoder.info)
            vectors = dict(zip(contents, encoded_contents, strict=True))
        seen = _seen(encoder, segments, contents)
        additional = _additional(encoder, segments, contents)
    encoded = tuple(
        Encoded(_without_content(s, seen.get(i, {})), vectors.get(i))
        for i, s in enumerate(segments)
    )
    return encoded + additional


def checked(
    vectors: Sequence[Vector | None], contents: int, info: EncoderInfo
) -> Sequence[Vector | None]:
    """The encoder's result, verified: a vector of the right shape, or None, for each content.

    Raises UnavailableError naming the encoder, since a plug-in may return anything, and OmniError
    where it has no usable vector for one of the contents, as a model in half precision may.
    """
    dims = 2 if info.multi_vector else 1
    wrong = f"the encoder {info.name} answered "
    if len(vectors) != contents:
        raise UnavailableError(f"{wrong}{len(vectors)} vectors for {contents} contents{_ADVICE}")
    for vector in vectors:
        if vector is None:
            continue
        if not isinstance(vector, np.ndarray):
            raise UnavailableError(f"{wrong}{type(vector).__name__}, not a numpy array{_ADVICE}")
        if vector.ndim != dims or vector.shape[-1] != info.dim:
            shape = "(tokens, dim)" if info.multi_vector else "(dim,)"
            raise UnavailableError(
                f"{wrong}shape {vector.shape}, not {shape} with dim {info.dim}{_ADVICE}"
            )
        if not is_usable(vector):
            raise OmniError(f"{wrong}a vector that is not finite or has no length{_ADVICE}")
    return vectors


def checked_scores(
    scores: Sequence[float | None], candidates: int, name: str
) -> list[float | None]:
    """A reranker's result, verified: a finite score, or None, for each candidate.

    Raises UnavailableError and OmniError as `checked`, naming the reranker.
    """
    wrong = f"the reranker {name} answered "
    if len(scores) != candidates:
        raise UnavailableError(f"{wrong}{len(scores)} scores for {candidates} candidates{_ADVICE}")
    if not all(score is None or math.isfinite(score) for score in scores):
        raise OmniError(f"{wrong}a score that is not finite{_ADVICE}")
    return [*scores]


def embeddable(segments: Sequence[Segment], info: EncoderInfo) -> dict[int, Content]:
    """The contents that this encoder embeds, by index in `segments`.

    Text is embedded whatever its channel (sound tags are text of channel `sound`). Images of pages
    with much text are left out unless the encoder reads page images
    (`EncoderInfo.embed_page_images`) or the image is a picture (`picture`) or a figure
    (`unit`), not the page.
    """
    words_only = set() if info.embed_page_images else pages_with_words(segments, PAGE_WORDS_ONLY)
    found: dict[int, Content] = {}
    for i, segment in enumerate(segments):
        content = segment.content
        if isinstance(content, TextContent):
            words = with_heading(segment, content.text)
            found[i] = content if words == content.text else TextContent(words)
        elif (
            isinstance(content, ImageContent)
            and segment.span.start in words_only
            and not (segment.extra.get("picture") or segment.extra.get("unit"))
        ):
            continue
        elif content is not None and segment.channel in info.channels:
            found[i] = content
    return found


def _seen(
    encoder: Encoder, segments: Sequence[Segment], contents: Mapping[int, Content]
) -> dict[int, dict[str, object]]:
    """What is stored of images and videos besides their vectors, by index: the caption (`seen`) and
    the rectangles of the faces (`faces`), in fractions of the page where the image is part of
    one."""
    shown = {i: c for i, c in contents.items() if isinstance(c, ImageContent | VideoContent)}
    if not shown:
        return {}
    images = list(shown.values())
    found: dict[int, dict[str, object]] = {}
    for i, caption, faces in zip(
        shown, encoder.caption(images), encoder.faces(images), strict=True
    ):
        found[i] = {"seen": caption} if caption else {}
        if faces:
            found[i]["faces"] = [_on_page(face, segments[i].extra.get("crop")) for face in faces]
    return found


def _on_page(sides: Crop, crop: Crop | None) -> list[float]:
    """A rectangle in an image that lies at `crop` in its page, in fractions of the page."""
    left, top, right, bottom = crop or (0.0, 0.0, 1.0, 1.0)
    x0, y0, x1, y1 = sides
    wide, high = right - left, bottom - top
    placed = (left + x0 * wide, top + y0 * high, left + x1 * wide, top + y1 * high)
    return [round(side, 4) for side in placed]


def _additional(
    encoder: Encoder, segments: Sequence[Segment], contents: Mapping[int, Content]
) -> tuple[Encoded, ...]:
    """Further vectors of videos, stored as parts 1, 2 ... of the segment, for shots whose frames
    differ so much that their mean resembles none."""
    videos = {i: c for i, c in contents.items() if isinstance(c, VideoContent)}
    if not videos:
        return ()
    more = encoder.encode_additional(list(videos.values()))
    return tuple(
        Encoded(replace(segments[i].without_content(), part=number), vector)
        for i, vectors in zip(videos, more, strict=True)
        for number, vector in enumerate(checked(vectors, len(vectors), encoder.info), 1)
    )


def _without_content(segment: Segment, seen: Mapping[str, object]) -> Segment:
    light = segment.without_content()
    return replace(light, extra={**light.extra, **seen}) if seen else light
