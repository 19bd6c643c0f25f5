"""ComicInfo.xml: what readers of comics write beside the pages of one."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from omni_core.errors import UnreadableError
from omni_core.media.document.memory_package import MemoryPackage
from omni_core.media.document.zipped_xml import local

INFO = "comicinfo.xml"
_LABELS = {
    "Summary": "", "Writer": "Writer", "Penciller": "Penciller", "Inker": "Inker",
    "Colorist": "Colorist", "Letterer": "Letterer", "CoverArtist": "Cover artist",
    "Editor": "Editor", "Translator": "Translator", "Publisher": "Publisher",
    "Imprint": "Imprint", "Genre": "Genre", "Tags": "Tags", "StoryArc": "Story arc",
    "SeriesGroup": "Series group", "Characters": "Characters", "Teams": "Teams",
    "Locations": "Locations", "Review": "Review",
}  # fmt: skip
"""Elements that people read, and how they are shown."""
_NUMBER = re.compile(r"\d{1,9}")


@dataclass
class Comic:
    """What is said of a comic: `lines` for people, `headings` of pages that begin a chapter (from
    1), and `warnings` about the file that says it."""

    title: str = ""
    date: datetime | None = None
    lines: list[str] = field(default_factory=list)
    headings: dict[int, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def comic_of(data: bytes) -> Comic:
    """What the bytes of a ComicInfo.xml say, as far as they can be read."""
    comic = Comic()
    parts = MemoryPackage("ComicInfo.xml", {INFO: lambda: data})
    try:
        root = parts.xml(INFO)
    except UnreadableError as e:
        comic.warnings.append(str(e))
        return comic
    comic.warnings += parts.unread.lines()
    if root is None:
        return comic
    said = {local(e): " ".join((e.text or "").split()) for e in root}
    comic.title = _title(said)
    comic.date = _date(said)
    comic.lines = [comic.title] if comic.title else []
    for name, label in _LABELS.items():
        if value := said.get(name):
            comic.lines.append(f"{label}: {value}" if label else value)
    comic.headings = _headings(root)
    return comic


def _title(said: dict[str, str]) -> str:
    """`Series 3: Title`."""
    series = " ".join(filter(None, (said.get("Series"), said.get("Number"))))
    return ": ".join(filter(None, (series if said.get("Series") else "", said.get("Title"))))


def _date(said: dict[str, str]) -> datetime | None:
    numbers = [said.get(name, "") for name in ("Year", "Month", "Day")]
    year, month, day = (int(n) if _NUMBER.fullmatch(n) else 0 for n in numbers)
    try:
        return datetime(year, month or 1, day or 1, tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _headings(root: ET.Element) -> dict[int, str]:
    """The bookmarks of pages, which are counted from 0."""
    found = {}
    for page in (e for e in root.iter() if local(e) == "Page"):
        number, mark = page.get("Image", ""), " ".join(page.get("Bookmark", "").split())
        if _NUMBER.fullmatch(number) and mark:
            found[int(number) + 1] = mark
    return found
