"""A cue sheet in the tags of a file that holds a whole disc (FLAC, WavPack, Monkey's Audio)."""

from __future__ import annotations

import re
from collections.abc import Mapping

TAG = "cuesheet"
_LINE = re.compile(r'(?i)\s*(FILE|TRACK|TITLE|PERFORMER|INDEX\s+0*1)\s+(?:"([^"]*)"|(.*\S))')
_TIME = re.compile(r"(\d+):(\d\d):(\d\d)")
FRAMES_A_SECOND = 75


def tracks(tags: Mapping[str, str]) -> list[tuple[float, str]]:
    """(second, title) of the tracks of the sheet in these tags, of the first file that it names;
    a track's own performer precedes its title."""
    sheet = next((value for name, value in tags.items() if name.lower() == TAG), "")
    found: list[tuple[float, str]] = []
    title = performer = ""
    files, in_track = 0, False
    for line in sheet.splitlines():
        if (said := _LINE.match(line)) is None:
            continue
        word, value = said[1].upper(), said[2] if said[2] is not None else said[3]
        if word == "FILE":
            files += 1
            if files > 1:
                break
        elif word == "TRACK":
            title, performer, in_track = "", "", True
        elif word == "TITLE" and in_track:
            title = value
        elif word == "PERFORMER" and in_track:
            performer = value
        elif in_track and (at := _TIME.match(value)):
            second = int(at[1]) * 60 + int(at[2]) + int(at[3]) / FRAMES_A_SECOND
            found.append((second, f"{performer}: {title}" if performer and title else title))
    return found
