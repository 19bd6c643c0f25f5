"""What people wrote into a video or audio file: names, descriptions and lyrics in its metadata.

FFmpeg gives the tags of every container (ID3, APE, Vorbis comments, MP4 atoms, RIFF INFO, ASF,
Matroska) under its own names. Only fields in which people write are taken, and of those only
words: no addresses, checksums, or lines that programs write.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from omni_core.media.av import timed_lyrics
from omni_core.media.av.container import COVER
from omni_core.media.av.tag_text import decoded
from omni_core.media.text.cues import CueWindow, cue_windows
from omni_core.media.text.subtitle_formats import detect_format, parse
from omni_core.media.titles import plain
from omni_core.text.windows import text_windows
from omni_core.types import Channel, CutOptions, FileWarning, Segment, Source, Span, TextContent

MAX_CHARACTERS = 200_000
"""Characters of one tag; a book of lyrics has fewer."""
MAX_WINDOWS = 10_000
"""More than the windows of one text, for numbers of parts that differ."""
FIRST_INSTANT = Span("second", 0, 0)
TAGS_ORIGIN = "file tags"
DESCRIPTION_ORIGIN = "description"
LYRICS_ORIGIN = "lyrics"

_NAMES = {
    "artist": ("artist", "artists", "author", "performer", "album_artist", "albumartist",
               "album artist"),
    "album": ("album", "albumtitle"),
    "composer": ("composer", "lyricist", "writer", "text", "conductor", "arranger", "tope"),
    "show": ("show", "tvshow", "series", "podcast", "collection"),
    "episode": ("episode_id", "episode", "episode_title", "part_title"),
    "subtitle": ("subtitle", "tit3", "grouping", "tit1", "version"),
    "director": ("director",),
    "people": ("actor", "actors", "cast", "narrator", "producer", "speaker", "host", "guest"),
    "genre": ("genre",),
    "keywords": ("keywords", "subject", "tkwd", "ikey"),
    "place": ("location.name", "location", "recording_location", "lieu", "iarl"),
}  # fmt: skip
"""Fields of names, by the word that is shown."""
_PROSE = (
    "description", "synopsis", "summary", "long_description", "longdescription", "ldes", "desc",
    "tdes", "podcastdesc", "podcast description", "comment", "comments", "icmt", "annotation",
    "notes", "abstract", "isbj",
)  # fmt: skip
_OF_TRACK = ("title", "subtitle", "version")
"""Tags of a track that name the track, not the file."""
_LYRICS = ("lyrics", "unsyncedlyrics", "unsynced lyrics", "syncedlyrics", "synchronised lyrics")
_PREFIX = re.compile(r"^(?:com\.(?:apple\.(?:quicktime|itunes)|android)[.:]|wm/|----:)+")
_LANGUAGE = re.compile(r"-(?:[a-z]{3}|xxx|[a-z]{2}(?:[_-][a-z]{2})?)$")
_ADDRESS = re.compile(r"(?i)(?:(?:https?|ftp)://|www\.)\S+")
_POSITION = re.compile(r"[+-]\d{1,3}(?:\.\d+)?[+-]\d{1,3}(?:\.\d+)?(?:[+-][\d.]+)?(?:crs\w+)?/?")
"""Latitude, longitude and height (ISO 6709), which may precede the name of a place."""
_CODE = re.compile(
    r"[0-9A-Fa-f]{8,}(?:[\s:-]+[0-9A-Fa-f]{8,})*|[A-Za-z0-9+/]{40,}={0,2}"
    r"|(?=\S{0,30}\d{3})[A-Z0-9-]{6,36}"
)
"""Checksums, encoded data, and numbers such as ISRC."""
_PROGRAM = re.compile(
    r"(?i).*\b(?:lame|lav[fc]|ffmpeg|sox|handbrake|itunes|audacity|xiph|libvorbis|exact audio copy|"
    r"eac|nero|quicktime|adobe|encoder|google|youtube|shutterstock|jaikoz|picard|mp3tag|freedb|"
    r"cddb|musicmatch|winamp|goldwave|exactaudiocopy|cue splitter|afspdate|ripped by|v\d+\.\d+\w*)"
    r"\b.*"
)
_PROGRAM_CHARACTERS = 90
"""Longer lines that name a program are about it, not by it."""
_NOTHING = re.compile(
    r"(?i)unknown(?: (?:artist|album|title|genre))?|untitled|various(?: artists)?|none|n/?a|other|"
    r"default|no (?:artist|title|album|comments?)|undefined|blank|misc"
)


@dataclass(frozen=True, slots=True)
class Written:
    """Words of one field or group of fields, and their `Segment.origin`."""

    origin: str
    text: str


def tags_of(c: Any) -> dict[str, str]:
    """All tags of an open container by lower-case name; those of the file precede its tracks'."""
    found: dict[str, str] = {str(k).lower(): str(v) for k, v in c.metadata.items()}
    whole = c.format.name == "ogg"  # whose tags are those of its tracks
    for stream in (*c.streams.audio, *c.streams.video):
        if int(stream.disposition) & COVER:
            continue  # "Cover (front)"
        for name, value in stream.metadata.items():
            if whole or name.lower() not in _OF_TRACK:
                found.setdefault(str(name).lower(), str(value))
    found = {name: value[:MAX_CHARACTERS] for name, value in found.items()}
    return decoded(found, c.format.name)


