"""Installs the clients of clients.toml, each at its version into a folder of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
INSTALL_S = 900.0


class UnavailableError(Exception):
    """A client cannot be installed on this machine; the text says why."""


@dataclass(frozen=True)
class Client:
    """One client: what to install, and the script that drives it."""

    name: str
    title: str
    driver: Path
    npm: tuple[str, ...]
    pip: tuple[str, ...]
    pictures: bool
    """Whether its agents get the pictures of a result."""

    @property
    def packages(self) -> tuple[str, ...]:
        """What is installed, with versions."""
        return self.npm or self.pip

    @property
    def version(self) -> str:
        """The version of its first package."""
        return self.packages[0].rpartition("@" if self.npm else "=")[2]


def clients() -> tuple[Client, ...]:
    """The clients of the matrix, in its order."""
    listed = tomllib.loads((HERE / "clients.toml").read_text(encoding="utf-8"))["client"]
    return tuple(
        Client(
            c["name"], c["title"], HERE / "drivers" / c["driver"],
            tuple(c.get("npm", ())), tuple(c.get("pip", ())), c.get("pictures", True),
        )
        for c in listed
    )  # fmt: skip


def cache() -> Path:
    """Where clients are installed: OMNI_CLIENTS, else a folder of the user's cache."""
    given = os.environ.get("OMNI_CLIENTS")
    return Path(given) if given else Path.home() / ".cache" / "omni-mcp" / "clients"


def install(client: Client) -> Path:
    """The folder of an installed client; installs it unless these packages are there already.

    Raises UnavailableError where npm or the packages cannot be had.
    """
    folder = cache() / client.name
    stamp = folder / "installed.json"
    wanted = json.dumps([sys.version, client.packages])
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for command in _commands(client, folder):
        _run(command)
    stamp.write_text(wanted, encoding="utf-8")
    return folder


def _commands(client: Client, folder: Path) -> list[list[str]]:
    if client.npm:
        npm = shutil.which("npm")
        if npm is None:
            raise UnavailableError("npm is not installed")
        options = ("--no-audit", "--no-fund", "--fetch-retries=2")
        return [[npm, "install", "--prefix", str(folder), *options, *client.npm]]
    python = str(python_of(folder))
    pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    return [[sys.executable, "-m", "venv", str(folder)], [*pip, *client.pip]]


def python_of(folder: Path) -> Path:
    """The Python of a client that pip installed."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_S)
    except subprocess.TimeoutExpired:
        raise UnavailableError(f"{command[0]} took longer than {INSTALL_S:.0f} s") from None
    if done.returncode:
        lines = [x for x in done.stderr.splitlines() if x.strip()] or ["no reason given"]
        raise UnavailableError(f"cannot be installed: {lines[-1]}")
