"""The cue sheet of a file that holds a whole disc or show: in its tags (FLAC, WavPack, Monkey's
Audio), or in a file beside it (show.cue or show.mp3.cue beside show.mp3)."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping

from omni_core.media.held import held_as, read_beside
from omni_core.text.charset import decode

log = logging.getLogger(__name__)

TAG = "cuesheet"
_LINE = re.compile(r'(?i)\s*(FILE|TRACK|TITLE|PERFORMER|INDEX\s+0*1)\s+(?:"([^"]*)"|(.*\S))')
_TIME = re.compile(r"(\d+):(\d\d):(\d\d)")
FRAMES_A_SECOND = 75
MAX_BYTES = 1 << 20
"""Bytes that are read of a sheet beside a file: 99 tracks have a few thousand."""
_FILE = re.compile(r'(?im)^\s*FILE\s+(?:"([^"\n]*)"|(\S+))')


def tracks(tags: Mapping[str, str]) -> list[tuple[float, str]]:
    """(second, title) of the tracks of the sheet in these tags, of the first file that it names;
    a track's own performer precedes its title."""
    return _tracks(next((value for name, value in tags.items() if name.lower() == TAG), ""))


def tracks_beside(path: str) -> list[tuple[float, str]]:
    """(second, title) of the tracks of the sheet beside a file; none where there is no sheet, or
    it is of other files: of each track one."""
    held = held_as(path)
    own = path if held is None else held.file.path
    stem = os.path.splitext(own)[0]
    for sheet in (f"{stem}.cue", f"{stem}.CUE", f"{own}.cue"):
        if not os.path.isfile(sheet):
            continue
        try:
            if held is not None:
                data = read_beside(held, sheet, MAX_BYTES) or b""
            else:
                with open(sheet, "rb") as f:
                    data = f.read(MAX_BYTES)
        except OSError as e:  # the recording can be read without it
            log.warning("%s is left out: %s", os.path.basename(sheet), e.strerror or e)
            continue
        text = decode(data)
        named = {quoted or bare for quoted, bare in _FILE.findall(text)}
        return _tracks(text) if len(named) == 1 else []
    return []


def _tracks(sheet: str) -> list[tuple[float, str]]:
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
