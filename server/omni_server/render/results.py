"""Results as MCP content: a short text, and the same facts as structured data.

Both have the same content: some clients show only the text, some only the data. Words from media
are inside a fence (`omni_server.text.Fence`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mcp.types import CallToolResult

from omni_core.collection_names import DEFAULT
from omni_core.text.clock import clock
from omni_core.text.places import few
from omni_server.render import blocks, ingests
from omni_server.render.blocks import QUOTED
from omni_server.text import Fence, counted, excerpt, one_line, tokens

if TYPE_CHECKING:
    from omni_core.engine.results import (
        Checked,
        Line,
        Placed,
        ReadPage,
        SearchHit,
        SearchResult,
        SourcePage,
        SourceRow,
    )
    from omni_core.errors import AmbiguousError
    from omni_core.types import Rect

READ_TOKENS = 3_000
"""Token budget of the words in one page of a source."""
MAX_INGESTS = 20
"""Ingests under way that list_sources shows."""
HIT_RECTS = 2
"""Rectangles of a hit; more are joined."""
MAX_HEADING = 80
"""Characters of the headings above a passage."""
READ_AS = 400
"""Characters of how a question was understood: the places that it refers to, with their titles."""
MAX_SPEAKER = 80
"""Characters of who says something."""


def search(result: SearchResult, *, scores: bool = False) -> CallToolResult:
    """Moments as lines and as data."""
    hits = [_hit(f, scores) for f in result.hits]
    nearest = _hit(result.nearest, scores) if result.nearest else None
    data = blocks.lean(
        {
            "hits": hits,
            "searched": {
                "sources": result.searched_sources,
                "segments": result.searched_segments,
                **blocks.lean(
                    {
                        "pending": result.pending_files or None,
                        "partial": result.partial_sources or None,
                    }
                ),
            },
            "when_resolved": result.when_resolved,
            "read_as": one_line(result.read_as, READ_AS),
            "count": result.count,
            "at_least": result.at_least or None,
            "note": one_line("; ".join(filter(None, (result.note, result.second_stage)))),
            "nearest": nearest,
            "next_cursor": result.next_cursor,
            "quoted": QUOTED if hits or nearest else "",
        },
        keep=("hits",),
    )
    lines = [
        f"{counted(len(hits), 'moment')} in {counted(result.searched_segments, 'segment')} of "
        f"{counted(result.searched_sources, 'source')}."
    ]
    if result.when_resolved:
        lines.append(f"When: {result.when_resolved}.")
    if result.count is not None:
        lines.append(f"Count: {'at least ' if result.at_least else ''}{result.count}.")
    quoted = [_hit_lines(hit) for hit in hits]
    if "read_as" in data:
        quoted.insert(0, f"read as: {data['read_as']}")
    if nearest and not hits:
        quoted = ["nearest, below the score threshold: " + _hit_lines(nearest)]
    if quoted:
        fence = Fence()
        lines += [fence.notice, fence.around("\n".join(quoted))]
    if "note" in data:
        lines.append(data["note"])
    if result.next_cursor:
        lines.append(f"More: cursor={result.next_cursor}")
    return blocks.both(lines, data)


def _hit(f: SearchHit, scores: bool) -> dict[str, Any]:
    return blocks.lean(
        {
            "id": f.ref,
            "cite": one_line(f.cite),
            "kind": str(f.modality),
            "start_s": blocks.seconds(f.start_s),
            "end_s": blocks.seconds(f.end_s),
            "page": f.page,
            "rects": [_numbers(rect) for rect in few(f.rects, HIT_RECTS)],
            "frame_s": blocks.seconds(f.frame_s),
            "match": f.match,
            "why": [str(c) for c in f.why],
            "speaker": one_line(f.speaker, MAX_SPEAKER),
            "text": excerpt(f.text),
            "heading": _heading(f.heading),
            "recorded_at": f"{f.recorded_at:%Y-%m-%d}" if f.recorded_at else "",
            "recorded_at_from": f.recorded_at_from if f.recorded_at else "",
            "also_at": [one_line(a) for a in f.also_at[:5]],
            "partial": one_line(f.partial),
            "missing_since": blocks.date(f.missing_since),
            "score": round(f.cosine, 4) if scores else None,
        },
        keep=("why",),
    )


def _hit_lines(hit: Mapping[str, Any]) -> str:
    head = f"{hit['id']} {hit['kind']} {hit['match']} {'+'.join(hit['why'])} {hit['cite']}"
    if "recorded_at" in hit:
        head += f" {hit['recorded_at']} ({hit['recorded_at_from']})"
    if "score" in hit:
        head += f" cos={hit['score']}"
    if "partial" in hit:
        head += f" ({hit['partial']})"
    if "missing_since" in hit:
        head += f" (file is gone since {hit['missing_since']})"
    if "heading" in hit:
        head += f" § {hit['heading']}"
    parts = [head]
    if "text" in hit:
        said = f"{hit['speaker']}: " if "speaker" in hit else ""
        parts.append(f"  {said}{hit['text']}")
    if "rects" in hit:
        parts.append(f"  {_where({k: hit[k] for k in hit if k != 'page'})}")
    if "also_at" in hit:
        parts.append(f"  also at {' '.join(hit['also_at'])}")
    return "\n".join(parts)


def places(found: Sequence[Placed]) -> list[dict[str, Any]]:
    """Where words stand, as data."""
    return [
        blocks.lean(
            {
                "page": at.page,
                "frame_s": blocks.seconds(at.frame_s),
                "rects": [_numbers(rect) for rect in at.rects],
            }
        )
        for at in found
    ]


def where(found: Sequence[Placed]) -> list[str]:
    """The same as lines: `rects p.3 .121,.304,.853,.331`."""
    return [_where(each) for each in places(found)]


def _where(data: Mapping[str, Any]) -> str:
    at = f"p.{data['page']} " if "page" in data else ""
    if "frame_s" in data:
        at = f"frame {clock(data['frame_s'], short=True)} "
    rects = "; ".join(
        ",".join(f"{side:.3f}".removeprefix("0") for side in rect) for rect in data["rects"]
    )
    return f"rects {at}{rects}"


def _numbers(rect: Rect) -> list[float]:
    return [round(side, 3) for side in rect]


def sources(page: SourcePage) -> CallToolResult:
    """A page of the library."""
    rows = [_row(r) for r in page.sources]
    data = blocks.lean(
        {
            "sources": rows,
            "total": page.total,
            "ingests": ingests.running(page.ingests[:MAX_INGESTS]),
            "collections": _collections(page.collections),
            "next_cursor": page.next_cursor,
        },
        keep=("sources", "total"),
    )
    if rows or page.ingests or "collections" in data:
        data["quoted"] = QUOTED
    lines = [f"{len(rows)} of {page.total} sources."]
    lines += [f"Not installed: {one_line(line, 300)}" for line in page.lacks]
    within = [_row_line(r) for r in page.sources]
    if "collections" in data:
        counts = (f"{name!r} {n}" for name, n in data["collections"].items())
        within.append(f"Collections: {', '.join(counts)}.")
    if page.ingests:
        within.append(f"{len(page.ingests)} ingests under way or waiting:")
        within += [f"  {ingests.line(each)}" for each in data["ingests"]]
    if within:
        fence = Fence()
        lines += [fence.notice, fence.around("\n".join(within))]
    if page.next_cursor:
        lines.append(f"More: cursor={page.next_cursor}")
    return blocks.both(lines, data)


def _collections(counts: Mapping[str, int]) -> dict[str, int]:
    """The collections and their sizes; none where there is only the default one."""
    return {} if counts.keys() <= {DEFAULT} else {one_line(n, 80): counts[n] for n in counts}


def ambiguous(e: AmbiguousError) -> str:
    """What was wrong, and the sources that a name may mean, as the text of an error; their ids
    stand once, beside their titles."""
    fence = Fence()
    said = one_line(str(e), 1200)
    what, listed, ids = said.partition(", use one of ")
    choices = "\n".join(
        f"{c.ref} {one_line(c.title, 120)} ({one_line(c.facts, 120)})" for c in e.choices
    )
    _, and_more, more = ids.rpartition(" and ")
    rest = f"{and_more}{more}" if more.endswith(" more") else ""
    message = f"{e.code}: {what}" + (f"; use the id of one of these{rest}:" if listed else "")
    return fence.written([message, fence.notice, fence.around(choices)])


def _row(r: SourceRow) -> dict[str, Any]:
    return blocks.lean(
        {
            "id": r.id,
            "title": one_line(r.title, 120),
            "kind": str(r.modality),
            "state": r.state,
            "segments": r.segments,
            "empty": one_line(r.empty),
            "duration_s": blocks.seconds(r.duration_s),
            "pages": r.pages,
            "recorded_at": blocks.date(r.recorded_at),
            "recorded_at_from": r.recorded_at_from if r.recorded_at else "",
            "missing_since": blocks.date(r.missing_since),
        },
        keep=("title", "segments"),
    )


def facts(r: SourceRow, *, day: bool = False) -> str:
    """Kind, length and date of a source; with `day` without the time of day."""
    parts = [str(r.modality)]
    if r.duration_s is not None:
        parts.append(clock(r.duration_s, short=True))
    if r.pages is not None:
        parts.append(counted(r.pages, "page"))
    if r.recorded_at is not None:
        at = f"{r.recorded_at:%Y-%m-%d}" if day else blocks.date(r.recorded_at)
        parts.append(f"{at} ({r.recorded_at_from})")
    return " ".join(parts)


def _row_line(r: SourceRow) -> str:
    parts = [r.id, facts(r)]
    parts.append(counted(r.segments, "segment"))
    if r.state != "ready":
        parts.append(r.state)
    if r.empty:
        parts.append(f"(only its title can be found: {one_line(r.empty)})")
    if r.missing_since is not None:
        parts.append(f"(file is gone since {blocks.date(r.missing_since)})")
    return f"{' '.join(parts)} {one_line(r.title, 120)}"


def read(page: ReadPage) -> CallToolResult:
    """A page of a source's words, one line each with its position."""
    r = page.source
    body, left = quoted(page.lines, READ_TOKENS)
    if r.empty:
        body.insert(0, f"empty: {one_line(r.empty)}")
    fence = Fence()
    more = f"More: cursor={page.next_cursor}" if page.next_cursor else "End."
    part = f", {one_line(page.range)}" if page.range else ""
    return blocks.text(
        [
            f"{r.id} {r.modality}, {counted(len(page.lines), 'line')}{part}.",
            fence.notice,
            fence.around("\n".join([one_line(r.title, 120), *body])),
            more if left is None else f"More: start={left.start:g}",
        ]
    )


