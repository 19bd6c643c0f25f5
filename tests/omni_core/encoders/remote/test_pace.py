"""Which worker of a pool gets the next call."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from omni_core.encoders.remote import pace
from omni_core.encoders.remote.pace import Pace, kind_of, weights
from omni_core.models.serving.app import worker_app
from omni_core.settings import Settings
from omni_core.types import TextContent
from tests.omni_core.encoders.remote.between import Between
from tests.omni_core.encoders.remote.conftest import DEAF, TOKEN, loaded, running

pytestmark = pytest.mark.timeout(60)
KIND = kind_of("/encode", b"x" * 1000)


def known(*seconds: float) -> Pace:
    made = Pace()
    for s in seconds:
        made.gets(KIND, 0.0)
        made.took(KIND, s)
    return made


def test_a_worker_that_is_much_slower_counts_as_so_many_times_as_loaded() -> None:
    assert weights([known(0.2, 0.2), known(2.0, 2.0)], KIND, 1.0) == [1.0, 10.0]
    assert weights([known(0.2, 0.2), known(0.5, 0.5)], KIND, 1.0) == [1.0, 1.0]


def test_one_long_call_does_not_make_a_worker_slow() -> None:
    assert weights([known(0.2, 0.2), known(0.2, 9.0)], KIND, 1.0) == [1.0, 1.0]
    assert weights([known(0.2, 0.2), known(9.0, 9.0, 0.2)], KIND, 1.0) == [1.0, 1.0]


def test_milliseconds_more_or_less_say_nothing() -> None:
    assert weights([known(0.001, 0.001), known(0.05, 0.05)], KIND, 1.0) == [1.0, 1.0]


def test_what_is_known_of_other_kinds_of_calls_does_not_count() -> None:
    other = kind_of("/encode", b"x" * 1_000_000)
    assert weights([known(0.2, 0.2), known(2.0, 2.0), Pace()], other, 1.0) == [1.0] * 3
    assert kind_of("/read", b"x" * 1000) != KIND


def test_a_slow_worker_is_tried_once_more_after_a_while() -> None:
    slow, fast = known(2.0, 2.0), known(0.2, 0.2)
    later = pace.AGAIN_S + 1
    assert weights([slow, fast], KIND, later) == [1.0, 1.0]
    slow.gets(KIND, later)
    assert weights([slow, fast], KIND, later) == [10.0, 1.0]
    slow.took(KIND, 0.2)
    assert weights([slow, fast], KIND, later) == [1.0, 1.0]


@pytest.fixture
def three() -> Iterator[tuple[list[Between], str, threading.Event]]:
    """Three workers, and the event for which the last one waits at most so long for each call."""
    never = threading.Event()
    app = worker_app(Settings(**DEAF), TOKEN)
    ways = [Between(app) for _ in range(3)]

    def slowly(answer: Any) -> Any:
        never.wait(0.5)
        return answer.response()

    ways[2].change = slowly
    with ExitStack() as stack:
        urls = [stack.enter_context(running(way)) for way in ways]
        yield ways, ",".join(map(loaded, urls)), never


def test_a_slow_worker_holds_up_its_first_calls_and_no_more(
    three: tuple[list[Between], str, threading.Event],
    opened: Callable[[Settings], Any],
    settings: Callable[..., Settings],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pace, "LEAST_S", 0.1)
    monkeypatch.setattr(pace, "AGAIN_S", 1000.0)
    ways, urls, never = three
    there = opened(settings(urls))
    for n in range(30):
        there.encode_questions([TextContent(f"question {n:03}")])
    asked = Counter(n for n, way in enumerate(ways) for _ in way.calls)
    assert asked[2] <= 4
    assert min(asked[0], asked[1]) >= 10
    never.set()
