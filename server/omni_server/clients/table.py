"""The clients that `install` knows: where each keeps its servers, and what it cannot do."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Literal

from omni_core.errors import BadRequestError
from omni_server.clients import forms, paths
from omni_server.clients.document import Document, Json, Toml
from omni_server.clients.forms import Entry
from omni_server.clients.paths import Place
from omni_server.clients.server import Server
from omni_server.clients.variables import BRACES, EDITOR, NONE, SHELL, Notation

Scope = Literal["user", "project"]
Rule = Callable[[Place], list[PurePath]]


@dataclass(frozen=True, slots=True)
class Client:
    """An MCP client. Times are seconds; 0 is no limit that is known."""

    name: str
    title: str
    document: Document
    form: Callable[[Server, str], Entry]
    places: Mapping[Scope, Rule]
    """The candidates for its file in each scope, the best first."""
    variables: Notation
    """How it refers to an environment variable."""
    programs: tuple[str, ...]
    """Its executables, by which an installation is recognised."""
    tool_name: str = "{server}_{tool}"
    """Format of the tool name that the client builds."""
    name_limit: int = 64
    """Most characters of that name."""
    starts_in: float = 0
    """How long a server may take to answer for the first time."""
    inherits: bool = True
    """Whether the server gets the client's whole environment, or PATH, HOME and few others."""
    by_folder: bool = False
    """Whether the user's file may hold entries for one folder alone, which count before others."""
    underscores: bool = True
    """Whether a server's name may contain underscores."""
    after: str = ""
    """What the user has to do after the installation."""
    timeouts: Mapping[str, float] = field(default_factory=dict)
    """Keys of an entry that limit a call, each with its units per second."""

    def file(self, scope: Scope, place: Place) -> Path:
        """The configuration file of `scope`: the first candidate that exists, else the last one.

        Raises BadRequestError where the client has no such scope.
        """
        rule = self.places.get(scope)
        if rule is None:
            raise BadRequestError(f"{self.title} has no {scope} scope; leave --scope out")
        candidates = rule(place)
        for candidate in candidates:
            path = Path(candidate.as_posix())
            if "*" not in str(path):
                if path.exists():
                    return path
                continue
            fixed = next(p for p in path.parents if "*" not in str(p))
            if found := sorted(fixed.glob(str(path.relative_to(fixed)))):
                return found[0]
        return Path(candidates[-1].as_posix())

    def is_here(self, place: Place) -> bool:
        """Whether this client seems to be installed: its program, its file or its folder."""
        if any(shutil.which(program, path=place.env.get("PATH")) for program in self.programs):
            return True
        file = self.file("user", place)
        return file.exists() or (
            file.parent != Path(place.home.as_posix()) and file.parent.is_dir()
        )


_JSON = Json("mcpServers", comments=False)

CLIENTS = {
    client.name: client
    for client in (
        Client(
            "claude-code", "Claude Code", _JSON, forms.typed,
            {"user": paths.claude_code_user, "project": paths.claude_code_project},
            variables=BRACES, programs=("claude",), tool_name="mcp__{server}__{tool}",
            name_limit=128, starts_in=30, timeouts={"timeout": 1000}, by_folder=True,
            after="it takes effect in the next session; `/mcp` there shows it",
        ),
        Client(
            "claude-desktop", "Claude Desktop", _JSON, forms.commands_only,
            {"user": paths.claude_desktop}, variables=NONE, programs=(), starts_in=60,
            inherits=False, after="quit Claude Desktop fully and open it again",
        ),
        Client(
            "cursor", "Cursor", Json("mcpServers", comments=True), forms.untyped,
            {"user": paths.cursor_user, "project": paths.cursor_project},
            variables=EDITOR, programs=("cursor",), tool_name="{server}{tool}",
            name_limit=60, after="switch it on under Settings, MCP",
        ),
        Client(
            "vscode", "VS Code", Json("servers", comments=True), forms.typed,
            {"user": paths.vscode_user, "project": paths.vscode_project},
            variables=EDITOR, programs=("code",), tool_name="mcp_{server}_{tool}",
            after="`MCP: List Servers` in the command palette starts it",
        ),
        Client(
            "codex", "Codex CLI", Toml("mcp_servers"), forms.codex,
            {"user": paths.codex_user, "project": paths.codex_project},
            variables=NONE, programs=("codex",), tool_name="mcp__{server}__{tool}",
            starts_in=10, inherits=False,
            timeouts={"tool_timeout_sec": 1}, after="`codex mcp list` shows it",
        ),
        Client(
            "gemini", "Gemini CLI", Json("mcpServers", comments=True), forms.http_url,
            {"user": paths.gemini_user, "project": paths.gemini_project},
            variables=SHELL, programs=("gemini",), tool_name="mcp_{server}_{tool}",
            name_limit=63, underscores=False, timeouts={"timeout": 1000},
            after="`gemini mcp list` shows it",
        ),
    )
}  # fmt: skip


def client(name: str) -> Client:
    """The client of that name; raises BadRequestError with those there are."""
    if name not in CLIENTS:
        raise BadRequestError(f"no client {name!r}; there are: {', '.join(CLIENTS)}")
    return CLIENTS[name]
