"""Cues of studios' text formats with two timecodes in frames: Spruce STL, Adobe Encore and
Premiere, Avid DS.

`00:00:01:00 , 00:00:03:12 , words|more`, `1 00:00:01:00 00:00:03:12 words`, or the words below.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from omni_core.media.text.cues import clean
from omni_core.media.text.subtitle_reading import Reading

DEFAULT_FPS = 25.0
"""Frames a second where no film lies beside: these formats name no rate."""
_CODE = r"(\d{1,2})[:;]([0-5]\d)[:;]([0-5]\d)[:;]([0-5]\d)"
_LINE = re.compile(
    rf"[ \t]*(?:\d{{1,5}}[ \t]+)?{_CODE}[ \t]{{0,8}}[, \t-][ \t]{{0,8}}{_CODE}"
    r"(?:[ \t]{0,8}[, \t]|$)(.*)"
)
_HEAD = re.compile(r"[ \t]*(?:\$|//|@|#|<[\w ]+>[ \t]*$|$)")
"""Lines of settings and remarks, and empty ones."""
_SETTING = re.compile(r"^[ \t]*\$\w+[ \t]*=", re.M)
"""A setting of Spruce, which may stand between cues as its remarks may."""
_END = re.compile(r"[ \t]*<end\b")


def is_timecoded(start: str) -> bool:
    """Whether the first line that is no setting has two timecodes, the second one later."""
    first = next((line for line in start.split("\n") if not _HEAD.match(line)), "")
    found = _LINE.match(first)
    return found is not None and _seconds(found.groups()[:4], 60) < _seconds(
        found.groups()[4:8], 60
    )


def read_timecoded(text: str, ask: Callable[[], float | None] | None = None) -> Reading:
    """Frames as seconds at the rate of the film (`ask`); `|` is a line break."""
    reading = Reading()
    fps = ask() if ask is not None else None
    rate = fps or DEFAULT_FPS
    has_remarks = _SETTING.search(text) is not None
    at: tuple[float, float] | None = None
    words: list[str] = []

    def end() -> None:
        if at is not None:
            reading.add(*at, clean("\n".join(words).replace("|", "\n")))

    for line in text.split("\n"):
        found = _LINE.match(line)
        if found is not None:
            end()
            groups = found.groups()
            at, words = (_seconds(groups[:4], rate), _seconds(groups[4:8], rate)), [groups[8]]
        elif not (
            _END.match(line)
            or _SETTING.match(line)
            or (has_remarks and line.lstrip().startswith("//"))
        ):
            words.append(line)
    end()
    return reading


def _seconds(code: tuple[str | None, ...], rate: float) -> float:
    hours, minutes, seconds, frames = (int(part or 0) for part in code)
    return round(hours * 3600 + minutes * 60 + seconds + frames / rate, 3)
