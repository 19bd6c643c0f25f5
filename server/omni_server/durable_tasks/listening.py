"""Changes of tasks on a client's `subscriptions/listen` stream, if it names tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, Literal, cast

from mcp.server.mcpserver import require_client_extension
from mcp.server.session import ServerSession
from mcp.server.subscriptions import SUBSCRIPTION_ID_META_KEY
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INVALID_PARAMS,
    Notification,
    NotificationParams,
    RequestId,
    ServerNotification,
    SubscriptionsAcknowledgedNotification,
    SubscriptionsListenRequestParams,
    SubscriptionsListenResult,
)
from pydantic import ConfigDict

from omni_core.tasks import report_failure
from omni_server.durable_tasks.context import TASKS
from omni_server.durable_tasks.extension import Ctx, TasksExtension
from omni_server.durable_tasks.record import Record

Listen = Callable[[Ctx, SubscriptionsListenRequestParams], Awaitable[SubscriptionsListenResult]]
"""Serves one stream of changes to a library."""

FIELD = "taskIds"
MAX_IDS = 100
"""Most tasks that one stream tells of."""


class TaskNotificationParams(NotificationParams):
    """A task, as tasks/get answers."""

    model_config = ConfigDict(extra="allow")


class TaskNotification(Notification[TaskNotificationParams, Literal["notifications/tasks"]]):
    """The state of a task."""

    method: Literal["notifications/tasks"] = "notifications/tasks"
    params: TaskNotificationParams


class TaskListening:
    """Serves `subscriptions/listen`: what the SDK's handler does, and the tasks that are named."""

    def __init__(self, listen: Listen, tasks: TasksExtension) -> None:
        self._listen, self._tasks = listen, tasks

    async def __call__(
        self, ctx: Ctx, params: SubscriptionsListenRequestParams
    ) -> SubscriptionsListenResult:
        """One stream, until the client leaves or the server ends it."""
        wanted = (params.notifications.model_extra or {}).get(FIELD)
        if not wanted:
            return await self._listen(ctx, params)
        require_client_extension(ctx, TASKS)
        ids = [id for id in _checked(wanted) if await self._tasks.visible(ctx, id)]
        stream = _Stream(ctx.session, ids)
        sending = asyncio.create_task(
            self._send(ctx, ids, stream.acknowledged), name="notifications of tasks"
        )
        sending.add_done_callback(report_failure)
        try:
            return await self._listen(
                replace(ctx, session=cast(ServerSession, stream)), params
            )  # ServerSession is a class; the handler uses its send_notification alone
        finally:
            sending.cancel()
            await asyncio.wait([sending])

    async def _send(self, ctx: Ctx, ids: Sequence[str], acknowledged: asyncio.Event) -> None:
        """Each task as it is, then at each change, until all have ended."""
        await acknowledged.wait()
        seen: dict[str, Record | None] = {}
        left = set(ids)
        while left:
            for id in ids:
                if id not in left:
                    continue
                record = await self._tasks.visible(ctx, id)
                if record is not None and record != seen.get(id):
                    await ctx.session.send_notification(
                        cast(ServerNotification, _notification(record, ctx.request_id)),
                        related_request_id=ctx.request_id,
                    )
                seen[id] = record
                if record is None or record.ended:
                    left.discard(id)
            await self._tasks.runner.changed()


class _Stream:
    """The session of a stream: names the tasks in the acknowledgement, which comes first."""

    def __init__(self, session: ServerSession, ids: Sequence[str]) -> None:
        self._session, self._ids = session, ids
        self.acknowledged = asyncio.Event()

    async def send_notification(
        self, notification: ServerNotification, related_request_id: RequestId | None = None
    ) -> None:
        """Send it on the stream."""
        if isinstance(notification, SubscriptionsAcknowledgedNotification):
            honored = notification.params.notifications
            notification.params.notifications = type(honored).model_validate(
                honored.model_dump(by_alias=True) | {FIELD: list(self._ids)}
            )
        await self._session.send_notification(notification, related_request_id)
        self.acknowledged.set()


def _notification(record: Record, subscription: RequestId | None) -> TaskNotification:
    meta: dict[str, Any] = {SUBSCRIPTION_ID_META_KEY: subscription}
    return TaskNotification(
        params=TaskNotificationParams.model_validate({**record.detailed(), "_meta": meta})
    )


def _checked(wanted: Any) -> list[str]:
    if (
        not isinstance(wanted, list)
        or len(wanted) > MAX_IDS
        or not all(isinstance(id, str) for id in wanted)
    ):
        raise MCPError(INVALID_PARAMS, f"{FIELD} is a list of at most {MAX_IDS} task ids")
    return list(dict.fromkeys(wanted))
