"""Opens a reference: its words, images, audio and clips, and its neighbours."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from omni_core import file_calls
from omni_core.engine.context import Context
from omni_core.engine.describe import (
    cite,
    describe_kind,
    empty_note,
    incomplete_note,
    place,
    provenance,
    short_ref,
)
from omni_core.engine.hashing import hash_file
from omni_core.engine.opening.attachments import Attached, attach, saved_thumbnail
from omni_core.engine.opening.placed_words import place_of_quote, place_of_segment
from omni_core.engine.opening.selection import Selection, select
from omni_core.engine.opening.speaking import speaking_in, with_speakers
from omni_core.engine.opening.transcript import captions, lines, units
from omni_core.engine.refs import Target, resolve
from omni_core.engine.results import Opened, OpenRequest, Placed, Show, SourceRow
from omni_core.errors import UnavailableError
from omni_core.evidence import citation, images
from omni_core.evidence.check import match_quote
from omni_core.ids import segment_ref
from omni_core.stages import staged
from omni_core.types import Modality

DEFAULT_SHOW: dict[Modality, tuple[Show, ...]] = {
    Modality.VIDEO: ("frame", "text"),
    Modality.AUDIO: ("text",),
    Modality.IMAGE: ("frame", "text"),
    Modality.DOCUMENT: ("page", "text"),
}
INSTEAD_OF_THUMBNAIL: dict[Modality, tuple[Show, ...]] = {
    Modality.VIDEO: ("frame",), Modality.IMAGE: ("frame",), Modality.DOCUMENT: ("page",),
}  # fmt: skip
POSSIBLE_SHOW: dict[Modality, frozenset[Show]] = {
    Modality.VIDEO: frozenset(
        {"frame", "sheet", "marked", "closeup", "audio", "clip", "text", "thumbnail"}
    ),
    Modality.AUDIO: frozenset({"audio", "clip", "text"}),
    Modality.IMAGE: frozenset({"frame", "page", "marked", "closeup", "text", "thumbnail"}),
    Modality.DOCUMENT: frozenset({"page", "frame", "marked", "closeup", "text", "thumbnail"}),
}


PICTURES = frozenset[Show]({"frame", "sheet", "page", "marked", "closeup"})
MARKED = frozenset[Show]({"marked", "closeup"})
WORDS_ONLY = frozenset[Show]({"text"})


@staged("open")
async def open_ref(context: Context, request: OpenRequest) -> Opened:
    """The words and attachments of one reference.

    Raises UNKNOWN_REF, AMBIGUOUS_SOURCE or OUT_OF_RANGE. A file that is missing, has changed or
    cannot be decoded is a warning: the stored words are returned. So is a `show` that the source
    does not have.
    """
    if request.crop is not None:
        images.check_box(request.crop)
    ref, quote = citation.with_quote(request.ref)
    request = replace(request, ref=ref)
    target = await resolve(context, ref)
    row = target.row
    selection = await select(context, target, request)
    shows, unfit = fitting(row, request.show, pictures=has_pictures(selection))
    path, missing = await current_file(context, row)
    places, unplaced = await _places(context, selection, path, quote, MARKED & set(shows))
    attached = Attached()
    if "thumbnail" in shows:
        kept = await asyncio.to_thread(saved_thumbnail, context, selection)
        attached, shows = Attached(kept), () if kept else INSTEAD_OF_THUMBNAIL[row.modality]
    if path is not None and shows:
        attached = await attach(context, path, selection, request, shows, places)
    elif set(shows) & PICTURES:
        attached = Attached(await asyncio.to_thread(saved_thumbnail, context, selection))
    speaking = await speaking_in(context, row, selection.span)
    notes = (incomplete_note(row), *empty_note(row.empty))
    warnings = (unfit, missing, unplaced, *attached.warnings, *notes)
    return Opened(
        ref=segment_ref(selection.best.id) if selection.best else short_ref(row, selection.span),
        cite=cite(row.title, row.modality, selection.span),
        source=row,
        window=place(row, selection.span),
        requested=_requested(target, request),
        span=selection.named,
        lines=with_speakers(lines(selection.points, selection.best), speaking)
        + captions(selection.points),
        places=places,
        pictures=attached.pictures,
        clips=attached.clips,
        audio_wav=attached.audio_wav,
        previous=selection.previous,
        next=selection.next,
        provenance=provenance(row),
        warnings=tuple(w for w in warnings if w),
    )


async def _places(
    context: Context, selection: Selection, path: Path | None, quote: str, marked: Collection[Show]
) -> tuple[tuple[Placed, ...], str]:
    """Where the quoted words stand, or those of the segment that was named; and a warning where
    that was asked for and is not known."""
    if quote:
        points = selection.points
        found = await place_of_quote(context, selection.row, path, points, quote)
        if found:
            return found, ""
        said = [line.text for line in (*lines(points), *units(points))]
        stands = (await asyncio.to_thread(match_quote, quote, said)).verdict != "not_found"
        why = "their place in the picture is not known" if stands else "they do not stand here"
        return (), f"the quoted words are not marked: {why}"
    found = place_of_segment(selection.best) if selection.best is not None else ()
    if found or not marked:
        return found, ""
    return (), (
        f"{' and '.join(sorted(marked))}: nothing to mark is known here; "
        'add the words to the reference: ref="[Title p.3] "the words""'
    )


def fitting(
    row: SourceRow, asked: Sequence[Show], *, pictures: bool
) -> tuple[tuple[Show, ...], str]:
    """What to show, and a warning that names what this source does not have.

    `pictures`: whether there is one to show in what was selected of it.
    A picture that does not fit becomes the picture of its kind; where nothing else is asked for,
    the kind's default is shown.
    """
    possible = POSSIBLE_SHOW[row.modality] if pictures else WORDS_ONLY
    default = DEFAULT_SHOW[row.modality] if pictures else ("text",)
    wrong = [s for s in dict.fromkeys(asked) if s not in possible]
    shows = [s for s in asked if s in possible]
    if set(wrong) & PICTURES:
        shows += [s for s in default if s in PICTURES and not PICTURES & set(shows)]
    shown = tuple(shows) or default
    if not wrong:
        return shown, ""
    others = sorted(possible - {*shown, "thumbnail"})  # which pages of ours ask for, not people
    return shown, (
        f"NO_VISUAL: {describe_kind(row)} has no {' or '.join(wrong)}; "
        f"shown: {' and '.join(shown)}" + f"; also possible: {', '.join(others)}" * bool(others)
    )


def has_pictures(selection: Selection) -> bool:
    """False for text, tables and subtitles, which have no pages to show, unless pictures stand in
    the selected text."""
    row = selection.row
    if row.modality is not Modality.DOCUMENT or row.pages:
        return True
    return any(p.stored.picture for p in selection.points)


async def current_file(context: Context, row: SourceRow) -> tuple[Path | None, str]:
    """A path that still has the ingested bytes, of all paths they were ingested from; else None,
    and a warning that says why."""
    known = await asyncio.to_thread(context.catalog.paths, row.sha256)
    changed = False
    for path in dict.fromkeys([row.uri, *known]):
        try:
            stat = await file_calls.run(partial(os.stat, path))
        except (OSError, UnavailableError):  # gone, or on a drive that does not answer
            continue
        same = await asyncio.to_thread(
            context.catalog.by_path, path, size=stat.st_size, mtime_ns=stat.st_mtime_ns
        )
        # Copying or restoring a file changes its time, not its bytes.
        if same == row.sha256 or (
            stat.st_size == row.size and await hash_file(Path(path)) == row.sha256
        ):
            return Path(path), ""
        changed = True
    name = Path(row.uri).name
    if changed:
        return None, (
            f"SOURCE_CHANGED: {name!r} was changed after it was ingested; the words below are of "
            "the old version, and so is the image; ingest it again"
        )
    since = "no longer where it was"
    if row.missing_since is not None:
        since = f"gone since {row.missing_since:%Y-%m-%d %H:%M} UTC"
    return None, (
        f"SOURCE_MISSING: {name!r} is {since}; the words below were kept, "
        "of the images only thumbnails"
    )


def _requested(target: Target, request: OpenRequest) -> str:
    """The request in words, where the opened span differs from it; else ""."""
    if request.step:
        return f"{request.step:+d} from {request.ref}"
    if request.pad_s and target.span is not None:
        return f"{place(target.row, target.span)}, widened by {request.pad_s:g} s"
    return ""
