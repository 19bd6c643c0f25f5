"""Where a choice is the user's, the client asks them: in both eras, and only if it can."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.types import (
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequiredResult,
    TextContent,
)

from omni_core.settings import Settings
from omni_server.app import create

Asked = list[ElicitRequestFormParams]
Connect = Callable[..., AbstractAsyncContextManager[Client]]


@pytest.fixture
def library(root: Path) -> Path:
    """Two documents of one title and a third, which all match `report`."""
    (root / "a.md").write_text("# Field report\n\nThe bridge at Lom was closed for repairs.\n")
    (root / "b.md").write_text("# Field report\n\nThe harbour is open again since Monday.\n")
    (root / "c.md").write_text("# Annual report\n\nRevenue rose by seven percent.\n")
    return root


@pytest.fixture
def plain(settings: Settings) -> Settings:
    return replace(
        settings, encoder="hashing", index="memory", speech="off", screen_text="off"
    )  # fmt: skip


@pytest.fixture(params=["auto", "legacy"])
def user(request: pytest.FixtureRequest, plain: Settings, library: Path) -> Connect:
    """A client whose user answers with `answer`, a function of the form; what was asked is kept."""

    @asynccontextmanager
    async def connect(answer: Any = None, asked: Asked | None = None) -> AsyncIterator[Client]:
        async def callback(context: Any, params: Any) -> ElicitResult:
            if asked is not None:
                asked.append(params)
            return ElicitResult(**answer(params))

        options: Any = {} if answer is None else {"elicitation_callback": callback}
        async with Client(create(plain), mode=request.param, **options) as client:
            done = await client.call_tool("ingest_media", {"source": str(library), "wait_s": 45})
            assert done.structured_content["state"] == "ready", done
            yield client

    return connect


def text(result: Any) -> str:
    block = result.content[0]
    assert isinstance(block, TextContent)
    return block.text


def pick(words: str) -> Callable[[Any], dict[str, Any]]:
    """A user who picks the option that contains `words`."""

    def answer(params: Any) -> dict[str, Any]:
        options = params.requested_schema["properties"]["source"]["enum"]
        return {"action": "accept", "content": {"source": next(o for o in options if words in o)}}

    return answer


def declines(_: Any) -> dict[str, Any]:
    return {"action": "decline"}


def cancels(_: Any) -> dict[str, Any]:
    return {"action": "cancel"}


def says(**content: Any) -> Callable[[Any], dict[str, Any]]:
    return lambda _: {"action": "accept", "content": content}


async def ids(client: Client) -> dict[str, list[str]]:
    """Ids by title."""
    listed = (await client.call_tool("list_sources", {})).structured_content["sources"]
    found: dict[str, list[str]] = {}
    for row in listed:
        found.setdefault(row["title"], []).append(row["id"])
    return found


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("read_source", {"source": "report"}),
        ("search", {"query": "revenue", "source": "report"}),
        ("get_segment", {"ref": "report"}),
        ("get_segment", {"ref": "[report chars 0-40]"}),
        ("check_citation", {"ref": "[report]", "quote": "Revenue rose"}),
        ("search", {"query": "harbour", "exclude": "[report]"}),
        ("similar_to", {"ref": "[report]", "same_source": True}),
    ],
)
async def test_the_user_picks_the_source_that_is_meant(
    user: Connect, tool: str, arguments: dict[str, Any]
) -> None:
    asked: Asked = []
    async with user(pick("Annual"), asked) as client:
        result = await client.call_tool(tool, arguments)
        annual = (await ids(client))["Annual report"][0]
    assert not result.is_error, result
    assert len(asked) == 1
    assert "report" in asked[0].message and "Which one" in asked[0].message
    options = asked[0].requested_schema["properties"]["source"]["enum"]
    assert len(options) == 3
    assert sum(annual in option for option in options) == 1
    assert all(word in option for option in options for word in ("report", "document", "src_"))
    if tool in ("read_source", "get_segment"):
        assert "Revenue rose" in text(result)


async def test_two_names_that_fit_several_sources_are_two_questions(user: Connect) -> None:
    asked: Asked = []

    def answer(params: Any) -> dict[str, Any]:
        return pick("Annual" if "'report'" in params.message else "Field")(params)

    async with user(answer, asked) as client:
        arguments = {"ref": "[Annual report]", "not_like": ["[report]", "[Field report]"]}
        result = await client.call_tool("similar_to", {**arguments, "same_source": True})
    assert not result.is_error, result
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (declines, "the user declined"),
        (cancels, "closed the question"),
        (says(source="src_none"), "did not say yes"),
    ],
)
async def test_a_user_who_picks_none_leaves_the_choice_to_the_agent(
    user: Connect, answer: Any, words: str
) -> None:
    async with user(answer) as client:
        result = await client.call_tool("read_source", {"source": "report"})
    assert result.is_error
    said = text(result)
    assert said.startswith("NOT_CHOSEN: ") and words in said
    assert said.count("Field report") == 2 and "Annual report" in said


async def test_where_the_client_cannot_ask_the_error_names_what_to_choose_from(
    user: Connect,
) -> None:
    async with user() as client:
        result = await client.call_tool("get_segment", {"ref": "[Field report chars 0-20]"})
        known = (await ids(client))["Field report"]
        for ref in known:  # what it offers can be used as it stands
            offered = next(line for line in text(result).splitlines() if line.startswith(ref))
            ref_and_span, _, facts = offered.partition(" Field report ")
            assert facts.startswith("(document")
            assert text(result).count(ref) == 1, "an id stands once"
            opened = await client.call_tool("get_segment", {"ref": ref_and_span})
            assert not opened.is_error and "chars" in text(opened)
    assert result.is_error
    first, _, *rest = text(result).splitlines()
    assert first.startswith("AMBIGUOUS_SOURCE: 2 sources match")
    assert "Field report (" not in first, "titles stand in the fence"
    assert rest[0].startswith("<media-") and rest[-1].startswith("</media-")


async def test_a_delete_that_the_user_confirms_is_done(user: Connect) -> None:
    asked: Asked = []
    async with user(says(confirm=True), asked) as client:
        source = (await ids(client))["Annual report"][0]
        result = await client.call_tool("delete_source", {"source": source})
        left = await ids(client)
    assert not result.is_error, result
    assert "Annual report" not in left
    (form,) = asked
    assert "'Annual report' (document" in form.message and "the file itself stays" in form.message
    assert form.requested_schema["properties"]["confirm"]["type"] == "boolean"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (declines, "declined"),
        (cancels, "closed the question"),
        (says(confirm=False), "did not say yes"),
        (says(confirm="true"), "did not say yes"),
        (says(), "did not say yes"),
    ],
)
async def test_a_delete_that_the_user_does_not_confirm_is_not_done(
    user: Connect, answer: Any, words: str
) -> None:
    async with user(answer) as client:
        source = (await ids(client))["Annual report"][0]
        result = await client.call_tool("delete_source", {"source": source})
        left = await ids(client)
    assert result.is_error
    assert text(result).startswith("NOT_CONFIRMED: the user")
    assert words in text(result) and "nothing was deleted" in text(result)
    assert left["Annual report"] == [source]


async def test_without_elicitation_a_delete_is_done_at_once(user: Connect) -> None:
    async with user() as client:
        source = (await ids(client))["Annual report"][0]
        result = await client.call_tool("delete_source", {"source": source})
        assert not result.is_error
        assert "Annual report" not in await ids(client)


async def test_deleting_what_is_not_there_asks_nobody(user: Connect) -> None:
    asked: Asked = []
    async with user(says(confirm=True), asked) as client:
        result = await client.call_tool("delete_source", {"source": "src_" + "a" * 16})
    assert text(result).startswith("UNKNOWN_SOURCE: ")
    assert asked == []


async def test_a_client_that_fails_to_ask_its_user_deletes_nothing(
    plain: Settings, library: Path
) -> None:
    async def refuses(context: Any, params: Any) -> ElicitResult:
        raise MCPError(-32601, "no dialogs here")

    async with Client(create(plain), mode="legacy", elicitation_callback=refuses) as client:
        await client.call_tool("ingest_media", {"source": "c.md", "wait_s": 45})
        source = (await ids(client))["Annual report"][0]
        result = await client.call_tool("delete_source", {"source": source})
        assert text(result).startswith("NOT_CONFIRMED: ")
        assert await ids(client) == {"Annual report": [source]}


@asynccontextmanager
async def raw(plain: Settings) -> AsyncIterator[tuple[Any, str, str]]:
    """A 2026-07-28 session that sees the questions itself, and the ids of two sources."""

    async def never(context: Any, params: Any) -> ElicitResult:
        raise AssertionError("the session is driven by hand")

    async with Client(create(plain), elicitation_callback=never) as client:
        await client.call_tool("ingest_media", {"source": "a.md", "wait_s": 45})
        await client.call_tool("ingest_media", {"source": "c.md", "wait_s": 45})
        known = await ids(client)
        yield client.session, known["Field report"][0], known["Annual report"][0]


YES = ElicitResult(action="accept", content={"confirm": True})


async def call(session: Any, source: str, **more: Any) -> Any:
    return await session.call_tool(
        "delete_source", {"source": source}, allow_input_required=True, **more
    )


async def test_an_answer_without_its_question_confirms_nothing(
    plain: Settings, library: Path
) -> None:
    async with raw(plain) as (session, source, _):
        asked = await call(session, source)
        assert isinstance(asked, InputRequiredResult)
        (key,) = asked.input_requests or {}
        forged = await call(session, source, input_responses={key: YES})
        assert isinstance(forged, InputRequiredResult), "it is asked again"


async def test_a_confirmation_is_of_one_source_and_cannot_be_made_up(
    plain: Settings, library: Path
) -> None:
    async with raw(plain) as (session, source, other):
        asked = await call(session, source)
        (key,) = asked.input_requests
        answers = {key: YES}
        state = asked.request_state
        for wrong in (state[:-4] + "AAAA", '{"asked": "", "answers": {}}', ""):
            made_up = {"input_responses": answers, "request_state": wrong}
            try:
                result = await call(session, source, **made_up)
                assert isinstance(result, InputRequiredResult)
            except MCPError as e:
                assert e.code == -32602
        with pytest.raises(MCPError) as refused:
            await call(session, other, input_responses=answers, request_state=state)
        assert refused.value.code == -32602
        confirmed = await call(session, source, input_responses=answers, request_state=state)
        assert not isinstance(confirmed, InputRequiredResult) and not confirmed.is_error


async def test_the_question_is_asked_again_when_what_it_says_has_changed(
    plain: Settings, library: Path
) -> None:
    async with raw(plain) as (session, source, _):
        asked = await call(session, source)
        (key,) = asked.input_requests
        await session.call_tool(
            "ingest_media", {"source": "a.md", "title": "The bridge at Lom", "wait_s": 45}
        )
        again = await call(
            session, source, input_responses={key: YES},
            request_state=asked.request_state,
        )  # fmt: skip
        assert isinstance(again, InputRequiredResult)
        (question,) = (again.input_requests or {}).values()
        assert isinstance(question, ElicitRequest)
        assert "The bridge at Lom" in question.params.message
