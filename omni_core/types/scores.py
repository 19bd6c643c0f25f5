"""Sparse term weights, and the grade of a match."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Sparse:
    """A sparse vector: BM25 term weights by term id."""

    indices: tuple[int, ...]
    values: tuple[float, ...]


Match = Literal["strong", "fair", "weak"]
"""The grade of a match, given by the score thresholds (`retrieval.thresholds`)."""
