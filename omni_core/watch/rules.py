"""Which files of a watched folder count: no hidden ones, no partial downloads, no lock files."""

from __future__ import annotations

import os
import re
from collections.abc import Collection

from omni_core.text.subtitle_names import Stems, is_recording, is_subtitle, stems

_UNFINISHED = re.compile(
    r"(?P<name>.*)\.(part|partial|crdownload|download|opdownload|filepart|aria2|!qb|!ut|tmp|temp"
    r"|swp|bak~?)|.*~",
    re.IGNORECASE | re.DOTALL,
)
"""Names that browsers, download managers and editors give to files that they still write."""
_LOCK = re.compile(r"~\$.*|\.?~lock\..*#", re.DOTALL)
_SYSTEM = frozenset({"thumbs.db", "desktop.ini", "ehthumbs.db"})


def is_in(path: str, folder: str) -> bool:
    """Whether the path is this folder or lies in it; nothing lies in ""."""
    return bool(folder) and (path == folder or path.startswith(folder.rstrip(os.sep) + os.sep))


def counts(name: str) -> bool:
    """Whether a file or folder of this name is looked at."""
    return not (
        name.startswith(".")
        or _LOCK.fullmatch(name)
        or _UNFINISHED.fullmatch(name)
        or name.lower() in _SYSTEM
    )


def beside_media(name: str, siblings: Collection[str]) -> bool:
    """Whether it is `talk.srt` or `talk.en.srt` beside `talk.mp4`, which is read with the video.

    A video that is still being downloaded (`talk.mp4.part`) counts as there.
    """
    if not is_subtitle(name):
        return False
    found = Stems(stems(name))
    for sibling in siblings:
        unfinished = _UNFINISHED.fullmatch(sibling)
        other = (unfinished and unfinished["name"]) or sibling
        if found.has(os.path.splitext(other)[0]) and is_recording(other):
            return True
    return False
