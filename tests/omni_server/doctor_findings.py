"""What the doctor finds at the places that the settings name: the store, servers, workers."""

from __future__ import annotations

from omni_core.settings import Settings
from omni_server import doctor


def found(settings: Settings) -> dict[str, doctor.Finding]:
    """Each finding by its name."""
    return {f.name: f for f in doctor._places(settings)}
