"""What a reader holds back between calls, for each source by itself (see `protocols.Reader`)."""

from __future__ import annotations

from typing import Generic, TypeVar

State = TypeVar("State")

MAX_SOURCES = 32
"""Unfinished sources remembered; an ingest that was given up never flushes."""


class Sessions(Generic[State]):
    """One state for each source under way; beyond `MAX_SOURCES` the oldest is forgotten."""

    def __init__(self) -> None:
        self._states: dict[str, State] = {}

    def get(self, source_id: str) -> State | None:
        """What is held for the source."""
        return self._states.get(source_id)

    def put(self, source_id: str, state: State) -> State:
        """Hold `state` for the source, now the youngest."""
        self._states.pop(source_id, None)
        while len(self._states) >= MAX_SOURCES:
            self._states.pop(next(iter(self._states)))
        self._states[source_id] = state
        return state

    def end(self, source_id: str) -> State | None:
        """Take what was held for the source."""
        return self._states.pop(source_id, None)
