"""Counters of the batches of one model."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field


@dataclass(slots=True)
class BatchStats:
    """Counters since loading; times in seconds of wall clock, evidence only."""

    items: int = 0
    batches: int = 0
    tokens: int = 0
    """Tokens without padding, by the attention mask."""
    padded: int = 0
    """Tokens with padding."""
    halved: int = 0
    """Batches that ran out of memory and were halved."""
    prepare_s: float = 0.0
    """Preparation on the host, summed over threads."""
    starved_s: float = 0.0
    """Time in which the device waited for the host."""
    device_s: float = 0.0
    questions: int = 0
    budget: int = 0
    """Most tokens of a padded batch."""
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def waste(self) -> float:
        """Share of padding, 0 to 1."""
        return 1 - self.tokens / self.padded if self.padded else 0.0

    def as_dict(self) -> dict[str, float]:
        """The counters and `waste`, for reports."""
        return {
            "items": self.items,
            "batches": self.batches,
            "tokens": self.tokens,
            "padded": self.padded,
            "halved": self.halved,
            "questions": self.questions,
            "budget": self.budget,
            "prepare_s": round(self.prepare_s, 4),
            "starved_s": round(self.starved_s, 4),
            "device_s": round(self.device_s, 4),
            "waste": round(self.waste, 4),
        }
