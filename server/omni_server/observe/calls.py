"""The call that is being answered: its name in every log line, its metrics, its trace's parent.

One middleware of the MCP server, outside all others, for both transports.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextvars import ContextVar, Token
from dataclasses import dataclass
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.types import CallToolResult
from opentelemetry import context as trace_context
from opentelemetry.propagate import extract
from opentelemetry.trace import get_current_span

from omni_core import stages
from omni_server.observe.principals import principal_hash
from omni_server.state import State

REQUEST_ID = "x-request-id"
TRACE_HEADERS = ("traceparent", "tracestate")


@dataclass(slots=True)
class Call:
    """One request of a client."""

    method: str
    tool: str = ""
    request_id: str = ""
    """Of the HTTP request, and else of the message."""
    principal: str = ""
    """A hash of who asks; empty over stdio."""
    outcome: str = ""
    """The code of the error that a tool answered with."""


current: ContextVar[Call | None] = ContextVar("omni_call", default=None)


def note_outcome(code: str) -> None:
    """Remember the code of the error that the current call is answered with."""
    call = current.get()
    if call is not None:
        call.outcome = code


class ObserveCalls:
    """The middleware. Overhead per call: tens of microseconds."""

    def __init__(self, state: State, tools: frozenset[str]) -> None:
        """`tools`: the names that may become labels; a client can ask for any other."""
        self._state, self._tools = state, tools

    async def __call__(
        self, ctx: ServerRequestContext[State], call_next: CallNext
    ) -> HandlerResult:
        """Answer one message, observed."""
        headers: Mapping[str, str] = getattr(ctx.request, "headers", None) or {}
        call = _call(ctx, headers, self._tools)
        at = current.set(call)
        parent = _attach_parent(ctx, headers)
        told = self._state.call_ended
        heard = stages.listener.set(self._state.stage_ended)
        started = time.perf_counter()
        outcome = "CANCELLED"  # unless the lines below are reached
        try:
            result = await call_next(ctx)
            outcome = _outcome(call, result)
            return result
        except Exception:
            outcome = call.outcome or "PROTOCOL_ERROR"
            raise
        finally:
            if told and call.tool:
                told(call.tool, outcome, time.perf_counter() - started)
            stages.listener.reset(heard)
            if parent is not None:
                trace_context.detach(parent)
            current.reset(at)


def _call(
    ctx: ServerRequestContext[State], headers: Mapping[str, str], tools: frozenset[str]
) -> Call:
    call = Call(ctx.method, request_id=headers.get(REQUEST_ID) or str(ctx.request_id or ""))
    if ctx.method == "tools/call":
        name = (ctx.params or {}).get("name")
        call.tool = name if name in tools else "unknown"
    scope = getattr(ctx.request, "scope", None)
    if scope is not None:
        call.principal = principal_hash(scope)
    return call


def _attach_parent(
    ctx: ServerRequestContext[State], headers: Mapping[str, str]
) -> Token[trace_context.Context] | None:
    """Take the parent of HTTP's `traceparent`; the SDK itself reads that of `_meta`, which wins."""
    carrier = {name: headers[name] for name in TRACE_HEADERS if name in headers}
    if not carrier:
        return None
    parent = extract(carrier)
    if not get_current_span(parent).get_span_context().is_valid:
        return None
    return trace_context.attach(parent)


def _outcome(call: Call, result: Any) -> str:
    failed = (
        result.is_error
        if isinstance(result, CallToolResult)
        else isinstance(result, dict) and result.get("isError") is True
    )
    return (call.outcome or "ERROR") if failed else "ok"
