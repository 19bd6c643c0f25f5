"""The images, the clip and the audio of a selection, within the budget of one answer."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

from omni_core.engine.context import Context
from omni_core.engine.describe import cite
from omni_core.engine.opening.placed_words import recognised
from omni_core.engine.opening.selection import Selection
from omni_core.engine.results import ClipFile, OpenRequest, Placed, RenderedImage, Show
from omni_core.errors import OmniError, UnreadableError
from omni_core.evidence import audio, citation, clips, images, thumbnails
from omni_core.originals import Original
from omni_core.text.clock import clock
from omni_core.text.suffixes import clip_suffix
from omni_core.types import Channel, Crop, Modality, Pixels, PlacedWord, Samples, Span

EDGE = {"small": 384, "medium": 768, "large": 1280}
"""Long edge of an image by requested size, pixels."""
CROPPED_EDGE = 2560
"""Long edge of a frame of which a part is shown, pixels."""
SHEET_FRAMES = 9
CLIP_MAX_S = 120.0
AUDIO_MAX_S = audio.MAX_S


@dataclass(frozen=True, slots=True)
class Attached:
    """The attachments of an opened reference."""

    pictures: tuple[RenderedImage, ...] = ()
    clips: tuple[ClipFile, ...] = ()
    audio_wav: bytes = b""
    warnings: tuple[str, ...] = ()
    """One line for each attachment that was made smaller, shortened, or left out."""


async def attach(
    context: Context,
    file: Original,
    selection: Selection,
    request: OpenRequest,
    shows: Sequence[Show],
    places: Sequence[Placed] = (),
) -> Attached:
    """Decode what `shows` asks for; `places` are what is marked. Where there are none, the picture
    is shown without marks.

    Images and audio together take at most `request.max_bytes`. The audio comes first, since only
    images can be made smaller; each is encoded once. What cannot be decoded is a warning where
    there are words to show instead, else its OmniError is raised.
    """
    decoded: list[tuple[Pixels, str]] = []
    clip: tuple[ClipFile, ...] = ()
    wav, shortened, failed, too_long = b"", "", "", ""
    try:
        plain = [show for show in shows if show not in ("marked", "closeup")]
        if len(plain) < len(shows) and not places:
            plain += ["frame"] * ("frame" not in plain)
        decoded = await _images(context, file, selection, request, plain)
        for kind in (show for show in shows if show not in plain and places):
            decoded += await _marked(context, file, selection, request, places, kind == "closeup")
        if "clip" in shows:
            clip = (await _clip(context, file, selection),)
        if "audio" in shows:
            wav, shortened = await _audio(context, file, selection)
    except OmniError as e:
        if not selection.points:
            raise
        failed = f"{e.code}: {e}"
    if len(wav) > request.max_bytes:
        wav, too_long = b"", "The sound is too long to attach: ask for show=['clip']."
    left = request.max_bytes - len(wav)
    shown, shrunk = await asyncio.to_thread(_encoded, decoded, EDGE[request.size], left)
    if request.word_boxes and request.crop is None:
        shown = await _with_words(context, file, selection, shown)
    warnings = (*shrunk, shortened, failed, too_long)
    return Attached(shown, clip, wav, tuple(w for w in warnings if w))


def _encoded(
    decoded: Sequence[tuple[Pixels, str]], edge: int, max_bytes: int
) -> tuple[tuple[RenderedImage, ...], tuple[str, ...]]:
    """JPEGs of (pixels, caption) with at most `max_bytes` together, and warnings."""
    if not decoded:
        return (), ()
    jpegs, shrunk = images.fit(decoded, edge, total=max_bytes)
    warnings = [shrunk]
    while jpegs and sum(len(j.jpeg) for j in jpegs) > max_bytes:
        del jpegs[-1]
        warnings.append("One image left out: open a shorter window to see it.")
    return tuple(RenderedImage(j.jpeg, j.caption, j.width, j.height) for j in jpegs), tuple(
        w for w in warnings if w
    )


async def _images(
    context: Context,
    file: Original,
    selection: Selection,
    request: OpenRequest,
    shows: Sequence[Show],
) -> list[tuple[Pixels, str]]:
    """Pixels and caption of each requested image."""
    row, edge = selection.row, EDGE[request.size]
    if row.modality is Modality.IMAGE and {"frame", "page"} & set(shows):
        pixels = await context.decoders.open("image", file, edge, request.crop)
        return [(pixels, cite(row.title, row.modality, None))]
    if row.modality is Modality.DOCUMENT and {"frame", "page"} & set(shows):
        return await _pages(context, file, selection, request)
    found: list[tuple[Pixels, str]] = []
    if row.modality is Modality.VIDEO:
        if "frame" in shows:
            found += await _frame(context, file, selection, request)
        if "sheet" in shows:
            found.append(await _sheet(context, file, selection))
    return found


async def _pages(
    context: Context, file: Original, selection: Selection, request: OpenRequest
) -> list[tuple[Pixels, str]]:
    """The pages, or of a document without pages the pictures, of a selection. Of a segment that
    is one of several pictures of a page, or a figure, that alone; its page where words are to be
    marked."""
    crop, name = request.crop, "page" if selection.row.pages else "picture"
    numbers, which = _page_numbers(selection)[: request.max_pictures], ""
    best = selection.best.stored if selection.best is not None else None
    if best is not None and best.page and best.crop and not crop and not request.word_boxes:
        crop, which = best.crop, f", picture {best.picture}" if best.picture else f", {best.unit}"
    pages = []
    for number in numbers:
        pixels = await context.decoders.open("page", file, number, EDGE[request.size], crop)
        pages.append((pixels, f"{name} {number}{which}"))
    return pages


async def _marked(
    context: Context,
    file: Original,
    selection: Selection,
    request: OpenRequest,
    places: Sequence[Placed],
    closeup: bool,
) -> list[tuple[Pixels, str]]:
    """The pages or frames of these places: with the words marked, or the parts where they stand."""
    found = []
    for place in places[: request.max_pictures]:
        crop = images.closeup(place.rects) if closeup else request.crop
        pixels, where = await _seen(context, file, selection, place, EDGE[request.size], crop)
        if not closeup:
            rects = images.in_crop(place.rects, crop) if crop else place.rects
            pixels = await asyncio.to_thread(images.marked, pixels, rects)
        found.append((pixels, f"{where}, {'where they stand' if closeup else 'marked'}"))
    return found


async def _seen(
    context: Context,
    file: Original,
    selection: Selection,
    place: Placed,
    edge: int,
    crop: Crop | None,
) -> tuple[Pixels, str]:
    """The page, the image, or the frame of a place, or a crop of it; and what it is."""
    row = selection.row
    if row.modality is Modality.DOCUMENT:
        number = place.page or 1
        pixels: Pixels = await context.decoders.open("page", file, number, edge, crop)
        return pixels, f"{'page' if row.pages else 'picture'} {number}"
    if row.modality is Modality.IMAGE:
        pixels = await context.decoders.open("image", file, edge, crop)
        return pixels, cite(row.title, row.modality, None)
    at = place.frame_s if place.frame_s is not None else _second_to_show(selection)
    larger = edge if crop is None else CROPPED_EDGE
    [(actual, pixels)] = await context.decoders.open("frames", file, [at], larger)
    return images.crop(pixels, crop) if crop else pixels, f"frame at {clock(actual)}"


def _page_numbers(selection: Selection) -> list[int]:
    """The pages, or the pictures of a document without pages, that a selection covers; of a whole
    source the first."""
    span = selection.span
    if selection.row.pages:
        paged = span is not None and span.axis == "page"
        first = _first_page(selection)
        return [*range(first, max(int(span.end) if span and paged else 2, first + 1))]
    if selection.best is not None and (number := selection.best.stored.picture):
        return [number]
    found = sorted({p.stored.picture for p in selection.points} - {0})
    return found if span is not None else found[:1]


async def _with_words(
    context: Context, file: Original, selection: Selection, shown: tuple[RenderedImage, ...]
) -> tuple[RenderedImage, ...]:
    """The images, each with the places of its words where the file or the index has them."""
    kind, first = selection.row.modality, _first_page(selection)
    if kind not in (Modality.DOCUMENT, Modality.IMAGE):
        return shown
    found = []
    numbers = _page_numbers(selection) if kind is Modality.DOCUMENT else [first]
    for number, image in zip(numbers, shown, strict=False):
        words: Sequence[PlacedWord] = ()
        if kind is Modality.DOCUMENT:
            words = await context.decoders.open("words", file, number)
        found.append(replace(image, words=tuple(words or recognised(selection.points, number))))
    return tuple(found)


def _first_page(selection: Selection) -> int:
    span = selection.span
    return int(span.start) if span is not None and span.axis == "page" else 1


async def _frame(
    context: Context, file: Original, selection: Selection, request: OpenRequest
) -> list[tuple[Pixels, str]]:
    at = _second_to_show(selection)
    frames: list[tuple[float, Pixels]] = await context.decoders.open(
        "frames", file, [at], EDGE[request.size]
    )
    return [
        (
            images.crop(pixels, request.crop) if request.crop else pixels,
            f"frame at {clock(actual)}",
        )
        for actual, pixels in frames
    ]


def _second_to_show(selection: Selection) -> float:
    """The second of the frame to show: the one in the request, else the key frame of the segment.

    For words it is the key frame of the shot that contains the middle of their span, if that
    frame is within the span; else the middle.
    """
    if selection.instant is not None:
        return selection.instant
    if selection.best is not None and (key := selection.best.stored.key_time) is not None:
        return key
    span = selection.span
    if span is None:
        return (selection.row.duration_s or 0.0) / 3
    middle = (span.start + span.end) / 2
    for point in selection.points:
        key = point.stored.key_time
        if key is None or not point.stored.span.overlaps(Span("second", middle, middle)):
            continue
        if span.start <= key <= span.end:
            return key
    return middle


async def _sheet(context: Context, file: Original, selection: Selection) -> tuple[Pixels, str]:
    end = selection.row.duration_s or 0.0
    span = selection.span or Span("second", 0.0, end)
    if span.end - span.start < 1.0 and end:  # an instant: show 4 s on both sides
        middle = (span.start + span.end) / 2
        span = Span("second", max(0.0, middle - 4), min(end, middle + 4))
    step = (span.end - span.start) / SHEET_FRAMES
    times = [span.start + step * (i + 0.5) for i in range(SHEET_FRAMES)]
    got: list[tuple[float, Pixels]] = await context.decoders.open("frames", file, times, 384)
    sheet = await asyncio.to_thread(images.sheet, got, EDGE["large"])
    first, last = clock(span.start), clock(span.end)
    return sheet, f"{len(got)} frames from {first} to {last}, times burnt in"


async def _clip(context: Context, file: Original, selection: Selection) -> ClipFile:
    """A clip file of the span, written into the store; a stream copy where possible."""
    span = _playable(selection, CLIP_MAX_S)
    suffix = clip_suffix(
        os.path.splitext(file.name)[1], audio=selection.row.modality is Modality.AUDIO
    )
    out = await asyncio.to_thread(
        clips.prepare_path, context.settings.store_path, selection.row.id, span, suffix
    )
    mime, start, end = await context.decoders.open("clip", file, span.start, span.end, str(out))
    size = (await asyncio.to_thread(out.stat)).st_size
    return ClipFile(str(out), mime, size, start, end, (span.start, span.end))


async def _audio(context: Context, file: Original, selection: Selection) -> tuple[bytes, str]:
    """The span's audio as a WAV file, and a warning when only its beginning is attached."""
    span = _playable(selection, AUDIO_MAX_S)
    samples: Samples = await context.decoders.open("audio", file, span.start, span.end)
    requested = selection.span
    cut = requested is not None and requested.end - requested.start > AUDIO_MAX_S + 0.5
    warning = f"only the first {AUDIO_MAX_S:g} s of sound are attached" if cut else ""
    return await asyncio.to_thread(audio.wav, samples), warning


def _playable(selection: Selection, max_s: float) -> Span:
    """The span to play: an instant is extended by 2 s on both sides, a long span is truncated."""
    end = selection.row.duration_s or max_s
    span = selection.span or Span("second", 0.0, end)
    if span.end - span.start < 0.5:
        span = Span("second", max(0.0, span.start - 2), min(end, span.end + 2))
    return Span("second", span.start, min(span.end, span.start + max_s))


def saved_thumbnail(context: Context, selection: Selection) -> Attached:
    """The thumbnail saved at ingest, for a source whose file cannot be opened; a warning where it
    is damaged."""
    damaged = ""
    best = selection.best
    for point in (*([best] if best else ()), *selection.points):
        if point.stored.channel is not Channel.VISUAL:
            continue
        where = citation.place(point.stored.span)
        caption = f"thumbnail kept at ingest, {where}"
        try:
            small = thumbnails.load(
                context.settings.store_path, selection.row.id, point.id, caption
            )
        except UnreadableError as e:
            damaged = f"no picture: {e}"
            continue
        if small is not None:
            shown = RenderedImage(small.jpeg, small.caption, small.width, small.height)
            return Attached((shown,))
    return Attached(warnings=(damaged,) if damaged else ())
