"""Which hits are right answers.

A hit is right when it is of the expected file (or of a copy of it) and its span overlaps the
expected seconds, or its page is the expected one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from omni_core.engine.evaluation.questions import Expected
from omni_core.engine.results import IngestStatus, SearchHit

Sources = Mapping[str, IngestStatus]
"""The ingested files by their path in the media folder."""


def meets(hit: SearchHit, expected: Expected, sources: Sources) -> bool:
    """Whether a hit is this answer."""
    source = sources.get(expected.item)
    if source is None or not source.source_id or hit.source_id != source.source_id:
        return False
    if expected.page is not None:
        return hit.page == expected.page
    if expected.t0 is None or hit.start_s is None or hit.end_s is None:
        return True
    end = float("inf") if expected.t1 is None else expected.t1
    return hit.start_s < end and hit.end_s > expected.t0


def right(hit: SearchHit, relevant: Sequence[Expected], sources: Sources) -> bool:
    """Whether a hit is any of the right answers, also one that an earlier hit was."""
    return any(meets(hit, expected, sources) for expected in relevant)


def gains(hits: Sequence[SearchHit], relevant: Sequence[Expected], sources: Sources) -> list[bool]:
    """For each hit whether it is a right answer that no earlier hit was."""
    left = list(relevant)
    found = []
    for hit in hits:
        met = next((expected for expected in left if meets(hit, expected, sources)), None)
        found.append(met is not None)
        if met is not None:
            left.remove(met)
    return found
