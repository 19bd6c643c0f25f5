"""A machine with a home of its own, on which the command line installs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from omni_server.cli import main
from omni_server.clients import paths

MOVERS = ("CLAUDE_CONFIG_DIR", "CODEX_HOME", "GEMINI_CLI_HOME", "XDG_CONFIG_HOME", "OMNI_TOKEN")


@dataclass
class Said:
    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


Call = Callable[..., Said]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder, empty; the current one is a project in it."""
    folder = tmp_path / "home"
    (folder / "project").mkdir(parents=True)
    for name in MOVERS:
        monkeypatch.delenv(name, raising=False)
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(folder))
    monkeypatch.setenv("APPDATA", str(folder / "Roaming"))
    monkeypatch.setenv("LOCALAPPDATA", str(folder / "Local"))
    monkeypatch.chdir(folder / "project")
    return folder


@pytest.fixture(params=["linux", "macos", "windows"])
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, home: Path) -> str:
    """The path rules of one system, whatever this one is."""
    here = paths.here()
    for module in ("omni_server.cli.install.here", "omni_server.clients.paths.here"):
        monkeypatch.setattr(module, lambda: paths.Place(request.param, here.env, here.cwd))
    return str(request.param)


@pytest.fixture
def media(home: Path) -> Path:
    (home / "Media").mkdir()
    return home / "Media"


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    def call(*argv: object) -> Said:
        capsys.readouterr()
        code = main([str(a) for a in argv])
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return call
