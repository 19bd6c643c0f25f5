"""A change to a client's file: computed, shown, then written atomically with a backup."""

from __future__ import annotations

import contextlib
import difflib
import os
import re
import shutil
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from omni_core.errors import BadRequestError, OmniError, StoreError
from omni_core.files import write_atomically
from omni_server.clients.forms import merged
from omni_server.clients.server import Server
from omni_server.clients.table import Client

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class Change:
    """What `file` holds (None where it does not exist) and what it is to hold."""

    file: Path
    old: str | None
    new: str

    @property
    def changes(self) -> bool:
        """Whether there is anything to write."""
        return (self.old or "") != self.new

    def diff(self) -> str:
        """The unified difference, as people read it."""
        old, new = (t.replace("\r\n", "\n").splitlines() for t in (self.old or "", self.new))
        before = os.devnull if self.old is None else str(self.file)
        return "\n".join(difflib.unified_diff(old, new, before, str(self.file), lineterm=""))

    def write(self) -> Path | None:
        """Replace the file in one step; returns the backup of what was there.

        Raises StoreError when it changed since it was read, or cannot be written.
        """
        target = self.file.resolve()  # a symbolic link stays one
        try:
            if (read(target) if target.exists() else None) != self.old:
                raise StoreError(f"{self.file} was changed meanwhile by another program: run again")
            target.parent.mkdir(parents=True, exist_ok=True)
            backup = None
            if self.old is not None:
                backup = target.with_name(target.name + ".bak")
                shutil.copy2(target, backup)
            _replace(target, self.new)
        except OSError as e:
            raise StoreError(f"{self.file} cannot be written: {e.strerror or e}") from e
        return backup


def install(client: Client, file: Path, name: str, server: Server) -> Change:
    """The file with `server` in it under `name`; what the user added to the entry stays.

    Raises BadRequestError for a name the client does not take or a file that cannot be read.
    """
    check_name(client, name)
    entry = client.form(server, client.variables.write)
    with _about(file):
        text = read(file) if file.exists() else None
        bom = BOM if text and text.startswith(BOM) else ""
        body = (text or "").removeprefix(BOM)
        old = client.document.entries(body).get(name)
        return Change(file, text, bom + client.document.put(body, name, merged(old, entry)))


def uninstall(client: Client, file: Path, name: str) -> Change:
    """The file without the entry `name`."""
    with _about(file):
        text = read(file) if file.exists() else None
        bom = BOM if text and text.startswith(BOM) else ""
        body = (text or "").removeprefix(BOM)
        return Change(file, text, bom + client.document.drop(body, name))


def check_name(client: Client, name: str, tools: Sequence[str] = ()) -> None:
    """Raise BadRequestError for a name that this client would refuse or cut."""
    if problem := name_problem(client, name, tools):
        raise BadRequestError(problem)


def name_problem(client: Client, name: str, tools: Sequence[str] = ()) -> str:
    """Why this client would refuse or cut the names of the tools; empty when it would not."""
    if not NAME.fullmatch(name):
        return f"the name {name!r} may have letters, digits, - and _ only"
    if not client.underscores and "_" in name:
        return f"{client.title} cuts tool names at underscores: use - in {name!r}"
    longest = max(tools or TOOLS, key=len)
    full = client.tool_name.format(server=name, tool=longest)
    if len(full) > client.name_limit:
        return (
            f"with the name {name!r} the tool {longest} has {len(full)} characters in "
            f"{client.title}, which takes {client.name_limit}: use a shorter --name"
        )
    return ""


TOOLS = (
    "ingest_media", "search", "get_segment", "similar_to", "list_sources", "read_source",
    "check_citation", "delete_source",
)  # fmt: skip


def read(file: Path) -> str:
    """The text of a configuration file, line ends as they are; raises BadRequestError."""
    try:
        return file.read_bytes().decode("utf-8")
    except UnicodeDecodeError as e:
        raise BadRequestError(f"it is not UTF-8 text (byte {e.start})") from None
    except OSError as e:
        raise BadRequestError(f"it cannot be read: {e.strerror or e}") from e


@contextlib.contextmanager
def _about(file: Path) -> Iterator[None]:
    """Prefix errors with the name of the file."""
    try:
        yield
    except OmniError as e:
        raise type(e)(f"{file}: {e}; nothing was changed", code=e.code) from e


def _replace(target: Path, text: str) -> None:
    """Replace the file atomically; it keeps its permissions, and a new one gets 0600."""
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o600
    write_atomically(target, text.encode(), mode=mode)
