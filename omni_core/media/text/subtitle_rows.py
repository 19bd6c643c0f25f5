"""Cues as rows of a table: Whisper's TSV and CSV in milliseconds, and Audacity's labels."""

from __future__ import annotations

import csv
import re

from omni_core.media.text.cues import clean
from omni_core.media.text.plain import MAX_MB
from omni_core.media.text.subtitle_reading import Reading

_HEADER = re.compile(r'"?start"?([\t,])"?end"?\1(?:"?speaker"?\1)?"?text"?[ \t]*\n\d+\1\d+\1', re.I)
_LABEL = re.compile(r"(\d+[.,]\d{6})\t(\d+[.,]\d{6})\t(.*)")
_FREQUENCIES = "\\"
"""What begins the second line of a label that Audacity keeps for a range of pitches."""


def is_rows(start: str) -> bool:
    """Whether the beginning of a text is that of such a table."""
    return _HEADER.match(start) is not None or _LABEL.match(start) is not None


def read_rows(text: str) -> Reading:
    """The cues; rows without times are named."""
    header = _HEADER.match(text)
    return _labels(text) if header is None else _whisper(text, header[1])


def _labels(text: str) -> Reading:
    reading = Reading()
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.startswith(_FREQUENCIES):
            continue
        label = _LABEL.match(line)
        if label is None:
            reading.untimed.append(f"line {number}")
            continue
        start, end = (float(label[n].replace(",", ".")) for n in (1, 2))
        reading.add(start, end, clean(label[3]))
    return reading


def _whisper(text: str, delimiter: str) -> Reading:
    reading = Reading()
    csv.field_size_limit(MAX_MB << 20)
    lines = text.split("\n")
    tabs = delimiter == "\t"
    rows = (line.split("\t") for line in lines) if tabs else csv.reader(lines)
    speakers = len(next(rows)) > 3
    for number, row in enumerate(rows, 2):
        if not any(row):
            continue
        if len(row) < 3 + speakers or not (row[0].isdecimal() and row[1].isdecimal()):
            reading.untimed.append(f"row {number}")
            continue
        words = clean(delimiter.join(row[2 + speakers :]))
        who = row[2].strip() if speakers else ""
        said = f"{who}: {words}" if who and words else words
        reading.add(int(row[0]) / 1000, int(row[1]) / 1000, said)
    return reading
