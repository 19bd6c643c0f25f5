"""The cue sheet of a file that holds a whole disc or show: in its tags (FLAC, WavPack, Monkey's
Audio), or in a file beside it (show.cue or show.mp3.cue beside show.mp3)."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator, Mapping

from omni_core.media.held import held_as, own_bytes
from omni_core.text.charset import decode

log = logging.getLogger(__name__)

TAG = "cuesheet"
_LINE = re.compile(r'(?i)(FILE|TRACK|TITLE|PERFORMER|INDEX\s+0*1)\s+(?:"([^"]*)"|(.+))')
_TIME = re.compile(r"(\d{1,6}):(\d\d):(\d\d)")
FRAMES_A_SECOND = 75
MAX_BYTES = 1 << 20
"""Bytes that are read of a sheet beside a file: 99 tracks have a few thousand."""


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
    for beside in (f"{stem}.cue", f"{stem}.CUE", f"{own}.cue"):
        if not os.path.isfile(beside):
            continue
        try:
            data = own_bytes(held, beside, MAX_BYTES) or b""
        except OSError as e:  # the recording can be read without it
            log.warning("%s is left out: %s", os.path.basename(beside), e.strerror or e)
            continue
        sheet = decode(data)
        files = {value for word, value in _lines(sheet) if word == "FILE"}
        return _tracks(sheet) if len(files) == 1 else []
    return []


def _lines(sheet: str) -> Iterator[tuple[str, str]]:
    """(word, value) of the lines that are understood."""
    for line in sheet.splitlines():
        if said := _LINE.match(line.strip()):  # spaces at the end would be tried one by one
            yield said[1].upper(), said[2] if said[2] is not None else said[3]


def _tracks(sheet: str) -> list[tuple[float, str]]:
    found: list[tuple[float, str]] = []
    title = performer = ""
    file, in_track = "", False
    for word, value in _lines(sheet):
        if word == "FILE":
            if file not in ("", value):
                break
            file = value
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
