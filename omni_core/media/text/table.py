"""CSV and TSV: rows as lines of text with the column names, spans in characters."""

from __future__ import annotations

import csv
import io
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby, islice

from omni_core.errors import UnreadableError
from omni_core.media.dates import from_file
from omni_core.media.text.plain import MAX_MB, read, read_decoded
from omni_core.media.text.rows import LOOKED_AT, MAX_COLUMNS, RowWindow, row_windows
from omni_core.media.titles import title
from omni_core.protocols import Medium
from omni_core.text.charset import decode, is_text
from omni_core.types import (
    Channel,
    CutOptions,
    FileWarning,
    MediaInfo,
    Modality,
    Segment,
    Source,
    Span,
    TextContent,
)

DELIMITERS = ",;\t|"
_TABS = (".tsv", ".tab")
_TOLD = re.compile(r"\ufeff?sep=([^\s\w])[ \t]*\n", re.I)
"""A first line by which spreadsheets tell each other the delimiter."""
PROSE_WORDS = 6
"""Words a row from which rows without common columns are sentences."""
SAMPLE = 20_000
"""Characters by which the form of a table is told."""
_BEGIN, _END = r"(?:^|[,;\t|])[ ]*\"", r"[ ]*(?:[,;\t|]|$)"
_ESCAPED = re.compile(rf"{_BEGIN}(?:[^\"\n]*[^\"\n\\])?\\\"(?!\"|{_END})", re.M)
"""A quote within a cell as databases write it: `\\"`, which ends a cell of other programs."""
_ESCAPE = re.compile(
    rf"({_BEGIN}(?:[A-Za-z]:\\|\\\\)[^\"\n]*\"(?={_END}))|(?<!\\)((?:\\\\)*)\\\"", re.M
)
"""A folder as a cell, whose last backslash escapes nothing, or such a quote."""
_QUOTED = re.compile(r'"[^"]*"')


class TableMedium(Medium):
    """Delimited text; its bytes do not differ from prose, so the suffix decides."""

    rank = 6
    kinds = "tables (CSV, TSV)"

    def matches(self, head: bytes, suffix: str) -> bool:
        """Text with the suffix of a table; with that of a workbook, if its lines have tabs or tell
        the delimiter."""
        if suffix in (".xls", ".xlsx"):
            first = decode(head).partition("\n")
            return is_text(head) and ("\t" in first[0] or bool(_TOLD.match("".join(first))))
        return suffix in (".csv", ".tsv", ".tab") and is_text(head)

    def probe(self, path: str, password: str | None = None) -> MediaInfo:
        """Raises TooLargeError over 64 MB, UnreadableError (UNSUPPORTED_TYPE) for prose."""
        text = read_decoded(path)
        if _is_prose(_rows(text.text, os.path.splitext(path)[1].lower())):
            name = os.path.basename(path)
            raise UnreadableError(f"{name!r} holds sentences, no table", code="UNSUPPORTED_TYPE")
        when, origin = from_file(path)
        mime = "text/tab-separated-values" if path.lower().endswith(_TABS) else "text/csv"
        return MediaInfo(
            Modality.DOCUMENT, mime, title(path), recorded_at=when, recorded_at_from=origin,
            warnings=text.warnings,
        )  # fmt: skip

    def decompose(
        self, path: str, source: Source, options: CutOptions
    ) -> Iterator[Segment | FileWarning]:
        """Windows of rows; cells beyond `MAX_COLUMNS` are read without the names of their columns,
        with a warning."""
        wide = 0

        def rows() -> Iterator[tuple[int, int, Sequence[str]]]:
            nonlocal wide
            for start, end, cells in _rows(read(path), os.path.splitext(path)[1].lower()):
                wide += any(cells[MAX_COLUMNS:])
                yield start, end, cells

        for span, windows in groupby(row_windows(rows(), options.text_window_words), _span):
            for part, w in enumerate(windows):  # the pieces of a long row share its span
                yield Segment(
                    source.id, Modality.DOCUMENT, Channel.TEXT, span, TextContent(w.text), w.text,
                    "table", part,
                )  # fmt: skip
        if wide:
            rows_ = "row has" if wide == 1 else "rows have"
            yield FileWarning(
                f"{wide:,} {rows_} more than {MAX_COLUMNS:,} cells: the ones after these are read "
                "without the names of their columns"
            )


def _span(window: RowWindow) -> Span:
    return Span("char", window.start, window.end)


def _is_prose(rows: Iterator[tuple[int, int, Sequence[str]]]) -> bool:
    """Whether the first rows are sentences: long, and of one cell or of ever other numbers."""
    found = [cells for _, _, cells in islice(rows, LOOKED_AT) if any(c.strip() for c in cells)]
    if not found:
        return False
    width, often = Counter(map(len, found)).most_common(1)[0]
    words = sum(len(cell.split()) for cells in found for cell in cells)
    return words >= PROSE_WORDS * len(found) and (width == 1 or 2 * often <= len(found))


def _rows(text: str, suffix: str) -> Iterator[tuple[int, int, Sequence[str]]]:
    """(first character, last, cells) of each row; a quoted cell may hold line breaks."""
    at = 0

    def lines() -> Iterator[str]:
        nonlocal at
        for line in io.StringIO(text):  # at "\n" only: cells hold other separators
            at += len(line)
            yield _ESCAPE.sub(_doubled, line) if escaped else line

    csv.field_size_limit(MAX_MB << 20)
    escaped = _ESCAPED.search(text, 0, SAMPLE) is not None
    told = _TOLD.match(text)
    delimiter = told[1] if told else "\t" if suffix in _TABS else _delimiter(text[:SAMPLE])
    spaced = _has_spaced_quotes(text[:SAMPLE], delimiter)
    reader = csv.reader(lines(), delimiter=delimiter, skipinitialspace=spaced)
    has_formulas = '="' in text
    start = 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:  # characters that the parser refuses: the line as one cell
            cells = [text[start:at]]
        if has_formulas:
            cells = [_without_formula(cell) for cell in cells]
        if not (told and start == 0):
            yield start, at, cells
        start = at


def _without_formula(cell: str) -> str:
    """The text of `="00123"`, by which programs keep spreadsheets from taking it for a number."""
    is_text = cell[:2] == '="' and cell[-1] == '"' and '"' not in cell[2:-1]
    return cell[2:-1] if is_text and len(cell) > len('=""') else cell


def _doubled(found: re.Match[str]) -> str:
    return found[1] or f'{found[2]}""'


def _has_spaced_quotes(text: str, delimiter: str) -> bool:
    """Whether quoted cells follow a space: `1, "Smith, John", 3`."""
    mark = re.escape(delimiter)
    return re.search(rf'{mark} +"[^"\n]*" *(?:{mark}|\n|\Z)', text) is not None


def _delimiter(text: str) -> str:
    """The delimiter that most of the first lines have equally often; decimal commas vary."""
    lines = [_QUOTED.sub("", line) for line in text.split("\n")[:LOOKED_AT] if line.strip()]

    def rating(delimiter: str) -> tuple[int, int]:
        often = Counter(n for line in lines if (n := line.count(delimiter)))
        return max(((lines_, n) for n, lines_ in often.items()), default=(0, 0))

    return max(DELIMITERS, key=rating)
