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

from omni_core.text.language_names import LANGUAGES, language
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
    rf"|captions?|transcript|(?:{'|'.join(LANGUAGES)})(?:[_-](?:[a-z]{{2}}|\d{{3}}|han[st]))?)[\])]?$"
)
_COPY = re.compile(r"[ _]?\(\d{1,2}\)$")
"""What browsers add to the name of a second download."""


def stems(name: str) -> list[str]:
    """The names without suffix of the films that a subtitle file may belong to, nearest first."""
    stem = os.path.splitext(name)[0]
    found = [stem]
    for _ in range(MAX_PARTS):
        shorter = _PART.sub("", _COPY.sub("", stem))
        if shorter == stem:
            shorter = os.path.splitext(stem)[0]
        if not shorter or shorter == stem:
            break
        stem = shorter
        found.append(stem)
    return found


def language_of(name: str) -> str:
    """The ISO 639-1 code of the language that a subtitle file's name states: its last part that is
    one, where `hi` beside another means the hearing impaired; "" where there is none."""
    parts = re.split(r"[ ._()\[\]]+", os.path.splitext(name)[0])[1:]
    found = list(filter(None, map(language, parts)))
    return next((one for one in reversed(found) if one != "hi"), found[0] if found else "")


class Stems:
    """Names without suffix, of which one may be the nearest that a subtitle file belongs to; the
    case of letters counts where two differ by nothing else."""

    def __init__(self, stems: Iterable[str]) -> None:
        self._exact = set(stems)
        self._folded = {stem.casefold() for stem in self._exact}

    def has(self, stem: str) -> bool:
        """Whether it is among them, in any case."""
        return stem.casefold() in self._folded

    def belongs(self, name: str, film: str) -> bool:
        """Whether of these the film (a name without suffix) is the one that the file belongs to."""
        nearest = next(filter(self.has, stems(name)), None)
        if nearest is None or nearest in self._exact:
            return nearest == film
        return nearest.casefold() == film.casefold()


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
        self._stems = Stems(os.path.splitext(p)[0] for p in media)
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
        return middle.lower() in SUBTITLE_FOLDERS and self._stems.has(os.path.join(top, last))

    def _has(self, folder: str, name: str) -> bool:
        return any(self._stems.has(os.path.join(folder, stem)) for stem in stems(name))
