"""Metrics of things that others count: the engine, its child processes, the uploads."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from omni_server.uploads.receiving import Uploads

_GAUGES = {
    "sources": "Sources in the library",
    "segments": "Segments in the library",
    "files_pending": "Files being ingested or still to come, those of folders included",
    "files_queued": "Files that wait for their turn to be ingested",
}


class Snapshot(Collector):
    """Set `status` before a scrape; `uploads` once."""

    def __init__(self) -> None:
        self.status: Mapping[str, Any] | None = None
        """What `Engine.status` says; None while there is no engine."""
        self.uploads: Uploads | None = None

    def collect(self) -> Iterator[Metric]:
        """The metrics as they are now."""
        yield from _engine(self.status)
        if self.uploads is not None:
            yield from _uploads(self.uploads)


def _engine(status: Mapping[str, Any] | None) -> Iterator[Metric]:
    ready = status is not None and not status["waits_for"]
    yield GaugeMetricFamily("omni_ready", "1 when a question could be answered now", ready)
    if status is None:
        return
    for name, about in _GAUGES.items():
        yield GaugeMetricFamily(f"omni_{name}", about, status[name])
    running = len(status["jobs"]) - status["files_queued"]
    yield GaugeMetricFamily("omni_files_ingesting", "Files being ingested", running)
    restarts = CounterMetricFamily(
        "omni_worker_restarts", "How often child processes were started again", labels=["worker"]
    )
    memory = GaugeMetricFamily(
        "omni_worker_resident_memory_bytes", "Memory of child processes", labels=["worker"]
    )
    for worker, count in status["restarts"].items():
        restarts.add_metric([worker], count)
        pids = status["pids"][worker]
        memory.add_metric([worker], sum(map(_resident, pids if isinstance(pids, list) else [pids])))
    yield restarts
    yield memory


def _uploads(uploads: Uploads) -> Iterator[Metric]:
    yield GaugeMetricFamily("omni_uploads_receiving", "Uploads being received", uploads.writing)
    yield CounterMetricFamily(
        "omni_uploads_received_bytes", "Bytes of uploads that came", uploads.received
    )
    ended = CounterMetricFamily(
        "omni_uploads_ended", "Uploads that were completed, removed, refused or expired",
        labels=["how"],
    )  # fmt: skip
    for how, count in uploads.ended.items():
        ended.add_metric([how], count)
    yield ended


def _resident(pid: int | None) -> int:
    """Resident memory of a process in bytes; 0 where there is none, and outside Linux."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0
