"""Tags of an MP3, a WAV, an AIFF or an MP4 of which FFmpeg gives nothing.

Lyrics of ID3v2.2, comments with a description, the other values of a tag that has several, the APE
tag at the end of an MP3, and the notes of recorders on a set (iXML).
"""

from __future__ import annotations

import html
import os
import re
from collections.abc import Iterator
from typing import Any

from omni_core.media.av.id3_frames import chunk, end_of_text, frames, utf16, zero_bytes
from omni_core.media.av.itunes_tags import all_values
from omni_core.media.av.tag_text import decoded

_NAMED = {
    b"TIT1": "grouping", b"TIT2": "title", b"TIT3": "subtitle", b"TALB": "album",
    b"TPE1": "artist", b"TPE2": "album_artist", b"TPE3": "conductor", b"TPE4": "arranger",
    b"TCOM": "composer", b"TEXT": "lyricist", b"TCON": "genre", b"TKWD": "keywords",
    b"TT1": "grouping", b"TT2": "title", b"TT3": "subtitle", b"TAL": "album", b"TP1": "artist",
    b"TP2": "album_artist", b"TP3": "conductor", b"TP4": "arranger", b"TCM": "composer",
    b"TXT": "lyricist", b"TCO": "genre",
}  # fmt: skip
_LONG = {b"COMM": "comment", b"COM": "comment", b"USLT": "lyrics", b"ULT": "lyrics"}
"""Frames that begin with a language and a description."""
_READ = {*_NAMED.values(), *_LONG.values()}
"""FFmpeg names a comment that has a description by that, and nobody reads it there."""
_BY_PROGRAMS = ("itun", "musicmatch", "songs-db")
"""With these words begin descriptions of comments that programs write for themselves."""
_UTF8 = 3
_IXML = b"iXML"
MAX_IXML_BYTES = 1 << 20
_NOTED = re.compile(r"<(PROJECT|SCENE|TAKE|NOTE|NAME)>([^<]{1,4000})</")
_OF_SET = {"PROJECT": "show", "NOTE": "comment", "NAME": "keywords"}
"""What is noted on a set, and the names of the tracks, by the tags that say such things."""
_APE_FORMATS = ("mp3", "aac")
"""Formats whose APE tags FFmpeg leaves unread."""
_APE = b"APETAGEX"
APE_FOOTER, APE_TAIL, MAX_APE_BYTES, MAX_APE_ITEMS = 32, 64 << 10, 16 << 20, 1000
_APE_HEADER, _APE_KIND = 1 << 29, 6


def more_tags(path: str, c: Any) -> list[tuple[str, str]]:
    """(name, value) of the tags in the file that the open container does not give."""
    given = {
        str(value).strip()
        for of in (c, *c.streams.audio)
        for name, value in of.metadata.items()
        if str(name).lower().partition("-")[0] in _READ
    }
    several = all_values(path) if "mp4" in c.format.name else _id3(path)
    found = [(name, value) for name, value in several if value.strip() not in given]
    if c.format.name == "wav":
        found += _ixml(path)
    if c.format.name in _APE_FORMATS:
        found += _ape(path)
    values = decoded({str(n): value for n, (_, value) in enumerate(found)}, "mp3")
    return [(name, values[str(n)]) for n, (name, _) in enumerate(found)]


def _id3(path: str) -> Iterator[tuple[str, str]]:
    for name, body in frames(path):
        if not body:
            continue
        if name in _NAMED:
            values = list(_texts(body, 1, body[0]))
            yield from ((_NAMED[name], value) for value in values[1:] if value)
        elif name in _LONG and len(body) > 4:
            described, *words = [*_texts(body, 4, body[0]), ""]
            if not described.casefold().startswith(_BY_PROGRAMS):
                yield from ((_LONG[name], value) for value in words if value)


def _texts(body: bytes, at: int, encoding: int) -> Iterator[str]:
    """The texts from `at` on, which zeros separate. One byte a character is taken for ISO 8859-1
    as FFmpeg does; `tag_text` finds the code page."""
    while at < len(body):
        end = end_of_text(body, at, encoding)
        raw = body[at:end]
        if encoding in (1, 2):
            yield utf16(raw, encoding)
        else:
            yield raw.decode("utf-8" if encoding == _UTF8 else "latin-1", "replace")
        at = end + zero_bytes(encoding)


def _ixml(path: str) -> Iterator[tuple[str, str]]:
    """Project, scene and take, notes, and the names of tracks."""
    with open(path, "rb") as f:
        at, size = chunk(f, _IXML)
        f.seek(at)
        notes = f.read(min(size, MAX_IXML_BYTES)).decode("utf-8", "replace")
    noted = [(name, html.unescape(value).strip()) for name, value in _NOTED.findall(notes)]
    of_take = [f"{name.lower()} {value}" for name, value in noted if name in ("SCENE", "TAKE")]
    if of_take:
        yield "episode", ", ".join(of_take)
    yield from ((_OF_SET[name], value) for name, value in noted if name in _OF_SET and value)


def _ape(path: str) -> Iterator[tuple[str, str]]:
    """The texts of an APEv2 tag near the end of a file, before an ID3v1 tag or lyrics."""
    size = os.path.getsize(path)
    with open(path, "rb") as f:
        f.seek(max(0, size - APE_TAIL))
        begin = f.tell()
        tail = f.read()
        at = tail.rfind(_APE)
        footer = tail[at : at + APE_FOOTER]
        if at < 0 or len(footer) < APE_FOOTER or _number(footer, 20) & _APE_HEADER:
            return
        length = _number(footer, 12)
        first = begin + at + APE_FOOTER - length
        if not APE_FOOTER <= length <= MAX_APE_BYTES or first < 0:
            return
        f.seek(first)
        items = f.read(length - APE_FOOTER)
    at = 0
    for _ in range(min(_number(footer, 16), MAX_APE_ITEMS)):
        end = items.find(b"\0", at + 8)
        if end < 0:
            return
        name, kind = items[at + 8 : end].decode("latin-1"), _number(items, at + 4) & _APE_KIND
        length, at = _number(items, at), end + 1
        if not kind:
            words = items[at : at + length].decode("utf-8", "replace")
            yield from ((name.lower(), value) for value in words.split("\0") if value)
        at += length


def _number(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")
