"""What a model worker hears and reads with, as it says of itself in `/info`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from omni_core.ids import PIPELINE

FORMAT = 1
"""Version of `/read`: its steps, and the readers' buffers that travel with them."""


@dataclass(frozen=True, slots=True)
class ReadingOffer:
    """The readers of a worker."""

    readers: Mapping[str, str]
    """Of each that is loaded, by name, its model."""
    missing: Mapping[str, tuple[str, str]]
    """Of each that is not loaded, by name, what is lost without it, and why it is not."""
    pipeline: str = PIPELINE
    format: int = FORMAT

    @property
    def same_version(self) -> bool:
        """Whether it reads as this version of omni-mcp does."""
        return (self.pipeline, self.format) == (PIPELINE, FORMAT)

    def reads_as(self, other: ReadingOffer) -> bool:
        """Whether both find the same words."""
        mine = (dict(self.readers), self.pipeline, self.format)
        return mine == (dict(other.readers), other.pipeline, other.format)

    def __str__(self) -> str:
        """The readers and their models, for people."""
        each = ", ".join(f"{name} ({model})" for name, model in sorted(self.readers.items()))
        return each or "nothing"


def pack_offer(offer: ReadingOffer) -> dict[str, Any]:
    """The offer as JSON."""
    return asdict(offer)


def unpack_offer(data: Any) -> ReadingOffer | None:
    """The offer in such JSON; None where there is none that can be understood, as of a worker that
    only embeds."""
    if not isinstance(data, dict):
        return None
    readers, missing = data.get("readers"), data.get("missing")
    if not isinstance(readers, dict) or not isinstance(missing, dict):
        return None
    if not all(isinstance(v, list) and len(v) == 2 for v in missing.values()):
        return None
    version = data.get("format")
    return ReadingOffer(
        {str(k): str(v) for k, v in readers.items()},
        {str(k): (str(v[0]), str(v[1])) for k, v in missing.items()},
        str(data.get("pipeline")),
        version if isinstance(version, int) else 0,
    )
