"""How many arenas the C library's allocator has."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

from omni_core.sandbox.environment import allowed

COUNT = """
import ctypes, re, tempfile, threading
from omni_core.allocator import use_few_arenas
use_few_arenas()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.fopen.restype = ctypes.c_void_p
together = threading.Barrier(8)
def hold():
    together.wait(30)
    libc.malloc(5000)
    together.wait(30)
threads = [threading.Thread(target=hold) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join(30)
with tempfile.NamedTemporaryFile() as file:
    stream = ctypes.c_void_p(libc.fopen(file.name.encode(), b"w"))
    libc.malloc_info(0, stream)
    libc.fclose(stream)
    print(len(re.findall(r"<heap nr", file.read().decode())))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_a_process_of_many_threads_uses_two_arenas_unless_its_operator_says_otherwise() -> None:
    def arenas(**more: str) -> int:
        environ = {k: v for k, v in os.environ.items() if k != "MALLOC_ARENA_MAX"}
        done = subprocess.run(
            [sys.executable, "-c", COUNT], env=environ | more, capture_output=True, text=True,
            timeout=60, check=True,
        )  # fmt: skip
        return int(done.stdout)

    assert arenas() == 2
    assert arenas(MALLOC_ARENA_MAX="6") > 2


def test_a_child_gets_the_operators_own_number_of_arenas() -> None:
    assert allowed({"MALLOC_ARENA_MAX": "7"})["MALLOC_ARENA_MAX"] == "7"
    assert allowed({})["MALLOC_ARENA_MAX"] == "2"
