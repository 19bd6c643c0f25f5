"""What models are and want: the facts of encoders and readers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from omni_core.types.options import CutOptions
from omni_core.types.segments import Channel


@dataclass(frozen=True, slots=True)
class EncoderInfo:
    """What an index must know of the model that filled it."""

    name: str
    revision: str
    dim: int
    channels: frozenset[Channel]
    """What it embeds; segments of other channels are kept as words only."""
    multi_vector: bool = False
    licence: str = ""
    cut: CutOptions = field(default_factory=CutOptions)
    batch: int = 8
    """Segments that one call should bring; a GPU wants more than a laptop."""
    pages: bool = True
    """Whether the image of a page that has words says more than its words do."""
    settings: str = ""
    """Prompts, pooling, pixel budget: anything that changes vectors, in one short string."""

    @property
    def fingerprint(self) -> str:
        """Two vectors compare only when these are equal."""
        return f"{self.name}@{self.revision}/{self.dim}/{self.settings}"


@dataclass(frozen=True, slots=True)
class ReaderInfo:
    """Which model a reader uses and whether it can be loaded."""

    name: str
    model: str
    state: Literal["present", "missing", "off"]
    why: str = ""
    """How to get what is missing, or which setting turns it off."""
