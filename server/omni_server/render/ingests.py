"""Ingests, those under way and those that ended, as words and as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mcp.types import CallToolResult

from omni_core.collection_names import DEFAULT
from omni_core.text.clock import clock
from omni_server.render import blocks
from omni_server.text import Fence, counted, one_line, quoted, without_paths

if TYPE_CHECKING:
    from omni_core.engine.results import Change, FolderStatus, IngestStatus
    from omni_server.fetch import DownloadProgress


RETRY_S = 5
MAX_WARNINGS = 5
"""Warnings of a file that an answer shows; `omni-mcp ingest` shows all."""
MAX_NOW = 4
"""Files under way of a folder that an answer shows."""
CHANGED: Mapping[Change, str] = {
    "collection": "added to the collection {collection!r}",
    "title": "renamed",
    "recorded_at": "dated",
}


def stage(status: IngestStatus, *, named: bool = False) -> str:
    """What an ingest does: `reading`, `waiting`; if `named`, `waiting for 'film.mp4'`, which
    belongs inside the fence."""
    if status.waiting_for and named:
        return f"waiting for {one_line(status.waiting_for, 120)}"
    return "waiting" if status.waiting_for else status.stage or status.state


def running(ingests: Sequence[IngestStatus | FolderStatus]) -> list[dict[str, Any]]:
    """Each ingest under way as data."""
    return [_data(status) for status in ingests]


def line(data: dict[str, Any]) -> str:
    """One ingest under way as a line."""
    files = (
        f" {data['files_done']} of {data['files_total']} files," if "files_total" in data else ""
    )
    return (
        f"{data['state']}:{files} {data['file']!r} {data['stage']}, {data['progress']:.0%}, "
        f"{data['segments']} segments"
    )


def stopped(ingests: Sequence[IngestStatus | FolderStatus]) -> CallToolResult:
    """What was stopped, and how far it had come."""
    rows = running(ingests)
    segments = sum(row["segments"] for row in rows)
    progress = rows[0]["progress"] if len(rows) == 1 else 0.0
    what = ", ".join(repr(row["file"]) for row in rows[:3]) or "the download"
    more = f" and {len(rows) - 3} more" if len(rows) > 3 else ""
    text = (
        f"Stopped: {what}{more}. {segments} segments can be searched; call ingest_media again to "
        "go on from there."
    )
    return blocks.both([text], {"state": "partial", "progress": progress, "segments": segments})


def ingest(s: IngestStatus, collection: str = DEFAULT) -> CallToolResult:
    """The status of one file's ingest into `collection`."""
    going = s.state in ("queued", "processing")
    data = blocks.lean(
        {
            "source_id": s.source_id,
            "state": s.state,
            "progress": round(s.progress, 3),
            "stage": stage(s, named=True) if going else "",
            "segments": s.segments,
            "duration_s": blocks.seconds(s.duration_s),
            "pages": s.pages,
            "recorded_at": blocks.date(s.recorded_at),
            "recorded_at_from": s.recorded_at_from,
            "already": s.already or None,
            "changed": [CHANGED[c].format(collection=collection) for c in s.changed],
            "duplicate_of": one_line(s.duplicate_of),
            "empty": one_line(s.empty),
            "warnings": _warnings(s.warnings),
            "retry_in_s": RETRY_S if going else None,
        },
        keep=("segments", "progress"),
    )
    named = ("changed", "duplicate_of", "empty", "warnings")
    if s.waiting_for or any(key in data for key in named):
        data["quoted"] = blocks.QUOTED
    facts = [counted(s.segments, "segment")]
    if s.duration_s is not None:
        facts.append(clock(s.duration_s, short=True))
    if s.pages is not None:
        facts.append(counted(s.pages, "page"))
    if s.recorded_at is not None:
        facts.append(f"recorded {blocks.date(s.recorded_at)} ({s.recorded_at_from})")
    lines = [f"{s.source_id or 'file'} {s.state}: {', '.join(facts)}."]
    if going:
        lines.append(
            f"{stage(s)}, {s.progress:.0%} done; what is in can be searched. It goes on by itself: "
            f"call ingest_media again with the same source in {RETRY_S} s to follow."
        )
    if s.changed:
        lines.append(f"These bytes were complete before; {' and '.join(data['changed'])}.")
    elif s.already:
        lines.append("Nothing to do: these bytes were complete before.")
    if s.moved_from:
        lines.append(f"It was {quoted(blocks.name(s.moved_from))} before; its path is the new one.")
    if s.duplicate_of:
        lines.append(f"Same bytes as {quoted(s.duplicate_of)}.")
    within = [f"waiting for {one_line(s.waiting_for, 120)}"] * bool(going and s.waiting_for)
    within += [f"Warning: {w}" for w in data.get("warnings", ())]
    if not within:
        return blocks.both(lines, data)
    fence = Fence()
    return blocks.both([*lines, fence.notice, fence.around("\n".join(within))], data, fence)


