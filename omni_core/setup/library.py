"""What a library holds, looked at without locking it."""

from __future__ import annotations

from dataclasses import dataclass

from omni_core import encoders
from omni_core.catalog import open_catalog
from omni_core.settings import Settings


@dataclass(frozen=True, slots=True)
class Library:
    """A library with something in it."""

    sources: int
    model: str
    """The fingerprint of the model that embedded it."""

    def needs_reindex(self, settings: Settings) -> bool:
        """Whether the encoder of these settings, whose files must be there, is another one."""
        return encoders.describe(settings).fingerprint != self.model


def look(settings: Settings) -> Library | None:
    """None where the store is empty. Raises StoreError for one of a newer version."""
    with open_catalog(settings, read_only=True) as catalog:
        sources, _ = catalog.totals("")
        model = catalog.get_meta("fingerprint")
    return Library(sources, model) if sources and model else None
