from __future__ import annotations

from omni_core.readers.sessions import MAX_SOURCES, Sessions
from omni_core.settings import Settings


def test_each_source_has_a_state_of_its_own_until_it_ends() -> None:
    sessions: Sessions[list[int]] = Sessions()
    sessions.put("a", [1])
    sessions.put("b", [2])
    assert (sessions.get("a"), sessions.get("b"), sessions.get("c")) == ([1], [2], None)
    assert sessions.end("a") == [1]
    assert (sessions.end("a"), sessions.get("b")) == (None, [2])


def test_as_many_sources_as_there_may_be_decoders_are_all_remembered() -> None:
    sessions: Sessions[int] = Sessions()
    decoders = Settings(decoders=256).decoders
    for source in range(decoders + 10):  # watched files, questions and the finding of speakers
        sessions.put(f"src_{source}", source)
    assert [sessions.get(f"src_{n}") for n in range(decoders + 10)] == [*range(decoders + 10)]


def test_sources_that_never_end_are_forgotten_the_oldest_first() -> None:
    sessions: Sessions[int] = Sessions()
    for n in range(MAX_SOURCES):
        sessions.put(f"src_{n}", n)
    sessions.put("src_0", 100)  # the youngest now
    sessions.put("new", 7)
    assert sessions.get("src_1") is None
    assert (sessions.get("src_0"), sessions.get("src_2"), sessions.get("new")) == (100, 2, 7)
