"""What the death of a decoder means: try again, or an error that says what happened.

A decoder that was killed or that crashed is started once more for the same work: the system ends
processes for want of memory that others took, and people end them by hand. One that was ended at
its deadline is not, since the file would take as long again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from omni_core.errors import OmniError, TooLargeError, UnavailableError, UnreadableError
from omni_core.worker import WorkerDied

T = TypeVar("T")


def may_try_again(e: WorkerDied) -> bool:
    """Whether the same work may succeed in another decoder."""
    return e.reason in ("killed", "crashed")


async def tried_twice(work: Callable[[], Awaitable[T]]) -> T:
    """What `work` returns, which is one call of a decoder; repeated once where that died.

    Raises `decoder_error` for the second death, and for a deadline.
    """
    try:
        return await work()
    except WorkerDied as e:
        if not may_try_again(e):
            raise decoder_error(e) from e
    try:
        return await work()
    except WorkerDied as e:
        raise decoder_error(e) from e


def decoder_error(e: WorkerDied) -> OmniError:
    """The error of a file whose decoder died, where that may be tried again for the second time."""
    if e.reason == "deadline":
        return TooLargeError(
            f"{e}: the file takes too long to decode; it may be damaged or built to hang decoders",
            code="TOO_LONG",
        )
    if e.reason == "killed":
        return UnavailableError(
            f"the decoder died twice over this file (at last: {e}): give it more memory (free "
            "some, or raise memory_mb) or make a smaller file, and ask again",
            code="WORKER_DIED",
        )
    if e.reason in ("closed", "unstarted"):
        return UnavailableError(f"{e}; ask again", code="WORKER_DIED")
    return UnreadableError(
        f"the decoder crashed twice over this file (at last: {e}): it is damaged, or meets a fault "
        "of a decoding library; make a new copy of it"
    )
