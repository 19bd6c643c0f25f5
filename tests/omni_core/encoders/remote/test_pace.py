"""Which worker of a pool gets the next call."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest

from omni_core.encoders.remote import chances, pace
from omni_core.encoders.remote.choosing import least_loaded
from omni_core.encoders.remote.client import ModelServerClient
from omni_core.encoders.remote.member import Member
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


def test_workers_that_are_not_slower_share_the_calls_and_a_slow_one_gets_its_first_alone() -> None:
    members = [Member(ModelServerClient(f"http://host{n}:1", "")) for n in range(3)]
    given = Counter[str]()
    start = max(member.last for member in members)
    for n in range(30):
        chosen = least_loaded(members, KIND, start + n / 10)
        chosen.running -= 1
        chosen.pace.took(KIND, 0.5 if chosen is members[2] else 0.1)
        given[chosen.name] += 1
    assert given["host2:1"] <= 4
    assert min(given["host0:1"], given["host1:1"]) >= 13
    for member in members:
        member.client.close()


def test_a_worker_whose_model_hangs_is_not_waited_for_as_long_as_one_that_is_only_slow() -> None:
    most, now = 600.0, 1000.0
    one, another = Pace(), known(0.2)
    assert one.limit(KIND, most) == most  # nothing is known: it may be a CPU
    one.took(KIND, 2.0)
    assert one.limit(KIND, most) == pace.SURE_S
    one.took(KIND, 10.0)
    one.took(KIND, 2.0)
    assert one.limit(KIND, most) == 10.0 * pace.SURE
    assert one.limit(kind_of("/read", b"x"), most) == most
    assert one.limit(KIND, 60.0) == 60.0  # a question
    one.took(KIND, 100.0)
    assert one.limit(KIND, most) == most
    hangs = known(0.2, 0.2)
    another.gets(KIND, now)
    hangs.hung(KIND, hangs.limit(KIND, most), now)
    slower, usual = weights([hangs, another], KIND, now + 1)
    assert slower > 100 and usual == 1.0
    assert weights([hangs, another], KIND, now + pace.AGAIN_S) == [1.0, 1.0]
    waited = [pace.SURE_S]
    while waited[-1] < most:  # it may have become slow: none is given up for good
        waited.append(hangs.limit(KIND, most))
        hangs.hung(KIND, waited[-1], now)
    assert len(waited) <= chances.MAX_LOST


def test_a_slow_worker_is_tried_once_more_after_a_while() -> None:
    slow, fast = known(2.0, 2.0), known(0.2, 0.2)
    later = pace.AGAIN_S + 1
    assert weights([slow, fast], KIND, later) == [1.0, 1.0]
    slow.gets(KIND, later)
    assert weights([slow, fast], KIND, later) == [10.0, 1.0]
    slow.took(KIND, 0.2)
    assert weights([slow, fast], KIND, later) == [1.0, 1.0]


@pytest.fixture
def three() -> Iterator[tuple[list[Between], str, list[float]]]:
    """Three workers, and how long calls took; the last one takes ten times as long as the longest
    of them."""
    took, never = [0.05], threading.Event()
    app = worker_app(Settings(**DEAF), TOKEN)
    ways = [Between(app) for _ in range(3)]

    def slowly(answer: Any) -> Any:
        never.wait(min(10 * max(took), 10.0))
        return answer.response()

    ways[2].change = slowly
    with ExitStack() as stack:
        urls = [stack.enter_context(running(way)) for way in ways]
        yield ways, ",".join(map(loaded, urls)), took


def test_a_slow_worker_holds_up_its_first_calls_and_no_more(
    three: tuple[list[Between], str, list[float]],
    opened: Callable[[Settings], Any],
    settings: Callable[..., Settings],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pace, "AGAIN_S", 1000.0)
    ways, urls, took = three
    there = opened(settings(urls))
    for n in range(30):
        slow, began = len(ways[2].calls), time.monotonic()
        there.encode_questions([TextContent(f"question {n:03}")])
        if len(ways[2].calls) == slow:
            took.append(time.monotonic() - began)
    assert sum(len(way.calls) for way in ways) == 30
    assert len(ways[2].calls) <= 4


def test_a_worker_whose_model_hangs_while_it_says_that_it_lives_holds_up_one_call(
    three: tuple[list[Between], str, list[float]],
    opened: Callable[[Settings], Any],
    settings: Callable[..., Settings],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pace, "SURE_S", 0.5)
    ways, urls, _ = three
    two, never = ways[:2], threading.Event()
    there = opened(settings(",".join(urls.split(",")[:2])))
    texts = [TextContent("lava in a channel")]
    expected = there.encode(texts)
    while not all(way.calls for way in two):
        there.encode(texts)

    def hangs(answer: Any) -> Any:
        never.wait(30)
        return answer.response()

    two[0].change = hangs
    before = len(two[0].calls)
    for _ in range(10):
        np.testing.assert_array_equal(there.encode(texts), expected)
    never.set()
    assert before < len(two[0].calls) < before + 10
