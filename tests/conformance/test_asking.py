"""What the suite asks of a server that asks its client: between calls in 2026-07-28, during a call
in 2025-11-25."""

from __future__ import annotations

from typing import Any

import pytest
from mcp import MCPError
from mcp.types import (
    INVALID_PARAMS,
    CreateMessageRequestParams,
    CreateMessageResult,
    ElicitRequestFormParams,
    ElicitRequestParams,
    ElicitResult,
    ListRootsResult,
    LoggingMessageNotificationParams,
    Root,
    TextContent,
)

from tests.conformance.fixtures.asking import CHOICES, DEFAULTS, PEOPLE
from tests.conformance.wire import call, meta

pytestmark = pytest.mark.asyncio(loop_scope="module")
NAME = "test_input_required_result_elicitation"


def accept(**content: Any) -> dict[str, Any]:
    return {"action": "accept", "content": content}


SAMPLED = {"role": "assistant", "content": {"type": "text", "text": "Paris"}, "model": "test",
           "stopReason": "endTurn"}  # fmt: skip
ROOTS = {"roots": [{"uri": "file:///test/root", "name": "Test Root"}]}


async def _call(http: Any, tool: str, **more: Any) -> Any:
    return await call(http, "tools/call", {"name": tool, "arguments": {}, **more})


def _text(reply: Any) -> str:
    assert reply.result["resultType"] == "complete"
    assert not reply.result.get("isError")
    (block,) = reply.result["content"]
    return str(block["text"])


@pytest.mark.scenario(
    "input-required-result-basic-elicitation", "input-required-result-basic-sampling",
    "input-required-result-basic-list-roots", "input-required-result-result-type",
)  # fmt: skip
@pytest.mark.parametrize(
    ("tool", "key", "method", "response", "text"),
    [
        (NAME, "user_name", "elicitation/create", accept(name="Alice"), "Hello, Alice!"),
        ("test_input_required_result_sampling", "capital_question", "sampling/createMessage",
         SAMPLED, "Paris"),
        ("test_input_required_result_list_roots", "client_roots", "roots/list", ROOTS,
         "Roots: file:///test/root"),
    ],
)  # fmt: skip
async def test_a_tool_asks_and_ends_once_it_is_answered(
    http: Any, tool: str, key: str, method: str, response: Any, text: str
) -> None:
    first = (await _call(http, tool)).result
    assert first["resultType"] == "input_required"
    assert {k: v["method"] for k, v in first["inputRequests"].items()} == {key: method}
    assert _text(await _call(http, tool, inputResponses={key: response})) == text


@pytest.mark.scenario("input-required-result-request-state")
async def test_the_state_comes_back_to_the_tool_as_it_was(http: Any) -> None:
    tool = "test_input_required_result_request_state"
    first = (await _call(http, tool)).result
    assert "round 1 of one" not in first["requestState"]  # sealed: the client cannot read it
    answered = {"inputResponses": {"confirm": accept(ok=True)}}
    done = await _call(http, tool, **answered, requestState=first["requestState"])
    assert _text(done) == "state-ok"
    assert (await _call(http, tool, **answered)).code == INVALID_PARAMS


@pytest.mark.scenario("input-required-result-multiple-input-requests")
async def test_three_questions_are_asked_at_once(http: Any) -> None:
    tool = "test_input_required_result_multiple_inputs"
    first = (await _call(http, tool)).result
    assert {k: v["method"] for k, v in first["inputRequests"].items()} == {
        "user_name": "elicitation/create",
        "greeting": "sampling/createMessage",
        "client_roots": "roots/list",
    }
    answers = {"user_name": accept(name="Alice"), "greeting": SAMPLED, "client_roots": ROOTS}
    state = first["requestState"]
    partly = await _call(http, tool, inputResponses={"greeting": SAMPLED}, requestState=state)
    assert partly.result["resultType"] == "input_required"
    done = await _call(http, tool, inputResponses=answers, requestState=state)
    assert _text(done) == "All three came back."


