"""A worker that takes connections and answers nothing: noticed before a call's own deadline, which
is that of a long film on a slow machine."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

from omni_core.errors import UnavailableError

QUIET = 1 / 20
"""After which part of its deadline a call that is not answered makes one ask for a sign of life:
3 s for a question, 30 s for evidence."""
T = TypeVar("T")


def unless_hanging(
    call: Callable[[], T], lives: Callable[[], bool], seconds: float, name: str
) -> T:
    """What `call` returns or raises, which has so many `seconds`.

    Raises UnavailableError where the worker, asked by `lives`, gives no sign of life meanwhile;
    `call` then goes on in a thread that nobody waits for.
    """
    answer: Future[T] = Future()

    def run() -> None:
        try:
            answer.set_result(call())
        except BaseException as e:
            answer.set_exception(e)

    threading.Thread(target=run, name="model worker", daemon=True).start()
    while not wait([answer], QUIET * seconds).done:
        if not lives() and not answer.done():
            raise UnavailableError(
                f"the model server {name} hangs: it takes calls and answers nothing; start it again"
            )
    return answer.result()
