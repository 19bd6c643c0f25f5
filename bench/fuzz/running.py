"""Runs targets over seeded, mutated inputs, each with a time limit and all with one of memory."""

from __future__ import annotations

import contextlib
import logging
import random
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from bench.fuzz.mutate import mutate
from bench.fuzz.table import Target

LIMIT_S = 10.0
MEMORY_MB = 4096


@dataclass
class Tally:
    """What came of one target."""

    name: str
    inputs: int = 0
    accepted: int = 0
    slowest_s: float = 0.0
    wrong: dict[str, bytes] = field(default_factory=dict)
    """The first input for each error that is not allowed, late ones too."""


class LateError(BaseException):
    """An input took longer than the limit."""


@contextlib.contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """Raise LateError in this thread after so many seconds (not on Windows)."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def late(*_: object) -> None:
        raise LateError

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def attempt(target: Target, data: bytes, tally: Tally, limit_s: float = LIMIT_S) -> None:
    """Give the target one input, and note what came of it."""
    began = time.monotonic()
    wrong = ""
    try:
        with alarm(limit_s):
            target.call(data)
        tally.accepted += 1
    except target.allowed as e:
        if getattr(e, "code", "") and any(c in str(e) for c in "\n\r\x1b\u202e"):
            wrong = f"an error with what a file wrote into it: {str(e)[:80]!r}"
    except LateError:
        wrong = f"late: over {limit_s:g} s"
    except Exception as e:
        wrong = f"{type(e).__name__} {_place(e)}: {str(e)[:120]!r}"
    tally.inputs += 1
    tally.slowest_s = max(tally.slowest_s, time.monotonic() - began)
    if wrong:
        tally.wrong.setdefault(wrong, data)


def _place(error: BaseException) -> str:
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    return (
        "" if at is None else f"{at.tb_frame.f_code.co_filename.rpartition('/')[2]}:{at.tb_lineno}"
    )


def run(target: Target, inputs: int, seed: int = 1, until: float = float("inf")) -> Tally:
    """Every seed as it is, then so many mutated inputs, or as many as fit until `until`."""
    tally = Tally(target.name)
    logging.disable(logging.CRITICAL)
    try:
        for data in target.seeds:
            attempt(target, data, tally)
        for n in range(inputs):
            if time.monotonic() > until:
                break
            dice = random.Random(f"{seed}/{target.name}/{n}")
            attempt(target, mutate(target.seeds, dice), tally)
    finally:
        logging.disable(logging.NOTSET)
    return tally


def limit_memory(megabytes: int = MEMORY_MB) -> None:
    """Let this process take so much address space: more raises MemoryError, which is wrong."""
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
