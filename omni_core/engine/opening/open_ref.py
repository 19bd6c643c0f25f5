"""Opens a reference: its words, images, audio and clips, and its neighbours."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace

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
from omni_core.engine.hashing import current_file
from omni_core.engine.opening.attachments import Attached, attach, saved_thumbnail
from omni_core.engine.opening.languages import in_one_language
from omni_core.engine.opening.placed_words import place_of_quote, place_of_segment
from omni_core.engine.opening.selection import Selection, select
from omni_core.engine.opening.speaking import Speaking, speaking_in, with_speakers
from omni_core.engine.opening.transcript import captions, lines, units
from omni_core.engine.refs import Target, resolve
from omni_core.engine.results import Line, Opened, OpenRequest, Placed, Show, SourceRow
from omni_core.evidence import citation, images
from omni_core.evidence.check import match_quote
from omni_core.ids import segment_ref
from omni_core.originals import Original
from omni_core.points import Point
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
    file, missing = await current_file(context, row)
    places, unplaced = await _places(context, selection, file, quote, MARKED & set(shows))
    attached = Attached()
    if "thumbnail" in shows:
        attached = await asyncio.to_thread(saved_thumbnail, context, selection)
        shows = () if attached.pictures else INSTEAD_OF_THUMBNAIL[row.modality]
    if file is not None and shows:
        attached = await attach(context, file, selection, request, shows, places)
    elif set(shows) & PICTURES:
        attached = await asyncio.to_thread(saved_thumbnail, context, selection)
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
        lines=await asyncio.to_thread(_lines, selection, speaking),
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
    context: Context,
    selection: Selection,
    file: Original | None,
    quote: str,
    marked: Collection[Show],
) -> tuple[tuple[Placed, ...], str]:
    """Where the quoted words stand, or those of the segment that was named; and a warning where
    that was asked for and is not known."""
    if quote:
        points = selection.points
        found = await place_of_quote(context, selection.row, file, points, quote)
        if found:
            return found, ""
        stands = await asyncio.to_thread(_stands, quote, points)
        why = "their place in the picture is not known" if stands else "they do not stand here"
        return (), f"the quoted words are not marked: {why}"
    found = place_of_segment(selection.best) if selection.best is not None else ()
    if found or not marked:
        return found, ""
    return (), (
        f"{' and '.join(sorted(marked))}: nothing to mark is known here; "
        'add the words to the reference: ref="[Title p.3] "the words""'
    )


def _lines(selection: Selection, speaking: Speaking) -> tuple[Line, ...]:
    """The words and captions of a selection. A whole book takes a second."""
    points = in_one_language(selection.points, selection.best)
    said = with_speakers(lines(points, selection.best), speaking)
    return said + captions(selection.points)


def _stands(quote: str, points: Sequence[Point]) -> bool:
    said = [line.text for line in (*lines(points), *units(points))]
    return match_quote(quote, said).verdict != "not_found"


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


def _requested(target: Target, request: OpenRequest) -> str:
    """The request in words, where the opened span differs from it; else ""."""
    if request.step:
        return f"{request.step:+d} from {request.ref}"
    if request.pad_s and target.span is not None:
        return f"{place(target.row, target.span)}, widened by {request.pad_s:g} s"
    return ""
