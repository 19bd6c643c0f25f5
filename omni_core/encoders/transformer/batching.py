"""Which items share a forward pass: a token budget, little padding, one frame rate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from omni_core.encoders.transformer.inputs import Item

MAX_WASTE = 0.08
"""A batch is closed before more than this share of it would be padding..."""
SMALL = 0.25
"""...unless it fills less than this share of the budget: a launch costs more than padding."""


def plan(items: Sequence[Item], budget: int, most: int = 0) -> list[list[int]]:
    """Indices of `items`, batch by batch.

    A batch padded to its longest item holds at most `budget` tokens and `most` items (0: any);
    an item longer than the budget goes alone. The longest come first so that an out-of-memory is
    met at once; only words go before them.
    """
    batches: list[list[int]] = []
    for group in _by_rate(items):
        order = sorted(group, key=lambda i: -items[i].tokens)
        current: list[int] = []
        filled = 0
        for i in order:
            if current and _full(items, current, filled, i, budget, most):
                batches.append(current)
                current, filled = [], 0
            current.append(i)
            filled += items[i].tokens
        if current:
            batches.append(current)
    batches.sort(key=lambda b: -items[b[0]].tokens * len(b))
    words = next((b for b in batches if all(is_text(items[i]) for i in b)), None)
    if words is not None:  # prepared in no time: the device works while pictures are prepared
        batches.remove(words)
        batches.insert(0, words)
    return batches


def is_text(item: Item) -> bool:
    """Whether the item is words alone."""
    return isinstance(item.value, dict) and item.value.keys() == {"text"}


def _full(
    items: Sequence[Item], current: list[int], filled: int, new: int, budget: int, most: int
) -> bool:
    longest = items[current[0]].tokens
    padded = longest * (len(current) + 1)
    if padded > budget or (most and len(current) >= most):
        return True
    waste = 1 - (filled + items[new].tokens) / padded
    return waste > MAX_WASTE and longest * len(current) >= budget * SMALL


def _by_rate(items: Sequence[Item]) -> list[list[int]]:
    """Films of different frame rates apart; everything else with the most common rate."""
    rates = Counter(item.fps for item in items if item.fps)
    common = rates.most_common(1)[0][0] if rates else 0.0
    groups: dict[float, list[int]] = {}
    for i, item in enumerate(items):
        groups.setdefault(item.fps or common, []).append(i)
    return list(groups.values())
