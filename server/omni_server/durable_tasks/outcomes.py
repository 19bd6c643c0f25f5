"""What is kept of a call and of how it ended, as JSON."""

from __future__ import annotations

import json
import logging

from mcp.shared.exceptions import MCPError
from mcp.types import (
    INTERNAL_ERROR,
    CallToolRequestParams,
    CallToolResult,
    InputRequiredResult,
    TextContent,
)
from pydantic import BaseModel

from omni_server.durable_tasks.record import Json
from omni_server.text import one_line, without_paths

log = logging.getLogger(__name__)

MAX_CALL = 1 << 16
"""Most bytes of a call, as JSON."""
MAX_RESULT = 1 << 20
"""Most bytes of a result, as JSON: more than clients take."""


def call(params: CallToolRequestParams) -> Json:
    """The parameters of a call without what is of its request alone, such as a progress token."""
    return _json(params.model_copy(update={"meta": None, "task": None}))


def is_too_large(call: Json) -> bool:
    """Whether a call is too long to be kept."""
    return len(json.dumps(call)) > MAX_CALL


def questions(result: InputRequiredResult, round: int) -> Json:
    """The questions of a round, by key; see `Record.asked`."""
    return {
        f"{round}.{key}": value for key, value in _json(result).get("inputRequests", {}).items()
    }


def result(result: CallToolResult) -> tuple[Json, str]:
    """The result of a tool, and a status message."""
    body = _json(result)
    size = len(json.dumps(body))
    if size > MAX_RESULT:
        text = (
            f"TOO_LARGE: the result has {size:,} bytes, a task keeps {MAX_RESULT:,}: ask for less"
        )
        body = _json(CallToolResult(content=[TextContent(type="text", text=text)], is_error=True))
        return body, one_line(text)
    first = result.content[0] if result.content else None
    line = first.text.split("\n", 1)[0] if isinstance(first, TextContent) else ""
    return body, one_line(line, 200)


def error(error: BaseException) -> tuple[Json, str]:
    """The JSON-RPC error with which a call failed, and a status message."""
    if isinstance(error, MCPError):
        return _json(error.error), without_paths(one_line(error.error.message, 200))
    log.error("a task failed", exc_info=error)
    message = "the server failed at this call and logged why"
    return {"code": INTERNAL_ERROR, "message": message}, message


def _json(model: BaseModel) -> Json:
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)