def written(
    tags: Mapping[str, str], title: str, more: Iterable[tuple[str, str]] = ()
) -> list[Written]:
    """Names, then descriptions, then lyrics; without what the title or a field before says.

    more: further names and values, of which names may repeat.
    """
    fields: dict[str, list[str]] = {}
    for name, value in chain(tags.items(), more):
        fields.setdefault(_field(name), []).append(value)
    seen = {plain(title).casefold()}
    names = []
    for label, of_label in {"title": ("title",), **_NAMES}.items():
        values = list(_new(fields, of_label, seen))
        names += [f"{label}: {', '.join(map(plain, values))}"] * bool(values)
    found = [Written(TAGS_ORIGIN, "; ".join(names))] * bool(names)
    found += [Written(DESCRIPTION_ORIGIN, text) for text in _new(fields, _PROSE, seen)]
    lyrics = [name for name in fields if name.startswith(_LYRICS)]
    return found + [Written(LYRICS_ORIGIN, text) for text in _new(fields, lyrics, seen)]


def segments(
    tags: Mapping[str, str],
    source: Source,
    options: CutOptions,
    where: Span = FIRST_INSTANT,
    more: Sequence[tuple[str, str]] = (),
) -> Iterator[Segment | FileWarning]:
    """What is written in the file, or in the part of it that is `where`; lyrics with times at
    theirs."""
    part = 0
    for words in written(tags, source.title, more):
        if words.origin == LYRICS_ORIGIN and detect_format(words.text, ".lrc") == "lrc":
            for w in cue_windows(parse(words.text, ".lrc")):
                span = _within(w, source, where.start)
                yield _segment(source, span, words.origin, w.text, w.track)
            continue
        for window in text_windows(words.text, options):
            yield _segment(source, where, words.origin, window.text, part)
            part += 1
    for name in (name for name, value in tags.items() if len(value) >= MAX_CHARACTERS):
        yield FileWarning(
            f"of its tag {plain(name)[:40]} the first {MAX_CHARACTERS:,} characters can be searched"
        )


def lyrics_of(path: str, source: Source, options: CutOptions) -> Iterator[Segment]:
    """Lyrics with times that FFmpeg does not give, at theirs; those whose times are no seconds, at
    the first instant."""
    for number, lyrics in enumerate(timed_lyrics.read(path), 1):
        if lyrics.counted:
            words = "\n".join(cue.text for cue in lyrics.cues)
            for n, window in enumerate(text_windows(words, options)):
                part = number * MAX_WINDOWS + n
                yield _segment(source, FIRST_INSTANT, LYRICS_ORIGIN, window.text, part)
        else:
            for w in cue_windows(lyrics.cues):
                part = number + w.track
                yield _segment(source, _within(w, source), LYRICS_ORIGIN, w.text, part)


def _within(w: CueWindow, source: Source, start: float = 0.0) -> Span:
    """Where in a source the window is whose times count from its second `start`."""
    seconds = None if source.duration_s is None else source.duration_s - start
    end = w.until(seconds).end
    return Span("second", round(start + w.start, 3), round(start + end, 3))


def _segment(source: Source, span: Span, origin: str, text: str, part: int = 0) -> Segment:
    return Segment(
        source.id, source.modality, Channel.TEXT, span, TextContent(text), text, origin, part
    )


def _field(name: str) -> str:
    """A tag's name without the prefix of a maker and without a language."""
    bare = _PREFIX.sub("", name.lower()).strip()
    return _LANGUAGE.sub("", bare) or bare


def _new(fields: Mapping[str, list[str]], names: Any, seen: set[str]) -> Iterator[str]:
    """The values of these fields that are words and were not seen before."""
    for name in names:
        for value in fields.get(name, ()):
            text = _words(value)
            key = plain(text).casefold()
            if text and key not in seen:
                seen.add(key)
                yield text


def _words(value: str) -> str:
    """The value with its line ends; "" where it holds no words of a person."""
    text = "\n".join(plain(line) for line in value.splitlines()).strip()
    text = _POSITION.sub("", text, count=1).strip() if text[:1] in "+-" else text
    line = plain(text)
    if not re.search(r"[^\W\d_]{2}|[\u3040-\u9fff\uac00-\ud7af]", _ADDRESS.sub("", line)):
        return ""
    if _CODE.fullmatch(line) or _NOTHING.fullmatch(line):
        return ""
    if len(line) <= _PROGRAM_CHARACTERS and _PROGRAM.fullmatch(line):
        return ""
    return text
