"""Questions to the user: which of several sources is meant, and whether to delete one.

At 2026-07-28 the call is answered with the question, and the client calls again with the answer;
what was asked travels in `requestState`, which the SDK seals and binds to the call, so that no
client can present an answer to a question that was not asked. Older clients are asked during the
call. A client that did not declare elicitation is never asked.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import anyio
from mcp.server.mcpserver import Context
from mcp.shared.exceptions import MCPError
from mcp.types import ElicitRequest, ElicitRequestFormParams, ElicitResult, InputRequiredResult

from omni_core.errors import AmbiguousError, RefusedError
from omni_server.progress import progress
from omni_server.text import one_line, quoted

log = logging.getLogger(__name__)

ANSWER_S = 300.0
"""Seconds that an older client has to answer, during the call; progress is reported meanwhile."""
IN_THE_RESULT = "2026-07-28"
"""First revision in which a question is a result. Revisions are dates: they compare as text."""
Action = Literal["accept", "decline", "cancel"]


class AskingUser(Exception):
    """The call is answered with a question; the client repeats it with the answer."""

    def __init__(self, question: InputRequiredResult) -> None:
        super().__init__("the user is asked")
        self.question = question


@dataclass(frozen=True, slots=True)
class Question:
    """A form with one field."""

    message: str
    name: str
    schema: Mapping[str, Any]

    @property
    def form(self) -> ElicitRequestFormParams:
        """What the client shows."""
        return ElicitRequestFormParams(
            message=self.message,
            requested_schema={
                "type": "object",
                "properties": {self.name: dict(self.schema)},
                "required": [self.name],
            },
        )

    @property
    def key(self) -> str:
        """Names the question by its content: a question that has changed is asked again."""
        whole = json.dumps([self.message, self.name, self.schema], sort_keys=True)
        return f"{self.name}-{hashlib.blake2b(whole.encode(), digest_size=8).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the user did, and the filled form if they accepted."""

    action: Action
    content: Mapping[str, Any] = field(default_factory=dict)


class Questions:
    """The questions of one call, and the answers that came with it."""

    def __init__(self, ctx: Context[Any, Any]) -> None:
        self._ctx = ctx
        self._answers: dict[str, Answer] = {}
        version = ctx.protocol_version
        self._in_the_result = version is not None and version >= IN_THE_RESULT
        state = _state(ctx.request_state) if self._in_the_result else None
        if state is not None:
            self._answers = {key: Answer(*answer) for key, answer in state["answers"].items()}
            given = (ctx.input_responses or {}).get(state["asked"])
            if isinstance(given, ElicitResult):
                self._answers[state["asked"]] = _answer(given)

    async def ask(self, question: Question) -> Answer | None:
        """The user's answer; None where this client cannot ask. Raises AskingUser."""
        if question.key in self._answers:
            return self._answers[question.key]
        if not self._can_ask():
            return None
        if self._in_the_result:
            raise AskingUser(
                InputRequiredResult(
                    input_requests={question.key: ElicitRequest(params=question.form)},
                    request_state=json.dumps(
                        {
                            "asked": question.key,
                            "answers": {k: (a.action, a.content) for k, a in self._answers.items()},
                        }
                    ),
                )
            )
        answer = self._answers[question.key] = await self._ask_now(question)
        return answer

    def _can_ask(self) -> bool:
        declared = self._ctx.client_capabilities
        form = declared.elicitation if declared is not None else None
        if form is None or (form.form is None and form.url is not None):
            return False
        return self._in_the_result or self._ctx.session.can_send_request

    async def _ask_now(self, question: Question) -> Answer:
        answer = Answer("cancel")  # nobody answered in time, or the client cannot after all
        async with progress(self._ctx):
            with anyio.move_on_after(ANSWER_S):
                try:
                    answer = _answer(
                        await self._ctx.session.elicit_form(
                            message=question.message,
                            requested_schema=question.form.requested_schema,
                            related_request_id=self._ctx.request_id,
                        )
                    )
                except MCPError as e:
                    log.info("the client did not ask its user: %s", one_line(str(e)))
        return answer


def _state(text: str | None) -> dict[str, Any] | None:
    """What `ask` noted in the call before; None for a first call, and for the state of a tool that
    asks by itself."""
    try:
        state = json.loads(text or "null")
    except ValueError:
        return None
    return state if isinstance(state, dict) and state.keys() == {"asked", "answers"} else None


def _answer(given: ElicitResult) -> Answer:
    return Answer(given.action, given.content or {})


async def which(questions: Questions, error: AmbiguousError) -> str:
    """The ref of the source that the user picks.

    Raises `error` where the client cannot ask, and with `NOT_CHOSEN` in front where the user
    picked none.
    """
    by_label = _labels(error)
    if not by_label:
        raise error
    question = Question(
        f"Several sources match {quoted(error.given)}. Which one is meant? Their titles are quoted "
        "from files.",
        "source",
        {"type": "string", "title": "Source", "enum": list(by_label)},
    )
    answer = await questions.ask(question)
    if answer is not None:
        picked = str(answer.content.get(question.name, ""))
        if answer.action == "accept" and picked in by_label:
            return by_label[picked]
        raise AmbiguousError(
            f"the user {_DID[answer.action]}: {error}",
            code="NOT_CHOSEN",
            given=error.given,
            choices=error.choices,
        )
    raise error


def _labels(error: AmbiguousError) -> dict[str, str]:
    """Refs by what the user reads. Plain values, because not every client shows the titles of an
    enumeration; the id tells apart what is alike in everything else."""
    return {f"{quoted(c.title)} ({c.facts}) {c.ref}": c.ref for c in error.choices}


async def confirm_delete(
    questions: Questions, title: str, facts: str, segments: int, *, in_part: bool = False
) -> None:
    """Return when the user confirms, or when this client cannot ask. Raises RefusedError
    NOT_CONFIRMED otherwise. `in_part`: the caller may change some collections alone."""
    where, there = "the library", ""
    if in_part:
        where, there = "the collections that you may change", " there"
    question = Question(
        f"Delete {quoted(title, 120)} ({facts}) from {where}? The title is quoted from the file. "
        f"What is in it ({segments} segments) can no longer be found{there}; the file itself "
        "stays.",
        "confirm",
        {"type": "boolean", "title": "Delete it", "default": False},
    )
    answer = await questions.ask(question)
    if answer is None:
        return
    if answer.action == "accept" and answer.content.get(question.name) is True:
        return
    raise RefusedError(
        f"the user {_DID[answer.action]}, nothing was deleted; leave it unless they ask for it",
        code="NOT_CONFIRMED",
    )


_DID: Mapping[Action, str] = {
    "accept": "did not say yes",
    "decline": "declined",
    "cancel": "closed the question without an answer",
}


def replaced(arguments: Mapping[str, Any], given: str, ref: str) -> dict[str, Any]:
    """The arguments with `ref` wherever the caller wrote `given`."""

    def each(value: Any) -> Any:
        if isinstance(value, str):
            return ref if value.strip() == given.strip() else value
        if isinstance(value, Sequence):
            return tuple(each(v) for v in value)
        return value

    return {name: each(value) for name, value in arguments.items()}
