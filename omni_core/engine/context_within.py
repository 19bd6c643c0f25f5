"""What the stages of an engine get to see of a library where a caller may see some collections."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from omni_core.catalog.within import within
from omni_core.engine.context import Context
from omni_core.engine.index_within import OpeningWithin


def context_within(context: Context, names: Collection[str]) -> Context:
    """The context, with nothing but these collections in catalog and index.

    Locks, tasks, models and decoders are those of the whole. Thresholds are calibrated on what is
    visible, and no voice is kept or recognised: a recognised name may come from anywhere.
    """
    chosen = tuple(sorted(set(names)))
    return replace(
        context,
        catalog=within(context.catalog, chosen),
        index=OpeningWithin(context, chosen),
        settings=replace(context.settings, voices=False),
        calibrated=None,
        within=chosen,
    )
