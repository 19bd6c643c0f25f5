from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from omni_core.payload import StoredSegment
from omni_core.retrieval.fusion import Candidate

Make = Callable[..., Candidate]


@pytest.fixture
def candidate() -> Make:
    """Make a candidate: `candidate("a", 0.5, start=3, end=9, channel="speech")`."""

    def make(id_: str, score: float, **payload: Any) -> Candidate:
        base: dict[str, Any] = {
            "source_id": "src_a", "modality": "video", "channel": "speech", "axis": "second",
            "start": 0.0, "end": 5.0, "text": "", "origin": "", "part": 0,
        }  # fmt: skip
        lexical = payload.pop("lexical", 0.0)
        match = payload.pop("match", "fair")
        return Candidate(id_, StoredSegment(base | payload), score, score, None, lexical, match)

    return make
