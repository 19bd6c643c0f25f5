"""From the decoder's segments to batches and checkpoint groups: the same ones in every run.

Batches decide results (readers compare what is in one batch), so this is the only place that makes
them, whoever runs the ingest. Nothing here reads, embeds or waits.

A **group** is what one checkpoint makes durable, and the unit in which an ingest goes on. It is one
batch or several: these are embedded and searchable one by one, so that neither memory nor the
first hit waits for a whole group.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from omni_core.engine.ingest.titles import title_segment
from omni_core.models.answers import ReadOptions
from omni_core.types import Channel, Segment, Source

CHECKPOINT = 40
"""Segments of the decoder after which a group ends."""
CHECKPOINT_S = 60.0
"""Seconds of the source after which one ends; after each window of sound that is read for words,
too, since reading 25 s of speech takes as long as all else of a minute."""
FIRST_BATCHES = (2, 4, 8)
"""Sizes of the first batches, in segments: small, so that the beginning of a long video can be
searched within seconds."""
AUDIO_READERS = frozenset({"sound_tags"})
"""Readers of audio, which are skipped for a source with subtitles; speech recognition itself skips
what they cover."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Segments that are read and embedded in one call. Pickles, with their pixels and samples."""

    group: int
    """Number of its group in the source, from 0."""
    segments: tuple[Segment, ...]
    """With content. The first batch of a source begins with the segment of its title."""
    reading: ReadOptions
    at: float
    """Position that is reached with it: seconds, pages or characters."""
    ends_group: bool = False


class Groups:
    """Cuts the stream of one source, which begins anew in every run, into batches."""

    def __init__(
        self, source: Source, *, size: int, done: Collection[str] = (), number: int = 0
    ) -> None:
        """Batches of `size` segments; those in `done` (ids) are durable, in `number` groups, and
        left out."""
        self._source, self._size, self._done = source, size, frozenset(done)
        self._number = number
        self._open: list[Segment] = []
        self._batches = 0
        self._titled = bool(done)
        self._reading = ReadOptions()
        self._at = self._group_from = 0.0
        self._held = 0
        """Segments in the open group."""

    def take(self, segment: Segment) -> Batch | None:
        """Add the next segment of the decoder; returns the batch that ends before it, if one does
        and anything of it is left to do.

        The image and the text of a page are in one batch, and a window of sound ends its batch.
        """
        ended = self._cut() if self._is_full(segment) else None
        self._open.append(segment)
        return ended

    def end(self) -> Batch | None:
        """The last batch, at the end of the stream."""
        return self._cut() if self._open else None

    def _is_full(self, following: Segment) -> bool:
        if not self._open:
            return False
        last = self._open[-1]
        if following.span.axis == "page" and last.span.overlaps(following.span):
            return False
        first = self._batches < len(FIRST_BATCHES)
        size = FIRST_BATCHES[self._batches] if first else self._size
        return len(self._open) >= size or last.channel is Channel.SOUND

    def _cut(self) -> Batch | None:
        segments, self._open = self._open, []
        self._batches += 1
        if any(s.channel is Channel.SPEECH for s in segments):
            self._reading = ReadOptions(skip=AUDIO_READERS)  # better than speech recognition
        self._at = max([self._at, *(s.span.end for s in segments if _is_progress(s))])
        left = [s for s in segments if s.id not in self._done]
        if not left:
            self._group_from = self._at
            return None
        if not self._titled:
            self._titled = True
            title = title_segment(self._source, left[0].span)
            left = [title, *left] if title else left
        self._held += len(left)
        ends = self._ends_group(left)
        batch = Batch(self._number, tuple(left), self._reading, self._at, ends)
        if ends:
            self._number += 1
            self._held, self._group_from = 0, self._at
        return batch

    def _ends_group(self, batch: list[Segment]) -> bool:
        words = not self._reading.skip and any(s.channel is Channel.SOUND for s in batch)
        timed = batch[0].span.axis == "second"
        long = timed and self._at - self._group_from > CHECKPOINT_S
        return words or long or self._held >= CHECKPOINT


def _is_progress(segment: Segment) -> bool:
    """False for what comes first and as a whole: a transcript beside the file, its tags and
    chapters."""
    timed = segment.span.axis == "second"
    return segment.channel is not Channel.SPEECH and not (timed and segment.channel is Channel.TEXT)
