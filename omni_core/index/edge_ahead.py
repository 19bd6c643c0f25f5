"""Files of the embedded index, read in a thread before searches need them.

Edge drops them from the system's cache when it loads a shard; then what a question finds is read
from the disk piece by piece: payloads cost a quarter of the CPU of the search in the index, vectors
two thirds of it at 1,000,000 segments. To advise the system takes more CPU than to read.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

AT_ONCE: Mapping[str, int] = {
    "segments/*/vector_storage-dense/quantized.data": 1 << 30,
    "segments/*/vector_storage-dense/quantized_data/chunk_*.mmap": 1 << 30,
    "segments/*/vector_index-bm25/inverted_index.dat": 512 << 20,
}
"""What every search goes through, and how many bytes of it are read at most before the first one:
codes of settled and of growing segments, and the index of words. The first search read them page by
page, in 4 s instead of 0.3 at 1,000,000 segments."""
READ_AHEAD: Mapping[str, int] = {
    "segments/*/payload_index/*/*.bin": 512 << 20,
    "segments/*/payload_storage/page_*.dat": 256 << 20,
    "segments/*/vector_storage-dense/vectors/chunk_*.mmap": 2 << 30,
    "segments/*/vector_storage-dense/matrix.dat": 2 << 30,
}
"""The same for what is read while searches go on: indexes of settled payloads, payloads of about
400,000 segments, vectors of 384 numbers of 1,400,000, growing and settled."""
STOP_S = 10.0
"""How long is waited for the end of one read, of 1 MB: longer where a disk does not answer."""


class ReadAhead:
    """Reads the files of a shard, from when it is made until it is through or stopped."""

    def __init__(self, shard: Path) -> None:
        self._shard = shard
        self._stopped, self._ready = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._read, name="read ahead", daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Wait until what every search goes through was read; False where that takes longer."""
        return self._ready.wait(seconds)

    def stop(self) -> None:
        """Read no more, and have no file open: Windows gives no folder another name, and removes
        none, in which one is."""
        self._stopped.set()
        self._thread.join(STOP_S)

    def _read(self) -> None:
        try:
            read_ahead(self._shard, AT_ONCE, self._stopped.is_set)
        finally:
            self._ready.set()
        read_ahead(self._shard, READ_AHEAD, self._stopped.is_set)


def read_ahead(
    shard: Path, files: Mapping[str, int] = READ_AHEAD, stopped: Callable[[], bool] = lambda: False
) -> int:
    """Read `files` once, in this order, until `stopped`; the number of bytes."""
    done = 0
    for pattern, most in files.items():
        left = most
        with suppress(OSError):  # a file that is gone meanwhile was rewritten
            for path in sorted(shard.glob(pattern)):
                left -= _read(path, left, stopped)
        done += most - left
    return done


def _read(path: Path, most: int, stopped: Callable[[], bool]) -> int:
    """The same for one file; files of 32 MB are filled from their beginning: the rest is a hole,
    but on Windows, which says nothing of it."""
    done, block = 0, bytearray(1 << 20)
    with path.open("rb", buffering=0) as file:
        until = min(getattr(os.fstat(file.fileno()), "st_blocks", most) * 512, most)
        while done < until and not stopped():
            if not (read := file.readinto(memoryview(block)[: until - done])):
                break
            done += read
    return done
