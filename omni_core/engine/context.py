"""The objects that the stages of ingest, search and opening share; owned by the Engine."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from omni_core.catalog import Catalog
from omni_core.engine.changes import Changes
from omni_core.engine.index_opening import IndexOpening
from omni_core.engine.workers import Decoders, Models
from omni_core.errors import StoreError
from omni_core.originals import Original
from omni_core.protocols import Index
from omni_core.settings import Settings
from omni_core.tasks import TaskOwner
from omni_core.types import EncoderInfo

if TYPE_CHECKING:
    from omni_core.retrieval.thresholds import CalibratedThresholds


@dataclass
class Context:
    """Settings, catalog, index and workers of one engine."""

    settings: Settings
    info: EncoderInfo
    catalog: Catalog
    index: IndexOpening
    models: Models
    decoders: Decoders
    tasks: TaskOwner
    """Owns every task that outlives the call which starts it."""
    last_used_at: float = 0.0
    """When the index was last used (monotonic seconds); housekeeping waits for a pause."""
    closing: bool = False
    """Whether the engine is being closed: its ingests go on when it is opened again."""
    calibrated: CalibratedThresholds | None = None
    """See `engine.search.calibration`."""
    changes: Changes = field(default_factory=Changes)
    """Notified after the catalog was written."""
    source_locks: WeakValueDictionary[str, asyncio.Lock] = field(
        default_factory=WeakValueDictionary
    )
    """One lock per sha256 being ingested: two paths may have the same bytes."""

    within: tuple[str, ...] = ()
    """The collections that this context is bounded to (`engine.bounded`); () for all."""
    bin_grew: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a source was forgotten."""

    unsettled: dict[str, StoreError] = field(default_factory=dict)
    """By sha256, why the store would not take a source further, where its row still says
    `processing`; see `engine.ingest.refused`."""
    outage: str = ""
    """Code of the error for which ingests wait; see `engine.outages`."""
    hashing: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))
    """Files hashed at once."""
    hashes: OrderedDict[Original, str] = field(default_factory=OrderedDict)
    """The sha256 of files whose state the catalog does not know; see `engine.hashing`."""

    async def opened_index(self) -> Index:
        """The index, once it is open. Raises what opening it raised."""
        index = await self.index.opened()
        self.last_used_at = time.monotonic()
        return index
