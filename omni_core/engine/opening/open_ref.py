"""Open what was found or cited: its words, its pictures, its sound, its neighbours."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from omni_core.engine.context import Context
from omni_core.engine.hashing import hash_file
from omni_core.engine.opening.media import Window, cut_clip, cut_sound, kept_picture, shown_pictures
from omni_core.engine.opening.transcript import lines, looks, provenance
from omni_core.engine.refs import Target, resolve, span_of
from omni_core.engine.results import ClipFile, Opened, OpenRequest, RenderedImage, Show, SourceRow
from omni_core.engine.search import format
from omni_core.engine.search.query_by_example import points_of
from omni_core.errors import BadRequestError, NotFoundError, OmniError
from omni_core.evidence import citation, images
from omni_core.ids import segment_ref
from omni_core.types import Channel, Modality, Point, Span

DEFAULT_SHOW: dict[Modality, tuple[Show, ...]] = {
    Modality.VIDEO: ("frame", "text"),
    Modality.AUDIO: ("text",),
    Modality.IMAGE: ("frame", "text"),
    Modality.DOCUMENT: ("page", "text"),
}


async def open_ref(context: Context, request: OpenRequest) -> Opened:
    """Everything about one ref that an agent may quote, show or play."""
    if request.crop is not None:
        images.check_box(request.crop)
    target = await resolve(context, request.ref)
    row = target.row
    window = await _window(context, target, request)
    shows = request.show or DEFAULT_SHOW[row.modality]
    _possible(row, shows)
    warnings: list[str] = []
    path = await _file(context, row, warnings)
    shown: tuple[RenderedImage, ...] = ()
    cut: tuple[ClipFile, ...] = ()
    sound = b""
    if path is not None:
        try:
            shown = await shown_pictures(context, path, window, target, request, shows, warnings)
            if "clip" in shows:
                cut = (await cut_clip(context, path, window),)
            if "audio" in shows:
                sound = await cut_sound(context, path, window, warnings)
        except OmniError as e:
            if not window.points:
                raise
            warnings.append(f"{e.code}: {e}")
    elif set(shows) & {"frame", "sheet", "page"}:
        shown = await asyncio.to_thread(kept_picture, context, window)
    return Opened(
        ref=segment_ref(window.best.id) if window.best else _ref(row, window.span),
        cite=format.cite(row.title, row.modality, window.span),
        source=row,
        window=_words_of(row, window.span),
        requested=_requested(target, request, window),
        lines=lines(window.points) + looks(window.points),
        pictures=shown,
        clips=cut,
        audio_wav=sound,
        previous=window.previous,
        next=window.next,
        provenance=provenance(row),
        warnings=(*warnings, *((format.partial(row),) if format.partial(row) else ())),
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


async def _window(context: Context, target: Target, request: OpenRequest) -> Window:
    order = await _order(context, target)
    spans = [span_of(p.payload) for p in order]
    here = target.span
    best: Point | None = None
    if target.segment is not None:
        index = await context.opened_index()
        (best,) = await index.get([target.segment])
    at = _place(spans, here)
    if request.step and order:
        start = 0 if at is None else at
        at = start + request.step
        if not 0 <= at < len(order):
            left = start if at < 0 else len(order) - 1 - start
            which, where = ("first", "before") if at < 0 else ("last", "after")
            raise NotFoundError(
                f"{target.row.id} has no segment {request.step:+d} from there; "
                + (f"only {left} {where} it" if left else f"it is the {which}"),
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
    points = await points_of(context, Target(target.row, here))
    previous = segment_ref(order[at - 1].id) if at else ""
    following = segment_ref(order[at + 1].id) if at is not None and at + 1 < len(order) else ""
    return Window(target.row, here, points, best, previous, following)


async def _order(context: Context, target: Target) -> list[Point]:
    """The source's segments in the order one would leaf through it: shots, pages, sentences."""
    points = await points_of(context, Target(target.row))
    prefer = (
        (Channel.VISUAL, Channel.SPEECH, Channel.TEXT)
        if target.row.modality is not Modality.AUDIO
        else (Channel.SPEECH, Channel.SOUND)
    )
    for channel in prefer:
        chosen = [
            p
            for p in points
            if format.channel_of(p.payload) is channel and not p.payload.get("part")
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


async def _file(context: Context, row: SourceRow, warnings: list[str]) -> Path | None:
    """Where the bytes that were ingested still lie, of all places where they were seen."""
    known = await asyncio.to_thread(context.catalog.paths, row.sha256)
    changed = False
    for path in dict.fromkeys([row.uri, *known]):
        try:
            stat = await asyncio.to_thread(os.stat, path)
        except OSError:
            continue
        same = await asyncio.to_thread(
            context.catalog.by_path, path, size=stat.st_size, mtime_ns=stat.st_mtime_ns
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


def _requested(target: Target, request: OpenRequest, window: Window) -> str:
    if request.step:
        return f"{request.step:+d} from {request.ref}"
    if request.pad_s and target.span is not None:
        return f"{_words_of(target.row, target.span)}, widened by {request.pad_s:g} s"
    return ""
