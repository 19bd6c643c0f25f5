"""Cutting, clips and audio of a file that may be joined from several, each with a clock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import av
import numpy as np

from omni_core.errors import BadRequestError, NotFoundError, UnreadableError
from omni_core.media.av import clip, seek
from omni_core.media.av.about import Item, with_words_about, with_words_about_part
from omni_core.media.av.container import audio_stream, container
from omni_core.media.av.cutter import ContainerCutter
from omni_core.media.av.fitting import fitted
from omni_core.media.av.length import length
from omni_core.media.av.part_file import Part
from omni_core.media.av.parts import parts_of
from omni_core.media.av.sidecar import transcript
from omni_core.types import CutOptions, FileWarning, Limits, Pixels, Samples, Source


def seconds(path: str, c: object, limits: Limits) -> float | None:
    """The length of the open file: that of all its parts; None without time stamps."""
    parts = parts_of(path, limits)
    return round(sum(p.seconds for p in parts), 3) if parts else length(path, c)


def cut(path: str, limits: Limits, source: Source, options: CutOptions) -> Iterator[Item]:
    """What is written in the file, an external transcript, and what is seen and heard in it."""
    external = transcript(path, options)
    if external is not None:
        external = fitted(external, source.duration_s)
    covered = external.coverage if external is not None else None
    told: set[str] = set()
    for part in parts_of(path, limits) or (None,):
        start = part.start if part is not None else 0.0
        try:
            with container(path, limits, part) as c:
                made = ContainerCutter(path, c, source, options, limits, part).run(covered)
                if part is not None and start:
                    yield from with_words_about_part(c, source, options, made, part, told)
                else:
                    yield from with_words_about(
                        path, c, source, options, external, made, part, told
                    )
        except (av.FFmpegError, UnreadableError):
            if not start:
                raise
            yield FileWarning(f"what follows second {start:.0f} for {_seconds(part)} is damaged")


def frames(
    path: str, limits: Limits, times: Sequence[float], edge: int
) -> list[tuple[float, Pixels]]:
    """Raises NotFoundError (OUT_OF_RANGE) for a second outside the video."""
    found: dict[float, tuple[float, Pixels]] = {}
    for part, within in _by_part(path, limits, times):
        start = part.start if part is not None else 0.0
        with container(path, limits, part) as c:
            shown = seek.frames_at(path, c, [t - start for t in within], edge)
        found |= {t: (start + at, pixels) for t, (at, pixels) in zip(within, shown, strict=True)}
    return [found[t] for t in times]


def clipped(
    path: str, limits: Limits, start: float, end: float, out: str
) -> tuple[str, float, float]:
    """A clip of [start, end); it ends with the part in which it begins."""
    ((part, _),) = _by_part(path, limits, [start])
    begin = part.start if part is not None else 0.0
    with container(path, limits, part) as c:
        mime, first, last = clip.cut(path, c, start - begin, end - begin, out)
    return mime, first + begin, last + begin


def audio(path: str, limits: Limits, start: float, end: float) -> Samples:
    """Mono 16 kHz of [start, end) seconds. Raises BadRequestError for a video without audio."""
    pieces = []
    for part in parts_of(path, limits) or (None,):
        low, high = (start, end) if part is None else part.within(start, end)
        if part is not None and high <= low:
            continue
        with container(path, limits, part) as c:
            if audio_stream(c) is None:
                raise BadRequestError("this video has no audio")
            pieces.append(seek.audio_between(path, c, low, high))
    if not pieces:
        raise NotFoundError(f"there is no second {start:g}", code="OUT_OF_RANGE")
    return np.concatenate(pieces)


def _seconds(part: Part | None) -> str:
    return f"{part.seconds:.0f} s" if part is not None else "some time"


def _by_part(
    path: str, limits: Limits, times: Sequence[float]
) -> list[tuple[Part | None, list[float]]]:
    """The times, by the part of the file in which they lie."""
    parts = parts_of(path, limits)
    if not parts:
        return [(None, list(times))]
    found: dict[Part, list[float]] = {}
    for t in times:
        part = next((p for p in reversed(parts) if t >= p.start), parts[0])
        found.setdefault(part, []).append(t)
    return [*found.items()]
