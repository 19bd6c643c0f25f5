"""Descriptions of encoders and readers: identity, dimensions, input, availability."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from omni_core.types.options import CutOptions
from omni_core.types.segments import Channel


@dataclass(frozen=True, slots=True)
class EncoderInfo:
    """An encoder's identity, the shape of its vectors, and the input that it takes."""

    name: str
    revision: str
    dim: int
    channels: frozenset[Channel]
    """Channels that it embeds; segments of other channels are indexed by their text alone."""
    multi_vector: bool = False
    licence: str = ""
    cut: CutOptions = field(default_factory=CutOptions)
    batch: int = 8
    """Preferred number of segments in one call of `encode`; larger on a GPU."""
    pages: bool = True
    """Whether the image of a page that has words says more than its words do."""
    settings: str = ""
    """Whatever else changes vectors (prompts, pooling, pixel budget), as one short string."""

    @property
    def fingerprint(self) -> str:
        """Vectors are comparable only when these are equal."""
        return f"{self.name}@{self.revision}/{self.dim}/{self.settings}"


@dataclass(frozen=True, slots=True)
class ReaderInfo:
    """Which model a reader uses and whether it can be loaded."""

    name: str
    model: str
    state: Literal["present", "missing", "off"]
    why: str = ""
    """How to get what is missing, or which setting turns it off."""
