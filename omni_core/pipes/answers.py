"""What a child answers: parsed, and checked against the type that the caller named."""

from __future__ import annotations

import re
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from omni_core.codec import Codec, MalformedError, codec, frames
from omni_core.errors import OmniError, unpack
from omni_core.pipes.frames import ENDED, FAILED, PLAIN, RAW, TYPED

END = object()
"""What is answered where an iterator has ended."""
MAX_MESSAGE = 4000
"""Characters of an error that a child reports."""
_JSON = codec(Any)
_ERROR = codec(dict[str, Any])
_CODE = re.compile(r"[A-Z][A-Z_]{0,40}")


@dataclass(frozen=True, slots=True)
class Awaited:
    """A call that was sent."""

    future: Future[Any]
    """Where its answer goes."""
    answer: Codec | None
    """Its type; None: a plain value."""
    item: bool
    """Whether it asks for an item of a stream, which may be its end."""


def value(name: str, kind: int, body: memoryview, awaited: Awaited) -> Any:
    """What a call of the child `name` returned; arrays share the memory of `body`.

    Raises what the call raised, OmniError for an answer of another type than `awaited`.
    """
    answer = awaited.answer
    try:
        if kind == FAILED:
            raise _error(frames.decoded(_ERROR, bytes(body)))
        if kind == ENDED and awaited.item:
            return END
        if kind == TYPED and answer is not None:
            return frames.unpack(answer, body)
        if kind == RAW and answer is None:
            return bytes(body)
        if kind == PLAIN and answer is None:
            return _plain(frames.decoded(_JSON, bytes(body)))
        raise MalformedError(f"kind {kind}")
    except (MalformedError, MemoryError) as e:
        why = str(e)
    raise unreadable(name, why)  # out there: it must not keep the answer's memory


def unreadable(name: str, why: str) -> OmniError:
    """The error for an answer of the child `name` that is none."""
    return OmniError(f"unreadable answer of the {name}: {why}")


def _plain(value: Any) -> Any:
    if isinstance(value, list | dict):
        raise MalformedError("no plain value")
    return value


def _error(packed: dict[str, Any]) -> OmniError:
    """The error that a child reports: one line, with a code that is one."""
    said = str(packed.get("error", "no message"))[:MAX_MESSAGE]
    line = "".join(c if c.isprintable() or "\ud800" <= c <= "\udfff" else " " for c in said)
    code = str(packed.get("code") or "")
    given = {**packed, "error": line, "code": code if _CODE.fullmatch(code) else None}
    return unpack(given)
