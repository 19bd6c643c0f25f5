"""Cues as rows of a table: Whisper's TSV and CSV in milliseconds, and Audacity's labels."""

from __future__ import annotations

import csv
import itertools
import re
import statistics

from omni_core.media.text.cues import clean
from omni_core.media.text.plain import MAX_MB
from omni_core.media.text.subtitle_reading import Reading

_HEADER = re.compile(r'"?start"?([\t,])"?end"?\1(?:"?speaker"?\1)?"?text"?[ \t]*\n\d+\1\d+\1', re.I)
_LABEL = re.compile(r"(\d+[.,]\d{6})\t(\d+[.,]\d{6})\t(.*)")
_TIMES = re.compile(r'^"?(\d{1,12})"?[\t,]"?(\d{1,12})"?[\t,]', re.M)
_WHOLE = re.compile(r"\d{1,12}")
SHORT = 100
"""Milliseconds that most cues are longer than; years and places of letters are not."""
_FREQUENCIES = "\\"
"""What begins the second line of a label that Audacity keeps for a range of pitches."""


def is_rows(start: str) -> bool:
    """Whether the beginning of a text is that of such a table."""
    if _HEADER.match(start) is not None:
        lengths = [int(row[2]) - int(row[1]) for row in _TIMES.finditer(start)]
        return bool(lengths) and statistics.median(lengths) > SHORT
    return _LABEL.match(start) is not None and _follow_one_another(start)


def _follow_one_another(start: str) -> bool:
    """Whether times are those of labels, most of which do not overlap; places on a map do."""
    labels = [label for line in start.split("\n") if (label := _LABEL.match(line)) is not None]
    times = [tuple(float(label[n].replace(",", ".")) for n in (1, 2)) for label in labels]
    if any(start > end for start, end in times) or times != sorted(times, key=lambda t: t[0]):
        return False
    overlaps = sum(after[0] < before[1] for before, after in itertools.pairwise(times))
    return 2 * overlaps <= len(times) - 1


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
    rows = (
        (line.split("\t") for line in lines) if tabs else csv.reader(f"{line}\n" for line in lines)
    )
    speakers = len(next(rows)) > 3
    for number, row in enumerate(rows, 2):
        if not any(row):
            continue
        if len(row) < 3 + speakers or not all(map(_WHOLE.fullmatch, row[:2])):
            reading.untimed.append(f"row {number}")
            continue
        words = clean(delimiter.join(row[2 + speakers :]))
        who = row[2].strip() if speakers else ""
        said = f"{who}: {words}" if who and words else words
        reading.add(int(row[0]) / 1000, int(row[1]) / 1000, said)
    return reading
