"""The end of a file's decoding: limits over all that one file may give, whatever its medium.

A medium checks what it can know beforehand (pixels, length, pages, bytes of text). A small file may
still give segments without end, or take for ever over each: here they are counted and timed, and
what is left of the file is left out, with a warning that names the setting.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from omni_core.text.clock import clock
from omni_core.types import FileLength, FileWarning, Limits, Modality, Segment, Source

S_PER_SECOND = 3.0
"""Seconds of decoding for each second of video or sound: a film in 4K on two slow cores takes 1."""
S_PER_PAGE = 5.0
"""Seconds for each page: one that is drawn from a large scan takes 1."""
S_PER_MB = 10.0
"""Seconds for each MB of what has neither length nor pages."""
MOST_PER_MB = 300.0
"""Most seconds for each MB of what has: a small file may claim any length."""
MOST_S = 12 * 3600.0
"""Most seconds that length, pages or size add to `max_decode_s`."""

Item = Segment | FileWarning | FileLength


def allowed_s(source: Source, limits: Limits) -> float:
    """Seconds that the decoding of a file may take in all: `max_decode_s`, and more in proportion
    to its length, its pages or else its size."""
    size_mb = source.size / (1 << 20)
    more = size_mb * S_PER_MB
    if source.pages:
        more = min(source.pages * S_PER_PAGE, size_mb * MOST_PER_MB)
    elif source.duration_s and source.modality is not Modality.DOCUMENT:
        more = min(source.duration_s * S_PER_SECOND, size_mb * MOST_PER_MB)
    return limits.max_decode_s + min(more, MOST_S)


def limited(
    items: Iterator[Item],
    source: Source,
    limits: Limits,
    now: Callable[[], float] = time.monotonic,
) -> Iterator[Item]:
    """The items up to the first limit that is passed, and then a warning with its `limit`.

    Seconds count while an item is made, not while the last one is used.
    """
    count, spent = 0, 0.0
    may_take = allowed_s(source, limits)
    while True:
        began = now()
        item = next(items, None)
        spent += now() - began
        if item is None:
            return
        if isinstance(item, Segment):
            if count == limits.max_segments:
                yield _too_many(limits)
                return
            count += 1
        yield item
        if spent > may_take:
            yield _too_slow(spent)
            return


def after_the_limit(limits: Limits) -> FileWarning:
    """The warning for what a subtitle file says after `max_duration_s`."""
    return FileWarning(
        f"what it says after {clock(limits.max_duration_s, short=True)} is left out: raise "
        "max_duration_s and ingest it again",
        limit="max_duration_s",
    )


def _too_many(limits: Limits) -> FileWarning:
    return FileWarning(
        f"only its first {limits.max_segments:,} segments are in: raise max_segments and ingest it "
        "again, or split it",
        limit="max_segments",
    )


def _too_slow(spent: float) -> FileWarning:
    return FileWarning(
        f"its decoding was ended after {clock(spent, short=True)}, the rest is left out: raise "
        "max_decode_s and ingest it again, or split it",
        limit="max_decode_s",
    )
