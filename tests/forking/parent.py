"""The process that forks: `python -m tests.forking.parent DESCRIPTOR`, a socket to the tests.

Each message asks for one child: its environment and the number of its own descriptor as JSON, and
the descriptors themselves: stdin, stdout, stderr, one to tell of its end, and its own where it has
one. It answers on the fourth: the child's pid, then, when that has ended, its exit status.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import importlib
import json
import os
import select
import signal
import socket
import struct
import sys
from importlib.metadata import entry_points
from typing import Any

from omni_core import worker_child

LIKELY = (
    "email.parser",
    "omni_core.codec.frames",
    "omni_core.encoders.hashing",
    "omni_core.index.edge_worker",
    "omni_core.media.service",
    "omni_core.models.service",
    "sysconfig",
)
"""What most children import, besides the modules of media and readers."""
HIGH = 500
"""Received descriptors are moved up to here first; what a child is given has a lower number."""
NUMBER = struct.Struct("=q")


def main(link: socket.socket) -> None:
    """Fork until the tests end, when every child is killed too (`worker_child` asks for that)."""
    points = [*entry_points(group="omni_mcp.media"), *entry_points(group="omni_mcp.readers")]
    for name in (*LIKELY, *(each.module for each in points)):
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    woken, wakes = os.pipe()
    os.set_blocking(wakes, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
    told: dict[int, int] = {}
    while True:
        ready, _, _ = select.select([link.fileno(), woken], [], [])
        if woken in ready:
            os.read(woken, 4096)
        if link.fileno() in ready:
            message, given, _, _ = socket.recv_fds(link, 1 << 18, 8)
            if not message:
                return
            pid = os.fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                _become_child(json.loads(message), given)
            told[pid] = given[3]
            os.write(given[3], NUMBER.pack(pid))
            for each in (*given[:3], *given[4:]):
                os.close(each)
        _report(told)


def _report(told: dict[int, int]) -> None:
    """Tell of the children that have ended."""
    while told:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        with contextlib.suppress(BrokenPipeError):
            os.write(told[pid], NUMBER.pack(os.waitstatus_to_exitcode(status)))
        os.close(told.pop(pid))


def _become_child(asked: dict[str, Any], given: list[int]) -> None:
    """Be what `python -P -m omni_core.worker_child` is, with its descriptors and environment."""
    try:
        os.setsid()
        high = [fcntl.fcntl(each, fcntl.F_DUPFD, HIGH) for each in given]
        os.closerange(3, HIGH)
        for number, each in enumerate(high[:3]):
            os.dup2(each, number)
        if len(high) > 4:
            os.dup2(high[4], asked["number"])
        os.closerange(HIGH, high[-1] + 1)
        environment = asked["environment"]
        os.environ.clear()
        os.environ.update(environment)
        sys.path[:0] = environment["PYTHONPATH"].split(os.pathsep)
        os.chdir(asked["folder"])
        os.getppid = lambda: asked["tests"]  # the parent that it is told to die with
        worker_child.main()
    finally:
        os._exit(1)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
