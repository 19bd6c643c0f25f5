"""An opened reference as data for the page: words with times, images with the places of words."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from omni_core.text.clean import clean
from omni_server.render import results
from omni_server.text import one_line

if TYPE_CHECKING:
    from omni_core.engine.results import (
        Checked,
        ClipFile,
        Line,
        Opened,
        RenderedImage,
        SourceRow,
        SpeakersOf,
    )

MAX_LINE = 20_000
"""Characters of one line that the page shows."""


def opened(o: Opened, *, may_name: bool = False) -> dict[str, Any]:
    """What the page shows of a reference; absent keys are empty. `may_name`: whether the caller
    may give speakers names.

    `span` and the lines' `start` and `end` are seconds, pages or characters by `axis`; `image` is
    a JPEG as base64, its `words` are [text, left, top, right, bottom] in fractions of the sides.
    """
    return _filled(
        {
            "ref": o.ref,
            "cite": one_line(o.cite),
            "source": source(o.source),
            "window": one_line(o.window),
            "axis": o.span.axis if o.span else "",
            "span": [o.span.start, o.span.end] if o.span else None,
            "lines": [_line(line) for line in o.lines],
            "image": _image(o.pictures[0]) if o.pictures else None,
            "previous": o.previous,
            "next": o.next,
            "provenance": one_line(o.provenance, 600),
            "warnings": [one_line(w, 400) for w in o.warnings],
            "may_name": True if may_name and any(x.speaker for x in o.lines) else None,
        }
    )


def speakers(found: SpeakersOf) -> dict[str, Any]:
    """The speakers of a source, and a note."""
    return _filled(
        {
            "source": found.source.id,
            "speakers": [
                _filled(
                    {"letter": s.letter, "name": one_line(s.name, 80), "name_from": s.name_from}
                )
                for s in found.speakers
            ],
            "note": one_line(found.note, 300),
        }
    )


def source(row: SourceRow) -> dict[str, Any]:
    """A source, with how far its ingest is."""
    date = row.recorded_at.isoformat(timespec="seconds") if row.recorded_at else ""
    return _filled(
        {
            "id": row.id,
            "title": one_line(row.title, 200),
            "kind": str(row.modality),
            "state": row.state,
            "progress": round(row.progress, 3),
            "duration_s": row.duration_s,
            "pages": row.pages,
            "recorded_at": date,
            "recorded_at_from": row.recorded_at_from if date else "",
        }
    )


def clip(c: ClipFile, url: str) -> dict[str, Any]:
    """A clip; `url` is where it can be fetched, "" where only `resources/read` gives it."""
    return _filled(
        {
            "mime": c.mime,
            "size": c.size,
            "start_s": c.start_s,
            "end_s": c.end_s,
            "asked": list(c.asked),
            "url": url,
        }
    )


def checked(c: Checked) -> dict[str, Any]:
    """The verdict on a quote, the best passage, and where else its words are."""
    return _filled(
        {
            "verdict": c.verdict,
            "ratio": round(c.ratio, 3),
            "best": one_line(c.best, 2_000),
            "elsewhere": [
                {"ref": e.ref, "place": results.place(e), "text": one_line(e.text, 300)}
                for e in c.elsewhere
            ],
        }
    )


def _line(line: Line) -> dict[str, Any]:
    return _filled(
        {
            "text": clean(line.text, lines=True)[:MAX_LINE],
            "channel": str(line.channel),
            "origin": one_line(line.origin, 60),
            "start": round(line.start, 3),
            "end": round(line.end, 3),
            "axis": line.axis,
            "ref": line.ref,
            "speaker": one_line(line.speaker, results.MAX_SPEAKER),
            "beats": [list(beat) for beat in line.beats],
        }
    )


def _image(picture: RenderedImage) -> dict[str, Any]:
    return _filled(
        {
            "jpeg": base64.b64encode(picture.jpeg).decode(),
            "width": picture.width,
            "height": picture.height,
            "caption": one_line(picture.caption, 160),
            "words": [
                [one_line(w.text, 100), w.left, w.top, w.right, w.bottom] for w in picture.words
            ],
        }
    )


def _filled(data: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in data.items() if v is not None and v != "" and v != []}
