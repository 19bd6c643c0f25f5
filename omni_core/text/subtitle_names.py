"""Which subtitle file belongs to which film or recording, by their names.

`talk.srt`, `talk.en.srt`, `talk.en.sdh.srt` and `talk_en.srt` belong to `talk.mp4` beside them; so
does what lies in a folder `Subs` beside it under such a name, or in `Subs/talk`, or under any name
(`2_English.srt`) while `talk.mp4` is the only film there.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable

from omni_core.text.suffixes import SUBTITLE_SUFFIXES

SUBTITLE_FOLDERS = frozenset({"subs", "sub", "subtitles", "subtitle", "captions"})
MAX_PARTS = 3
"""Parts of a name that may follow that of the film: language, role, variant."""
FILMS = (
    ".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi", ".flv", ".ts", ".mts", ".m2ts", ".mpg",
    ".mpeg", ".wmv", ".ogv", ".mxf", ".3gp", ".3g2", ".asf", ".divx", ".dv", ".f4v", ".m2v", ".nut",
    ".ogm", ".qt", ".rmvb", ".vob", ".wtv",
)  # fmt: skip
_SOUND = (
    ".mp3", ".m4a", ".m4b", ".wav", ".flac", ".ogg", ".oga", ".opus", ".aac", ".mka", ".wma",
    ".aif", ".aiff", ".ac3", ".eac3", ".dts", ".amr", ".ape", ".au", ".caf", ".dff", ".dsf", ".mp2",
    ".mpc", ".ra", ".rm", ".shn", ".tak", ".tta", ".voc", ".w64", ".wv",
)  # fmt: skip
_PART = re.compile(
    r"(?i)[ _\-]+[\[(]?(?:forced|sdh|cc|hi|signs|songs|foreign|full|dialogue|subs?|subtitles?|auto"
    r"|captions?|en|eng|english|de|ger|deu|german|deutsch|fr|fre|fra|french|es|spa|spanish|it|ita"
    r"|italian|pt|por|portuguese|ptbr|nl|dut|nld|dutch|sv|swe|swedish|da|dan|danish|no|nor|nb|fi|fin"
    r"|finnish|pl|pol|polish|cs|cze|ces|czech|ru|rus|russian|uk|ukr|ja|jpn|japanese|ko|kor|korean|zh"
    r"|chi|zho|chs|cht|chinese|ar|ara|arabic|he|heb|hebrew|hin|hindi|tr|tur|turkish|el|gre|ell|greek"
    r"|hu|hun|ro|rum|ron|vi|vie|th|tha|id|ind)[\])]?$"
)


def stems(name: str) -> list[str]:
    """The names without suffix of the films that a subtitle file may belong to, nearest first."""
    stem = os.path.splitext(name)[0]
    found = [stem]
    for _ in range(MAX_PARTS):
        shorter = _PART.sub("", stem)
        if shorter == stem:
            shorter = os.path.splitext(stem)[0]
        if not shorter or shorter == stem:
            break
        stem = shorter
        found.append(stem)
    return found


def is_subtitle(name: str) -> bool:
    """Whether a file's suffix is that of subtitles."""
    return name.lower().endswith(SUBTITLE_SUFFIXES)


def is_recording(name: str) -> bool:
    """Whether a file's suffix is that of a film or of sound, with which subtitles are read; beside
    `talk.pdf` they are read by themselves."""
    return name.lower().endswith(FILMS + _SOUND)


class Films:
    """Files that may have subtitles beside them."""

    def __init__(self, paths: Iterable[str]) -> None:
        """`paths`: of all files; those that are no recordings are left out."""
        media = [p for p in paths if is_recording(p)]
        self._stems = {os.path.splitext(p)[0] for p in media}
        self._in_folder = Counter(os.path.dirname(p) for p in media if p.lower().endswith(FILMS))

    def read(self, path: str) -> bool:
        """Whether the subtitle file is read with one of them."""
        if not is_subtitle(path):
            return False
        folder, name = os.path.split(path)
        if self._has(folder, name):
            return True
        above, last = os.path.split(folder)
        if last.lower() in SUBTITLE_FOLDERS:
            return self._has(above, name) or self._in_folder[above] == 1
        top, middle = os.path.split(above)
        return middle.lower() in SUBTITLE_FOLDERS and os.path.join(top, last) in self._stems

    def _has(self, folder: str, name: str) -> bool:
        return any(os.path.join(folder, stem) in self._stems for stem in stems(name))
