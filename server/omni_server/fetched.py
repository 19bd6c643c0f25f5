"""Fetched files on disk, and what is known of each. Every function here blocks.

    downloads/KEY.json        its record: the link, when it was fetched and looked at, its version
    downloads/KEY.part/NAME   what has arrived so far
    downloads/KEY/NAME        the whole file, renamed from the part in one step

KEY is made from the link, and from whose file it is.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from omni_core.files import write_atomically

ABANDONED_S = 900.0
"""Seconds without a byte after which an unfinished download is nobody's: a live one is given up
long before."""


@dataclass(frozen=True, slots=True)
class Copy:
    """What is known of a fetched file."""

    url: str
    fetched: float = 0.0
    """When it was fetched, seconds since 1970; 0 where that is not known."""
    checked: float = 0.0
    """When the link was last asked for a newer one."""
    etag: str = ""
    modified: str = ""
    """The headers ETag and Last-Modified that came with it."""
    trouble: str = ""
    """Why the link gave no newer one, when it was last asked."""

    @property
    def conditions(self) -> dict[str, str]:
        """Headers with which the link answers 304 where it has no newer file."""
        known = {"If-None-Match": self.etag, "If-Modified-Since": self.modified}
        return {name: value for name, value in known.items() if value}

    @property
    def is_new(self) -> bool:
        """Whether the link was not asked again since it gave this file."""
        return bool(self.fetched) and self.checked <= self.fetched

    @property
    def line(self) -> str:
        """Which copy this is, as a sentence."""
        if not self.fetched:
            return "This is a copy fetched before."
        if self.trouble:
            return (
                f"This is the copy fetched at {_at(self.fetched)}: the link was asked again at "
                f"{_at(self.checked)} and gave no file ({self.trouble})."
            )
        if self.checked > self.fetched:
            return (
                f"This is the copy fetched at {_at(self.fetched)}; the link had no newer one at "
                f"{_at(self.checked)}."
            )
        return f"Fetched at {_at(self.fetched)}."


class Copies:
    """The fetched files of one folder."""

    def __init__(self, folder: Path, apart: str = "") -> None:
        """`apart`: whose they are, where they are not for everyone."""
        self.folder, self._apart = folder, apart

    def part(self, url: str) -> Path:
        """An empty folder for a new file of this link; only the user of this process reads it."""
        part = self._place(url).with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(mode=0o700, parents=True)
        return part

    def file(self, url: str) -> Path | None:
        """The file that was fetched from this link; None when there is none."""
        with contextlib.suppress(OSError):
            return next(iter(sorted(self._place(url).iterdir())), None)
        return None

    def about(self, url: str) -> Copy:
        """What is known of it."""
        try:
            read = json.loads(self._json(url).read_bytes())
            return Copy(**read) if isinstance(read, dict) else Copy(url)
        except (OSError, ValueError, TypeError):
            return Copy(url)

    def keep(self, url: str, part: Path, headers: Mapping[str, str]) -> None:
        """Give a whole file its place, instead of an older one."""
        place, old = self._place(url), self._place(url).with_suffix(".old")
        shutil.rmtree(old, ignore_errors=True)
        if place.exists():
            place.rename(old)
        part.rename(place)
        shutil.rmtree(old, ignore_errors=True)
        now = time.time()
        etag, modified = headers.get("etag", ""), headers.get("last-modified", "")
        self._note(Copy(url, now, now, etag[:1000], modified[:100]))

    def checked(self, url: str, trouble: str = "") -> None:
        """Note that the link was asked again and gave no newer file."""
        self._note(replace(self.about(url), url=url, checked=time.time(), trouble=trouble[:300]))

    def sweep(self, older_than: float) -> int:
        """Delete what a crash left of downloads that had their last byte before `older_than`
        (seconds since 1970); how many there were."""
        swept = 0
        for path in [*self.folder.glob("*.part"), *self.folder.glob("*.old")]:
            if _newest(path) < older_than:
                shutil.rmtree(path, ignore_errors=True)
                swept += 1
        for path in self.folder.glob("*.json"):
            if not path.with_suffix("").exists() and _newest(path) < older_than:
                path.unlink(missing_ok=True)
                swept += 1
        return swept

    def _note(self, copy: Copy) -> None:
        write_atomically(self._json(copy.url), json.dumps(asdict(copy)).encode(), mode=0o600)

    def _json(self, url: str) -> Path:
        return self._place(url).with_suffix(".json")

    def _place(self, url: str) -> Path:
        named = f"{self._apart}\n{url}" if self._apart else url
        key = hashlib.sha256(named.encode("utf-8", "surrogatepass")).hexdigest()[:26]
        return self.folder / key


def _newest(path: Path) -> float:
    times = [0.0]
    for item in [path, *path.glob("*")]:
        with contextlib.suppress(OSError):
            times.append(item.stat().st_mtime)
    return max(times)


def _at(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
