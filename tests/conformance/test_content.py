"""What the suite asks of tools, resources, prompts and completion, in both protocol eras."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import re
import wave
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from mcp import MCPError
from mcp.types import (
    INVALID_PARAMS,
    AudioContent,
    EmbeddedResource,
    ImageContent,
    PromptReference,
    TextContent,
    TextResourceContents,
)
from PIL import Image

from tests.conformance.fixtures.content import SCHEMA_2020_12
from tests.conformance.fixtures.samples import PNG
from tests.conformance.wire import Session, call

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.scenario("tools-list")
async def test_every_tool_has_a_legal_name_a_description_and_a_valid_schema(connect: Any) -> None:
    async with connect() as client:
        listed = (await client.list_tools()).tools
        again = (await client.list_tools(cache_mode="bypass")).tools
    assert [t.name for t in listed] == [t.name for t in again]
    assert {"search", "test_simple_text"} <= {t.name for t in listed}
    for tool in listed:
        assert re.fullmatch(r"[A-Za-z0-9_.-]{1,128}", tool.name)
        assert tool.description
        assert tool.input_schema["type"] == "object"
        Draft202012Validator.check_schema(tool.input_schema)


@pytest.mark.scenario("json-schema-2020-12")
async def test_a_schema_keeps_every_keyword(connect: Any) -> None:
    async with connect() as client:
        schemas = {t.name: t.input_schema for t in (await client.list_tools()).tools}
    assert schemas["json_schema_2020_12_tool"] == SCHEMA_2020_12


@pytest.mark.scenario("tools-call-simple-text")
async def test_a_tool_answers_with_text(connect: Any) -> None:
    async with connect() as client:
        result = await client.call_tool("test_simple_text")
    assert not result.is_error
    (block,) = result.content
    assert isinstance(block, TextContent)
    assert block.text == "This is a simple text response for testing."


@pytest.mark.scenario("tools-call-image")
async def test_a_tool_answers_with_a_picture(connect: Any) -> None:
    async with connect() as client:
        result = await client.call_tool("test_image_content")
    assert not result.is_error
    (block,) = result.content
    assert isinstance(block, ImageContent)
    assert block.mime_type == "image/png"
    with Image.open(io.BytesIO(base64.b64decode(block.data, validate=True))) as picture:
        assert (picture.format, picture.size) == ("PNG", (1, 1))
        assert picture.convert("RGB").getpixel((0, 0)) == (255, 0, 0)


@pytest.mark.scenario("tools-call-audio")
async def test_a_tool_answers_with_a_recording(connect: Any) -> None:
    async with connect() as client:
        result = await client.call_tool("test_audio_content")
    assert not result.is_error
    (block,) = result.content
    assert isinstance(block, AudioContent)
    assert block.mime_type == "audio/wav"
    with wave.open(io.BytesIO(base64.b64decode(block.data, validate=True))) as sound:
        assert (sound.getnframes(), sound.getframerate()) == (1, 8000)


@pytest.mark.scenario("tools-call-embedded-resource")
async def test_a_tool_answers_with_an_embedded_resource(connect: Any) -> None:
    async with connect() as client:
        result = await client.call_tool("test_embedded_resource")
    assert not result.is_error
    (block,) = result.content
    assert isinstance(block, EmbeddedResource)
    assert isinstance(block.resource, TextResourceContents)
    assert str(block.resource.uri) == "test://embedded-resource"
    assert block.resource.mime_type == "text/plain"
    assert block.resource.text == "This is an embedded resource content."


@pytest.mark.scenario("tools-call-mixed-content")
async def test_content_of_several_kinds_keeps_its_order(connect: Any) -> None:
    async with connect() as client:
        result = await client.call_tool("test_multiple_content_types")
    assert not result.is_error
    text, image, resource = result.content
    assert isinstance(text, TextContent) and text.text == "Multiple content types test:"
    assert isinstance(image, ImageContent) and base64.b64decode(image.data) == PNG
    assert isinstance(resource, EmbeddedResource)
    assert isinstance(resource.resource, TextResourceContents)
    assert json.loads(resource.resource.text) == {"test": "data", "value": 123}


@pytest.mark.scenario("tools-call-error")
@pytest.mark.parametrize(
    ("tool", "arguments", "text"),
    [
        ("test_error_handling", {},
         "BAD_ARGUMENT: This tool intentionally returns an error for testing"),
        ("search", {}, "query"),
        ("get_segment", {"ref": "seg_" + "a" * 26}, "UNKNOWN_REF: "),
    ],
)  # fmt: skip
async def test_a_failing_tool_is_a_result_that_says_why(
    connect: Any, tool: str, arguments: dict[str, Any], text: str
) -> None:
    async with connect() as client:
        result = await client.call_tool(tool, arguments)
    assert result.is_error
    (block,) = result.content
    assert isinstance(block, TextContent)
    assert text in block.text
    assert "Traceback" not in block.text


@pytest.mark.scenario("tools-call-with-progress")
async def test_progress_rises_to_its_total_and_is_sent_only_where_asked_for(connect: Any) -> None:
    told: list[tuple[float, float | None]] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        told.append((done, total))

    async with connect() as client:
        asked = await client.call_tool("test_tool_with_progress", progress_callback=progress)
        assert told == [(0, 100), (50, 100), (100, 100)]
        unasked = await client.call_tool("test_tool_with_progress")
    assert len(told) == 3
    assert not asked.is_error and not unasked.is_error


@pytest.mark.scenario("server-sse-multiple-streams")
async def test_three_requests_at_once_have_an_answer_each(http: Any) -> None:
    session = await Session.open(http)
    modern = [call(http, "tools/list", request_id=1000 + i) for i in range(3)]
    legacy = [session.call("tools/list", request_id=2000 + i) for i in range(3)]
    replies = await asyncio.wait_for(asyncio.gather(*modern, *legacy), 20)
    assert [r.status for r in replies] == [200] * 6
    assert [r.body["id"] for r in replies] == [1000, 1001, 1002, 2000, 2001, 2002]
    assert all(r.result["tools"] for r in replies)
    assert await session.close() == 200


@pytest.mark.scenario("completion-complete")
async def test_completion_answers_for_any_argument(connect: Any) -> None:
    ref = PromptReference(type="ref/prompt", name="test_prompt_with_arguments")
    async with connect() as client:
        answer = await client.complete(ref, {"name": "arg1", "value": "par"})
    assert answer.completion.values == []


@pytest.mark.scenario("resources-list")
async def test_every_resource_has_a_uri_a_name_and_a_description(connect: Any) -> None:
    async with connect() as client:
        listed = (await client.list_resources()).resources
        templates = (await client.list_resource_templates()).resource_templates
    assert {"omni://library", "test://static-text"} <= {str(r.uri) for r in listed}
    assert not any("{" in str(r.uri) for r in listed)
    assert all("{" in t.uri_template for t in templates)
    assert all(r.name and r.description for r in (*listed, *templates))


@pytest.mark.scenario("resources-read-text", "resources-read-binary", "resources-templates-read")
async def test_a_resource_is_read_as_text_as_bytes_and_by_template(connect: Any) -> None:
    async with connect() as client:
        text = (await client.read_resource("test://static-text")).contents
        blob = (await client.read_resource("test://static-binary")).contents
        made = (await client.read_resource("test://template/123/data")).contents
        library = (await client.read_resource("omni://library")).contents
    assert [(str(c.uri), c.mime_type, c.text) for c in text] == [
        ("test://static-text", "text/plain", "This is the content of the static text resource.")
    ]
    assert [(str(c.uri), c.mime_type, base64.b64decode(c.blob)) for c in blob] == [
        ("test://static-binary", "image/png", PNG)
    ]
    assert (str(made[0].uri), made[0].mime_type) == ("test://template/123/data", "application/json")
    assert json.loads(made[0].text) == {
        "id": "123", "templateTest": True, "data": "Data for ID: 123",
    }  # fmt: skip
    assert json.loads(library[0].text) == {"sources": [], "total": 0}


@pytest.mark.scenario("sep-2164-resource-not-found")
@pytest.mark.parametrize(
    "uri", ["test://nonexistent-resource", "omni://source/src_aaaaaaaaaaaaaaaa", "nothing"]
)
async def test_an_unknown_resource_is_an_error_that_names_it(connect: Any, uri: str) -> None:
    async with connect() as client:
        with pytest.raises(MCPError) as refused:
            await client.read_resource(uri)
    assert refused.value.error.code == INVALID_PARAMS
    assert refused.value.error.data == {"uri": uri}


@pytest.mark.scenario("prompts-list")
async def test_every_prompt_has_a_name_a_description_and_its_arguments(connect: Any) -> None:
    async with connect() as client:
        listed = {p.name: p for p in (await client.list_prompts()).prompts}
    assert {"cite_evidence", "test_simple_prompt"} <= set(listed)
    assert all(p.description for p in listed.values())
    needed = listed["test_prompt_with_arguments"].arguments or []
    assert [(a.name, a.required) for a in needed] == [("arg1", True), ("arg2", True)]


@pytest.mark.scenario("prompts-get-simple", "prompts-get-with-args")
@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        ("test_simple_prompt", None, "This is a simple prompt for testing."),
        ("test_prompt_with_arguments", {"arg1": "hello", "arg2": "world"},
         "Prompt with arguments: arg1='hello', arg2='world'"),
    ],
)  # fmt: skip
async def test_a_prompt_is_filled_in(
    connect: Any, name: str, arguments: dict[str, str] | None, text: str
) -> None:
    async with connect() as client:
        (message,) = (await client.get_prompt(name, arguments)).messages
    assert message.role == "user"
    assert isinstance(message.content, TextContent)
    assert message.content.text == text


@pytest.mark.scenario("prompts-get-embedded-resource")
async def test_a_prompt_embeds_the_resource_that_it_is_given(connect: Any) -> None:
    async with connect() as client:
        got = await client.get_prompt(
            "test_prompt_with_embedded_resource", {"resourceUri": "test://example-resource"}
        )
    first, second = (message.content for message in got.messages)
    assert isinstance(first, EmbeddedResource)
    assert isinstance(first.resource, TextResourceContents)
    assert str(first.resource.uri) == "test://example-resource"
    assert first.resource.text == "Embedded resource content for testing."
    assert isinstance(second, TextContent)
    assert second.text == "Please process the embedded resource above."


@pytest.mark.scenario("prompts-get-with-image")
async def test_a_prompt_shows_a_picture(connect: Any) -> None:
    async with connect() as client:
        first, second = (
            message.content
            for message in (await client.get_prompt("test_prompt_with_image")).messages
        )
    assert isinstance(first, ImageContent)
    assert (first.mime_type, base64.b64decode(first.data)) == ("image/png", PNG)
    assert isinstance(second, TextContent)
    assert second.text == "Please analyze the image above."


@pytest.mark.scenario("prompts-get-with-args")
@pytest.mark.parametrize("name", ["test_prompt_with_arguments", "nothing"])
async def test_a_prompt_that_cannot_be_filled_in_is_wrong_parameters(
    connect: Any, name: str
) -> None:
    async with connect() as client:
        with pytest.raises(MCPError) as refused:
            await client.get_prompt(name, {"arg1": "hello"})
    assert refused.value.error.code == INVALID_PARAMS
