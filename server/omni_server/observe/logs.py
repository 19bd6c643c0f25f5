"""Log lines on stderr: plain text, or one JSON object a line (OMNI_LOG_FORMAT=json)."""

from __future__ import annotations

import json
import logging
import os
import sys
from datetime import UTC, datetime
from typing import Any

from omni_server.observe import faults
from omni_server.text import without_paths

FORMAT = "OMNI_LOG_FORMAT"
PLAIN = "%(levelname)s %(name)s: %(message)s"


def is_json() -> bool:
    """Whether stderr is for machines: then nothing else is written to it."""
    return os.environ.get(FORMAT, "").strip().lower() == "json"


def set_up() -> None:
    """Configure logging as OMNI_LOG and OMNI_LOG_FORMAT say: ERROR and plain text by default."""
    handler = logging.StreamHandler()
    level = os.environ.get("OMNI_LOG", "ERROR").upper()
    whole, lines = level == "DEBUG", JsonLines if is_json() else PlainLines
    handler.setFormatter(lines(whole=whole, paths=level in ("DEBUG", "INFO")))
    logging.basicConfig(level=level, handlers=[handler])
    wanted = os.environ.get(FORMAT, "")
    if wanted.strip().lower() not in ("", "json", "text"):
        logging.getLogger(__name__).error("%s is %r, expected json or text", FORMAT, wanted)


class PlainLines(logging.Formatter):
    """A record as a line; an error as its kind, its place in the program and a reference to its
    traceback in the store's `faults.log`, or `whole` with the traceback. Without `paths` each
    absolute path is its last part: logs are passed on."""

    def __init__(self, *, whole: bool, paths: bool = False) -> None:
        super().__init__(PLAIN)
        self._whole, self._paths = whole, paths or whole

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        said = faults.short(record.exc_info)
        changed: dict[str, Any] = {}
        if not self._paths:
            changed |= {"msg": without_paths(record.getMessage()), "args": ()}
        if said and not self._whole:
            changed |= {"exc_info": None, "exc_text": None}
        line = super().format(logging.makeLogRecord(record.__dict__ | changed))
        return line if self._whole or not said else f"{line}: {said} ({faults.reference(record)})"


class JsonLines(logging.Formatter):
    """A record as one line of JSON: time (UTC), level, logger, message; of a client's call also
    request_id, tool, principal; inside a trace trace_id and span_id; with an error its kind and
    the reference to its traceback in the store's `faults.log`, or `whole` the traceback. `paths`:
    as for `PlainLines`.
    """

    def __init__(self, *, whole: bool = False, paths: bool = False) -> None:
        super().__init__()
        self._whole, self._paths = whole, paths or whole

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        message = record.getMessage()
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {
            "time": at.replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": message if self._paths else without_paths(message),
        }
        line |= _call() | _trace() | getattr(record, "fields", {})
        if said := faults.short(record.exc_info):
            line["fault"] = faults.reference(record)
            whole = record.exc_info if self._whole else None
            line["error"] = self.formatException(whole) if whole else said
        return json.dumps(line, ensure_ascii=False, default=str)


def _call() -> dict[str, str]:
    # Both modules are loaded only where something is served; a log line must not load them.
    calls = sys.modules.get("omni_server.observe.calls")
    call = calls.current.get() if calls else None
    if call is None:
        return {}
    named = {"request_id": call.request_id, "tool": call.tool, "principal": call.principal}
    return {name: value for name, value in named.items() if value}


def _trace() -> dict[str, str]:
    trace = sys.modules.get("opentelemetry.trace")
    if trace is None:
        return {}
    span = trace.get_current_span().get_span_context()
    if not span.is_valid:
        return {}
    return {"trace_id": f"{span.trace_id:032x}", "span_id": f"{span.span_id:016x}"}
