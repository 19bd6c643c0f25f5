"""External transcripts of video and audio: a subtitle file named by the caller, or a sidecar
(talk.srt or talk.en.vtt beside talk.mp4)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from omni_core.errors import NotFoundError, UnreadableError
from omni_core.media.text.cues import CueWindow, cue_windows
from omni_core.media.text.subtitle_formats import parse
from omni_core.text.charset import decode
from omni_core.text.suffixes import SUBTITLE_SUFFIXES
from omni_core.types import CutOptions

MAX_BYTES = 20 << 20
"""Bytes read of one file; the rest is ignored."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """Windows of subtitle cues, and the file they came from."""

    windows: Sequence[CueWindow]
    origin: str


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
            return Transcript(found, f"sidecar {os.path.basename(name)}")
    return None


def _sidecar_paths(path: str) -> list[str]:
    """talk.srt first, then talk.<language>.srt; links out of the folder are ignored."""
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
        and n.count(".") - stem.count(".") <= 2
    ]
    near.sort(key=lambda n: (n.count("."), SUBTITLE_SUFFIXES.index(os.path.splitext(n)[1].lower())))
    real = os.path.realpath(folder)
    paths = [os.path.join(folder, n) for n in near]
    return [p for p in paths if os.path.isfile(p) and os.path.dirname(os.path.realpath(p)) == real]


def _read(path: str) -> Sequence[CueWindow] | None:
    with open(path, "rb") as f:
        cues = parse(decode(f.read(MAX_BYTES), markup=True))
    return list(cue_windows(cues)) or None
