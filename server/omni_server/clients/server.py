"""How a client reaches this server: a command to start, or a URL to call."""

from __future__ import annotations

import shutil
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from omni_core.errors import BadRequestError, NotFoundError

SCRIPT = "omni-mcp"


@dataclass(frozen=True, slots=True)
class Command:
    """A process that speaks MCP on its standard streams."""

    command: str
    args: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """A server at `url`; its token is the value of the environment variable `token_env`."""

    url: str
    token_env: str = ""


Server = Command | Link


def command(roots: Sequence[str] = (), store: str = "", encoder: str = "") -> Command:
    """Starts this installation over stdio, every path absolute.

    Raises NotFoundError for a root that is no folder.
    """
    program = own_program()
    args = [*program[1:], "serve"]
    for root in roots:
        args += ["--root", folder(root)]
    if store:
        args += ["--store", str(Path(store).expanduser().absolute())]
    if encoder:
        args += ["--encoder", encoder]
    return Command(program[0], tuple(args))


def folder(root: str) -> str:
    """The absolute path of a folder that exists; raises NotFoundError otherwise."""
    path = Path(root).expanduser()
    if not path.is_dir():
        raise NotFoundError(f"the root {root} is not a folder; name one that exists")
    return str(path.absolute())


def own_program() -> list[str]:
    """The `omni-mcp` beside the running interpreter, or that interpreter and its module."""
    beside = [str(Path(sys.executable).parent), sysconfig.get_path("scripts")]
    for where in beside:
        if found := shutil.which(SCRIPT, path=where):
            return [str(Path(found).absolute())]
    return [sys.executable, "-m", "omni_server"]


def is_temporary(program: str) -> bool:
    """Whether a program lives in uv's cache, where `uvx` puts it until the cache is cleaned."""
    return any(part.startswith("archive-v") for part in Path(program).parts)


def link(url: str, token_env: str = "") -> Link:
    """The server at `url`. Raises BadRequestError for a URL that is no MCP endpoint."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadRequestError(f"--http {url!r} is no address, as in http://127.0.0.1:8000/mcp")
    if parts.username or parts.password:
        raise BadRequestError("put no password into the URL; --token-env NAME refers to the token")
    path = parts.path if parts.path not in ("", "/") else "/mcp"
    return Link(parts._replace(path=path).geturl(), token_env)
