"""Open what was found or cited: its words, its pictures, its sound, its neighbours."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from omni_core.engine import dress
from omni_core.engine.example import points_of
from omni_core.engine.ingest import hash_file
from omni_core.engine.parts import Parts
from omni_core.engine.refs import Target, resolve, span_of
from omni_core.engine.results import (
    ClipFile,
    Line,
    Opened,
    OpenRequest,
    Show,
    Shown,
    SourceRow,
)
from omni_core.engine.titles import TITLE
from omni_core.errors import BadRequestError, NotFoundError, OmniError
from omni_core.evidence import citation, clips, pictures, quote, sound, thumbs
from omni_core.types import Channel, Modality, Pixels, Point, Samples, Span, segment_ref

EDGE = {"small": 384, "medium": 768, "large": 1280}
SHEET_FRAMES = 9
CLIP_MOST_S = 120.0
SOUND_MOST_S = sound.MOST_S
DEFAULT_SHOW: dict[Modality, tuple[Show, ...]] = {
    Modality.VIDEO: ("frame", "text"),
    Modality.AUDIO: ("text",),
    Modality.IMAGE: ("frame", "text"),
    Modality.DOCUMENT: ("page", "text"),
}


@dataclass(frozen=True, slots=True)
class _Window:
    """What is opened: the span, the stored segments in it, and its neighbours."""

    row: SourceRow
    span: Span | None
    points: Sequence[Point]
    best: Point | None
    previous: str
    next: str


async def open_ref(parts: Parts, request: OpenRequest) -> Opened:
    """Everything about one ref that an agent may quote, show or play."""
    target = await resolve(parts, request.ref)
    row = target.row
    window = await _window(parts, target, request)
    shows = request.show or DEFAULT_SHOW[row.modality]
    _possible(row, shows)
    warnings: list[str] = []
    path = await _file(parts, row, warnings)
    shown: tuple[Shown, ...] = ()
    cut: tuple[ClipFile, ...] = ()
    sound = b""
    if path is not None:
        try:
            shown = await _pictures(parts, path, window, target, request, shows, warnings)
            if "clip" in shows:
                cut = (await _clip(parts, path, window),)
            if "audio" in shows:
                sound = await _sound(parts, path, window, warnings)
        except OmniError as e:
            if not window.points:
                raise
            warnings.append(f"{e.code}: {e}")
    elif set(shows) & {"frame", "sheet", "page"}:
        shown = await asyncio.to_thread(_kept, parts, window)
    return Opened(
        ref=segment_ref(window.best.id) if window.best else _ref(row, window.span),
        cite=dress.cite(row.title, row.modality, window.span),
        source=row,
        window=_words_of(row, window.span),
        requested=_requested(target, request, window),
        lines=lines(window.points),
        pictures=shown,
        clips=cut,
        audio_wav=sound,
        previous=window.previous,
        next=window.next,
        provenance=provenance(row),
        warnings=(*warnings, *((dress.partial(row),) if dress.partial(row) else ())),
    )


def _ref(row: SourceRow, span: Span | None) -> str:
    """The short ref of this window, whatever it was asked for as: it may become part of a URI."""
    if span is None or span.axis == "char" or span == Span("second", 0, 0):
        return row.id
    if span.axis == "page":
        return f"{row.id}#p{span.start:g}"
    ends = dict.fromkeys((span.start, span.end))
    return f"{row.id}@{'-'.join(f'{s:.3f}'.rstrip('0').rstrip('.') for s in ends)}"


def _possible(row: SourceRow, shows: Sequence[Show]) -> None:
    able: dict[Modality, set[str]] = {
        Modality.VIDEO: {"frame", "sheet", "audio", "clip", "text"},
        Modality.AUDIO: {"audio", "clip", "text"},
        Modality.IMAGE: {"frame", "page", "text"},
        Modality.DOCUMENT: {"page", "frame", "text"},
    }
    wrong = [s for s in shows if s not in able[row.modality]]
    if wrong:
        raise BadRequestError(
            f"{row.id} is {row.modality.value}: it has no {wrong[0]}; "
            f"show one of {', '.join(sorted(able[row.modality]))}",
            code="NO_VISUAL",
        )


async def _window(parts: Parts, target: Target, request: OpenRequest) -> _Window:
    order = await _order(parts, target)
    spans = [span_of(p.payload) for p in order]
    here = target.span
    best: Point | None = None
    if target.segment is not None:
        index = await parts.opened_index()
        (best,) = await index.get([target.segment])
    at = _place(spans, here)
    if request.step and order:
        at = (0 if at is None else at) + request.step
        if not 0 <= at < len(order):
            raise NotFoundError(
                f"{target.row.id} has no segment {request.step:+d} from there; it is the "
                + ("first" if at < 0 else "last"),
                code="OUT_OF_RANGE",
            )
        here, best = spans[at], order[at]
    if here is not None and here.axis == "second" and request.pad_s:
        end = here.end + request.pad_s
        here = Span(
            "second",
            max(0.0, here.start - request.pad_s),
            min(end, target.row.duration_s or end),
        )
    points = await points_of(parts, Target(target.row, here))
    previous = segment_ref(order[at - 1].id) if at else ""
    following = segment_ref(order[at + 1].id) if at is not None and at + 1 < len(order) else ""
    return _Window(target.row, here, points, best, previous, following)


async def _order(parts: Parts, target: Target) -> list[Point]:
    """The source's segments in the order one would leaf through it: shots, pages, sentences."""
    points = await points_of(parts, Target(target.row))
    prefer = (
        (Channel.VISUAL, Channel.SPEECH, Channel.TEXT)
        if target.row.modality is not Modality.AUDIO
        else (Channel.SPEECH, Channel.SOUND)
    )
    for channel in prefer:
        chosen = [
            p
            for p in points
            if dress.channel_of(p.payload) is channel and not p.payload.get("part")
        ]
        if chosen:
            return chosen
    return points


