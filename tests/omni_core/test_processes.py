"""A process that has ended is told from one that runs, and from one of which nothing is known."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from omni_core.processes import has_ended, identity

pytestmark = pytest.mark.skipif(not identity(), reason="this system does not say who a process is")


def child() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)


def test_a_process_that_runs_has_not_ended_and_one_that_was_killed_has() -> None:
    with child() as process:
        known = identity(process.pid)
        assert known and not has_ended(known)
        process.kill()
        process.wait(30)
        assert has_ended(known)
    assert not has_ended(identity())


def test_a_process_that_nobody_has_waited_for_yet_has_ended() -> None:
    with child() as process:
        known = identity(process.pid)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert has_ended(known)


def test_another_process_with_the_same_number_is_not_taken_for_it() -> None:
    *before, started = identity().split(".")
    assert has_ended(".".join([*before, str(int(started) + 1)]))


def test_nothing_is_concluded_of_another_machine_container_or_nonsense() -> None:
    boot, namespace, _, started = identity().split(".")
    gone = "4194304"  # larger than any number of a process
    for other in (
        f"0{boot[1:-1]}x.{namespace}.{gone}.{started}",
        f"{boot}.1.{gone}.{started}",
        "", "x", "a.b.c", f"{boot}.{namespace}.-.{started}", f"{boot}.{namespace}..",
        f"{boot}.{namespace}.{10**30}.1",
    ):  # fmt: skip
        assert not has_ended(other), other
    assert has_ended(f"{boot}.{namespace}.{gone}.{started}")
