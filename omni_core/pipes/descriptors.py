"""The socket by which a process and its child give each other descriptors, beside their pipes.

What is sent goes before the frame that speaks of it, so whoever reads that frame finds it there.
"""

from __future__ import annotations

import os
import socket
from array import array
from collections.abc import Sequence
from typing import Self

from omni_core.pipes import memory

MOST = 64
"""Descriptors that go with one call."""


class MissingError(ValueError):
    """The frame spoke of descriptors, and they did not come, or others did."""


class Descriptors:
    """One end of the socket. Neither a lock nor a wait is in it: one thread sends, one receives."""

    def __init__(self, end: socket.socket) -> None:
        """Takes over the socket."""
        self._socket = end

    @classmethod
    def pair(cls) -> tuple[Self, socket.socket] | tuple[None, None]:
        """The end of this process, and that for a child; none where there is no sealed memory."""
        if not memory.available():
            return None, None
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        return cls(ours), theirs

    @classmethod
    def of(cls, number: int) -> Self:
        """The end that this child was started with."""
        return cls(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, 0, number))

    def send(self, descriptors: Sequence[int]) -> bool:
        """Send these, which stay open here; False where the system refuses, since this user has
        too many on their way. Raises ConnectionError where the other side is gone."""
        try:
            socket.send_fds(self._socket, [b"\0"], descriptors)
        except ConnectionError:
            raise
        except OSError:
            return False
        return True

    def receive(self, count: int) -> list[int]:
        """The `count` descriptors that were sent together.

        Raises MissingError for fewer, more or none; those that came are closed then.
        """
        found = array("i")
        # not `socket.recv_fds`, which ignores its flags
        flags = socket.MSG_DONTWAIT | socket.MSG_CMSG_CLOEXEC
        try:
            _, came, said, _ = self._socket.recvmsg(
                1, socket.CMSG_LEN(count * found.itemsize), flags
            )
        except OSError:
            raise MissingError("no descriptor came with it") from None
        for level, kind, data in came:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                found.frombytes(data[: len(data) - len(data) % found.itemsize])
        if len(found) != count or said & socket.MSG_CTRUNC:
            for descriptor in found:
                os.close(descriptor)
            raise MissingError(f"{count} of them belong to it, and others came")
        return found.tolist()

    def close(self) -> None:
        """Close this end; what was sent and not received is closed with it."""
        self._socket.close()