OF_THE_CALLER = " from the collections that you may change"


def deleted(r: SourceRow, bin_days: float, *, in_part: bool = False) -> CallToolResult:
    """The source that was removed, and how it comes back. `in_part`: from what the caller may
    change of a library; whether others have it, and so whether it lies in the bin, is not said."""
    title = one_line(r.title, 120)
    undo = ""
    if in_part:
        undo = "ingest_media with the same file brings it back, which may read the file again"
    elif bin_days:
        undo = (
            f"for {bin_days:g} days ingest_media with the same file brings it back at once, and so "
            f"does the command omni-mcp bin --restore {r.id}"
        )
    data = blocks.lean(
        {"deleted": r.id, "title": title, "segments": r.segments, "undo": undo, "quoted": QUOTED},
        keep=("title", "segments"),
    )
    fence = Fence()
    return blocks.both(
        [
            f"Deleted {r.id}{OF_THE_CALLER if in_part else ''}, {facts(r)}, "
            f"{counted(r.segments, 'segment')}; the file itself is untouched.",
            f"To undo: {undo}." if undo else "This cannot be undone: ingest the file again.",
            fence.notice,
            fence.around(title),
        ],
        data,
    )


def checked(c: Checked) -> CallToolResult:
    """The result of checking a quote."""
    elsewhere = [f"{e.ref} {place(e)} {excerpt(e.text)}".strip() for e in c.elsewhere[:5]]
    data = blocks.lean(
        {
            "verdict": c.verdict,
            "ratio": round(c.ratio, 3),
            "best": excerpt(c.best, 60, 120),
            "places": places(c.places),
            "elsewhere": elsewhere,
            "quoted": QUOTED if c.best or elsewhere else "",
        },
        keep=("ratio",),
    )
    lines = [f"{c.verdict.replace('_', ' ')}, {c.ratio:.0%} of the words match."]
    lines += where(c.places)
    if data.get("best") or elsewhere:
        fence = Fence()
        body = ([f"best: {data['best']}"] if "best" in data else []) + [
            f"elsewhere: {e}" for e in elsewhere
        ]
        lines += [fence.notice, fence.around("\n".join(body))]
    return blocks.both(lines, data)


