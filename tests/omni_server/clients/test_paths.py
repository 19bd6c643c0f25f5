"""Where clients keep their configuration, for three systems, on any of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from omni_core.errors import BadRequestError
from omni_server.cli import parser_serving
from omni_server.clients.paths import OS, Place
from omni_server.clients.table import CLIENTS, client

HOMES: dict[OS, tuple[dict[str, str], str]] = {
    "linux": ({"HOME": "/home/me"}, "/home/me/project"),
    "macos": ({"HOME": "/Users/me"}, "/Users/me/project"),
    "windows": (
        {
            "USERPROFILE": r"C:\Users\me",
            "APPDATA": r"C:\Users\me\AppData\Roaming",
            "LOCALAPPDATA": r"C:\Users\me\AppData\Local",
        },
        r"C:\project",
    ),
}
SUPPORT = "/Users/me/Library/Application Support"
ROAMING = "C:/Users/me/AppData/Roaming"
USER = {
    ("claude-code", "linux"): "/home/me/.claude.json",
    ("claude-code", "macos"): "/Users/me/.claude.json",
    ("claude-code", "windows"): "C:/Users/me/.claude.json",
    ("claude-desktop", "linux"): "/home/me/.config/Claude/claude_desktop_config.json",
    ("claude-desktop", "macos"): f"{SUPPORT}/Claude/claude_desktop_config.json",
    ("claude-desktop", "windows"): f"{ROAMING}/Claude/claude_desktop_config.json",
    ("cursor", "linux"): "/home/me/.cursor/mcp.json",
    ("cursor", "macos"): "/Users/me/.cursor/mcp.json",
    ("cursor", "windows"): "C:/Users/me/.cursor/mcp.json",
    ("vscode", "linux"): "/home/me/.config/Code/User/mcp.json",
    ("vscode", "macos"): f"{SUPPORT}/Code/User/mcp.json",
    ("vscode", "windows"): f"{ROAMING}/Code/User/mcp.json",
    ("codex", "linux"): "/home/me/.codex/config.toml",
    ("codex", "macos"): "/Users/me/.codex/config.toml",
    ("codex", "windows"): "C:/Users/me/.codex/config.toml",
    ("gemini", "linux"): "/home/me/.gemini/settings.json",
    ("gemini", "macos"): "/Users/me/.gemini/settings.json",
    ("gemini", "windows"): "C:/Users/me/.gemini/settings.json",
}
PROJECT = {
    "claude-code": ".mcp.json",
    "cursor": ".cursor/mcp.json",
    "vscode": ".vscode/mcp.json",
    "codex": ".codex/config.toml",
    "gemini": ".gemini/settings.json",
}


def place(system: OS, **env: str) -> Place:
    given, cwd = HOMES[system]
    return Place(system, given | env, cwd)


@pytest.mark.parametrize(("name", "system"), sorted(USER), ids="-".join)
def test_every_client_has_its_user_file_on_every_system(name: str, system: OS) -> None:
    assert client(name).file("user", place(system)).as_posix() == USER[name, system]


def test_every_client_and_system_is_in_the_table() -> None:
    assert {name for name, _ in USER} == set(CLIENTS) == set(parser_serving.CLIENTS)


@pytest.mark.parametrize("name", CLIENTS)
@pytest.mark.parametrize("system", HOMES)
def test_a_project_file_lies_in_the_current_folder_or_the_scope_is_refused(
    name: str, system: OS
) -> None:
    here = place(system)
    if name not in PROJECT:
        with pytest.raises(BadRequestError, match="has no project scope"):
            client(name).file("project", here)
        return
    file = client(name).file("project", here).as_posix()
    assert file == f"{Path(here.path(here.cwd).as_posix()).as_posix()}/{PROJECT[name]}"


@pytest.mark.parametrize(
    ("name", "variable", "file"),
    [
        ("claude-code", "CLAUDE_CONFIG_DIR", "/elsewhere/.claude.json"),
        ("codex", "CODEX_HOME", "/elsewhere/config.toml"),
        ("gemini", "GEMINI_CLI_HOME", "/elsewhere/.gemini/settings.json"),
        ("vscode", "XDG_CONFIG_HOME", "/elsewhere/Code/User/mcp.json"),
    ],
)
def test_a_variable_moves_the_file_as_the_client_documents(
    name: str, variable: str, file: str
) -> None:
    moved = place("linux", **{variable: "/elsewhere"})
    assert client(name).file("user", moved).as_posix() == file
    assert client(name).file("user", place("linux", **{variable: ""})).as_posix() != file


def test_the_packaged_claude_desktop_of_windows_is_found_before_the_ordinary_one(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "Packages" / "Claude_pzs8sxrjxfjjc" / "LocalCache" / "Roaming" / "Claude"
    here = Place("windows", {"LOCALAPPDATA": str(tmp_path), "APPDATA": str(tmp_path / "R")}, "C:\\")
    desktop = client("claude-desktop")
    plain = tmp_path / "R" / "Claude" / "claude_desktop_config.json"
    assert desktop.file("user", here) == plain
    folder.mkdir(parents=True)
    (folder / "claude_desktop_config.json").write_text("{}")
    assert desktop.file("user", here) == folder / "claude_desktop_config.json"


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_is_here_when_its_file_its_folder_or_its_program_is(
    name: str, tmp_path: Path
) -> None:
    here = Place("linux", {"HOME": str(tmp_path), "PATH": str(tmp_path / "bin")}, str(tmp_path))
    asked = client(name)
    assert not asked.is_here(here)
    for program in asked.programs[:1]:
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / program).write_text("#!/bin/sh\n")
        (tmp_path / "bin" / program).chmod(0o755)
        assert asked.is_here(here)
        (tmp_path / "bin" / program).unlink()
    asked.file("user", here).parent.mkdir(parents=True, exist_ok=True)
    asked.file("user", here).touch()
    assert asked.is_here(here)
