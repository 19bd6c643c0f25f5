"""Whose a task is, and the context in which its tool runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import anyio
from mcp.server.connection import Connection
from mcp.server.context import ServerRequestContext
from mcp.server.mcpserver import Context
from mcp.server.session import ServerSession
from mcp.shared.exceptions import NoBackChannelError
from mcp.shared.transport_context import TransportContext
from mcp.types import CallToolRequestParams

from omni_server.auth.principal import authenticated
from omni_server.state import State

TASKS = "io.modelcontextprotocol/tasks"
MODERN = "2026-07-28"
"""The revision that has extensions: an older client cannot be given a task."""

Report = Callable[[str], Awaitable[None]]
"""Takes what a running task has to say of its progress."""


def context_key() -> str:
    """Whose the tasks of the running request are: the same key, and only it, sees them again.

    Empty for whoever needs no token: over stdio, and over HTTP on this machine where none is set.
    """
    principal = authenticated()
    return principal.key if principal else ""


class TaskContext(Context[State, Any]):
    """The context of a tool that runs as a task: there is no request and no client to talk to,
    and no hurry. Progress becomes the task's status message."""

    _context_key: str

    def __init__(
        self, state: State, params: CallToolRequestParams, context_key: str, report: Report
    ) -> None:
        connection = Connection.from_envelope(MODERN, None, {"extensions": {TASKS: {}}})
        request = ServerRequestContext[State, Any](
            session=ServerSession(_NoClient(report), connection),
            lifespan_context=state,
            protocol_version=MODERN,
            method="tools/call",
        )
        super().__init__(request_context=request, input_params=params)
        self._context_key = context_key

    @property
    def context_key(self) -> str:
        """Whose the task is, as `context_key` said of the request that made it."""
        return self._context_key


class _NoClient:
    """A `DispatchContext` whose request has been answered: only progress goes anywhere."""

    request_id = None
    message_metadata = None
    can_send_request = False
    transport = TransportContext(kind="task", can_send_request=False)

    def __init__(self, report: Report) -> None:
        self._report = report
        self.cancel_requested = anyio.Event()

    async def progress(
        self, progress: float, total: float | None = None, message: str | None = None
    ) -> None:
        """Make the progress the task's status message."""
        share = f"{progress / total:.0%}" if total else ""
        await self._report(", ".join(filter(None, (share, message))))

    async def notify(self, method: str, params: Mapping[str, Any] | None, opts: Any = None) -> None:
        """Drop it: there is nobody to notify."""

    async def send_raw_request(
        self, method: str, params: Mapping[str, Any] | None, opts: Any = None
    ) -> dict[str, Any]:
        """Refuse: a task asks by returning `input_required`."""
        raise NoBackChannelError(method)
