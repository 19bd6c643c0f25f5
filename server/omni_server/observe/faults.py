"""Faults of the program: a short line for the log, the traceback in a file of the store.

A traceback holds paths of this machine and may hold words of a caller, and logs are passed on. So
at the levels above DEBUG a line names the kind of error, the line of the program and a reference;
`<store>/faults.log`, which only its user can read, has the traceback under that reference.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import queue
import traceback
from collections.abc import Callable
from logging.handlers import QueueHandler, QueueListener, RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import Any

FILE = "faults.log"
MAX_BYTES = 1_000_000
"""Size at which the file becomes `faults.log.1`, which is then the older half of what is kept."""

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def reference(record: logging.LogRecord) -> str:
    """What the line and the traceback of a record have in common: `f-2a91c04b`."""
    given = getattr(record, "fault", "")
    return given or f"f-{int(record.created * 1000) & 0xFFFFFFFF:08x}"


def short(error: ExcInfo | bool | None) -> str:
    """`ValueError in omni_core.engine.library, line 41`, without its message; "" without one."""
    if not isinstance(error, tuple) or error[0] is None:
        return ""
    where = ""
    for frame, line in traceback.walk_tb(error[2]):
        module = str(frame.f_globals.get("__name__", ""))
        if not where or module.startswith(("omni_core", "omni_server")):
            where = f" in {module}, line {line}"
    return f"{error[0].__name__}{where}"


class Faults(QueueHandler):
    """Notes the tracebacks of errors; a thread of its own writes them."""

    def __init__(self, store: Path) -> None:
        waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
        super().__init__(waiting)
        self.setLevel(logging.WARNING)
        self._listener: QueueListener | None = QueueListener(waiting, _File(store))
        self._listener.start()

    def filter(self, record: logging.LogRecord) -> bool:
        """Only records with a traceback."""
        return bool(short(record.exc_info))

    def format(self, record: logging.LogRecord) -> str:
        """Reference, time and traceback."""
        at = logging.Formatter().formatTime(record)
        whole = "".join(traceback.format_exception(*record.exc_info))  # type: ignore[misc]
        return f"{reference(record)} {at} {record.name}: {record.getMessage()}\n{whole}"

    def close(self) -> None:
        """Write what waits; closing again does nothing."""
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.stop()
            for handler in listener.handlers:
                handler.close()
        super().close()


class _File(RotatingFileHandler):
    """`faults.log` of a store, readable by its user alone."""

    def __init__(self, store: Path) -> None:
        super().__init__(store / FILE, maxBytes=MAX_BYTES, backupCount=1, delay=True,
                         encoding="utf-8", errors="backslashreplace")  # fmt: skip

    def handleError(self, record: logging.LogRecord) -> None:
        """Nothing: a store that cannot be written, a full disk; the log has the short line."""

    def close(self) -> None:
        """What a full disk does not take is left out here as well."""
        with contextlib.suppress(OSError):
            super().close()

    def _open(self) -> Any:
        def private(path: str, flags: int) -> int:
            return os.open(path, flags, 0o600)

        return open(self.baseFilename, self.mode, encoding=self.encoding, errors=self.errors,
                    opener=private)  # fmt: skip


def keep(store: Path) -> Callable[[], None]:
    """From now on write tracebacks into the file of this store, as well as to the log; returns
    what ends that. It is ended at the exit of the program."""
    root, faults = logging.getLogger(), Faults(store)
    root.addHandler(faults)

    def end() -> None:
        if faults in root.handlers:
            root.removeHandler(faults)
            faults.close()

    atexit.register(end)
    return end
