"""The protocol of tasks: tools/call answered with a task, tasks/get, tasks/update, tasks/cancel.

2025-11-25 had another, experimental form of tasks (`tasks/result`, `tasks/list`, a parameter
`task`), which this one replaces. It is not served: the SDK removes a task from an answer to a
client of that revision.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from mcp.server import MCPServer
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.extension import Extension, MethodBinding
from mcp.server.mcpserver import require_client_extension
from mcp.server.mcpserver.exceptions import ToolError
from mcp.shared.exceptions import MCPError
from mcp.shared.inbound import MCP_NAME_HEADER, decode_header_value
from mcp.types import (
    HEADER_MISMATCH,
    INTERNAL_ERROR,
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    InputResponse,
    RequestParams,
    TextContent,
)
from pydantic import TypeAdapter, ValidationError

from omni_core.errors import StoreError
from omni_server.auth.principal import Principal
from omni_server.authorization import scope_of_tool
from omni_server.durable_tasks.context import MODERN, TASKS, Report, TaskContext, context_key
from omni_server.durable_tasks.record import Json, Record
from omni_server.durable_tasks.runner import Runner, ToolResult
from omni_server.state import State
from omni_server.text import one_line

Ctx = ServerRequestContext[State, Any]

_ANSWER: TypeAdapter[Any] = TypeAdapter(InputResponse)


class TaskParams(RequestParams):
    """The parameters of tasks/get and tasks/cancel."""

    task_id: str


class UpdateParams(TaskParams):
    """The parameters of tasks/update; which answers fit is decided by the open questions."""

    input_responses: dict[str, Any]


class TasksExtension(Extension):
    """Answers calls of long tools with tasks, for clients that declare the extension."""

    identifier = TASKS

    def __init__(self, state: State, is_durable: Callable[[str], bool]) -> None:
        """`is_durable` says whether the tool of a name may become a task: it may be run again."""
        self._state, self._is_durable = state, is_durable
        self._server: MCPServer[State] | None = None
        self.runner = Runner(state.settings.store_path / "tasks", self._run_tool, state.engine)

    @contextlib.asynccontextmanager
    async def running(self, server: MCPServer[State]) -> AsyncIterator[None]:
        """The lifespan of the tasks of this server; within the lifespan of its state."""
        self._server = server
        async with self.runner.running():
            yield

    def methods(self) -> Sequence[MethodBinding]:
        """The methods of the extension, for the revision that has it."""
        versions = frozenset({MODERN})
        return [
            MethodBinding("tasks/get", TaskParams, self._get, versions),
            MethodBinding("tasks/update", UpdateParams, self._update, versions),
            MethodBinding("tasks/cancel", TaskParams, self._cancel, versions),
        ]

    async def intercept_tool_call(
        self, params: CallToolRequestParams, ctx: Ctx, call_next: CallNext
    ) -> HandlerResult:
        """A task for a call that takes long, if its client knows tasks; else the tool's answer."""
        if not (self._is_durable(params.name) and declares_tasks(ctx)):
            return await call_next(ctx)
        answer = await self.runner.start(params, context_key())
        if answer is None:
            return await call_next(ctx)
        if isinstance(answer, Record):
            return {"resultType": "task", **answer.head()}
        return answer

    async def visible(self, ctx: Ctx, id: str) -> Record | None:
        """The task of this id, if the request's principal made it."""
        try:
            return await self.runner.get(id, context_key())
        except StoreError as e:
            raise _failed(e) from None

    async def _get(self, ctx: Ctx, params: TaskParams) -> HandlerResult:
        return (await self._named(ctx, params)).detailed()

    async def _update(self, ctx: Ctx, params: UpdateParams) -> HandlerResult:
        record = await self._named(ctx, params)
        answers = {key: params.input_responses.get(key) for key in record.asked}
        given = {key: _checked(key, value) for key, value in answers.items() if value is not None}
        try:
            await self.runner.answer(record, given)
        except StoreError as e:
            raise _failed(e) from None
        return {}

    async def _cancel(self, ctx: Ctx, params: TaskParams) -> HandlerResult:
        record = await self._named(ctx, params)
        try:
            await self.runner.cancel(record)
        except StoreError as e:
            raise _failed(e) from None
        return {}

    async def _named(self, ctx: Ctx, params: TaskParams) -> Record:
        """The task that a request names; raises MCPError when it may not or does not."""
        require_client_extension(ctx, TASKS)
        header = None if ctx.request is None else ctx.request.headers.get(MCP_NAME_HEADER)
        if header is not None and decode_header_value(header) != params.task_id:
            raise MCPError(HEADER_MISMATCH, "the Mcp-Name header is not the taskId of the request")
        record = await self.visible(ctx, params.task_id)
        if record is None:
            raise MCPError(
                INVALID_PARAMS,
                f"there is no task {one_line(params.task_id, 60)!r}: it has expired, or never was",
            )
        return record

    async def _run_tool(
        self, params: CallToolRequestParams, context_key: str, report: Report
    ) -> ToolResult:
        """Run a tool without a request. Raises MCPError."""
        if self._server is None:
            raise MCPError(INTERNAL_ERROR, "the server is not running")
        context = TaskContext(self._state, params, context_key, report)
        try:
            async with self._as_its_caller(params.name, context_key):
                return await self._server.call_tool(params.name, params.arguments or {}, context)
        except ToolError as e:
            return CallToolResult(content=[TextContent(type="text", text=str(e))], is_error=True)

    @contextlib.asynccontextmanager
    async def _as_its_caller(self, tool: str, context_key: str) -> AsyncIterator[None]:
        """Whoever made the task is the caller, with the scope that the tool needed then."""
        known = self._server._tool_manager.get_tool(tool) if self._server else None
        if not context_key or known is None:
            yield
            return
        scope = scope_of_tool(known.annotations)
        async with self._state.acting_for(Principal.of_key(context_key, [scope])):
            yield


def declares_tasks(ctx: Ctx) -> bool:
    """Whether the client of this request may be given a task."""
    capabilities = ctx.session.client_capabilities
    extensions = (capabilities.extensions if capabilities else None) or {}
    return TASKS in extensions and ctx.protocol_version == MODERN


def _checked(key: str, answer: Any) -> Json:
    try:
        _ANSWER.validate_python(answer)
    except ValidationError:
        raise MCPError(
            INVALID_PARAMS, f"inputResponses: {one_line(key, 40)!r} is no answer to its question"
        ) from None
    return dict(answer)


def _failed(error: StoreError) -> MCPError:
    return MCPError(INTERNAL_ERROR, one_line(str(error), 400))
