"""The tables that hold the library: their keys and other columns."""

from __future__ import annotations

TABLES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "meta": (("key",), ("value",)),
    "sources": (
        ("sha256",),
        (
            "id", "uri", "title", "modality", "mime", "size", "duration_s", "pages",
            "recorded_at", "recorded_ts", "recorded_at_from", "ingested_at", "state", "stage",
            "progress", "segments", "warnings", "error_code", "error", "timings", "model",
            "pipeline", "resume", "folded", "empty", "content", "file_name",
        ),
    ),
    "paths": (
        ("path",), ("sha256", "size", "mtime_ns", "ctime_ns", "inode", "folded", "gone_at")
    ),
    "collections": (("name", "sha256"), ("ingested_at",)),
    "passed_over": (("path",), ("size", "mtime_ns", "code", "error", "pipeline")),
    "readers": (("sha256",), ("state",)),
    "begun": (("key",), ("request", "at")),
    "speakers": (("sha256", "number"), ("given", "found", "found_from")),
    "turns": (("sha256", "start"), ("end", "speaker")),
    "checkpoints": (("sha256", "number"), ("segments", "points")),
    "bin": (
        ("sha256",),
        ("id", "title", "uri", "segments", "model", "pipeline", "state", "at", "step", "rows"),
    ),
    "bin_points": (("sha256", "number"), ("body",)),
}  # fmt: skip
"""Key and other columns of each table, in an order in which references exist. Not here: what
triggers keep (counts, names), and leases, which end with their process."""
