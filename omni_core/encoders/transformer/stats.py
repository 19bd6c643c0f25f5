"""What the batches of one model cost."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field


@dataclass(slots=True)
class BatchStats:
    """What the batches cost so far; times in seconds of wall clock, evidence only."""

    items: int = 0
    batches: int = 0
    tokens: int = 0
    """Real tokens, as the attention mask counts them."""
    padded: int = 0
    """Tokens that went through the model, padding included."""
    halved: int = 0
    """Batches that did not fit and were cut in two."""
    prepare_s: float = 0.0
    """Host preparation, summed over its threads."""
    starved_s: float = 0.0
    """The device waited for the host."""
    device_s: float = 0.0
    questions: int = 0
    budget: int = 0
    """Tokens that a padded batch may have."""
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def waste(self) -> float:
        """Share of padding, 0 to 1."""
        return 1 - self.tokens / self.padded if self.padded else 0.0

    def as_dict(self) -> dict[str, float]:
        """Plain numbers for a status page."""
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
