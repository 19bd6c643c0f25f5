"""Readers, which find words in images and audio."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, Self

from omni_core.settings import Settings
from omni_core.types import EncoderInfo, ReaderInfo, Samples, Segment


class Reader(ABC):
    """Finds words in images or audio (speech recognition, OCR).

    Registered in the group `omni_mcp.readers`; every registered reader is loaded once, in the
    model worker, and called by one thread at a time. One that cannot be loaded costs a warning
    for each source that it would have read. An exception of `read` fails the source.

    **Sessions.** Words do not end where segments do, so a reader may hold words back. What it
    holds belongs to one source, known by `Segment.source_id`:

    * consecutive calls of `read` with segments of a source carry these in order of time or page;
    * `flush(source_id)` ends what is held of it; the source may go on afterwards;
    * calls for several sources may come in turns, and one call may bring several;
    * a source that is ingested again from an earlier place begins anew: segments that start
      before what was read last replace what is held;
    * an ingest that is given up is never flushed: keep only the last few sources.

        reader.read([a0, a1])   # -> words of a that are complete
        reader.read([b0])       # another source meanwhile
        reader.flush("a")       # -> the rest of a; b is untouched
    """

    name: ClassVar[str] = ""
    """Its entry point's name, which is also the stage of its timings. Must be set."""
    rank: ClassVar[int] = 0
    """Readers are loaded, and read, in this order. Built-in: speech 0, screen_text 1,
    sound_tags 2."""
    loss: ClassVar[str] = ""
    """What a library lacks without it ("no words are read from audio"), for the warning when it
    cannot be loaded."""

    @classmethod
    @abstractmethod
    def describe(cls, settings: Settings) -> ReaderInfo:
        """Model and state, without loading it or importing heavy packages."""

    @classmethod
    @abstractmethod
    def load(cls, settings: Settings, loaded: Mapping[str, Reader]) -> Self | None:
        """The reader, ready; None when the settings turn it off.

        `loaded` holds the readers that were loaded before it (in order of `rank`), by name: one
        model may serve two. Raises UnavailableError when weights or packages are missing.
        """

    @classmethod
    @abstractmethod
    def select(cls, segments: Sequence[Segment]) -> list[Segment]:
        """Those of one batch that this reader reads, in order.

        All segments of a page are in one batch, with what readers of a lower rank found in
        them; a reader may choose by what is written already.
        """

    @abstractmethod
    def read(self, segments: Sequence[Segment]) -> list[Segment]:
        """New segments with words and spans of their own; may be empty.

        Gets what `select` chose. A new segment has the source of the one it was read from, its
        words as `text` and as `TextContent`, and the reader or its model as `origin`. What is
        unfinished is held back (see the class).
        """

    def flush(self, source_id: str) -> list[Segment]:
        """What was held back for this source, which may go on afterwards. Optional.

        Called at each checkpoint of an ingest and at its end; an unknown source has nothing.
        """
        return []

    @classmethod
    def useful_with(cls, info: EncoderInfo) -> bool:
        """Whether it adds anything beside this encoder. Optional; true by default."""
        return True


class Transcriber(Reader):
    """A reader that also turns a spoken question into words."""

    @abstractmethod
    def transcribe(self, samples: Samples) -> str:
        """The words of a recording in its language, then on a line of its own in English where
        that is another; empty when none is heard."""
