"""Who speaks in a source: stored when it was read, or found out afterwards."""

from __future__ import annotations

import asyncio
import itertools

from omni_core.engine.context import Context
from omni_core.engine.hashing import current_file
from omni_core.engine.refs import Target, exact_source, points_of
from omni_core.engine.results import SourceRow, SpeakersOf
from omni_core.engine.session import Session
from omni_core.engine.speakers.naming import HOW_TO_GET, of_row
from omni_core.engine.speakers.recognition import recognise
from omni_core.engine.speakers.said import Heard, Subtitles, carried, heard
from omni_core.engine.speakers.voice_file import VoiceFile
from omni_core.errors import BadRequestError, NotFoundError, UnavailableError
from omni_core.types import AudioContent, Channel, Modality, Samples, Segment, Span, Voices

WINDOW_S = 30.0
"""Seconds of sound that are decoded at a time for a source that was read before."""
_numbers = itertools.count(1)


async def settle(
    context: Context, row: SourceRow | None, voices: Voices | None, subtitles: Subtitles
) -> None:
    """Store who speaks in a source that was read to its end; names given before are kept.

    Where nobody was told apart, what an earlier reading found stays.
    """
    named = subtitles.named
    if row is None or (voices is None and not named):
        return
    found = heard(voices, named)
    await asyncio.to_thread(_put, context, row, found)
    if context.settings.voices:
        file = VoiceFile(context.settings.store_path)
        await asyncio.to_thread(file.keep, row.id, found.vectors)
        await recognise(context)


def _put(context: Context, row: SourceRow, found: Heard) -> None:
    before = context.catalog.turns(row.id)
    given = carried(before, context.catalog.given_names(row.id), found.turns)
    context.catalog.put_turns(row.id, found.turns, given, found.names)


async def find_speakers(context: Context, source: str) -> SpeakersOf:
    """Listen again to a source that was read without telling speakers apart.

    Its words are not recognised again. Raises UNKNOWN_SOURCE, BAD_ARGUMENT for what has no sound,
    UNAVAILABLE without the weights, SOURCE_MISSING where its file
    is gone, SOURCE_CHANGED where it has other bytes now.
    """
    row = await exact_source(context, source)
    if row.modality not in (Modality.AUDIO, Modality.VIDEO):
        raise BadRequestError(f"{row.id} has no sound: speakers are told apart in sound only")
    if not await context.models.can_tell_speakers():
        raise UnavailableError(HOW_TO_GET)
    subtitles = Subtitles()
    words = []
    for point in await points_of(context, Target(row)):
        stored = point.stored
        if stored.channel is Channel.SPEECH and not stored.part:
            beats = [list(beat) for beat in stored.beats]
            segment = Segment(row.id, row.modality, Channel.SPEECH, stored.span, None, stored.text,
                              stored.origin, 0, {"beats": beats})  # fmt: skip
            words.append(segment)
            if stored.origin.startswith(("subtitle", "sidecar", "transcript")):
                subtitles.saw(segment)
    voices = await _listen(context, row, words)
    await settle(context, row, voices, subtitles)
    await context.changes.notify(row.id)
    return await of_row(context, row, "" if words else "nothing is said in it")


async def _listen(context: Context, row: SourceRow, words: list[Segment]) -> Voices | None:
    """Who speaks where these words are, by the sound of the file."""
    id = f"speakers {next(_numbers)}"
    renamed = [Segment(id, w.modality, w.channel, w.span) for w in words]
    if not renamed:
        return None
    session = await context.models.session(id)
    try:
        await session.listen(renamed)
        await _hear(context, row, session, id, max(w.span.end for w in words))
        return await session.voices()
    except BaseException:
        await session.abandon()
        raise


async def _hear(context: Context, row: SourceRow, session: Session, id: str, end: float) -> None:
    """Let the session `id` hear the file up to this second."""
    file, why = await current_file(context, row)
    if file is None:
        code, _, message = why.partition(": ")
        raise NotFoundError(message, code=code)
    at = 0.0
    while at < end:
        until = min(at + WINDOW_S, end)
        samples: Samples = await context.decoders.open("audio", file, at, until)
        sound = Segment(
            id, row.modality, Channel.SOUND, Span("second", at, until), AudioContent(samples)
        )
        await session.listen([sound])
        at = until
