"""The port of the server: bound before anything is said of it."""

from __future__ import annotations

import contextlib
import errno
import os
import socket

from omni_core.errors import BadRequestError


def bound(host: str, port: int, backlog: int = 2048) -> list[socket.socket]:
    """A socket for each address that `host` stands for, as `localhost` for two.

    Raises BadRequestError where the port cannot be had, or the host is none of this machine.
    """
    with contextlib.ExitStack() as opened:
        made: list[socket.socket] = []
        for family, address in _addresses(host, port):
            try:
                one = opened.enter_context(socket.socket(family))
            except OSError:  # a family that this machine does not have
                continue
            if os.name == "posix":
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            try:
                one.bind(address)
                one.listen(backlog)
            except OSError as e:
                if e.errno == errno.EADDRNOTAVAIL:
                    continue  # ::1 where there is no IPv6; with nothing else, said below
                raise refused(host, port, e) from None
            made.append(one)
        if not made:
            raise _no_address(host)
        opened.pop_all()
        return made


def refused(host: str, port: int, e: OSError) -> BadRequestError:
    """What is said where the port cannot be had, or the host is none of this machine."""
    if isinstance(e, socket.gaierror) or e.errno == errno.EADDRNOTAVAIL:
        return _no_address(host)
    return BadRequestError(
        f"port {port} of {host} cannot be used: {e.strerror}; name another with --port"
    )


def _no_address(host: str) -> BadRequestError:
    return BadRequestError(f"{host!r} is no address of this machine: name another --host")


def _addresses(host: str, port: int) -> list[tuple[int, tuple[object, ...]]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):  # the latter: a name that no resolver takes
        return []
    return list(dict.fromkeys((family, address) for family, _, _, _, address in found))
