"""The pictures, the clip and the sound of a window of a source, within the budget of an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from omni_core.engine.context import Context
from omni_core.engine.refs import Target, span_of
from omni_core.engine.results import ClipFile, OpenRequest, RenderedImage, Show, SourceRow
from omni_core.engine.search import format
from omni_core.evidence import audio, citation, clips, images, thumbnails
from omni_core.types import Channel, Modality, Pixels, Point, Samples, Span

EDGE = {"small": 384, "medium": 768, "large": 1280}
SHEET_FRAMES = 9
CLIP_MOST_S = 120.0
SOUND_MOST_S = audio.MOST_S


@dataclass(frozen=True, slots=True)
class Window:
    """What is opened: the span, the stored segments in it, and its neighbours."""

    row: SourceRow
    span: Span | None
    points: Sequence[Point]
    best: Point | None
    previous: str
    next: str


async def shown_pictures(
    context: Context,
    path: Path,
    window: Window,
    target: Target,
    request: OpenRequest,
    shows: Sequence[Show],
    warnings: list[str],
) -> tuple[RenderedImage, ...]:
    """JPEGs of what `shows` asks for; a line in `warnings` when they had to be made smaller."""
    row, edge = window.row, EDGE[request.size]
    raw: list[tuple[Pixels, str]] = []
    if row.modality is Modality.IMAGE and {"frame", "page"} & set(shows):
        pixels = await context.decoders.open("image", str(path), edge, request.crop)
        raw.append((pixels, format.cite(row.title, row.modality, None)))
    elif row.modality is Modality.DOCUMENT and {"frame", "page"} & set(shows):
        first = int(window.span.start) if window.span and window.span.axis == "page" else 1
        last = int(window.span.end) if window.span and window.span.axis == "page" else 2
        for number in range(first, min(max(last, first + 1), first + request.max_pictures)):
            if row.pages:
                pixels = await context.decoders.open("page", str(path), number, edge, request.crop)
                raw.append((pixels, f"page {number}"))
    elif row.modality is Modality.VIDEO:
        if "frame" in shows:
            raw += await _frames(context, path, window, target, request, edge)
        if "sheet" in shows:
            raw.append(await _sheet(context, path, window))
    if not raw:
        return ()
    shown, shrunk = await asyncio.to_thread(images.fit, raw, edge)
    if shrunk:
        warnings.append(shrunk)
    return tuple(RenderedImage(s.jpeg, s.caption, s.width, s.height) for s in shown)


def kept_picture(context: Context, window: Window) -> tuple[RenderedImage, ...]:
    """The small picture that was kept at ingest, when the file itself cannot be shown."""
    for point in window.points:
        if format.channel_of(point.payload) is not Channel.VISUAL:
            continue
        where = citation.place(span_of(point.payload))
        caption = f"thumbnail kept at ingest, {where}"
        small = thumbnails.load(context.settings.store_path, window.row.id, point.id, caption)
        if small is not None:
            return (RenderedImage(small.jpeg, small.caption, small.width, small.height),)
    return ()


async def _frames(
    context: Context,
    path: Path,
    window: Window,
    target: Target,
    request: OpenRequest,
    edge: int,
) -> list[tuple[Pixels, str]]:
    at = _instant(window, target)
    got: list[tuple[float, Pixels]] = await context.decoders.open("frames", str(path), [at], edge)
    out = []
    for actual, pixels in got:
        image = images.crop(pixels, request.crop) if request.crop else pixels
        out.append((image, f"frame at {citation.clock(actual)}"))
    return out


def _instant(window: Window, target: Target) -> float:
    """The second to show: the one asked for, else the key picture of what was found.

    For words the key picture of the shot in which their middle lies, if they are spoken or shown
    while it is seen; else their middle itself.
    """
    if target.instant and target.span is not None:
        return target.span.start
    if window.best is not None and (key := _key_time(window.best)) is not None:
        return key
    if window.span is None:
        return (window.row.duration_s or 0.0) / 3
    middle = (window.span.start + window.span.end) / 2
    for point in window.points:
        key = _key_time(point)
        if key is None or not span_of(point.payload).overlaps(Span("second", middle, middle)):
            continue
        if window.span.start <= key <= window.span.end:
            return key
    return middle


def _key_time(point: Point) -> float | None:
    key = (point.payload.get("extra") or {}).get("key_time")
    return None if key is None else float(key)


async def _sheet(context: Context, path: Path, window: Window) -> tuple[Pixels, str]:
    end = window.row.duration_s or 0.0
    span = window.span or Span("second", 0.0, end)
    if span.end - span.start < 1.0 and end:  # an instant: show around it
        middle = (span.start + span.end) / 2
        span = Span("second", max(0.0, middle - 4), min(end, middle + 4))
    step = (span.end - span.start) / SHEET_FRAMES
    times = [span.start + step * (i + 0.5) for i in range(SHEET_FRAMES)]
    got: list[tuple[float, Pixels]] = await context.decoders.open("frames", str(path), times, 384)
    sheet = await asyncio.to_thread(images.sheet, got, EDGE["large"])
    first, last = citation.clock(span.start), citation.clock(span.end)
    return sheet, f"{len(got)} frames from {first} to {last}, times burnt in"


async def cut_clip(context: Context, path: Path, window: Window) -> ClipFile:
    """The window cut out of the source, by stream copy where possible, in the store's clips."""
    span = _timed(window, CLIP_MOST_S)
    out = await asyncio.to_thread(
        clips.place, context.settings.store_path, window.row.id, span, path.suffix
    )
    mime, start, end = await context.decoders.open(
        "clip", str(path), span.start, span.end, str(out)
    )
    size = (await asyncio.to_thread(out.stat)).st_size
    return ClipFile(str(out), mime, size, start, end, (span.start, span.end))


async def cut_sound(context: Context, path: Path, window: Window, warnings: list[str]) -> bytes:
    """The window's sound as a WAV file, its beginning only when it is long."""
    span = _timed(window, SOUND_MOST_S)
    samples: Samples = await context.decoders.open("audio", str(path), span.start, span.end)
    if window.span is not None and window.span.end - window.span.start > SOUND_MOST_S + 0.5:
        warnings.append(f"only the first {SOUND_MOST_S:g} s of sound are attached")
    return await asyncio.to_thread(audio.wav, samples)


def _timed(window: Window, most: float) -> Span:
    end = window.row.duration_s or most
    span = window.span or Span("second", 0.0, end)
    if span.end - span.start < 0.5:
        span = Span("second", max(0.0, span.start - 2), min(end, span.end + 2))
    return Span("second", span.start, min(span.end, span.start + most))
