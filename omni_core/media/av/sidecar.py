"""External transcripts of video and audio: a subtitle file named by the caller, or a sidecar
(talk.srt or talk.en.vtt beside talk.mp4)."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

from omni_core.errors import NotFoundError, UnreadableError
from omni_core.media.av.coverage import Coverage
from omni_core.media.text.cues import CueWindow, cue_windows
from omni_core.media.text.subtitle_formats import parse
from omni_core.text.charset import decode
from omni_core.text.suffixes import SUBTITLE_SUFFIXES
from omni_core.types import CutOptions

FORCED = re.compile(r"(?i)(?<![a-z])(forced|signs|songs|foreign)(?![a-z])")
MAX_BYTES = 20 << 20
"""Bytes read of one file; the rest is ignored."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """Windows of subtitle cues, and the file they came from."""

    windows: Sequence[CueWindow]
    origin: str
    complete: bool = True
    """False for forced subtitles, which translate signs and foreign speech only: what is said
    beside them is in no cue."""

    @property
    def coverage(self) -> Coverage:
        """The seconds whose words the cues hold."""
        return Coverage([(w.start, w.end) for w in self.windows] if self.complete else ())


def transcript(path: str, options: CutOptions) -> Transcript | None:
    """The caller's transcript, else a sidecar, else None.

    Raises NotFoundError or UnreadableError for a named transcript that is missing or has no cues;
    a sidecar without cues is ignored.
    """
    if options.transcript:
        if not os.path.isfile(options.transcript):
            raise NotFoundError(f"no transcript {os.path.basename(options.transcript)}")
        found = _read(options.transcript)
        if found is None:
            raise UnreadableError(
                f"{os.path.basename(options.transcript)} has no cues; "
                "a transcript is an SRT, WebVTT or ASS file",
                code="UNSUPPORTED_TYPE",
            )
        return Transcript(found, f"transcript {os.path.basename(options.transcript)}")
    for name in _sidecar_paths(path):
        found = _read(name)
        if found is not None:
            origin = f"sidecar {os.path.basename(name)}"
            return Transcript(found, origin, complete=not is_forced(os.path.basename(name)))
    return None


def is_forced(name: str) -> bool:
    """Whether a file or a track is named as forced subtitles, signs or songs."""
    return bool(FORCED.search(name))


def _sidecar_paths(path: str) -> list[str]:
    """talk.srt first, then talk.<language>.srt and talk.<language>.sdh.srt, forced ones last;
    links out of the folder are ignored."""
    folder, base = os.path.split(os.path.abspath(path))
    stem = os.path.splitext(base)[0]
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    near = [
        n
        for n in names
        if n.startswith(stem + ".")
        and n.lower().endswith(SUBTITLE_SUFFIXES)
        and n.count(".") - stem.count(".") <= 3
    ]
    near.sort(
        key=lambda n: (
            is_forced(n),
            n.count("."),
            SUBTITLE_SUFFIXES.index(os.path.splitext(n)[1].lower()),
        )
    )
    real = os.path.realpath(folder)
    paths = [os.path.join(folder, n) for n in near]
    return [p for p in paths if os.path.isfile(p) and os.path.dirname(os.path.realpath(p)) == real]


def _read(path: str) -> Sequence[CueWindow] | None:
    with open(path, "rb") as f:
        cues = parse(decode(f.read(MAX_BYTES), markup=True))
    return list(cue_windows(cues)) or None