@pytest.mark.scenario("input-required-result-multi-round")
async def test_a_tool_asks_again_with_a_new_state(http: Any) -> None:
    tool = "test_input_required_result_multi_round"
    first = (await _call(http, tool)).result
    assert list(first["inputRequests"]) == ["step1"]
    second = (
        await _call(http, tool, inputResponses={"step1": accept(name="Alice")},
                    requestState=first["requestState"])
    ).result  # fmt: skip
    assert second["resultType"] == "input_required"
    assert list(second["inputRequests"]) == ["step2"]
    assert second["requestState"] != first["requestState"]
    third = await _call(
        http, tool, inputResponses={"step2": accept(color="blue")},
        requestState=second["requestState"],
    )  # fmt: skip
    assert _text(third) == "Both rounds are done."


@pytest.mark.scenario("input-required-result-missing-input-response")
@pytest.mark.parametrize("responses", [{}, {"wrong_key": accept(data="wrong")}])
async def test_an_answer_to_another_question_makes_the_tool_ask_again(
    http: Any, responses: dict[str, Any]
) -> None:
    again = (await _call(http, NAME, inputResponses=responses)).result
    assert again["resultType"] == "input_required"
    assert list(again["inputRequests"]) == ["user_name"]


@pytest.mark.scenario("input-required-result-non-tool-request")
async def test_a_prompt_asks_too(http: Any) -> None:
    params = {"name": "test_input_required_result_prompt"}
    first = (await call(http, "prompts/get", params)).result
    assert first["resultType"] == "input_required"
    assert first["inputRequests"]["user_context"]["method"] == "elicitation/create"
    answered = {**params, "inputResponses": {"user_context": accept(context="a talk")}}
    done = (await call(http, "prompts/get", answered)).result
    assert done["resultType"] == "complete"
    assert done["messages"][0]["content"]["text"] == "Use this context: a talk"


@pytest.mark.scenario("input-required-result-unsupported-methods")
@pytest.mark.parametrize("method", ["tools/list", "prompts/list", "resources/list"])
async def test_a_list_never_asks(http: Any, method: str) -> None:
    assert (await call(http, method)).result["resultType"] == "complete"


@pytest.mark.scenario("input-required-result-tampered-state")
@pytest.mark.parametrize("tool", ["test_input_required_result_tampered_state", NAME])
async def test_a_state_that_the_server_did_not_write_is_refused(http: Any, tool: str) -> None:
    issued = (await _call(http, "test_input_required_result_tampered_state")).result["requestState"]
    answers = {"confirm": accept(ok=True)}
    for state in (f"{issued}-TAMPERED", issued[:-4], "made up"):
        forged = await _call(http, tool, inputResponses=answers, requestState=state)
        assert forged.code == INVALID_PARAMS


@pytest.mark.scenario("input-required-result-capability-check")
@pytest.mark.parametrize(
    ("capabilities", "asked"),
    [({"sampling": {}}, ["greeting"]), ({"elicitation": {}}, ["confirm"]),
     ({"sampling": {}, "elicitation": {}}, ["confirm", "greeting"])],
)  # fmt: skip
async def test_a_client_is_asked_only_for_what_it_declared(
    http: Any, capabilities: dict[str, Any], asked: list[str]
) -> None:
    tool = "test_input_required_result_capabilities"
    first = (await _call(http, tool, _meta=meta(**capabilities))).result
    assert sorted(first["inputRequests"]) == asked


@pytest.mark.scenario("input-required-result-ignore-extra-params")
async def test_answers_that_nobody_asked_for_do_not_count(http: Any) -> None:
    answers = {"user_name": accept(name="Alice"), "unexpected": accept(name="Bob")}
    assert _text(await _call(http, NAME, inputResponses=answers)) == "Hello, Alice!"


@pytest.mark.scenario("input-required-result-validate-input")
@pytest.mark.parametrize("responses", [{"user_name": 12345}, {"user_name": {}}, 7, "x"])
async def test_an_answer_of_no_known_form_is_never_taken(http: Any, responses: Any) -> None:
    reply = await _call(http, NAME, inputResponses=responses)
    assert reply.code == INVALID_PARAMS or reply.result["resultType"] == "input_required"


