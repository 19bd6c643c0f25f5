"""What is a message of the protocol, decided before it is parsed: the same for stdin and HTTP.

A message that cannot be answered by a handler (too long, too deep, no JSON, half a character) is
answered here, with the id of its request where that can be read, and the session goes on.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import pydantic_core
from mcp.types import INVALID_REQUEST, PARSE_ERROR, jsonrpc_message_adapter
from pydantic import ValidationError

from omni_core import limits
from omni_server.text import one_line

Id = str | int | None
_SEPARATORS = (b"{", b"[", b",", b":")
_ID = rb'"id"\s*:\s*(-?\d{1,18}|"[^"\\]{0,256}")\s*'
_OTHER = rb'"(?:jsonrpc|method)"\s*:\s*"[^"\\]{0,256}"\s*'
_ID_FIRST = re.compile(rb"\s*\{\s*(?:" + _OTHER + rb",\s*){0,4}" + _ID)
_ID_LAST = re.compile(_ID + rb"(?:,\s*" + _OTHER + rb"){0,4}\}\s*$")
_LONE = re.compile(r"surrogate|hex escape")
TAIL = 1024
"""Bytes at the end of a message in which an id is looked for."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The answer to a message that no handler can be given."""

    code: int
    words: str
    id: Id = None

    def text(self) -> str:
        """The JSON of the answer, on one line."""
        error = {"code": self.code, "message": self.words}
        return json.dumps({"jsonrpc": "2.0", "id": self.id, "error": error}, ensure_ascii=False)


def refusal(message: bytes) -> Refusal | None:
    """Why this message cannot be handled; None for one that can. Takes 20 ms at most."""
    if len(message) > limits.MESSAGE_BYTES:
        return too_long(message[: limits.MESSAGE_ID * 8], message[-TAIL:])
    if sum(map(message.count, _SEPARATORS)) > limits.MESSAGE_PARTS:
        return Refusal(
            INVALID_REQUEST,
            f"TOO_LARGE: a message may have {limits.MESSAGE_PARTS:,} values",
            _id_at_the_ends(message),
        )
    try:
        parsed = pydantic_core.from_json(message, allow_inf_nan=False)
    except ValueError as e:
        return Refusal(PARSE_ERROR, _problem(e), _id_of_broken(message))
    if _is_deeper(parsed, limits.MESSAGE_DEPTH):
        return Refusal(
            INVALID_REQUEST,
            f"BAD_ARGUMENT: the message is nested deeper than {limits.MESSAGE_DEPTH} levels",
            _id_of(parsed),
        )
    is_request = isinstance(parsed, dict) and "method" in parsed and "id" in parsed
    if is_request and _id_of(parsed) is None:
        return Refusal(
            INVALID_REQUEST,
            f"BAD_ARGUMENT: an id is a text of at most {limits.MESSAGE_ID} characters or a whole "
            "number of at most 18 digits",
        )
    try:
        jsonrpc_message_adapter.validate_python(parsed, by_name=False)
    except ValidationError:
        return Refusal(INVALID_REQUEST, _WRONG_SHAPE, _id_of(parsed))
    return None


def too_long(head: bytes, tail: bytes) -> Refusal:
    """The refusal of a message of more than `limits.MESSAGE_BYTES`, of which only the beginning and
    the end are known."""
    return Refusal(
        INVALID_REQUEST,
        f"TOO_LARGE: a message may have {limits.MESSAGE_BYTES >> 20} MB; name files by their paths "
        "or upload them, and give long texts in parts",
        _id_at_the_ends(head, tail),
    )


_WRONG_SHAPE = (
    "BAD_ARGUMENT: this is no JSON-RPC 2.0 message: an object with jsonrpc, method, params (an "
    "object) and, for a request, an id; several in one list are not taken"
)


def _problem(error: ValueError) -> str:
    if _LONE.search(str(error)):
        return (
            "BAD_ARGUMENT: the message holds half a character (a lone surrogate such as \\ud800); "
            "send whole characters"
        )
    return f"BAD_ARGUMENT: the message is no JSON: {one_line(str(error), 120)}"


def _is_deeper(value: Any, most: int) -> bool:
    """Whether lists and objects lie more than `most` deep, without recursion."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(most + 1):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def _id_of(parsed: Any) -> Id:
    """The id of a request, if it is one that can be given back."""
    found = parsed.get("id") if isinstance(parsed, dict) else None
    if isinstance(found, str):
        try:
            found.encode()
        except UnicodeEncodeError:
            return None
        return found if len(found) <= limits.MESSAGE_ID else None
    if isinstance(found, int) and not isinstance(found, bool):
        return found if abs(found) < 10**18 else None
    return None


def _id_of_broken(message: bytes) -> Id:
    """The id of what is JSON to a more lenient parser, or of what only begins or ends as it."""
    try:
        return _id_of(json.loads(message))
    except (ValueError, RecursionError):
        return _id_at_the_ends(message)


def _id_at_the_ends(head: bytes, tail: bytes = b"") -> Id:
    found = _ID_FIRST.match(head) or _ID_LAST.search((tail or head)[-TAIL:])
    if found is None:
        return None
    try:
        return _id_of({"id": json.loads(found[1])})
    except ValueError:
        return None