def _warnings(lines: Sequence[str]) -> list[str]:
    """The first warnings, and how many more there are."""
    shown = [without_paths(one_line(w)) for w in lines[:MAX_WARNINGS]]
    more = len(lines) - MAX_WARNINGS
    return [*shown, f"and {more} more"] if more > 0 else shown


def fetching(progress: DownloadProgress | None) -> CallToolResult:
    """The status of a download that has not ended."""
    size, total = (progress.size, progress.total) if progress else (0, 0)
    share = size / total if total else 0.0
    data = {"state": "queued", "progress": round(share, 3), "stage": "downloading",
            "retry_in_s": RETRY_S}  # fmt: skip
    received = f"{size >> 20:,} of {total >> 20:,} MB" if total else f"{size >> 20:,} MB"
    return blocks.both(
        [f"downloading: {received}. Call ingest_media again with the same source in {RETRY_S} s."],
        data,
    )


def folder(f: FolderStatus) -> CallToolResult:
    """The status of the ingest of a folder or a glob."""
    failed = [s for s in f.failed if s.error_code != "UNSUPPORTED_TYPE"]
    skipped = len(f.failed) - len(failed)  # unsupported files in a folder are not failures
    state = "processing" if not f.finished else ("partial" if failed else "ready")
    if f.finished and len(f.failed) == f.files_total:
        state = "failed"
    data = blocks.lean(
        {
            "state": state,
            "progress": round(f.progress, 3),
            "segments": f.segments,
            "files_total": f.files_total,
            "files_done": f.files_done,
            "failed": [
                {
                    "file": one_line(blocks.name(s.path), 120),
                    "error": f"{s.error_code}: {without_paths(one_line(s.error))}",
                }
                for s in failed[:5]
            ],
            "skipped": skipped or None,
            "retry_in_s": None if f.finished else RETRY_S,
            "quoted": blocks.QUOTED if failed else "",
        },
        keep=("segments", "progress", "files_total", "files_done"),
    )
    lines = [f"{state}: {f.files_done} of {f.files_total} files, {counted(f.segments, 'segment')}."]
    if skipped:
        lines.append(f"{skipped} of other kinds skipped.")
    within: list[str] = []
    if failed:
        lines.append(f"{len(failed)} could not be read.")
        within.append("could not be read:")
        within += [f"  {x['file']}: {x['error']}" for x in data["failed"]]
    for now in () if f.finished else f.now[:MAX_NOW]:
        name = quoted(blocks.name(now.path))
        within.append(f"Now {name}: {stage(now, named=True)}, {now.progress:.0%}.")
    if not f.finished:
        lines.append(
            f"It goes on by itself: call again with the same source in {RETRY_S} s to follow."
        )
    if within:
        fence = Fence()
        lines += [fence.notice, fence.around("\n".join(within))]
    return blocks.both(lines, data)


def _data(status: IngestStatus | FolderStatus) -> dict[str, Any]:
    from omni_core.engine.results import IngestStatus  # loaded long before anything is ingested

    if isinstance(status, IngestStatus):
        return {
            "file": one_line(blocks.name(status.path), 120),
            "state": status.state,
            "stage": stage(status, named=True),
            "progress": round(status.progress, 3),
            "segments": status.segments,
        }
    now = status.current
    return {
        "file": one_line(blocks.name(now.path), 120) if now else "",
        "state": "processing",
        "stage": stage(now, named=True) if now else "next file",
        "progress": round(status.progress, 3),
        "segments": status.segments,
        "files_done": status.files_done,
        "files_total": status.files_total,
    }