def _place(spans: Sequence[Span], here: Span | None) -> int | None:
    if here is None or not spans:
        return None
    middle = (here.start + here.end) / 2
    return min(
        range(len(spans)),
        key=lambda i: (
            not spans[i].overlaps(here),
            abs((spans[i].start + spans[i].end) / 2 - middle),
        ),
    )


async def _file(parts: Parts, row: SourceRow, warnings: list[str]) -> Path | None:
    """Where the bytes that were ingested still lie, of all places where they were seen."""
    known = await asyncio.to_thread(parts.catalog.paths, row.sha256)
    changed = False
    for path in dict.fromkeys([row.uri, *known]):
        try:
            stat = await asyncio.to_thread(os.stat, path)
        except OSError:
            continue
        same = await asyncio.to_thread(
            parts.catalog.by_path, path, size=stat.st_size, mtime_ns=stat.st_mtime_ns
        )
        # A copy or a restore changes the time and not the bytes.
        if same == row.sha256 or (
            stat.st_size == row.size and await hash_file(Path(path)) == row.sha256
        ):
            return Path(path)
        changed = True
    name = Path(row.uri).name
    if changed:
        warnings.append(
            f"SOURCE_CHANGED: {name} was changed after it was ingested; the words below are of "
            "the old version, and so is the picture; ingest it again"
        )
    else:
        warnings.append(
            f"SOURCE_MISSING: {name} is no longer where it was; the words below were kept, "
            "of the pictures only thumbnails"
        )
    return None


async def _pictures(
    parts: Parts,
    path: Path,
    window: _Window,
    target: Target,
    request: OpenRequest,
    shows: Sequence[Show],
    warnings: list[str],
) -> tuple[Shown, ...]:
    row, edge = window.row, EDGE[request.size]
    raw: list[tuple[Pixels, str]] = []
    if row.modality is Modality.IMAGE and {"frame", "page"} & set(shows):
        pixels = await parts.decoders.open("picture", str(path), edge, request.crop)
        raw.append((pixels, dress.cite(row.title, row.modality, None)))
    elif row.modality is Modality.DOCUMENT and {"frame", "page"} & set(shows):
        first = int(window.span.start) if window.span and window.span.axis == "page" else 1
        last = int(window.span.end) if window.span and window.span.axis == "page" else 2
        for number in range(first, min(max(last, first + 1), first + request.max_pictures)):
            if row.pages:
                pixels = await parts.decoders.open("page", str(path), number, edge, request.crop)
                raw.append((pixels, f"page {number}"))
    elif row.modality is Modality.VIDEO:
        if "frame" in shows:
            raw += await _frames(parts, path, window, target, request, edge)
        if "sheet" in shows:
            raw.append(await _sheet(parts, path, window))
    if not raw:
        return ()
    shown, shrunk = await asyncio.to_thread(pictures.fit, raw, edge)
    if shrunk:
        warnings.append(shrunk)
    return tuple(Shown(s.jpeg, s.caption, s.width, s.height) for s in shown)


def _kept(parts: Parts, window: _Window) -> tuple[Shown, ...]:
    """The small picture that was kept at ingest, when the file itself cannot be shown."""
    for point in window.points:
        if dress.channel_of(point.payload) is not Channel.VISUAL:
            continue
        where = citation.place(span_of(point.payload))
        caption = f"thumbnail kept at ingest, {where}"
        small = thumbs.kept(parts.settings.store_path, window.row.id, point.id, caption)
        if small is not None:
            return (Shown(small.jpeg, small.caption, small.width, small.height),)
    return ()


