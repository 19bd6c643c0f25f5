"""What the C library's allocator keeps."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

from omni_core.sandbox.environment import allowed

COUNT = """
import ctypes, re, tempfile, threading
from omni_core.allocator import keep_little
keep_little()
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

FREED = """
import ctypes
from omni_core.allocator import keep_little
keep_little()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]
def hold(count, size):
    blocks = [libc.malloc(size) for _ in range(count)]
    for block in blocks: ctypes.memset(block, 1, size)
    return blocks
def free(blocks):
    for block in blocks: libc.free(block)
def megabytes():
    with open("/proc/self/smaps_rollup") as lines:
        return next(int(l.split()[1]) for l in lines if l.startswith("Private_Dirty")) / 1024
before = megabytes()
free(hold(1, 8 << 20))  # from here on glibc would keep twice as much
many = hold(30, 1 << 20)
kept = hold(1, 1000)
free(many)
print(megabytes() - before)
"""

GLIBC = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")


@GLIBC
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_memory_that_is_free_goes_back_to_the_system_unless_the_operator_says_otherwise() -> None:
    def kept_mb(**more: str) -> float:
        environ = {k: v for k, v in os.environ.items() if not k.startswith("MALLOC_")}
        done = subprocess.run(
            [sys.executable, "-c", FREED], env=environ | more, capture_output=True, text=True,
            timeout=60, check=True,
        )  # fmt: skip
        return float(done.stdout)

    assert kept_mb() < 3
    assert kept_mb(MALLOC_TRIM_THRESHOLD_=str(64 << 20), MALLOC_MMAP_THRESHOLD_=str(32 << 20)) > 20


@GLIBC
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
