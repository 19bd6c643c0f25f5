"""Words weighted for full-text search, and how sure an answer is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Sparse:
    """A sparse vector: BM25 term weights by term number."""

    indices: tuple[int, ...]
    values: tuple[float, ...]


Match = Literal["strong", "fair", "weak"]
"""How sure an answer is, from the score thresholds."""
