"""External transcripts of video and audio: a subtitle file named by the caller, or a sidecar
(talk.srt or talk.en.vtt beside talk.mp4)."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from omni_core.errors import NotFoundError, UnreadableError
from omni_core.media.av.clock import rate
from omni_core.media.av.container import audio_stream, container, video_stream
from omni_core.media.av.coverage import Coverage
from omni_core.media.held import Held, held_as, read_beside, read_with
from omni_core.media.text import unread_subtitles
from omni_core.media.text.cues import CueWindow, cue_windows
from omni_core.media.text.subtitle_formats import read_bytes_of
from omni_core.text.language_names import language
from omni_core.text.subtitle_names import (
    FILMS,
    SUBTITLE_FOLDERS,
    Stems,
    is_recording,
    is_subtitle,
    language_of,
)
from omni_core.text.suffixes import SUBTITLE_SUFFIXES
from omni_core.types import CutOptions, Limits

log = logging.getLogger(__name__)

_FORCED = re.compile(r"(?i)(?<![a-z])(forced|signs?|songs?|foreign|karaoke)(?![a-z])")
_FULL = re.compile(r"(?i)(?<![a-z])(full|dialog(ue)?|complete)(?![a-z])")
MAX_BYTES = 20 << 20
"""Bytes read of one file; the rest is ignored."""
HEAD = 4096
"""Bytes that tell pictures from text."""
_MAYBE_PICTURES = (".sub", *unread_subtitles.SUFFIXES)
MAX_LANGUAGES = 4
"""Languages beside one film that are read: each costs as much in the index as the first."""
TRACKS = 10
"""Numbers of windows of two languages are this far apart: a file may hold several."""
MAX_NAMED = 12
"""Names of sidecars that are not read in one warning."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """Windows of subtitle cues, and the file they came from."""

    windows: Sequence[CueWindow]
    origin: str
    complete: bool = True
    """False for forced subtitles, which translate signs and foreign speech only: what is said
    beside them is in no cue."""
    warnings: tuple[str, ...] = ()
    """What of the file could not be read, and which others were not, a line each."""
    further: tuple[Transcript, ...] = ()
    """Those of other languages beside it."""

    @property
    def coverage(self) -> Coverage | None:
        """The seconds whose words the cues hold; None for forced subtitles, beside which a track
        in the file is read as well."""
        spans = sorted((w.start, w.end) for w in self.windows)  # windows of two languages overlap
        return Coverage(spans) if self.complete else None


def transcript(path: str, options: CutOptions) -> Transcript | None:
    """The caller's transcript, else the first sidecar with cues and those of other languages, with
    a warning that names the rest; without words where none can be read; None where there is none.

    Raises NotFoundError or UnreadableError for a named transcript that is missing, may not be read
    or has no cues.
    """
    held = held_as(path)
    if options.transcript:
        name = os.path.basename(options.transcript)
        if not os.path.isfile(options.transcript):
            raise NotFoundError(f"no transcript {name!r}")
        try:
            data = _named_bytes(held, options.transcript)
        except OSError as e:
            raise NotFoundError(f"transcript {name!r} cannot be read: {e.strerror or e}") from e
        found = _parsed(data, options.transcript, path, f"transcript {name}")
        if found is None:
            raise UnreadableError(
                f"{name!r} has no cues; a transcript is an SRT, WebVTT or ASS file",
                code="UNSUPPORTED_TYPE",
            )
        return found
    return _beside(path, held)


def _beside(path: str, held: Held | None) -> Transcript | None:
    stem = os.path.splitext(os.path.basename(path))[0]
    read: Transcript | None = None
    unread: list[str] = []
    languages: dict[str, Transcript] = {}
    paths = _sidecar_paths(path if held is None else held.file.path)
    if len(paths) > 1:
        spoken = _spoken(path)
        paths.sort(key=lambda p: _rank(p, path if held is None else held.file.path, spoken))
    for sidecar in paths:
        beside = os.path.basename(sidecar)
        maybe_pictures = beside.lower().endswith(_MAYBE_PICTURES)
        complete = not is_forced(beside[len(stem) :])  # a film may be named "Signs"
        spoken_in = language_of(beside[len(stem) :])
        more = bool(spoken_in and complete and "" not in languages) and spoken_in not in languages
        more = more and len(languages) < MAX_LANGUAGES
        if read is not None and not maybe_pictures and not more:
            unread.append(beside)
            continue
        try:
            data = _own_bytes(held, sidecar, MAX_BYTES if read is None or more else HEAD)
        except OSError as e:  # the film can be read without it
            log.warning("%s is left out: %s", beside, e.strerror or e)
            unread.append(f"{beside} (cannot be opened)")
            continue
        if data is None:
            unread.append(f"{beside} (a link)")
            continue
        if maybe_pictures and unread_subtitles.kind_of(data[:HEAD], _suffix(beside)):
            if not any(
                _suffix(p) == ".sub" and p[:-4] == sidecar[:-4] for p in paths if p != sidecar
            ):
                unread.append(f"{beside} (pictures)")
            continue
        if read is not None and not more:
            unread.append(beside)
            continue
        found = _parsed(data, sidecar, path, f"sidecar {beside}", complete=complete)
        if found is None:
            unread.append(f"{beside} (no cues)")
            continue
        languages[spoken_in] = found
        read = read or found
    if read is not None:
        others = enumerate([*languages.values()][1:], 1)
        read = replace(read, further=tuple(_numbered(one, n * TRACKS) for n, one in others))
    if not unread:
        return read
    line = f"subtitles not read: {', '.join(unread[:MAX_NAMED])}"
    line += f" and {len(unread) - MAX_NAMED} more" if len(unread) > MAX_NAMED else ""
    read = read or Transcript((), "", complete=False)
    return replace(read, warnings=(*read.warnings, line))


def _numbered(transcript: Transcript, first: int) -> Transcript:
    windows = [replace(w, track=first + w.track) for w in transcript.windows]
    return replace(transcript, windows=windows)


def _named_bytes(held: Held | None, path: str) -> bytes:
    if held is not None:
        return read_with(held, path, MAX_BYTES, links=held.file.links)
    with open(path, "rb") as f:
        return f.read(MAX_BYTES)


def _own_bytes(held: Held | None, path: str, limit: int) -> bytes | None:
    """None for a link out of its folder."""
    if not _is_own(path):
        return None
    if held is not None:
        return read_beside(held, path, limit)
    with open(path, "rb") as f:
        return f.read(limit)


def is_forced(name: str) -> bool:
    """Whether a file or a track is named as forced subtitles, signs or songs."""
    return bool(_FORCED.search(name)) and not _FULL.search(name)


def _sidecar_paths(path: str) -> list[str]:
    """talk.srt, talk.<language>.srt, talk.<language>.sdh.srt and those in a folder Subs, none that
    belongs to another recording."""
    folder, base = os.path.split(os.path.abspath(path))
    stem = os.path.splitext(base)[0]
    names = _names(folder)
    films = Stems([stem, *(os.path.splitext(n)[0] for n in names if is_recording(n))])

    def own(name: str) -> bool:
        return is_subtitle(name) and films.belongs(name, stem)

    paths = [os.path.join(folder, n) for n in names if own(n)]
    alone = sum(n.lower().endswith(FILMS) for n in names) == 1 and base.lower().endswith(FILMS)
    for inner in (n for n in names if n.lower() in SUBTITLE_FOLDERS):
        subs = os.path.join(folder, inner)
        paths += [
            os.path.join(subs, n) for n in _names(subs) if is_subtitle(n) and (alone or own(n))
        ]
        beside = os.path.join(subs, stem)
        paths += [os.path.join(beside, n) for n in _names(beside) if is_subtitle(n)]
    return [p for p in paths if os.path.islink(p) or os.path.isfile(p)]


def _rank(path: str, film: str, spoken: str) -> tuple[bool, bool, bool, int, int, str]:
    """No forced ones first, then those beside the film, in the language that is spoken in it, with
    few parts in their names."""
    folder, base = os.path.split(os.path.abspath(film))
    name = os.path.basename(path)
    rest = name[len(os.path.splitext(base)[0]) :] if os.path.dirname(path) == folder else f" {name}"
    said = language_of(rest)
    return (
        is_forced(rest),
        os.path.dirname(path) != folder,
        bool(spoken and said) and said != spoken,
        name.count("."),
        SUBTITLE_SUFFIXES.index(_suffix(name)),
        name,
    )


def _spoken(film: str) -> str:
    """The language that the film states for its sound; "" where it states none."""
    with container(film, Limits()) as c:
        sound = audio_stream(c)
        return language(str(sound.metadata.get("language", ""))) if sound is not None else ""


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _is_own(path: str) -> bool:
    """Whether it is a file of its folder, not a link out of it."""
    folder = os.path.realpath(os.path.dirname(path))
    return os.path.isfile(path) and os.path.dirname(os.path.realpath(path)) == folder


def _parsed(
    data: bytes, name: str, film: str, origin: str, *, complete: bool = True
) -> Transcript | None:
    """The transcript in the bytes of a file; None where there are no cues."""
    found = read_bytes_of(data, _suffix(name), lambda: _frames_a_second(film))
    windows = list(cue_windows(found.cues))
    if not windows:
        return None
    warnings = tuple(f"{origin}: {warning}" for warning in (*found.doubts, *found.warnings))
    return Transcript(windows, origin, complete, warnings)


def _frames_a_second(film: str) -> float | None:
    with container(film, Limits()) as c:
        video = video_stream(c)
        return rate(video) if video is not None else None
