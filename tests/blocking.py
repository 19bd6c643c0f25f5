"""Blocking calls on the event loop are errors: file system, sleep, locks, SQLite, sockets.

A call counts when code of ours is on its stack and a loop runs in the thread. What may block all
the same is listed here, each with its reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from blockbuster import BlockBuster

ALLOWED = (
    # Handing work to a thread takes the pool's lock, and a first thread is waited for.
    ("asyncio/base_events.py", {"run_in_executor"}),
    ("anyio/_backends/_asyncio.py", {"run_sync_in_worker_thread"}),
    # Where coverage is measured: its lock, held for a dictionary's change.
    ("coverage/collector.py", {"lock_data"}),
    # Imports read files, once.
    ("<frozen importlib._bootstrap>", {"_find_and_load"}),
    # Log lines go to stderr; a traceback in one reads source files.
    ("logging/__init__.py", {"handle"}),
    # Before anything is served: the server object, the resolved roots, the key for links.
    ("omni_server/app.py", {"build"}),
    ("omni_server/state.py", {"__init__"}),
    ("omni_server/http/app.py", {"create_http", "application"}),
    # Removes one file at the end, also when it is cancelled twice; a thread could be left behind.
    ("omni_server/fetch.py", {"_download"}),
    # Asks in which folder this process is: no disk is read.
    ("omni_core/codec/types.py", {"absolute"}),
    # A closing stream sends its child 100 bytes, which a thread of the child always reads.
    ("omni_core/worker.py", {"stream"}),
    # Removes a folder of empty files when its owner is collected, whatever runs in that moment.
    ("omni_core/media/private_names.py", {"_end"}),
)
"""End of a file's name, and the functions of it under which a call may block."""


@contextmanager
def blocking_calls_fail() -> Iterator[None]:
    """Raise BlockingError where code of ours blocks a running loop.

    The command line is left out: its loop has nobody else to answer while it asks or prints.
    """
    detector = BlockBuster(["omni_core", "omni_server"], excluded_modules=["omni_server.cli"])
    for function in detector.functions.values():
        for file, functions in ALLOWED:
            function.can_block_in(file, functions)
    detector.activate()
    try:
        yield
    finally:
        detector.deactivate()
