"""Boosted trees of three levels, read from a table and evaluated with numpy alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

TABLE = "soft_trees.json"


@dataclass(frozen=True)
class Trees:
    """The sum of what the leaves of all trees say."""

    columns: NDArray[np.intp]
    """(trees, 7): the sign that each node compares; node 0 is the root, the children of node n are
    2n + 1, where the sign is at most the threshold, and 2n + 2."""
    thresholds: NDArray[np.float32]
    """(trees, 7)."""
    leaves: NDArray[np.float32]
    """(trees, 8)."""
    least: float
    """Score above which a moment is taken."""

    @staticmethod
    @cache
    def ours() -> Trees:
        """Those of the table beside this file."""
        return Trees.of(json.loads(files(__package__).joinpath(TABLE).read_text("utf-8")))

    @classmethod
    def of(cls, table: dict[str, object]) -> Trees:
        """Those of a table as `bench/soft_training.py` writes it."""
        return cls(
            np.array(table["columns"], np.intp),
            np.array(table["thresholds"], np.float32),
            np.array(table["leaves"], np.float32),
            float(str(table["least"])),
        )

    def score(self, signs: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n,) for (n, signs)."""
        right = signs[:, self.columns] > self.thresholds
        each = np.arange(len(self.columns))
        node = right[:, :, 0].astype(np.intp)  # in its level, from the left
        node = 2 * node + np.take_along_axis(right, (1 + node)[..., None], 2)[..., 0]
        node = 2 * node + np.take_along_axis(right, (3 + node)[..., None], 2)[..., 0]
        return np.asarray(self.leaves[each, node].sum(1))
