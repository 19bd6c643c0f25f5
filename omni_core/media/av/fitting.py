"""An external transcript on the clock of its film.

Studios and broadcasters begin a programme at one or ten hours, and so do its subtitles.
"""

from __future__ import annotations

from dataclasses import replace

from omni_core.media.av.sidecar import Transcript
from omni_core.media.text.cues import CueWindow

HOUR_S = 3600.0
SLACK, SLACK_S = 0.05, 5.0
"""Share of the film, and seconds, by which a last cue may be late: credits, lengths by estimate."""


def fitted(transcript: Transcript, seconds: float | None) -> Transcript:
    """The transcript, counted from the whole hour at which it begins where all of it would lie
    after the end of a film of `seconds`; a warning where some of it lies there."""
    if transcript.further:
        further = tuple(fitted(one, seconds) for one in transcript.further)
        return replace(fitted(replace(transcript, further=()), seconds), further=further)
    windows = transcript.windows
    if not seconds or not windows:
        return transcript
    end = seconds * (1 + SLACK) + SLACK_S
    late = sum(w.start > end for w in windows)
    if not late:
        return transcript
    first = min(w.start for w in windows)
    hours = first // HOUR_S
    if late == len(windows) and hours and max(w.start for w in windows) - hours * HOUR_S <= end:
        line = f"its times begin at {hours:.0f}:00:00, and are counted from there"
        windows = [_earlier(w, hours * HOUR_S) for w in windows]
    else:
        some = f"{late} of {len(windows)} passages" if late < len(windows) else "all passages"
        line = f"{some} come after the end at {seconds:.0f} s: it may be that of another version"
    said = f"{transcript.origin}: {line}"
    return replace(transcript, windows=windows, warnings=(*transcript.warnings, said))


def _earlier(w: CueWindow, seconds: float) -> CueWindow:
    beats = tuple((at, round(t - seconds, 2)) for at, t in w.beats)
    return replace(w, start=w.start - seconds, end=w.end - seconds, beats=beats)
