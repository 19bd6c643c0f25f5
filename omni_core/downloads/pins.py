"""What a downloaded file must be, and whether a file on the disk is that."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from omni_core.errors import UnavailableError

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Pin:
    """A file by its content. One of `sha256` and `blob` is set."""

    path: str
    """Below its folder, with `/`."""
    size: int
    """Bytes."""
    sha256: str = ""
    """64 hexadecimal digits."""
    blob: str = ""
    """Git's id of the bytes (SHA-1 of `blob SIZE`, a zero byte and the bytes): all that a hub
    publishes of a small file, which is in git itself."""

    def __post_init__(self) -> None:
        """Refuse a path that leads out of its folder: it may come from a server."""
        parts = PurePosixPath(self.path).parts
        odd = {"", ".", ".."} & set(self.path.split("/"))
        if odd or not parts or self.path.startswith("/") or "\\" in self.path or ":" in self.path:
            raise UnavailableError(f"{self.path!r} is no path of a file below a folder")

    @property
    def digest(self) -> str:
        """The digest, for records: `sha256:...` or `git:...`."""
        return f"sha256:{self.sha256}" if self.sha256 else f"git:{self.blob}"

    def matches(self, path: Path) -> bool:
        """Whether the file holds these bytes; reads all of it when the size is right."""
        if not path.is_file() or path.stat().st_size != self.size:
            return False
        if self.sha256:
            seen = hashlib.sha256()
        else:
            seen = hashlib.sha1(f"blob {self.size}\0".encode(), usedforsecurity=False)
        with path.open("rb") as f:
            while block := f.read(_BLOCK):
                seen.update(block)
        return seen.hexdigest() == (self.sha256 or self.blob)
