"""Descriptions of encoders, rerankers and readers: identity, dimensions, input, availability."""

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
    embed_page_images: bool = True
    """Whether the image of a page is embedded even where the page has text enough."""
    languages: tuple[str, ...] = ()
    """ISO 639-1 codes of the languages that it reads; empty when that is not known. The match of a
    question in another language is at most weak, unless its words stand in the evidence."""
    settings: str = ""
    """Whatever else changes vectors (prompts, pooling, pixel budget), as one short string."""

    @property
    def fingerprint(self) -> str:
        """Vectors are comparable only when these are equal."""
        return f"{self.name}@{self.revision}/{self.dim}/{self.settings}"


@dataclass(frozen=True, slots=True)
class RerankerInfo:
    """What a reranker scores, and what becomes of its scores."""

    name: str
    lift: float = 0.0
    """0: its scores replace those of the first stage, and what it scored comes first. Else a score
    goes from 0 to 1, and so much of it is added to that of the first stage (a cosine)."""
    text_only: bool = False
    """Whether only text is scored: pictures keep their place."""
    languages: tuple[str, ...] = ()
    """ISO 639-1 codes of the languages of questions that it reads; empty for any."""


@dataclass(frozen=True, slots=True)
class ReaderInfo:
    """Which model a reader uses and whether it can be loaded."""

    name: str
    model: str
    state: Literal["present", "missing", "off"]
    why: str = ""
    """How to get what is missing, or which setting turns it off."""
