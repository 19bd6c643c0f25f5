"""Several audio tracks of one file: which are heard, and their mixture.

Screen recorders and cameras write each microphone to a track of its own; films carry other
languages, commentary and descriptions. Tracks of one language are heard together, the others not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from omni_core.media.av.container import audio_stream
from omni_core.media.av.programs import own
from omni_core.media.av.resample import JITTER_S, Chunk
from omni_core.media.av.tag_text import text
from omni_core.types import SAMPLE_RATE, Samples

MAX_TRACKS = 4
"""Tracks that are mixed, at most: each costs its decoding."""
MAX_LAG_S = 10.0
"""A track that is further behind the others is not waited for: it has ended, or begins later."""
UNKNOWN = "(in a codec that is not known)"
_ASIDE = 0x2 | 0x8 | 0x20 | 0x80 | 0x100 | 0x10000
"""FFmpeg's dispositions dub, comment, karaoke, hearing impaired, visual impaired, descriptions."""
_ASIDE_TITLES = ("comment", "descri", "narrat", "kommentar", "karaoke")


@dataclass(frozen=True, slots=True)
class Tracks:
    """heard: the streams to mix, the one that a player would choose first. unheard: names."""

    heard: tuple[Any, ...]
    unheard: tuple[str, ...]


def tracks_of(c: Any) -> Tracks:
    """The audio tracks of an open container."""
    chosen = audio_stream(c)
    heard, unheard = ([chosen], []) if chosen is not None else ([], [])
    mine = own(c, c.streams.audio, chosen)
    for number, stream in enumerate(c.streams.audio, 1):
        if stream is chosen or stream not in mine:
            continue
        if stream.codec_context is None:
            unheard.append(track_name(stream, number))
        elif _language(stream) == _language(chosen) and not _is_aside(stream):
            heard.append(stream)
        else:
            unheard.append(track_name(stream, number))
    unheard += [track_name(s, s.index) for s in heard[MAX_TRACKS:]]
    return Tracks(tuple(heard[:MAX_TRACKS]), tuple(unheard))


def _language(stream: Any) -> str:
    language = text(stream.metadata.get("language", "")).lower()
    return "" if language in ("und", "unk", "mis", "zxx") else language


def _is_aside(stream: Any) -> bool:
    name = str(stream.metadata.get("title", "")).lower()
    return bool(int(stream.disposition) & _ASIDE) or any(word in name for word in _ASIDE_TITLES)


def track_name(stream: Any, number: int) -> str:
    """How a warning names a track: its number, title and language, and that it has no decoder."""
    parts = [f"track {number}", text(stream.metadata.get("title", "")), _language(stream)]
    if stream.codec_context is None:
        parts.append(UNKNOWN)
    return " ".join(part for part in parts if part)


@dataclass
class _Track:
    """What is decoded of one track and not mixed yet."""

    chunks: list[tuple[int, Samples]] = field(default_factory=list)
    end: int | None = None
    """The sample after the last one; None before the first."""


class TrackMixer:
    """The mean of several tracks; all times in samples of 16 kHz."""

    def __init__(self, count: int) -> None:
        self._tracks = [_Track() for _ in range(count)]
        self._at: int | None = None

    def push(self, track: int, chunk: Chunk) -> Iterator[Chunk]:
        """Add a chunk of a track; yields what is complete in all of them."""
        t, samples = chunk
        one = self._tracks[track]
        start = one.end if one.end is not None else 0
        if t is not None and (
            one.end is None or abs(t * SAMPLE_RATE - one.end) > JITTER_S * SAMPLE_RATE
        ):
            start = round(t * SAMPLE_RATE)
        one.chunks.append((start, samples))
        one.end = start + samples.size
        yield from self._mixed(self._complete())

    def flush(self) -> Iterator[Chunk]:
        """The rest."""
        yield from self._mixed(max((t.end or 0 for t in self._tracks), default=0))

    def _complete(self) -> int:
        """The sample up to which every track that is not far behind is known."""
        leader = max(t.end for t in self._tracks if t.end is not None)
        lag = leader - int(MAX_LAG_S * SAMPLE_RATE)
        ends = [t.end if t.end is not None else lag for t in self._tracks]
        return max(lag, min(ends))

    def _mixed(self, until: int) -> Iterator[Chunk]:
        starts = [t.chunks[0][0] for t in self._tracks if t.chunks]
        if not starts:
            return
        if self._at is None or min(starts) > self._at:
            self._at = min(starts)  # nothing lies before: a gap is not filled here
        if until <= self._at:
            return
        out = np.zeros(until - self._at, np.float32)
        for track in self._tracks:
            left = []
            for start, samples in track.chunks:
                low, high = max(start, self._at), min(start + samples.size, until)
                if high > low:
                    out[low - self._at : high - self._at] += samples[low - start : high - start]
                if start + samples.size > until:
                    left.append((start, samples))
            track.chunks = left
        out *= np.float32(1 / len(self._tracks))
        yield self._at / SAMPLE_RATE, out
        self._at = until
