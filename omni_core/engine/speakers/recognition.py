"""Speakers recognised in other files by their voices, and the voices that are kept for it."""

from __future__ import annotations

import asyncio

from omni_core.engine.context import Context
from omni_core.engine.results import KeptVoice
from omni_core.engine.speakers.voice_file import VoiceFile, recognised
from omni_core.errors import NotFoundError


async def recognise(context: Context) -> None:
    """Name by voice who has no name, in every source."""

    def work() -> None:
        voices = VoiceFile(context.settings.store_path).all()
        named = {
            (source, s.number): s.name
            for source, speakers in context.catalog.named_speakers().items()
            for s in speakers
            if s.name_from in ("person", "subtitles")
        }
        context.catalog.recognise(recognised(voices, named))

    await asyncio.to_thread(work)


async def kept_voices(context: Context) -> tuple[KeptVoice, ...]:
    """The voices that are kept, by name; those without a name as one."""

    def work() -> tuple[KeptVoice, ...]:
        keys = VoiceFile(context.settings.store_path).all()
        named = context.catalog.named_speakers()
        names = {(source, s.number): s.name for source, each in named.items() for s in each}
        counts: dict[str, set[str]] = {}
        for source, number in keys:
            counts.setdefault(names.get((source, number), ""), set()).add(source)
        return tuple(KeptVoice(name, len(counts[name])) for name in sorted(counts))

    return await asyncio.to_thread(work)


async def forget_voices(context: Context, name: str = "") -> int:
    """Delete all voices that are kept, or those of one name; returns how many.

    Names that people gave stay; those that were recognised by a deleted voice go. Raises
    NotFoundError UNKNOWN_SPEAKER for a name of which no voice is kept.
    """

    def work() -> int:
        file = VoiceFile(context.settings.store_path)
        keys = list(file.all())
        if not name:
            file.delete()
            return len(keys)
        named = context.catalog.named_speakers()
        wanted = {
            (source, s.number)
            for source, each in named.items()
            for s in each
            if s.name.casefold() == name.strip().casefold()
        }
        gone = [key for key in keys if key in wanted]
        if not gone:
            raise NotFoundError(f"no voice of {name[:40]!r} is kept", code="UNKNOWN_SPEAKER")
        file.remove(gone)
        return len(gone)

    gone = await asyncio.to_thread(work)
    await recognise(context)
    return gone
