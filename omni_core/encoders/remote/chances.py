"""What counts as an answer to a call, and how often it may fail before it is given up."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from omni_core.encoders.remote.refusals import BUSY
from omni_core.errors import (
    WORKERS_UNREACHABLE,
    BadRequestError,
    OmniError,
    UnavailableError,
    without_workers,
)

MAX_LOST = 4
"""Workers that one call may lose: what kills each of them is not sent to all."""
T = TypeVar("T")


class Chances:
    """The failures of one call."""

    def __init__(self, patience_s: float) -> None:
        """`patience_s`: how long a call is sent again that nothing takes, as while a balancer has
        no worker behind it."""
        self._patience_s = patience_s
        self._until: float | None = None
        self._lost = 0
        self._failed = False

    def loss(self, error: OmniError, workers: int) -> UnavailableError | None:
        """The failure as one of its worker, for which another is asked; None where it is one of the
        call. A model that fails may be broken there alone: one of `workers` more is asked, once."""
        if isinstance(error, UnavailableError):
            return error
        if type(error) is not OmniError or workers == 1 or self._failed:
            return None
        self._failed = True
        return UnavailableError(str(error))

    def another(self, error: UnavailableError) -> bool:
        """Whether the call is sent once more after this failure; a busy worker is none."""
        if error.code == BUSY:
            return True
        if error.code == WORKERS_UNREACHABLE:
            now = time.monotonic()
            self._until = self._until or now + self._patience_s
            return now < self._until
        self._until = None  # one had taken it: nobody to do so is waited for anew
        self._lost += 1
        return self._lost < MAX_LOST


def given_up(error: UnavailableError) -> UnavailableError:
    """What is raised for a call that is sent no more. Workers that say what they run were there
    between its failures: it failed, which says nothing of the calls for other files."""
    return UnavailableError(str(error)) if without_workers(error) else error


def understood(read: Callable[[bytes], T], answer: bytes, name: str) -> T:
    """What `read` makes of the answer of the worker `name`. Raises UnavailableError where that is
    nothing."""
    try:
        return read(answer)
    except BadRequestError as e:
        raise UnavailableError(
            f"the model server {name} gave an answer that cannot be used: {e}"
        ) from e
