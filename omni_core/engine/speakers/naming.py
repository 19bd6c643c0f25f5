"""The speakers of sources, and the names that people give them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

from omni_core.engine.context import Context
from omni_core.engine.refs import exact_source, one_source
from omni_core.engine.results import SourceRow, SpeakersOf
from omni_core.engine.speakers.recognition import recognise
from omni_core.engine.speakers.voice_file import VoiceFile
from omni_core.errors import BadRequestError, NotFoundError
from omni_core.types import Modality, Speaker

MAX_NAME = 80
"""Characters of a name."""
HOW_TO_GET = (
    "the weights for telling speakers apart are missing: `omni-mcp setup --speakers` fetches them"
)


async def speakers_of(context: Context, source: str) -> tuple[SpeakersOf, ...]:
    """The speakers of one source; with "" those of every source that has a named one.

    Raises UNKNOWN_SOURCE or AMBIGUOUS_SOURCE.
    """
    if not source:
        named = await asyncio.to_thread(context.catalog.named_speakers)
        rows = await asyncio.to_thread(context.catalog.get_many, tuple(named))
        everyone = await asyncio.to_thread(
            lambda: context.catalog.speakers(tuple(named), times=True)
        )
        return tuple(SpeakersOf(rows[id_], tuple(everyone[id_])) for id_ in named if id_ in rows)
    row = await one_source(context, source)
    return (await of_row(context, row),)


async def of_row(context: Context, row: SourceRow, note: str = "") -> SpeakersOf:
    """The speakers of a source, and why there are none."""
    found = await asyncio.to_thread(lambda: context.catalog.speakers((row.id,), times=True))
    known = found.get(row.id, [])
    if not known and not note:
        note = await _why_nobody(context, row)
    return SpeakersOf(row, tuple(known), note)


async def _why_nobody(context: Context, row: SourceRow) -> str:
    if row.modality not in (Modality.AUDIO, Modality.VIDEO):
        return "speakers are told apart in sound and film only"
    if not await context.models.can_tell_speakers():
        return HOW_TO_GET
    return "nobody was told apart in it; `omni-mcp speakers SOURCE --find` listens again"


async def name_speaker(context: Context, source: str, speaker: str, name: str) -> SpeakersOf:
    """Give a speaker a name; "" takes a given name back.

    `speaker`: its letter (`A`, `speaker A`) or the name that it has. Raises UNKNOWN_SOURCE,
    UNKNOWN_SPEAKER or BAD_ARGUMENT.
    """
    row = await exact_source(context, source)
    known = (await asyncio.to_thread(context.catalog.speakers, (row.id,))).get(row.id, [])
    chosen = _choose(speaker, known, row)
    name = _checked_name(name)
    for each in chosen:
        await asyncio.to_thread(context.catalog.name_speaker, row.id, each.number, name)
    note = ""
    voices = VoiceFile(context.settings.store_path)
    if not context.within and await asyncio.to_thread(lambda: voices.exists):
        before = await asyncio.to_thread(context.catalog.named_speakers)
        await recognise(context)
        note = _elsewhere(before, await asyncio.to_thread(context.catalog.named_speakers), row.id)
    await context.changes.notify(row.id)
    return await of_row(context, row, note)


def _choose(wanted: str, known: Sequence[Speaker], row: SourceRow) -> list[Speaker]:
    """The speakers that are meant: several may have one name."""
    plain = re.sub(r"^speaker\s+", "", wanted.strip(), flags=re.I).casefold()
    by_name = [s for s in known if s.name and s.name.casefold() == wanted.strip().casefold()]
    found = by_name or [s for s in known if s.letter.casefold() == plain]
    if not found:
        there = ", ".join(f"{s.letter} ({s.name!r})" if s.name else s.letter for s in known)
        raise NotFoundError(
            f"{row.id} has no speaker {wanted[:40]!r}; "
            + (f"there are {there}" if there else "nobody was told apart in it"),
            code="UNKNOWN_SPEAKER",
        )
    return found


def _checked_name(name: str) -> str:
    plain = " ".join(name.split())
    if len(plain) > MAX_NAME:
        raise BadRequestError(f"a name has at most {MAX_NAME} characters")
    if re.fullmatch(r"(?i)(speaker )?[a-z]{1,2}", plain) and len(plain.split()[-1]) == 1:
        raise BadRequestError(f"{plain!r} is what an unknown speaker is called; give a real name")
    return plain


def _elsewhere(before: dict[str, list[Speaker]], now: dict[str, list[Speaker]], source: str) -> str:
    """In how many other sources a name was found or lost by voice."""
    changed = sum(before.get(s) != now.get(s) for s in {*before, *now} - {source})
    if not changed:
        return ""
    return f"names changed by voice in {changed} other source{'s' * (changed > 1)}"