async def _frames(
    parts: Parts,
    path: Path,
    window: _Window,
    target: Target,
    request: OpenRequest,
    edge: int,
) -> list[tuple[Pixels, str]]:
    at = _instant(window, target)
    got: list[tuple[float, Pixels]] = await parts.decoders.open("frames", str(path), [at], edge)
    out = []
    for actual, pixels in got:
        image = pictures.crop(pixels, request.crop) if request.crop else pixels
        out.append((image, f"frame at {citation.clock(actual)}"))
    return out


def _instant(window: _Window, target: Target) -> float:
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


async def _sheet(parts: Parts, path: Path, window: _Window) -> tuple[Pixels, str]:
    end = window.row.duration_s or 0.0
    span = window.span or Span("second", 0.0, end)
    if span.end - span.start < 1.0 and end:  # an instant: show around it
        middle = (span.start + span.end) / 2
        span = Span("second", max(0.0, middle - 4), min(end, middle + 4))
    step = (span.end - span.start) / SHEET_FRAMES
    times = [span.start + step * (i + 0.5) for i in range(SHEET_FRAMES)]
    got: list[tuple[float, Pixels]] = await parts.decoders.open("frames", str(path), times, 384)
    sheet = await asyncio.to_thread(pictures.sheet, got, EDGE["large"])
    first, last = citation.clock(span.start), citation.clock(span.end)
    return sheet, f"{len(got)} frames from {first} to {last}, times burnt in"


async def _clip(parts: Parts, path: Path, window: _Window) -> ClipFile:
    span = _timed(window, CLIP_MOST_S)
    out = await asyncio.to_thread(
        clips.place, parts.settings.store_path, window.row.id, span, path.suffix
    )
    mime, start, end = await parts.decoders.open("clip", str(path), span.start, span.end, str(out))
    return ClipFile(str(out), mime, (await asyncio.to_thread(out.stat)).st_size, start, end)


async def _sound(parts: Parts, path: Path, window: _Window, warnings: list[str]) -> bytes:
    span = _timed(window, SOUND_MOST_S)
    samples: Samples = await parts.decoders.open("sound", str(path), span.start, span.end)
    if window.span is not None and window.span.end - window.span.start > SOUND_MOST_S:
        warnings.append(f"only the first {SOUND_MOST_S:g} s of sound are attached")
    return await asyncio.to_thread(sound.wav, samples)


def _timed(window: _Window, most: float) -> Span:
    end = window.row.duration_s or most
    span = window.span or Span("second", 0.0, end)
    if span.end - span.start < 0.5:
        span = Span("second", max(0.0, span.start - 2), min(end, span.end + 2))
    return Span("second", span.start, min(span.end, span.start + most))


def lines(points: Sequence[Point]) -> tuple[Line, ...]:
    """The words of stored segments, cleaned, each with its place and origin."""
    out = []
    for p in points:
        words = quote.clean(str(p.payload.get("text", "")))
        if words and p.payload["origin"] != TITLE:
            span = span_of(p.payload)
            out.append(
                Line(
                    words, dress.channel_of(p.payload), str(p.payload["origin"]),
                    span.start, span.end, span.axis, segment_ref(p.id),
                )
            )  # fmt: skip
    return tuple(out)


def outline(points: Sequence[Point]) -> tuple[Line, ...]:
    """What is seen, shot by shot, where there are no words."""
    return tuple(
        Line(
            f"looks like: {seen}" if seen else "shot", Channel.VISUAL, "picture model",
            p.payload["start"], p.payload["end"], p.payload["axis"], segment_ref(p.id),
        )
        for p in points
        if p.payload["channel"] == Channel.VISUAL
        for seen in [(p.payload.get("extra") or {}).get("seen", "")]
    )  # fmt: skip


def provenance(row: SourceRow) -> str:
    """Where it all comes from, in one line."""
    recorded = ""
    if row.recorded_at is not None:
        recorded = f", recorded {row.recorded_at.isoformat()} ({row.recorded_at_from})"
    return f"sha256 {row.sha256[:16]}…, model {row.model}, pipeline {row.pipeline}{recorded}"


def _words_of(row: SourceRow, span: Span | None) -> str:
    if span is None or row.modality is Modality.IMAGE:
        if row.duration_s:
            return f"the whole, {citation.clock(row.duration_s)} long"
        return f"the whole, {row.pages} pages" if row.pages else "the whole"
    if span.axis == "page":
        return f"page {span.start:g} of {row.pages}"
    if span.axis == "char":
        return f"characters {span.start:g} to {span.end:g}"
    whole = f" of {citation.clock(row.duration_s)}" if row.duration_s else ""
    return f"{citation.clock(span.start)}-{citation.clock(span.end)}{whole}"


def _requested(target: Target, request: OpenRequest, window: _Window) -> str:
    if request.step:
        return f"{request.step:+d} from {request.ref}"
    if request.pad_s and target.span is not None:
        return f"{_words_of(target.row, target.span)}, widened by {request.pad_s:g} s"
    return ""
