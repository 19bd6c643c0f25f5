"""State that a reader keeps between calls, one for each source (see `protocols.Reader`)."""

from __future__ import annotations

from typing import Generic, TypeVar

State = TypeVar("State")

MAX_SOURCES = 512
"""Unfinished sources remembered: more than are ever read at a time (`decoders` is 256 at most, and
watched files, questions and the finding of speakers come besides), since what is forgotten of one
that is being read is lost. One that is given up is ended (`Reader.restore`)."""


class Sessions(Generic[State]):
    """One state for each source under way; beyond `MAX_SOURCES` the oldest is forgotten."""

    def __init__(self) -> None:
        self._states: dict[str, State] = {}

    def get(self, source_id: str) -> State | None:
        """The state of the source, None without one."""
        return self._states.get(source_id)

    def put(self, source_id: str, state: State) -> State:
        """Store the state of the source, which becomes the most recent one; returns it."""
        self._states.pop(source_id, None)
        while len(self._states) >= MAX_SOURCES:
            self._states.pop(next(iter(self._states)))
        self._states[source_id] = state
        return state

    def end(self, source_id: str) -> State | None:
        """Remove and return the state of the source."""
        return self._states.pop(source_id, None)
