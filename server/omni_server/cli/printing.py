"""Output: tables, times, a progress bar on a terminal, JSON.

Titles and words come from media, so every text passes `one_line` or `clean`: it must not contain
terminal control sequences.
"""

from __future__ import annotations

import json
import logging
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

from omni_server.observe import logs
from omni_server.text import one_line

log = logging.getLogger(__name__)


def say(line: str = "") -> None:
    """One line to stdout."""
    sys.stdout.write(f"{line}\n")


def hint(line: str, *, error: bool = False) -> None:
    """One line to stderr, apart from the result; where that is a log in JSON, a line of it."""
    if logs.is_json():
        log.log(logging.ERROR if error else logging.INFO, "%s", line.strip())
    else:
        sys.stderr.write(f"{line}\n")


def as_json(value: Any) -> None:
    """Data to stdout."""
    say(json.dumps(plain(value), ensure_ascii=False, indent=2))


def plain(value: Any) -> Any:
    """Dataclasses, enums, dates and bytes as JSON values; bytes become their length.

    Fields that a dataclass leaves out of its repr are left out here too."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value) if f.repr}
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, bytes):
        return {"bytes": len(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(v) for v in value]
    if isinstance(value, str):
        return str(value)
    return value


def table(rows: Sequence[Sequence[str]], head: Sequence[str], *, right: Iterable[int] = ()) -> None:
    """Columns as wide as they need; the last one is cut at the edge of a terminal."""
    cells = [list(head), *([one_line(c) for c in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    numbers = set(right)
    edge = shutil.get_terminal_size((10_000, 24)).columns if sys.stdout.isatty() else 10_000
    for row in cells:
        parts = [
            c.rjust(w) if i in numbers else c.ljust(w)
            for i, (c, w) in enumerate(zip(row, widths, strict=True))
        ]
        say("  ".join(parts).rstrip()[:edge])


def length(seconds: float | None, pages: int | None) -> str:
    """`48:10`, `1:02:03`, `31 p.`, or nothing."""
    if pages:
        return f"{pages} p."
    if not seconds:
        return ""
    minutes, s = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{s:02}" if hours else f"{minutes}:{s:02}"


class Bar:
    """A progress bar on stderr; silent where that is not a terminal."""

    WIDTH = 24

    def __init__(self) -> None:
        self._on = sys.stderr.isatty()
        self._shown = False

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *exc: object) -> None:
        self.clear()

    def show(self, fraction: float, text: str) -> None:
        """Redraw at `fraction` (0 to 1)."""
        if not self._on:
            return
        full = round(self.WIDTH * min(max(fraction, 0.0), 1.0))
        line = f"[{'#' * full}{'.' * (self.WIDTH - full)}] {fraction:4.0%} {one_line(text)}"
        columns = shutil.get_terminal_size((80, 24)).columns
        sys.stderr.write("\r\x1b[K" + line[: columns - 1])
        sys.stderr.flush()
        self._shown = True

    def clear(self) -> None:
        """Erase the bar, so that other lines can follow."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._shown = False
