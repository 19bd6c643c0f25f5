"""The priority of a thread, kept from an encoder that raises it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def kept() -> Iterator[None]:
    """Encode within it.

    SVT-AV1 makes the thread that opens its encoder a real-time one (SCHED_FIFO 99), where it may,
    as root. Whatever that thread starts would inherit it, and everything else on the machine wait.
    """
    if not hasattr(os, "sched_setscheduler"):  # macOS, Windows
        yield
        return
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        if os.sched_getscheduler(0) != policy:
            os.sched_setscheduler(0, policy, parameters)
