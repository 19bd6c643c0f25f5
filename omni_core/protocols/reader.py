"""Readers, which find words in images and audio."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, Self

from omni_core.settings import Settings
from omni_core.types import EncoderInfo, ReaderInfo, Samples, Segment, Voices


class Reader(ABC):
    """Finds words in images or audio (speech recognition, OCR).

    Registered in the group `omni_mcp.readers`; every registered reader is loaded once, in the
    model worker, and called by one thread at a time. For a reader that cannot be loaded, each
    source that it would have read gets a warning. An exception of `read` fails the source.

    **Sessions.** Words cross the ends of segments, so a reader may buffer words. Each buffer
    belongs to one source, identified by `Segment.source_id`:

    * consecutive calls of `read` with segments of a source carry these in order of time or page;
    * `flush(source_id)` returns what is buffered of it; more of the source may follow;
    * calls for several sources may interleave, and one call may contain several;
    * a source that is ingested again from an earlier position starts over: segments that start
      before the last ones read replace the buffer;
    * an ingest that is abandoned is not flushed, but emptied: `restore(source_id, b"")`; keep a
      buffer until then, since hundreds of sources may be read at a time (`decoders`);
    * an ingest that is interrupted goes on in another process: `save` and `restore` carry the
      buffer there. A reader without them is flushed at each checkpoint instead, once a minute of
      sound, which cuts what it buffers in two.

        reader.read([a0, a1])   # -> words of a that are complete
        reader.read([b0])       # another source meanwhile
        reader.flush("a")       # -> the rest of a; b is untouched
    """

    name: ClassVar[str] = ""
    """The name of its entry point, and of its stage in timings. Must be set."""
    rank: ClassVar[int] = 0
    """Readers are loaded and called in this order. Built-in: speech 0, screen_text 1,
    sound_tags 2, speakers 3."""
    lane: ClassVar[str] = ""
    """Readers of one lane read one after the other, since they may share a model; those of
    different lanes read different sources at the same time."""
    loss: ClassVar[str] = ""
    """What is missing without it ("no words are read from audio"), for the warning when it cannot
    be loaded."""

    @classmethod
    @abstractmethod
    def describe(cls, settings: Settings) -> ReaderInfo:
        """Model and state, without loading it or importing heavy packages."""

    @classmethod
    @abstractmethod
    def load(cls, settings: Settings, loaded: Mapping[str, Reader]) -> Self | None:
        """The loaded reader; None when the settings turn it off.

        `loaded` holds the readers that were loaded before it (in order of `rank`), by name: one
        model may serve two. Raises UnavailableError when weights or packages are missing.
        """

    @classmethod
    @abstractmethod
    def select(cls, segments: Sequence[Segment]) -> list[Segment]:
        """Those of one batch that this reader reads, in order.

        All segments of a page are in one batch, with what readers of a lower rank found in
        them, so that a reader may choose by the text that exists.
        """

    @abstractmethod
    def read(self, segments: Sequence[Segment]) -> list[Segment]:
        """New segments with words and spans of their own; may be empty.

        `segments` are those that `select` chose. A new segment has the source of the one it was
        read from, its words as `text` and as `TextContent`, and the reader or its model as
        `origin`. Unfinished words are buffered (see the class).
        """

    def flush(self, source_id: str) -> list[Segment]:
        """The buffered words of this source, of which more may follow. Optional.

        Called at the end of an ingest, and at each checkpoint where `save` returns None, for a
        source of which this reader has read, or restored, anything.
        """
        return []

    def save(self, source_id: str) -> bytes | None:
        """The buffer of this source for `restore`, b"" where there is none. Optional; None: this
        reader cannot save it. The buffer stays as it is."""
        return None

    def restore(self, source_id: str, state: bytes) -> None:  # noqa: B027 - optional
        """Replace the buffer of this source by one that `save` returned; b"" empties it.

        Called before the first `read` of each ingest that goes on with a saved buffer, and with
        b"" where a buffer may be left of an earlier one, or the ingest is given up. Optional.
        """

    def pending_from(self, source_id: str) -> float | None:
        """The second from which words of this source are still buffered; None without any.

        Optional; progress is counted up to it.
        """
        return None

    def voices(self, source_id: str) -> Voices | None:
        """Who spoke when in this source, which is read to its end; then its buffer is empty.

        Optional, for readers that tell speakers apart; None where this one heard nobody.
        """
        return None

    @classmethod
    def useful_with(cls, info: EncoderInfo) -> bool:
        """Whether it is worth running beside this encoder. Optional; true by default."""
        return True


class Transcriber(Reader):
    """A reader that also turns a spoken question into words."""

    @abstractmethod
    def transcribe(self, samples: Samples) -> str:
        """The words of a recording in its language, then on a line of its own in English where
        that is another; empty when none is heard."""
