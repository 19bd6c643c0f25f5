"""`<store>/shared`: which process serves the store, where it listens, and the secret.

    lock           held by the process that opens, serves or closes the engine
    notice.json    mode 0600: address, secret, pid and machine; there while it serves
    engine.sock    mode 0600, in this folder of mode 0700

Only the holder of `lock` writes here, so what a killed process left is replaced by the next one;
a pid is for people, and never decides anything.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import socket
import stat
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

from omni_core.catalog.lock import FileLock, LockHeldError
from omni_core.errors import StoreError
from omni_core.files import write_atomically

SOCKET = "engine.sock"
PREFIX = "omni-mcp-"
"""Of a private folder for the socket, where the store's own path is too long for one."""
BACKLOG = 64


@dataclass(frozen=True, slots=True)
class Notice:
    """What the serving process tells those who can read its file."""

    address: str
    """`unix:PATH`, `tcp:127.0.0.1:PORT`, or `none:REASON` when it could not listen."""
    pid: int = field(default_factory=os.getpid)
    machine: str = field(default_factory=socket.gethostname)
    secret: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)
    folder: int = 0
    """Number of its folder in the file system: the notice in a copy of a store is not for it."""


class Place:
    """The folder of one store."""

    def __init__(self, store: Path) -> None:
        self.store = store
        self.folder = store / "shared"
        self._notice = self.folder / "notice.json"
        self.holder = ""
        """Pid of the process that held the lock when `elect` was last refused; "" if unknown."""

    def elect(self) -> FileLock | None:
        """The lock, which makes this process the one that may serve; None when another has it.

        Raises StoreError where nothing can be written or locked.
        """
        try:
            self.store.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.folder.mkdir(exist_ok=True, mode=0o700)
        except OSError as e:
            raise StoreError(
                f"cannot make the folder {self.folder}: {e.strerror}; choose another with --store"
            ) from e
        try:
            return FileLock(self.folder / "lock")
        except LockHeldError as e:
            self.holder = e.pid
            return None

    def notice(self) -> Notice | None:
        """What the serving process says; None when there is nothing, or nothing legible."""
        try:
            said = json.loads(self._notice.read_bytes())
            notice = Notice(
                address=str(said["address"]), pid=int(said["pid"]), machine=str(said["machine"]),
                secret=str(said["secret"]), folder=int(said["folder"]),
            )  # fmt: skip
            bytes.fromhex(notice.secret)
            is_ours = notice.folder == os.stat(self.folder).st_ino
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return notice if is_ours else None

    def announce(self, notice: Notice) -> None:
        """Tell others where to connect. The holder of the lock only."""
        said = asdict(notice) | {"folder": os.stat(self.folder).st_ino}
        write_atomically(self._notice, json.dumps(said).encode(), mode=0o600)

    def clear(self) -> None:
        """Remove what this or a killed process left here. The holder of the lock only."""
        former = self.notice()
        self._notice.unlink(missing_ok=True)
        _remove_socket(self.folder / SOCKET)
        if former is not None and former.address.startswith("unix:"):
            path = Path(former.address.removeprefix("unix:"))
            if path.name == SOCKET and path.parent.name.startswith(PREFIX):
                _remove_socket(path)
                with contextlib.suppress(OSError):
                    path.parent.rmdir()

    def listen(self) -> tuple[socket.socket, str]:
        """A listening socket for processes of this user, and its address.

        Raises OSError where there can be none.
        """
        if sys.platform == "win32":
            return _tcp()
        with contextlib.suppress(OSError):  # its path is too long, or no socket fits in there
            os.chmod(self.folder, 0o700)
            return _unix(self.folder)
        with contextlib.suppress(OSError):
            folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=_runtime_folder()))
            try:
                return _unix(folder)
            except OSError:
                folder.rmdir()
                raise
        return _tcp()


async def connect(address: str) -> socket.socket:
    """A socket connected to a notice's address. Raises OSError."""
    scheme, _, where = address.partition(":")
    target: str | tuple[str, int]
    if scheme == "unix" and sys.platform != "win32":
        connected, target = socket.socket(socket.AF_UNIX), where
    elif scheme == "tcp":
        connected, target = socket.socket(socket.AF_INET), ("127.0.0.1", _port(where))
    else:
        raise OSError(where or f"nothing listens at {address!r}")
    connected.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(connected, target)
    except BaseException:
        connected.close()
        raise
    return connected


def _port(where: str) -> int:
    port = where.rpartition(":")[2]
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise OSError(f"{where!r} has no port")
    return int(port)


def _unix(folder: Path) -> tuple[socket.socket, str]:
    path = folder / SOCKET
    listening = socket.socket(socket.AF_UNIX)
    try:
        listening.bind(str(path))  # in a folder that only this user can enter
        os.chmod(path, 0o600)
        listening.listen(BACKLOG)
    except OSError:
        listening.close()
        _remove_socket(path)
        raise
    return listening, f"unix:{path}"


def _tcp() -> tuple[socket.socket, str]:
    listening = socket.socket(socket.AF_INET)
    try:
        listening.bind(("127.0.0.1", 0))
        listening.listen(BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening, f"tcp:127.0.0.1:{listening.getsockname()[1]}"


def _runtime_folder() -> str | None:
    """The user's own folder for sockets, which nothing cleans up; None: the temporary one."""
    folder = os.environ.get("XDG_RUNTIME_DIR", "")
    return folder if folder and os.access(folder, os.W_OK) else None


def _remove_socket(path: Path) -> None:
    with contextlib.suppress(OSError):
        if stat.S_ISSOCK(path.lstat().st_mode):
            path.unlink()
