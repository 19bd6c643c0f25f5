"""Where clients keep their configuration: pure rules of the system and its environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath, PurePosixPath, PureWindowsPath
from typing import Literal

OS = Literal["linux", "macos", "windows"]


@dataclass(frozen=True, slots=True)
class Place:
    """A machine as far as paths go."""

    system: OS
    env: Mapping[str, str]
    cwd: str

    def path(self, *parts: str) -> PurePath:
        """A path in the writing of this system."""
        kind = PureWindowsPath if self.system == "windows" else PurePosixPath
        return kind(*parts)

    @property
    def home(self) -> PurePath:
        """The user's folder."""
        name = "USERPROFILE" if self.system == "windows" else "HOME"
        fallback = "C:\\Users\\Default" if self.system == "windows" else "/"
        return self.path(self.env.get(name) or fallback)

    @property
    def applications(self) -> PurePath:
        """Where applications with a window keep what is the user's: %APPDATA% and its like."""
        if self.system == "windows":
            given = self.env.get("APPDATA", "")
            return self.path(given) if given else self.home / "AppData" / "Roaming"
        if self.system == "macos":
            return self.home / "Library" / "Application Support"
        given = self.env.get("XDG_CONFIG_HOME", "")
        return self.path(given) if given.startswith("/") else self.home / ".config"

    @property
    def local(self) -> PurePath:
        """%LOCALAPPDATA%; on other systems the same as `applications`."""
        if self.system != "windows":
            return self.applications
        given = self.env.get("LOCALAPPDATA", "")
        return self.path(given) if given else self.home / "AppData" / "Local"

    @property
    def names(self) -> dict[str, str]:
        """The environment, and the folders that editors refer to by name."""
        return {**self.env, "workspaceFolder": self.cwd, "userHome": str(self.home)}

    def folder_of(self, variable: str, *default: str) -> PurePath:
        """The folder that an environment variable names, or `default` in the user's folder."""
        given = self.env.get(variable, "")
        return self.path(given) if given else self.home.joinpath(*default)


def here() -> Place:
    """This machine, seen from the current folder."""
    system: OS = (
        "windows" if sys.platform == "win32" else "macos" if sys.platform == "darwin" else "linux"
    )
    env = dict(os.environ)
    env.setdefault("USERPROFILE" if system == "windows" else "HOME", os.path.expanduser("~"))
    return Place(system, env, os.getcwd())


def claude_code_user(place: Place) -> list[PurePath]:
    """~/.claude.json; inside CLAUDE_CONFIG_DIR where that is set."""
    return [place.folder_of("CLAUDE_CONFIG_DIR") / ".claude.json"]


def claude_code_project(place: Place) -> list[PurePath]:
    """.mcp.json of the project, which its team shares."""
    return [place.path(place.cwd) / ".mcp.json"]


def claude_desktop(place: Place) -> list[PurePath]:
    """Of an ordinary install, then of the one from the Windows store (its folder has a pattern)."""
    name = "claude_desktop_config.json"
    plain = place.applications / "Claude" / name
    if place.system != "windows":
        return [plain]
    packaged = place.local / "Packages" / "Claude_*" / "LocalCache" / "Roaming" / "Claude" / name
    return [packaged, plain]


def cursor_user(place: Place) -> list[PurePath]:
    """~/.cursor/mcp.json on every system."""
    return [place.home / ".cursor" / "mcp.json"]


def cursor_project(place: Place) -> list[PurePath]:
    """.cursor/mcp.json of the project."""
    return [place.path(place.cwd) / ".cursor" / "mcp.json"]


def vscode_user(place: Place) -> list[PurePath]:
    """mcp.json of the default profile."""
    return [place.applications / "Code" / "User" / "mcp.json"]


def vscode_project(place: Place) -> list[PurePath]:
    """.vscode/mcp.json of the workspace."""
    return [place.path(place.cwd) / ".vscode" / "mcp.json"]


def codex_user(place: Place) -> list[PurePath]:
    """~/.codex/config.toml, or inside CODEX_HOME."""
    return [place.folder_of("CODEX_HOME", ".codex") / "config.toml"]


def codex_project(place: Place) -> list[PurePath]:
    """.codex/config.toml, which Codex reads in a trusted project only."""
    return [place.path(place.cwd) / ".codex" / "config.toml"]


def gemini_user(place: Place) -> list[PurePath]:
    """~/.gemini/settings.json; GEMINI_CLI_HOME moves the user's folder."""
    return [place.folder_of("GEMINI_CLI_HOME") / ".gemini" / "settings.json"]


def gemini_project(place: Place) -> list[PurePath]:
    """.gemini/settings.json of the project."""
    return [place.path(place.cwd) / ".gemini" / "settings.json"]
