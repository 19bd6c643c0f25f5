"""What this machine has: cores, memory, a GPU, room on the disk."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

_TORCH = """
import json, sys
import torch
found = []
if torch.cuda.is_available():
    for i in range(torch.cuda.device_count()):
        p = torch.cuda.get_device_properties(i)
        found.append([p.name, p.total_memory / 1e9])
sys.__stdout__.write("\\n" + json.dumps(found) + "\\n")
"""

Run = Callable[[Sequence[str], float], str]
"""Runs a command for at most so many seconds and returns its output; "" where it fails."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """The largest GPU."""

    name: str
    memory_gb: float


@dataclass(frozen=True, slots=True)
class Machine:
    """What matters to the choice of models. Memory and disk in GB of 10^9 bytes."""

    system: str
    cores: int
    """That this process may use."""
    memory_gb: float
    """In total, or what a container allows."""
    available_gb: float
    gpu: Gpu | None
    disk: str
    """The folder whose disk was looked at."""
    free_gb: float

    def hosts(self, memory_gb: float, *, gpu: bool) -> str:
        """Why a model of this size does not run well here; empty where it does."""
        if gpu and self.gpu is None:
            return f"needs a GPU of {memory_gb:g} GB"
        if gpu and self.gpu is not None and self.gpu.memory_gb < memory_gb:
            return f"needs a GPU of {memory_gb:g} GB, this one has {self.gpu.memory_gb:.0f}"
        if not gpu and self.memory_gb < memory_gb:
            return f"needs {memory_gb:g} GB of memory"
        return ""


def look(weights_root: Path) -> Machine:
    """Look at this machine; at most some seconds, where torch must be asked for a GPU."""
    there = next(p for p in (weights_root, *weights_root.parents) if p.exists())
    total, available = memory_gb()
    return Machine(
        f"{platform.system()} {platform.machine()}",
        cores(),
        total,
        available,
        gpu(total),
        str(there),
        shutil.disk_usage(there).free / 1e9,
    )


def cores() -> int:
    """CPU cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        return os.cpu_count() or 1


def memory_gb(root: Path = Path("/")) -> tuple[float, float]:
    """(total, available), as the system or the container says; 0 where it does not say.

    `root`: where /proc and /sys are.
    """
    total = available = 0.0
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    except (ValueError, OSError, AttributeError):
        total = _windows_memory_gb()
    for line in _text(root / "proc/meminfo").splitlines():
        name, _, value = line.partition(":")
        if name == "MemTotal":
            total = int(value.split()[0]) * 1024 / 1e9
        elif name == "MemAvailable":
            available = int(value.split()[0]) * 1024 / 1e9
    limit = _text(root / "sys/fs/cgroup/memory.max").strip()
    if limit.isdecimal():
        total = min(total or float("inf"), int(limit) / 1e9)
    return total, min(available or total, total)


def gpu(memory: float, run: Run | None = None) -> Gpu | None:
    """The largest GPU that torch or its driver shows; `memory` is that of the machine, in GB.

    Apple's GPUs share the machine's memory.
    """
    run = run or _output
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return Gpu("Apple GPU", memory)
    rows: list[tuple[str, float]] = []
    smi = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    for line in run(smi, 10.0).splitlines():
        name, _, mib = line.rpartition(",")
        if mib.strip().isdecimal():
            rows.append((name.strip(), int(mib) * 1024**2 / 1e9))
    if not rows:
        answer = run([sys.executable, "-c", _TORCH], 60.0).strip().splitlines()
        rows = [(str(n), float(gb)) for n, gb in _json(answer[-1] if answer else "")]
    return Gpu(*max(rows, key=lambda row: row[1])) if rows else None


def _output(command: Sequence[str], timeout_s: float) -> str:
    try:
        return subprocess.run(  # noqa: S603 - our own interpreter, or the driver's tool
            command, capture_output=True, text=True, timeout=timeout_s, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ""  # the program is not there: so is the GPU


def _json(text: str) -> list[tuple[str, float]]:
    try:
        found: list[tuple[str, float]] = json.loads(text)
    except ValueError:
        return []
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""


def _windows_memory_gb() -> float:
    if sys.platform != "win32":
        return 0.0
    import ctypes

    kib = ctypes.c_ulonglong()
    ok = ctypes.windll.kernel32.GetPhysicallyInstalledSystemMemory(ctypes.byref(kib))
    return kib.value * 1024 / 1e9 if ok else 0.0
