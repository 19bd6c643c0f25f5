"""When to look: events of the file system through `watchfiles`, or none, for folders to be polled.

An event says only that something happened at a path; what it was is read from the disk. Events may
be lost (a full queue, a disk that comes and goes): the watcher looks through everything at times.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from omni_core import file_calls
from omni_core.errors import UnavailableError

CHECK_MS = 5_000
"""Pause between checks that a folder is still the same one: a watched folder that was unmounted or
replaced sends no events."""

_REMOTE = frozenset(
    {
        "9p", "afs", "ceph", "cifs", "davfs", "drvfs", "fuse.rclone", "fuse.sshfs", "glusterfs",
        "fuse.glusterfs", "fuse.vmhgfs-fuse", "ncpfs", "nfs", "nfs4", "prl_fs", "smb3", "smbfs",
        "vboxsf", "virtiofs",
    }
)  # fmt: skip
"""File systems on which changes made elsewhere cause no event here."""

Changed = Callable[[Iterable[str]], None]
Cannot = Callable[[str, str], Awaitable[None]]


async def listen(folders: Sequence[str], changed: Changed, cannot: Cannot) -> None:
    """Call `changed(paths)` at every change under the folders, until cancelled.

    Folders may be absent, and come and go. `cannot(folder, reason)` is awaited for a folder that
    must be polled; nothing is called for it afterwards.
    """
    polled: set[str] = set()
    while True:
        for folder in set(folders) - polled:
            kind = await asyncio.to_thread(file_system, folder)
            if kind in _REMOTE:
                polled.add(folder)
                await cannot(folder, f"{kind} does not tell what others change")
        wanted = [f for f in folders if f not in polled]
        if not wanted:
            return
        try:
            there = await file_calls.run(partial(_identities, wanted))
        except UnavailableError:  # a drive does not answer
            there = {}
        try:
            await _until_another(there, wanted, changed)
        except OSError as e:  # above all: the limit of watches per user
            for folder in wanted:
                await cannot(folder, str(e))
            return


async def _until_another(
    there: dict[str, tuple[int, int]], wanted: Sequence[str], changed: Changed
) -> None:
    """Forward events until one of the wanted folders appears, vanishes or is another one."""
    if not there:
        await asyncio.sleep(CHECK_MS / 1000)
        return
    loop, stop = asyncio.get_running_loop(), threading.Event()

    def forward() -> None:
        from watchfiles import watch  # a compiled extension; needed by those who watch

        first = True
        for changes in watch(
            *there, watch_filter=None, stop_event=stop, rust_timeout=CHECK_MS,
            yield_on_timeout=True, raise_interrupt=False, ignore_permission_denied=True,
        ):  # fmt: skip
            if first:  # what happened between the last look and the start of this
                loop.call_soon_threadsafe(changed, list(there))
                first = False
            if changes:
                loop.call_soon_threadsafe(changed, [path for _, path in changes])
            if _identities(wanted) != there:
                loop.call_soon_threadsafe(changed, list(wanted))
                return

    try:
        await asyncio.to_thread(forward)
    finally:
        stop.set()  # the thread cannot be cancelled; it looks at this every 50 ms


def _identities(folders: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Device and inode of the folders that exist."""
    found = {}
    for folder in folders:
        try:
            stat = os.stat(folder)
        except OSError:
            continue
        found[folder] = (stat.st_dev, stat.st_ino)
    return found


def file_system(folder: str, mounts: Path = Path("/proc/self/mounts")) -> str:
    """The type of the file system of a folder; "" where the system does not say."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    best, kind = "", ""
    for line in lines:
        _, point, of, *_ = line.split(" ")
        point = point.replace("\\040", " ").rstrip("/")
        if (folder == point or folder.startswith(point + "/")) and len(point) >= len(best):
            best, kind = point, of
    return kind
