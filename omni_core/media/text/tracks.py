"""Recorded ways and places (GPX, KML, TCX): what people wrote, without thousands of positions.

The points of a way are counted, with the time of the first and the last; places keep their
positions, values their names, and looks are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from omni_core.media.text.markup import without

_ROOT = re.compile(r"<(?:gpx|kml|TrainingCenterDatabase)[\s>]")
ROOT_WITHIN = 2_000
"""Characters in which the first tag of such a file stands."""
_POINTS = ("trkpt", "rtept", "Trackpoint")
_WRITTEN = ("<name>", "<desc>", "<cmt>", "<Notes>")
"""What people write into a point, which is kept then."""
_TIME = re.compile(r"<(?:time|Time|when)>([^<]{4,40})</")
_STATED = re.compile(r"<name>([^<]{1,300})</name>")
_STARTED = re.compile(r"<(?:time|Id|Time|when)>\s{0,40}(\d{4}-[^<]{4,36})</")
_PLACE = re.compile(
    r"<(wpt|rtept)\b(?>[^<>]*?\slat=\"([^\"<>]{1,30})\"\s++)lon=\"([^\"<>]{1,30})\"[^<>]*+>"
)
_LINE = re.compile(r"(<coordinates>)([^<]*)(?=</coordinates>)")
_NAMED = re.compile(r"<(Data|SimpleData) name=\"([^\"<>]{1,200})\"\s*>")
_SPORT = re.compile(r"<Activity Sport=\"([^\"<>]{1,60})\"\s*>")
_FIGURE = re.compile(r"<(TotalTimeSeconds|DistanceMeters|MaximumSpeed|Calories)>")
_LOOKS = ("StyleMap", "styleUrl", "LookAt", "Camera", "gx:coord")
MANY_TIMES = 50
"""Times from which they are those of a way, not of places."""
MANY = 8
"""Positions of a line or an outline that are still read; more are counted."""


@dataclass(frozen=True, slots=True)
class Track:
    """The XML as it is to be read, the title and the date that it states, or ""."""

    markup: str
    title: str
    date: str


def as_track(markup: str) -> Track | None:
    """Such a file; None for any other."""
    root = _ROOT.search(markup, 0, ROOT_WITHIN)
    if root is None:
        return None
    title, date = _STATED.search(markup, root.end()), _STARTED.search(markup, root.end())
    start, of_map = markup[: root.end()], "kml" in root[0]
    rest = markup[root.end() :]
    if of_map:
        rest = _LINE.sub(_counted, _NAMED.sub(r"<\1><name>\2</name>", _without_looks(rest)))
    else:
        for tag in _POINTS:
            rest = "".join(_without_points(rest, tag)) if f"<{tag}" in rest else rest
        rest = _PLACE.sub(r"\g<0><cmt>\2, \3</cmt>", rest)
        rest = _FIGURE.sub(r"<\1>\1 ", _SPORT.sub(r"<Activity><name>\1</name>", rest))
    return Track(start + rest, title[1].strip() if title else "", date[1].strip() if date else "")


def _without_looks(markup: str) -> str:
    times = ("when",) if markup.count("<when>") > MANY_TIMES else ()
    for tag in (*_LOOKS, *times):
        markup = without(markup, f"<{tag}>", f"</{tag}>")
    if "<BalloonStyle" not in markup:  # has words
        for begin in ("<Style>", "<Style "):
            markup = without(markup, begin, "</Style>")
    return markup


def _counted(line: re.Match[str]) -> str:
    count = len(line[2].split())
    return line[1] + (f"{count} positions" if count > MANY else line[2])


def _without_points(markup: str, tag: str) -> Iterator[str]:
    """The markup with a count in place of each row of points that have no words of their own."""
    markup = re.sub(rf"<{tag}\b([^<>]*)/>", rf"<{tag}\1></{tag}>", markup)
    *pieces, last = markup.split(f"</{tag}>")
    count, times = 0, list[str]()
    for piece in pieces:
        at = piece.rfind(f"<{tag}")
        before, point = piece[: max(at, 0)], piece[max(at, 0) :]
        worded = at < 0 or any(mark in point for mark in _WRITTEN)
        if count and (before.strip() or worded):
            yield _row(count, times)
            count, times = 0, []
        yield before
        if worded:
            yield f"{point}</{tag}>"
            continue
        count += 1
        times += [said[1].strip() for said in [_TIME.search(point)] if said]
    if count:
        yield _row(count, times)
    yield last


def _row(count: int, times: list[str]) -> str:
    span = f", {times[0]} to {times[-1]}" if times else ""
    return f"<desc>{count} point{'s' * (count > 1)}{span}</desc>"