def quoted(lines: Iterable[Line], budget: int) -> tuple[list[str], Line | None]:
    """Lines of position and words, under one heading per channel and origin, within `budget`
    tokens; and the first line that was left out, None when all fit."""
    out: list[str] = []
    heading, spent = "", 0
    for line in lines:
        words = excerpt(line.text, 10_000, budget)
        spent += tokens(words)
        if spent > budget and out:
            return out, line
        origin = f" ({one_line(line.origin, 60)})" if line.origin else ""
        under = f" § {_heading(line.heading)}" if line.heading else ""
        title = f"{line.channel}{origin}{under}:"
        if title != heading:
            out.append(title)
            heading = title
        said = f"{one_line(line.speaker, MAX_SPEAKER)}: " if line.speaker else ""
        out.append(f"{place(line)} {said}{words}")
    return out, None


def _heading(path: str) -> str:
    """A path of headings on one line; of a long one the innermost."""
    line = one_line(path, 10_000)
    if len(line) > MAX_HEADING:
        line = f"… {line.rpartition(' › ')[2]}"
    return one_line(line, MAX_HEADING)


def place(line: Line) -> str:
    """The position of a line: `12:04.3`, `p.7`, `@1200` for characters."""
    if line.axis == "second":
        return clock(line.start, short=True)
    return f"p.{line.start:g}" if line.axis == "page" else f"@{line.start:.0f}"
