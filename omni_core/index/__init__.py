"""Where points are kept and found: store 4 on the way in, the nearest points on the way out.

A backend is a module here with a function `index(settings, info) -> Index`; its file name is the
value of `Settings.index`: edge (on disk, in a child process), server (Qdrant over the network),
memory (exact, the truth that the others are measured against).
"""

from __future__ import annotations

import importlib

from omni_core.errors import BadRequestError
from omni_core.settings import Settings
from omni_core.types import EncoderInfo, Index

BACKENDS = ("edge", "server", "memory")


def load(settings: Settings, info: EncoderInfo, *, building: bool = False) -> Index:
    """The store that the settings name, for vectors of this model; not opened yet.

    `building` opens a second version beside the one in use, for a re-index.
    """
    if settings.index not in BACKENDS:
        known = ", ".join(BACKENDS)
        raise BadRequestError(f"unknown index {settings.index!r}; choose one of {known}")
    module = importlib.import_module(f"omni_core.index.{settings.index}")
    index: Index = module.index(settings, info, building=building)
    return index
