"""Runs tools as tasks, keeps how they end, and goes on with those that another process left."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import anyio
from mcp.types import CallToolRequestParams, CallToolResult, InputRequiredResult

from omni_core.errors import OmniError, StoreError
from omni_core.tasks import TaskOwner, finish_first
from omni_server.durable_tasks import outcomes
from omni_server.durable_tasks.context import Report
from omni_server.durable_tasks.record import Json, Record, new_id
from omni_server.durable_tasks.shared import SharedStore
from omni_server.durable_tasks.store import Store

log = logging.getLogger(__name__)

T = TypeVar("T")
ToolResult: TypeAlias = CallToolResult | InputRequiredResult
Call = Callable[[CallToolRequestParams, str, Report], Awaitable[ToolResult]]
"""Runs a tool for a context key; raises MCPError for what is no result of the tool."""

SHORT_S = 0.5
"""A call that ends sooner is answered directly: no client polls for an error in its arguments."""
WATCH_S = 1.0
"""How often running tasks write their progress, and see that another process cancelled them."""
ADOPT_S = 30.0
"""How often tasks of processes that ended are looked for, besides at each poll for one."""
RETRY_S = 5.0
"""Pause after a write that failed."""


@dataclass(eq=False)
class _Run:
    """A tool that is running as a task."""

    record: Record
    attempt: asyncio.Task[ToolResult]
    message: str | None = None
    """Progress that is not written yet."""
    stopped: bool = False
    """Whether its client cancelled it, or another process runs it."""


class Runner:
    """The tasks of one process. `running()` is its lifespan."""

    def __init__(
        self,
        folder: Path,
        call: Call,
        ready: Callable[[], Awaitable[object]],
        *,
        short_s: float = SHORT_S,
    ) -> None:
        """`ready` is awaited before a task of another process is taken over; it raises OmniError
        while this process cannot run one."""
        self._call, self._ready, self._short_s = call, ready, short_s
        self._kept = SharedStore(folder)
        self._tasks = TaskOwner("the tasks")
        self._runs: dict[str, _Run] = {}
        self._watching: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._asked_for = asyncio.Event()
        self._users = 0
        self._said = ""

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Go on with tasks that were left; at the end, leave those that run to the next process.
        Connections share it."""
        self._users += 1
        if self._users == 1:
            self._tasks = TaskOwner("the tasks")
            self._tasks.start(self._adopt_again_and_again(), name="tasks that were left")
        try:
            yield
        finally:
            self._users -= 1
            if self._users == 0:
                with anyio.CancelScope(shield=True):
                    await self._tasks.close()
                    self._runs.clear()
                    await self._kept.close()

    async def start(
        self, params: CallToolRequestParams, context: str
    ) -> ToolResult | Record | None:
        """Run a tool. Its result when it ends soon, else the task that it became, which is kept.

        None when no task can be kept, and nothing runs: the store has too many, or is unusable.
        Raises MCPError as the tool does.
        """
        call = outcomes.call(params)
        try:
            if outcomes.is_too_large(call) or not await self._kept.do(Store.has_room):
                return None
            owner = await self._kept.owner()
        except StoreError as e:
            self._say("a call is answered without a task", e)
            return None
        now = time.time_ns() // 1_000_000
        run = self._begin(Record(new_id(), context, call, now, now, owner))
        try:
            await asyncio.wait([run.attempt], timeout=self._short_s)
        except asyncio.CancelledError:
            run.attempt.cancel()
            raise
        if run.attempt.done():
            return await run.attempt
        return run.record if await finish_first(self._keep(run)) else None

    async def get(self, id: str, context: str) -> Record | None:
        """The task, if it is of this context; one whose process has ended is soon run here."""
        record = await self._kept.do(Store.get, id, context)
        if record is not None and record.status == "working" and id not in self._runs:
            self._asked_for.set()
        return record

    async def answer(self, record: Record, answers: Json) -> None:
        """Keep the answers to a task's questions; when none is open, run its tool with them."""
        owner = await self._kept.owner()
        ready = await self._kept.do(Store.answer, record.id, answers, owner)
        if ready is not None:
            self._follow(self._begin(ready))
        self._notify()

    async def cancel(self, record: Record) -> None:
        """End a task; nothing happens when it has ended. Another process that runs it notices."""
        await self._kept.do(Store.cancel, record.id)
        if (run := self._runs.get(record.id)) is not None:
            self._stop(run)
        self._notify()

    async def changed(self) -> None:
        """Wait until tasks may have changed: here at once, in other processes after a second."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), WATCH_S)

    def _stop(self, run: _Run) -> None:
        """End the work of a task that its client cancelled.

        Cancelling the tool cancels the engine call that it waits for.
        """
        run.stopped = True
        run.attempt.cancel()

    # Running

    def _begin(self, record: Record) -> _Run:
        params = CallToolRequestParams.model_validate(record.call)

        async def report(message: str) -> None:
            run.message = message

        async def attempt() -> ToolResult:
            return await self._call(params, record.context, report)

        name = f"{record.tool} as a task"
        run = _Run(record, self._start(attempt(), name, log_failure=False))  # the task shows it
        return run

    async def _keep(self, run: _Run) -> bool:
        try:
            await self._kept.do(Store.add, run.record)
        except StoreError as e:
            self._say("a call is answered without a task", e)
            run.attempt.cancel()
            return False
        self._follow(run)
        return True

    def _follow(self, run: _Run) -> None:
        self._runs[run.record.id] = run
        self._start(self._end(run), f"the end of {run.record.tool}")
        if self._watching is None or self._watching.done():
            self._watching = self._start(self._watch(), "the progress of tasks")

    async def _end(self, run: _Run) -> None:
        """Keep how a tool ended. When this process ends first, the task is left for the next."""
        record = run.record
        await asyncio.wait([run.attempt])
        try:
            while not run.stopped:
                try:
                    await self._kept.do(self._write_end, record, run.attempt)
                    break
                except StoreError as e:  # the result is not lost while this process lives
                    self._say("the result of a task cannot be kept yet", e)
                    await asyncio.sleep(RETRY_S)
        finally:
            if self._runs.get(record.id) is run:  # answers may have begun another one
                del self._runs[record.id]
            self._notify()

    @staticmethod
    def _write_end(store: Store, record: Record, attempt: asyncio.Task[ToolResult]) -> None:
        error = asyncio.CancelledError() if attempt.cancelled() else attempt.exception()
        if error is not None:
            body, message = outcomes.error(error)
            store.end(record.id, record.owner, "failed", body, message)
            return
        result = attempt.result()
        if isinstance(result, InputRequiredResult):
            asked = outcomes.questions(result, record.round + 1)
            store.ask(record.id, record.owner, asked, result.request_state)
        else:
            body, message = outcomes.result(result)
            store.end(record.id, record.owner, "completed", body, message)

    async def _watch(self) -> None:
        while self._runs:
            runs = dict(self._runs)
            messages = {id: run.message for id, run in runs.items()}
            for run in runs.values():
                run.message = None
            try:
                owner = await self._kept.owner()
                lost = await self._kept.do(Store.report, owner, messages)
            except StoreError as e:
                self._say("the progress of tasks cannot be kept", e)
            else:
                for id in lost & self._runs.keys():
                    self._stop(runs[id])
                if any(messages.values()):
                    self._notify()
            await asyncio.sleep(WATCH_S)

    # Taking over

    async def _adopt_again_and_again(self) -> None:
        while True:
            self._asked_for.clear()
            try:
                for record in await self._kept.left():
                    await self._adopt(record)
            except OmniError as e:
                self._say("tasks that were left cannot go on", e)
            except Exception:
                log.exception("tasks that were left cannot go on")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._asked_for.wait(), ADOPT_S)

    async def _adopt(self, record: Record) -> None:
        """Run a task whose process has ended."""
        await self._ready()
        owner = await self._kept.owner()
        if await self._kept.do(Store.adopt, record, owner):
            self._follow(self._begin(replace(record, owner=owner)))

    def _start(
        self, work: Coroutine[Any, Any, T], name: str, *, log_failure: bool = True
    ) -> asyncio.Task[T]:
        """Start work that has nothing of the request that began it, such as its credentials: it
        would have nothing of it in another process either."""
        return contextvars.Context().run(
            lambda: self._tasks.start(work, name=name, log_failure=log_failure)
        )

    def _say(self, what: str, why: OmniError) -> None:
        """Log a line on stderr; not again while the reason is the same."""
        level = logging.DEBUG if str(why) == self._said else logging.ERROR
        self._said = str(why)
        log.log(level, "%s: %s", what, why)

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
