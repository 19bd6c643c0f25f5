"""A task as it is kept, and as the protocol shows it."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

Status = Literal["working", "input_required", "completed", "failed", "cancelled"]
Json: TypeAlias = dict[str, Any]

TTL_MS = 24 * 3_600_000
"""How long a task is kept after its last change."""
POLL_MS, POLL_MAX_MS = 1_000, 10_000
"""Shortest and longest interval that is suggested between two polls."""


def new_id() -> str:
    """An id of 160 random bits: whoever does not know it cannot find it."""
    return "task_" + base64.b32encode(secrets.token_bytes(20)).decode().lower()


@dataclass(frozen=True, slots=True)
class Record:
    """A task. Times are milliseconds since 1970."""

    id: str
    context: str
    """Whose it is: see `context_key`. Others are told that it does not exist."""
    call: Json
    """The parameters of `tools/call` with which the tool is run."""
    created: int
    updated: int
    owner: str = ""
    """The process that runs it; empty when none does."""
    status: Status = "working"
    message: str = ""
    ttl: int = TTL_MS
    """Milliseconds for which it is kept after its last change."""
    round: int = 0
    """How often it has asked for input."""
    asked: Json = field(default_factory=dict)
    """Requests that are not answered yet, by key: `2.name` for `name` in the second round, since
    a task may use no key twice."""
    answers: Json = field(default_factory=dict)
    """The answers of this round, by key."""
    state: str | None = None
    """What the tool wants back together with the answers."""
    outcome: Json = field(default_factory=dict)
    """The result of a completed task, the error of a failed one."""

    @property
    def tool(self) -> str:
        """The name of the tool."""
        return str(self.call["name"])

    @property
    def ended(self) -> bool:
        """Whether its status is final."""
        return self.status in ("completed", "failed", "cancelled")

    def call_with(self, answers: Json) -> Json:
        """The call with which it goes on once its questions have these answers, by key."""
        named = {key.partition(".")[2]: value for key, value in answers.items()}
        return self.call | {"inputResponses": named, "requestState": self.state}

    def head(self) -> Json:
        """The fields that every state of a task has, as the protocol names them."""
        age = self.updated - self.created
        task: Json = {
            "taskId": self.id,
            "status": self.status,
            "createdAt": _iso(self.created),
            "lastUpdatedAt": _iso(self.updated),
            "ttlMs": age + self.ttl,  # counted from the creation, as the extension wants
            "pollIntervalMs": min(POLL_MAX_MS, max(POLL_MS, age // 10)),
        }
        return task | ({"statusMessage": self.message} if self.message else {})

    def detailed(self) -> Json:
        """The answer to tasks/get: with the result, the error or the open questions."""
        extra: Json = {}
        if self.status == "completed":
            extra = {"result": self.outcome}
        elif self.status == "failed":
            extra = {"error": self.outcome}
        elif self.status == "input_required":
            extra = {"inputRequests": self.asked}
        return self.head() | extra


def _iso(ms: int) -> str:
    at = datetime.fromtimestamp(ms / 1000, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
