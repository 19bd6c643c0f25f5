"""Indexes: stores of points with vector and BM25 search.

`Settings.index` names one: edge (on disk, in a child process), server (Qdrant over the network),
memory (exact; the reference for the tests of the others), or that of a plug-in.
"""

from __future__ import annotations

import logging

from omni_core import plugins
from omni_core.errors import StoreError
from omni_core.protocols import Index
from omni_core.settings import Settings
from omni_core.types import EncoderInfo

log = logging.getLogger(__name__)


def load(settings: Settings, info: EncoderInfo, *, building: bool = False) -> Index:
    """The index that the settings name, for vectors of this model; not opened yet.

    `building` opens a second version beside the one in use, for a re-index.
    """
    return plugins.load(plugins.INDEXES, settings.index).create(settings, info, building=building)


async def settle(filled: Index) -> None:
    """Let an open index that was filled be quick to open from now on; it works without."""
    try:
        await filled.optimize()
    except StoreError as e:
        log.warning("the index was not settled, which would make it quick to open: %s", e)
