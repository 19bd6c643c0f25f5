"""Ingests under way, as words and as data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mcp.types import CallToolResult, TextContent

from omni_server.text import one_line

if TYPE_CHECKING:
    from omni_core.engine.results import FolderStatus, IngestStatus


def stage(status: IngestStatus) -> str:
    """What an ingest does: `reading`, `waiting for film.mp4`."""
    if status.waiting_for:
        return f"waiting for {one_line(status.waiting_for, 120)}"
    return status.stage or status.state


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
    result = CallToolResult(content=[TextContent(type="text", text=text)])
    result.structured_content = {"state": "partial", "progress": progress, "segments": segments}
    return result


def _data(status: IngestStatus | FolderStatus) -> dict[str, Any]:
    from omni_core.engine.results import IngestStatus  # loaded long before anything is ingested

    if isinstance(status, IngestStatus):
        return {
            "file": _name(status.path),
            "state": status.state,
            "stage": stage(status),
            "progress": round(status.progress, 3),
            "segments": status.segments,
        }
    now = status.current
    done = status.files_done + (now.progress if now else 0.0)
    return {
        "file": _name(now.path) if now else "",
        "state": "processing",
        "stage": stage(now) if now else "next file",
        "progress": round(done / max(1, status.files_total), 3),
        "segments": sum(s.segments for s in status.done) + (now.segments if now else 0),
        "files_done": status.files_done,
        "files_total": status.files_total,
    }


def _name(path: str) -> str:
    return one_line(path.replace("\\", "/").rsplit("/", 1)[-1], 120)