class User:
    """A client's side: records what it is asked, and answers."""

    def __init__(self, **content: Any) -> None:
        self.asked: list[Any] = []
        self._content = content

    async def elicit(self, context: Any, params: ElicitRequestParams) -> ElicitResult:
        self.asked.append(params)
        return ElicitResult(action="accept", content=self._content)

    async def sample(self, context: Any, params: CreateMessageRequestParams) -> CreateMessageResult:
        self.asked.append(params)
        text = TextContent(type="text", text="Paris")
        return CreateMessageResult(role="assistant", content=text, model="test")

    async def roots(self, context: Any) -> ListRootsResult:
        return ListRootsResult(roots=[Root.model_validate({"uri": "file:///test/root"})])


@pytest.mark.scenario("input-required-result-multiple-input-requests")
async def test_the_clients_of_the_sdk_answer_by_themselves(mcp_client: Any) -> None:
    user = User(name="Alice")
    async with mcp_client(
        elicitation_callback=user.elicit,
        sampling_callback=user.sample,
        list_roots_callback=user.roots,
    ) as client:
        result = await client.call_tool("test_input_required_result_multiple_inputs")
    assert result.content[0].text == "All three came back."
    assert len(user.asked) == 2


@pytest.mark.scenario("tools-call-sampling")
async def test_a_tool_asks_the_clients_model_during_a_call(mcp_client: Any) -> None:
    user = User()
    async with mcp_client("legacy", sampling_callback=user.sample) as client:
        result = await client.call_tool("test_sampling", {"prompt": "Where is the Louvre?"})
    (asked,) = user.asked
    assert (asked.messages[0].content.text, asked.max_tokens) == ("Where is the Louvre?", 100)
    assert result.content[0].text == "LLM response: Paris"


@pytest.mark.scenario(
    "tools-call-elicitation", "elicitation-sep1034-defaults", "elicitation-sep1330-enums"
)
@pytest.mark.parametrize(
    ("tool", "arguments", "schema"),
    [
        ("test_elicitation", {"message": "Who are you?"}, PEOPLE),
        ("test_elicitation_sep1034_defaults", {}, DEFAULTS),
        ("test_elicitation_sep1330_enums", {}, CHOICES),
    ],
)
async def test_a_tool_asks_the_user_during_a_call_and_the_form_arrives_whole(
    mcp_client: Any, tool: str, arguments: dict[str, str], schema: dict[str, Any]
) -> None:
    user = User(username="alice")
    async with mcp_client("legacy", elicitation_callback=user.elicit) as client:
        result = await client.call_tool(tool, arguments)
    (asked,) = user.asked
    assert isinstance(asked, ElicitRequestFormParams)
    assert asked.requested_schema == schema
    assert asked.message == arguments.get("message", asked.message)
    assert result.content[0].text.endswith("action=accept, content={'username': 'alice'}")


@pytest.mark.scenario("tools-call-sampling", "tools-call-elicitation")
@pytest.mark.parametrize(
    ("tool", "arguments"),
    [("test_sampling", {"prompt": "?"}), ("test_elicitation", {"message": "?"})],
)
async def test_a_client_that_cannot_be_asked_gets_an_error(
    mcp_client: Any, tool: str, arguments: dict[str, str]
) -> None:
    async with mcp_client("legacy") as client:
        with pytest.raises(MCPError):
            await client.call_tool(tool, arguments)


@pytest.mark.scenario("tools-call-with-logging")
async def test_a_tool_logs_during_a_call(mcp_client: Any) -> None:
    logged: list[tuple[str, Any]] = []

    async def log(params: LoggingMessageNotificationParams) -> None:
        logged.append((params.level, params.data))

    async with mcp_client("legacy", logging_callback=log) as client:
        await client.call_tool("test_tool_with_logging")
    assert logged == [
        ("info", "Tool execution started"),
        ("info", "Tool processing data"),
        ("info", "Tool execution completed"),
    ]
