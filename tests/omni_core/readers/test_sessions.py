from __future__ import annotations

from omni_core.readers.sessions import MAX_SOURCES, Sessions


def test_each_source_has_a_state_of_its_own_until_it_ends() -> None:
    sessions: Sessions[list[int]] = Sessions()
    sessions.put("a", [1])
    sessions.put("b", [2])
    assert (sessions.get("a"), sessions.get("b"), sessions.get("c")) == ([1], [2], None)
    assert sessions.end("a") == [1]
    assert (sessions.end("a"), sessions.get("b")) == (None, [2])


def test_sources_that_never_end_are_forgotten_the_oldest_first() -> None:
    sessions: Sessions[int] = Sessions()
    for n in range(MAX_SOURCES):
        sessions.put(f"src_{n}", n)
    sessions.put("src_0", 100)  # the youngest now
    sessions.put("new", 7)
    assert sessions.get("src_1") is None
    assert (sessions.get("src_0"), sessions.get("src_2"), sessions.get("new")) == (100, 2, 7)
