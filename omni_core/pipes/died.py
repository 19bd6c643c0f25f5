"""How a child process ended, and the error that says so."""

from __future__ import annotations

from typing import Literal

from omni_core.errors import UnavailableError

NO_THREAD_MEMORY = 127
"""Exit status with which glibc ends a process that has no memory left for a thread."""
Death = Literal["deadline", "unstarted", "killed", "crashed", "closed"]
"""Why a child gave no answer. deadline: it was stopped because a call took too long. unstarted:
it was not ready for its first call within `worker.START_S`. killed: by
SIGKILL, which is how Linux ends a process when memory runs out, or by itself for want of memory.
crashed: another signal, or it ended by itself. closed: its owner had closed it."""


class WorkerDied(UnavailableError):
    """The child process is gone; `reason` says how it ended."""

    code = "WORKER_DIED"

    def __init__(self, message: str, *, reason: Death = "crashed", code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.reason: Death = reason

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle with the reason and the code."""
        return _rebuild, (type(self), str(self), self.reason, self.code)


def ended(name: str, code: int) -> WorkerDied:
    """The error for the calls of a child that ended with this exit code."""
    death: Death = "killed" if code in (-9, NO_THREAD_MEMORY) else "crashed"
    return WorkerDied(f"the {name} died ({_describe_exit(code)})", reason=death)


def _rebuild(kind: type[WorkerDied], message: str, reason: Death, code: str) -> WorkerDied:
    return kind(message, reason=reason, code=code)


def _describe_exit(code: int) -> str:
    if code == -9:
        return "killed: out of memory, past its deadline, or by hand"
    if code == NO_THREAD_MEMORY:
        return "out of memory"
    return f"signal {-code}" if code < 0 else f"exit status {code}"
