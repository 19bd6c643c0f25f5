"""A question as the index takes it: vectors and words."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from omni_core.engine.context import Context
from omni_core.engine.search.spoken_by import SpokenBy, named_in
from omni_core.text import language
from omni_core.types import Channel, TextContent, Vector


@dataclass(frozen=True, slots=True)
class Question:
    """A question in words or by example."""

    vectors: tuple[Vector, ...]
    """One for a question in words, several for an example; none when the model takes neither."""
    words: str
    """For the BM25 prefetch; "" for an example without words."""
    example_ids: frozenset[str] = field(default_factory=frozenset)
    """Ids of the points of the example itself, which are not results."""
    exclude_sources: tuple[str, ...] = ()
    example_channels: frozenset[Channel] = frozenset()
    """The channels of the example; empty for a question in words."""
    waited_s: float = 0.0
    """How long the question waited for models that were still loading."""
    unread_language: str = ""
    """ISO 639 code of its language where the model certainly does not read it."""
    absent_words: tuple[str, ...] = ()
    """Its rare words, where they are at least half of it and stand in no text that was searched."""
    spoken_by: SpokenBy | None = None
    """The speaker whom the question names."""


async def in_words(context: Context, words: str, *, whole: str = "") -> Question:
    """A question in words, with the vector of the encoder.

    `whole` is the question that `words` are a part of: its language is told by all of it.
    """
    who = await named_in(context, words)
    started = time.monotonic()
    loading = await context.models.is_loading()
    (vector,), unread = await asyncio.gather(
        context.models.questions([TextContent(words)]), _unread_language(context, whole or words)
    )
    waited = time.monotonic() - started if loading else 0.0
    vectors = (vector,) if vector is not None else ()
    return Question(
        vectors,
        who.words if who else words,
        waited_s=waited,
        unread_language=unread,
        spoken_by=who,
    )


async def _unread_language(context: Context, words: str) -> str:
    """While the models embed the question: the first time the identifier is loaded, 0.3 s."""
    if not context.info.languages:
        return ""
    return await asyncio.to_thread(language.outside, words, context.info.languages)
