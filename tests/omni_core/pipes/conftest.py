"""Sealed memory of the test alone."""

from __future__ import annotations

from weakref import WeakSet

import pytest

from omni_core.pipes.memory import Sealed


@pytest.fixture(autouse=True)
def no_memory_of_other_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an earlier test still holds, as in the traceback of an expected error, counts nothing
    here."""
    monkeypatch.setattr(Sealed, "held", WeakSet())
