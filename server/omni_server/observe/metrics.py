"""Prometheus metrics of one server, in a registry of their own. Imported for HTTP only.

Labels come from this code: tools, error codes, stages, routes. Never a path, a title or a sender.
"""

from __future__ import annotations

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from omni_core import __version__
from omni_server.observe.snapshot import Snapshot

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
CALL_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60)
STAGE_S = (0.001, 0.005, 0.025, 0.1, 0.5, 1, 5, 25, 100, 500, 2500)


class Metrics:
    """Counts calls, stages and requests as they end; `snapshot` has what is asked at a scrape."""

    def __init__(self) -> None:
        here = self._registry = CollectorRegistry(auto_describe=True)
        self.snapshot = Snapshot()
        self._calls = Counter(
            "omni_tool_calls", "Tool calls by outcome: ok, or the error's code",
            ["tool", "outcome"], registry=here,
        )  # fmt: skip
        self._call_s = Histogram(
            "omni_tool_seconds", "Length of tool calls", ["tool"], buckets=CALL_S, registry=here
        )
        self._stage_s = Histogram(
            "omni_stage_seconds", "Length of stages of the engine",
            ["stage"], buckets=STAGE_S, registry=here,
        )  # fmt: skip
        self._http = Counter(
            "omni_http_requests", "HTTP requests", ["route", "method", "status"], registry=here
        )
        self._limited = Counter(
            "omni_http_limited", "Requests refused by a limit", ["limit"], registry=here
        )
        Gauge("omni_info", "The version", ["version"], registry=here).labels(__version__).set(1)
        ProcessCollector(registry=here)
        here.register(self.snapshot)

    def tool(self, tool: str, outcome: str, seconds: float) -> None:
        """Count a tool call."""
        self._calls.labels(tool, outcome).inc()
        self._call_s.labels(tool).observe(seconds)

    def stage(self, name: str, seconds: float) -> None:
        """Count a stage; a listener of `omni_core.stages`."""
        self._stage_s.labels(name).observe(seconds)

    def http(self, route: str, method: str, status: int) -> None:
        """Count a request. `route` is the template of its path, never the path itself."""
        self._http.labels(route, method, str(status)).inc()

    def limited(self, limit: str) -> None:
        """Count a request that a limit refused."""
        self._limited.labels(limit).inc()

    def text(self) -> bytes:
        """All metrics in Prometheus' text format. Blocks: it reads /proc."""
        return generate_latest(self._registry)
