"""Giving up rights: called by a child before it imports what it runs, while it has one thread."""

from __future__ import annotations

import os
import struct
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass

from omni_core.errors import UnavailableError
from omni_core.sandbox import landlock, seccomp
from omni_core.sandbox.kernel import LINUX, PR_SET_NO_NEW_PRIVS, kernel, prctl, syscall
from omni_core.sandbox.rules import FONTS, SYSTEM, Rules, of_python

_CAPSET = {"x86_64": 126, "aarch64": 91}
_CAPABILITIES_3 = 0x20080522


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
        held = Entered(has.seccomp, has.landlock, has.lacks)
    except OSError as e:  # a container may forbid what the kernel has
        lacks.append(f"the right to enter it ({e.strerror})")
        _lacking(rules, " and ".join(lacks))
        held = Entered(lacks=" and ".join(lacks))
    return held


def _lacking(rules: Rules, lacks: str) -> None:
    if lacks and rules.mode == "strict":
        raise UnavailableError(
            f"no child process is started: sandbox is strict, and here there is no {lacks}; "
            'sandbox = "auto" takes what there is'
        )


def _places(rules: Rules) -> Iterator[tuple[str, int]]:
    if rules.reads is None:
        yield "/", landlock.READS
    else:
        for path in (*SYSTEM, *of_python(sys.path), *map(os.path.expanduser, FONTS), *rules.reads):
            yield path, landlock.READS
    if rules.writes is None:
        yield "/", landlock.WRITES
    else:
        for path in (*rules.writes, tempfile.gettempdir()):
            yield path, landlock.WRITES
    yield "/dev/null", landlock.DEVICES
    if rules.devices:
        yield "/dev", landlock.WRITES | landlock.DEVICES


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
