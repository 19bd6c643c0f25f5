"""The state of one file's ingest: its request, its status, and its pipeline once that runs."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

from omni_core.engine.ingest.pipeline import Pipeline
from omni_core.engine.results import IngestRequest, IngestStatus
from omni_core.originals import Original

Report = Callable[[IngestStatus], Awaitable[None]]


@dataclass
class Run:
    """One ingest; `status` is what it last reported."""

    request: IngestRequest
    status: IngestStatus
    report: Report
    file: Original
    """The file as it was when it was hashed."""
    content: str = ""
    """As in `Source`."""
    pipeline: Pipeline | None = None
    """None until the source is recorded in the catalog."""
    spent: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    """Seconds per stage before the pipeline."""
    started: float = field(default_factory=time.perf_counter)

    async def update(self, **changes: object) -> None:
        """Change the status and report it."""
        self.status = replace(self.status, **changes)  # type: ignore[arg-type]
        await self.report(self.status)

    @property
    def timings(self) -> Mapping[str, float]:
        """Seconds per stage, and in total so far."""
        later = self.pipeline.spent if self.pipeline else {}
        return {**self.spent, **later, "total": time.perf_counter() - self.started}
