from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from omni_core.retrieval.fusion import Scored
from omni_core.types import Hit

Make = Callable[..., Scored]


@pytest.fixture
def scored() -> Make:
    """Make a candidate: `scored("a", 0.5, start=3, end=9, channel="speech")`."""

    def make(id_: str, score: float, **payload: Any) -> Scored:
        base: dict[str, Any] = {
            "source_id": "src_a", "modality": "video", "channel": "speech", "axis": "second",
            "start": 0.0, "end": 5.0, "text": "", "origin": "", "part": 0,
        }  # fmt: skip
        lexical = payload.pop("lexical", 0.0)
        match = payload.pop("match", "fair")
        hit = Hit(id_, score, base | payload)
        return Scored(hit, score, score, None, lexical, match)

    return make
