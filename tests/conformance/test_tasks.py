"""Tasks over raw HTTP: what the suite's tasks-* scenarios check, and what they leave out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import httpx2
import pytest
from mcp.types import (
    HEADER_MISMATCH,
    INTERNAL_ERROR,
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    MISSING_REQUIRED_CLIENT_CAPABILITY,
)

from omni_server.durable_tasks.context import TASKS
from tests.conformance.wire import HELLO, LEGACY, Reply, Session, call, headers_of, meta

pytestmark = pytest.mark.asyncio(loop_scope="module")
KNOWS = meta(extensions={TASKS: {}}, elicitation={})
ENDED = {"completed", "failed", "cancelled"}
WAIT_S = 60.0


async def ask(http: httpx2.AsyncClient, method: str, **params: Any) -> Reply:
    """A request of a client that declares the extension."""
    return await call(http, method, {"_meta": KNOWS, **params})


async def run(http: httpx2.AsyncClient, tool: str, **arguments: Any) -> dict[str, Any]:
    return (await ask(http, "tools/call", name=tool, arguments=arguments)).result


async def until(http: httpx2.AsyncClient, id: str, *statuses: str) -> dict[str, Any]:
    """The task once it has one of these statuses, or has ended."""
    async with asyncio.timeout(WAIT_S):
        while True:
            task = (await ask(http, "tasks/get", taskId=id)).result
            if task["status"] in {*statuses, *ENDED}:
                return task


def words(result: dict[str, Any]) -> str:
    return str(result["content"][0]["text"])


@pytest.mark.scenario("tasks-capability-negotiation")
async def test_the_extension_is_advertised_and_the_old_slot_is_not(http: Any) -> None:
    capabilities = (await call(http, "server/discover")).result["capabilities"]
    assert capabilities["extensions"][TASKS] == {}
    assert "tasks" not in capabilities


@pytest.mark.scenario("tasks-lifecycle", "tasks-wire-fields", "tasks-dispatch-and-envelope")
async def test_a_long_call_is_a_task_at_once_and_its_result_is_polled(http: Any) -> None:
    made = await run(http, "slow_compute", seconds=1, label="sum")
    assert made["resultType"] == "task"
    assert made["status"] == "working"
    assert not {
        "task",
        "result",
        "error",
        "inputRequests",
        "requestState",
        "ttl",
        "pollInterval",
    } & {*made}
    assert all(type(made[key]) is int and made[key] > 0 for key in ("ttlMs", "pollIntervalMs"))
    assert datetime.fromisoformat(made["createdAt"]) <= datetime.fromisoformat(
        made["lastUpdatedAt"]
    )
    first = (await ask(http, "tasks/get", taskId=made["taskId"])).result
    assert (first["resultType"], first["status"]) == ("complete", "working")
    assert "result" not in first
    task = await until(http, made["taskId"])
    assert (task["status"], words(task["result"])) == ("completed", "sum took 1 s")
    assert "io.modelcontextprotocol/related-task" not in task["result"].get("_meta", {})
    assert await until(http, made["taskId"]) == task  # it stays


@pytest.mark.scenario("tasks-lifecycle", "tasks-dispatch-and-envelope")
async def test_a_tool_that_is_not_long_answers_directly(http: Any) -> None:
    result = await run(http, "greet", name="World")
    assert (result["resultType"], words(result)) == ("complete", "Hello, World!")
    assert "taskId" not in result


@pytest.mark.scenario("tasks-dispatch-and-envelope")
async def test_a_long_tool_that_ends_soon_answers_directly(http: Any) -> None:
    result = await run(http, "slow_compute", seconds=0, label="now")
    assert (result["resultType"], words(result)) == ("complete", "now took 0 s")


@pytest.mark.scenario("tasks-dispatch-and-envelope")
async def test_the_parameter_of_the_old_tasks_changes_nothing(http: Any) -> None:
    params = {"name": "greet", "arguments": {"name": "x"}, "task": {"ttl": 60000}}
    assert words((await ask(http, "tools/call", **params)).result) == "Hello, x!"


@pytest.mark.scenario("tasks-dispatch-and-envelope")
@pytest.mark.parametrize("method", ["tasks/result", "tasks/list"])
async def test_methods_of_the_old_tasks_are_unknown(http: Any, method: str) -> None:
    assert (await ask(http, method, taskId="task_x")).code == METHOD_NOT_FOUND


@pytest.mark.scenario("tasks-dispatch-and-envelope")
@pytest.mark.parametrize("method", ["tasks/get", "tasks/cancel", "tasks/update"])
async def test_an_unknown_task_is_an_invalid_parameter(http: Any, method: str) -> None:
    reply = await ask(http, method, taskId="task_unknown", inputResponses={})
    assert reply.code == INVALID_PARAMS
    assert "no task 'task_unknown'" in reply.body["error"]["message"]


@pytest.mark.scenario("tasks-lifecycle")
async def test_an_error_of_the_tool_is_a_result_and_one_of_the_protocol_is_a_failure(
    http: Any,
) -> None:
    made = await run(http, "failing_job")
    task = await until(http, made["taskId"])
    assert (task["status"], task["result"]["isError"]) == ("completed", True)
    assert words(task["result"]) == "BAD_ARGUMENT: this job always fails"
    assert task["statusMessage"] == "BAD_ARGUMENT: this job always fails"
    made = await run(http, "protocol_error_job")
    task = await until(http, made["taskId"])
    assert task["status"] == "failed"
    assert task["error"] == {"code": INTERNAL_ERROR, "message": "this job breaks the protocol"}
    assert task["statusMessage"] == "this job breaks the protocol"
    assert "result" not in task


@pytest.mark.scenario("tasks-lifecycle", "tasks-request-state-removal")
async def test_a_cancelled_task_says_so_and_cancelling_again_changes_nothing(http: Any) -> None:
    made = await run(http, "slow_compute", seconds=600)
    for _ in range(2):
        ack = (await ask(http, "tasks/cancel", taskId=made["taskId"])).result
        assert set(ack) == {"resultType", "_meta"}
        assert ack["resultType"] == "complete"
        task = (await ask(http, "tasks/get", taskId=made["taskId"])).result
        assert task["status"] == "cancelled"
        assert not {"result", "error", "requestState"} & {*task}


@pytest.mark.scenario("tasks-lifecycle")
async def test_cancelling_a_task_that_has_a_result_leaves_it(http: Any) -> None:
    made = await run(http, "slow_compute", seconds=1)
    before = await until(http, made["taskId"])
    await ask(http, "tasks/cancel", taskId=made["taskId"])
    assert await until(http, made["taskId"]) == before


@pytest.mark.scenario("tasks-capability-negotiation", "tasks-required-task-error")
async def test_who_does_not_declare_the_extension_is_given_no_task(http: Any) -> None:
    params = {"name": "slow_compute", "arguments": {"seconds": 1}}
    assert words((await call(http, "tools/call", params)).result) == " took 1 s"
    for method in ("tasks/get", "tasks/cancel", "tasks/update"):
        reply = await call(http, method, {"taskId": "task_x", "inputResponses": {}})
        assert reply.code == MISSING_REQUIRED_CLIENT_CAPABILITY
        assert reply.body["error"]["data"]["requiredCapabilities"] == {"extensions": {TASKS: {}}}
    refused = await call(http, "tools/call", {"name": "failing_job", "arguments": {}})
    assert refused.code == MISSING_REQUIRED_CLIENT_CAPABILITY


async def test_a_client_of_the_older_revision_is_given_no_task_whatever_it_declares(
    http: Any,
) -> None:
    hello = {**HELLO, "capabilities": {"extensions": {TASKS: {}}}}
    session = await Session.open(http, hello)
    params = {"name": "slow_compute", "arguments": {"seconds": 1}, "task": {"ttl": 60000}}
    assert words((await session.call("tools/call", params)).result) == " took 1 s"
    assert (await session.call("tasks/get", {"taskId": "task_x"})).code == METHOD_NOT_FOUND
    assert session.opened.result["protocolVersion"] == LEGACY
    await session.close()


@pytest.mark.scenario("tasks-request-headers")
async def test_the_header_that_routes_a_task_must_name_it_if_it_is_sent(http: Any) -> None:
    made = await run(http, "slow_compute", seconds=600)
    params = {"_meta": KNOWS, "taskId": made["taskId"]}
    for method in ("tasks/get", "tasks/cancel"):
        wrong = await call(http, method, params, headers={"mcp-name": "task_other"})
        assert (wrong.status, wrong.code) == (400, HEADER_MISMATCH)
    assert (await call(http, "tasks/get", params)).result["status"] == "working"
    mixed = {"name": "greet", "arguments": {"name": "x"}}
    reply = await call(http, "tools/call", mixed, headers={"mcp-method": "tasks/get"})
    assert reply.code == HEADER_MISMATCH
    await ask(http, "tasks/cancel", taskId=made["taskId"])


@pytest.mark.scenario("tasks-mrtr-input")
async def test_a_task_asks_waits_and_goes_on_with_the_answer(http: Any) -> None:
    made = await run(http, "confirm_delete", filename="a.txt")
    task = await until(http, made["taskId"], "input_required")
    (key,) = task["inputRequests"]
    assert task["inputRequests"][key]["method"] == "elicitation/create"
    strange = {"unknown": {"ignored": True}}
    ack = (await ask(http, "tasks/update", taskId=made["taskId"], inputResponses=strange)).result
    assert set(ack) == {"resultType", "_meta"}
    refused = await ask(http, "tasks/update", taskId=made["taskId"], inputResponses={key: 12})
    assert refused.code == INVALID_PARAMS
    assert (await until(http, made["taskId"], "input_required"))["inputRequests"].keys() == {key}
    answers = {key: {"action": "accept", "content": {"confirm": True}}}
    await ask(http, "tasks/update", taskId=made["taskId"], inputResponses=answers)
    task = await until(http, made["taskId"])
    assert words(task["result"]) == "a.txt: deleted"


@pytest.mark.scenario("tasks-mrtr-input")
async def test_questions_are_answered_one_at_a_time_in_any_order(http: Any) -> None:
    made = await run(http, "multi_input")
    task = await until(http, made["taskId"], "input_required")
    first, second = sorted(task["inputRequests"])
    for key, name, left in ((second, "B", {first}), (first, "A", set())):
        answers = {key: {"action": "accept", "content": {"name": name}}}
        await ask(http, "tasks/update", taskId=made["taskId"], inputResponses=answers)
        if left:
            task = (await ask(http, "tasks/get", taskId=made["taskId"])).result
            assert task["status"] == "input_required"
            assert set(task["inputRequests"]) == left
    task = await until(http, made["taskId"])
    assert words(task["result"]) == "asked twice: A and B"


async def test_a_task_that_waits_for_an_answer_can_be_cancelled(http: Any) -> None:
    made = await run(http, "confirm_delete", filename="b.txt")
    await until(http, made["taskId"], "input_required")
    await ask(http, "tasks/cancel", taskId=made["taskId"])
    assert (await until(http, made["taskId"]))["status"] == "cancelled"


@pytest.mark.scenario("tasks-mrtr-composition")
async def test_what_is_asked_at_once_is_asked_before_there_is_a_task(http: Any) -> None:
    asked = await run(http, "test_tool_with_task")
    assert asked["resultType"] == "input_required"
    assert "taskId" not in asked
    made = await ask(
        http, "tools/call", name="test_tool_with_task", arguments={},
        inputResponses={"user_name": {"action": "accept", "content": {"name": "Alice"}}},
    )  # fmt: skip
    assert made.result["resultType"] == "task"
    assert not {"requestState", "inputRequests"} & {*made.result}
    assert words((await until(http, made.result["taskId"]))["result"]) == "Hello, Alice!"


@asynccontextmanager
async def listening(http: httpx2.AsyncClient, **params: Any) -> AsyncIterator[AsyncIterator[Any]]:
    """The messages of a `subscriptions/listen` stream."""
    message = {"jsonrpc": "2.0", "id": "l", "method": "subscriptions/listen", "params": params}
    headers = headers_of("subscriptions/listen", params)
    async with http.stream("POST", "/mcp", json=message, headers=headers) as answer:

        async def messages() -> AsyncIterator[Any]:
            async for line in answer.aiter_lines():
                if line.startswith("data:") and line[5:].strip():
                    yield json.loads(line[5:])

        yield messages()


async def test_who_listens_is_told_each_change_of_the_tasks_that_are_its_own(http: Any) -> None:
    made = await run(http, "slow_compute", seconds=1, label="told")
    ids = [made["taskId"], "task_unknown"]
    async with (
        asyncio.timeout(WAIT_S),
        listening(http, _meta=KNOWS, notifications={"taskIds": ids}) as messages,
    ):
        acknowledged = await anext(messages)
        assert acknowledged["params"]["notifications"] == {"taskIds": [made["taskId"]]}
        told: list[dict[str, Any]] = []
        while not told or told[-1]["status"] not in ENDED:
            message = await anext(messages)
            assert message["method"] == "notifications/tasks"
            assert message["params"].pop("_meta") == {"io.modelcontextprotocol/subscriptionId": "l"}
            told.append(message["params"])
    assert [task["status"] for task in told] == ["working", "completed"]
    got = (await ask(http, "tasks/get", taskId=made["taskId"])).result
    assert {k: v for k, v in got.items() if k not in ("_meta", "resultType")} == told[-1]


@pytest.mark.parametrize(
    ("client", "ids", "code"),
    [
        (meta(), ["task_x"], MISSING_REQUIRED_CLIENT_CAPABILITY),
        (KNOWS, "task_x", INVALID_PARAMS),
        (KNOWS, [1], INVALID_PARAMS),
        (KNOWS, ["task_x"] * 101, INVALID_PARAMS),
    ],
)
async def test_who_may_not_listen_to_tasks_is_told_why(
    http: Any, client: Any, ids: Any, code: int
) -> None:
    params = {"_meta": client, "notifications": {"taskIds": ids}}
    assert (await call(http, "subscriptions/listen", params)).code == code
