"""Giving up rights: called by a child before it imports what it runs, while it has one thread."""

from __future__ import annotations

import contextlib
import logging
import os
import stat
import struct
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace

from omni_core.errors import UnavailableError
from omni_core.sandbox import landlock, seccomp
from omni_core.sandbox.kernel import LINUX, PR_SET_NO_NEW_PRIVS, kernel, prctl, syscall
from omni_core.sandbox.rules import (
    CERTIFICATES,
    DRIVERS,
    FONTS,
    OF_THE_NETWORK,
    SYSTEM,
    Rules,
    of_python,
)

log = logging.getLogger(__name__)

_CAPSET = {"x86_64": 126, "aarch64": 91}
_CAPABILITIES_3 = 0x20080522
_UNTIL_LOADED: list[Rules] = []
"""What is to hold for this process once everything is loaded."""


@dataclass(frozen=True, slots=True)
class Entered:
    """What holds for this process now."""

    seccomp: bool = False
    landlock: int = 0
    """Its version; 0: none."""
    lacks: str = ""
    """What is missing, in words."""

    @property
    def summary(self) -> str:
        """In words: `Landlock 7, seccomp`."""
        held = (f"Landlock {self.landlock}" * bool(self.landlock), "seccomp" * self.seccomp)
        return ", ".join(filter(None, held)) or "nothing but a clean environment"


def enter(rules: Rules) -> Entered:
    """Give up what `rules` do not allow; cannot be undone.

    Raises UnavailableError where the mode is `strict` and the kernel lacks something.
    """
    if not LINUX:
        _lacking(rules, f"a sandbox on {sys.platform}")
        return Entered(lacks=f"a sandbox on {sys.platform}")
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    if rules.mode == "off":
        return Entered()
    has = kernel()
    if rules.moves and has.landlock == 1:
        has = replace(has, landlock=0, wanted="Landlock 2 (Linux 5.19)")
    _lacking(rules, has.lacks)
    lacks = [has.lacks] if has.lacks else []
    held = Entered()
    try:
        if has.landlock:
            confined = rules.reads is not None or rules.writes is not None
            landlock.restrict(
                has.landlock,
                _places(rules) if confined else None,
                network=rules.network,
                signals=rules.programs,
            )
        _drop_capabilities(rules)
        if has.seccomp:
            seccomp.restrict(rules)
            if rules.fetches:
                _UNTIL_LOADED.append(replace(rules, network=False))
        held = Entered(has.seccomp, has.landlock, has.lacks)
    except OSError as e:  # a container may forbid what the kernel has
        lacks.append(f"the right to enter it ({e.strerror})")
        _lacking(rules, " and ".join(lacks))
        held = Entered(lacks=" and ".join(lacks))
    return held


def loaded() -> None:
    """Give up the network where it was needed just to fetch what is loaded now: connections that
    are open end, and there are no further ones. Where the kernel refuses, a line says so, and a
    process whose mode is `strict` ends."""
    if not _UNTIL_LOADED:
        return
    rules = _UNTIL_LOADED.pop()
    try:
        seccomp.restrict_all(rules)
        _end_connections()
    except OSError as e:
        log.error("models are loaded, and the network cannot be given up: %s", e.strerror)
        if rules.mode == "strict":
            os._exit(1)


def _end_connections() -> None:
    """All but those that this process answers on."""
    import socket

    found = []
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # the listing itself had one that is closed by now
            if stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                found.append(socket.socket(fileno=os.dup(int(name))))
    internet = [s for s in found if s.family in (socket.AF_INET, socket.AF_INET6)]
    listening = [s for s in internet if s.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)]
    served = {s.getsockname()[1] for s in listening}
    for one in internet:
        with contextlib.suppress(OSError):  # it has ended
            if one.getsockname()[1] not in served:
                one.shutdown(socket.SHUT_RDWR)
    for one in found:
        one.close()


def _lacking(rules: Rules, lacks: str) -> None:
    if lacks and rules.mode == "strict":
        raise UnavailableError(
            f"no child process is started: sandbox is strict, and here there is no {lacks}; "
            'sandbox = "auto" takes what there is'
        )


def _places(rules: Rules) -> Iterator[tuple[str, int]]:
    installed = landlock.PROGRAMS if rules.programs else landlock.READS
    if rules.reads is None:
        yield "/", installed
    else:
        for path in (*SYSTEM, *of_python(sys.path), *(DRIVERS if rules.devices else ())):
            yield path, installed
        for path in (*map(os.path.expanduser, FONTS), *_of_the_network(rules), *rules.reads):
            yield path, landlock.READS
    if rules.writes is None:
        yield "/", landlock.WRITES
    else:
        for path in (*rules.writes, tempfile.gettempdir()):
            yield path, landlock.WRITES
    yield "/dev/null", landlock.DEVICES
    if rules.devices:
        yield "/dev", landlock.WRITES | landlock.DEVICES


def _of_the_network(rules: Rules) -> Iterator[str]:
    if rules.network:
        yield from OF_THE_NETWORK
        yield from (path for name in CERTIFICATES if (path := os.environ.get(name)))


def _drop_capabilities(rules: Rules) -> None:
    """Root's rights over files of others and over the system, or what another user was given of
    them: a service that may read everybody's files is started so, and its decoders read them."""
    keeps = sum(1 << n for n in rules.keeps)
    held = _permitted()
    kept = held & keeps
    if kept == held:
        return
    low, high = kept & 0xFFFFFFFF, kept >> 32
    header = struct.pack("Ii", _CAPABILITIES_3, 0)
    sets = struct.pack("IIIIII", low, low, 0, high, high, 0)
    syscall(_CAPSET[os.uname().machine], header, sets)


def _permitted() -> int:
    with open("/proc/self/status", encoding="ascii", errors="replace") as f:
        for line in f:
            if line.startswith("CapPrm:"):
                return int(line.split()[1], 16)
    return 0
