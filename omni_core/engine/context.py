"""What the stages of ingest, search and opening share: one of each, owned by the Engine."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from omni_core.catalog import Catalog
from omni_core.engine.changes import Changes
from omni_core.engine.index_opening import IndexOpening
from omni_core.engine.workers import Decoders, Models
from omni_core.protocols import Index
from omni_core.settings import Settings
from omni_core.tasks import TaskOwner
from omni_core.types import EncoderInfo

if TYPE_CHECKING:
    from omni_core.retrieval.thresholds import CalibratedThresholds

PIPELINE = "1"
"""Raised when cutting, reading or ids change so that old sources are worth ingesting again."""


@dataclass
class Context:
    """Everything a stage may need."""

    settings: Settings
    info: EncoderInfo
    catalog: Catalog
    index: IndexOpening
    models: Models
    decoders: Decoders
    tasks: TaskOwner
    """Owns every task that outlives the call which starts it."""
    asked_at: float = 0.0
    """When the index was last asked (monotonic): housekeeping waits for a pause."""
    calibrated: CalibratedThresholds | None = None
    """See `engine.search.calibration`."""
    changes: Changes = field(default_factory=Changes)
    """Told after the catalog was written."""
    source_locks: WeakValueDictionary[str, asyncio.Lock] = field(
        default_factory=WeakValueDictionary
    )
    """One for each sha256 that is being ingested: two paths may hold the same bytes."""

    async def opened_index(self) -> Index:
        """The index, once it is open; its failure is raised to each who asks."""
        index = await self.index.opened()
        self.asked_at = time.monotonic()
        return index
