"""Resources, templates, completion and prompts, in both protocol eras."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mcp import MCPError
from mcp.types import (
    INVALID_PARAMS,
    PromptReference,
    ResourceLink,
    ResourceTemplateReference,
    TextContent,
)

from omni_core.types import Modality

SEGMENT = "seg_" + "b" * 26
SOURCE = "src_" + "a" * 16


async def test_the_library_is_a_resource(connect: Any) -> None:
    async with connect() as client:
        assert [str(r.uri) for r in (await client.list_resources()).resources] == ["omni://library"]
        read = await client.read_resource("omni://library")
    assert json.loads(read.contents[0].text)["sources"][0]["title"] == "Q3 review"


async def test_templates_are_listed(connect: Any) -> None:
    async with connect() as client:
        listed = (await client.list_resource_templates()).resource_templates
    segment = "omni://segment/{segment_id}"
    assert {t.uri_template for t in listed} == {
        "omni://source/{source_id}", f"{segment}/frame.jpg", f"{segment}/text",
        f"{segment}/clip.{{format}}", f"{segment}/audio.wav",
    }  # fmt: skip
    clips = [t for t in listed if "clip" in t.uri_template or "audio" in t.uri_template]
    assert all(t.annotations.audience == ["user"] for t in clips)


@pytest.mark.parametrize("ref", [SEGMENT, f"{SOURCE}@83.5", f"{SOURCE}@80-95", f"{SOURCE}%23p12"])
async def test_any_reference_opens_as_a_resource(connect: Any, engine: Any, ref: str) -> None:
    async with connect() as client:
        picture = await client.read_resource(f"omni://segment/{ref}/frame.jpg")
        words = await client.read_resource(f"omni://segment/{ref}/text")
        sound = await client.read_resource(f"omni://segment/{ref}/audio.wav")
    assert base64.b64decode(picture.contents[0].blob).startswith(b"\xff\xd8")
    assert base64.b64decode(sound.contents[0].blob) == b"RIFF"
    assert picture.contents[0].mime_type == "image/jpeg"
    assert "we decided to postpone" in words.contents[0].text
    assert engine.asked[0].ref == ref.replace("%23", "#")


async def test_the_words_of_a_source_are_a_resource(connect: Any) -> None:
    async with connect() as client:
        read = await client.read_resource(f"omni://source/{SOURCE}")
    assert "we decided to postpone" in read.contents[0].text


@pytest.mark.parametrize(
    "uri",
    ["omni://segment/seg_unknown/text", f"omni://segment/{SEGMENT}/clip.mp4",
     "omni://segment/..%2F..%2Fetc%2Fpasswd/text",
     "omni://segment/%2Fetc%2Fpasswd/text", "omni://source/..", "omni://nothing", "file:///etc/passwd"],
)  # fmt: skip
async def test_what_is_not_there_is_a_protocol_error(connect: Any, engine: Any, uri: str) -> None:
    async with connect() as client:
        with pytest.raises(MCPError) as caught:
            await client.read_resource(uri)
    _, *names = str(caught.value).split("\n")
    assert not names or names[0].startswith("Between <media-"), "one line, and names in a fence"
    assert not any(getattr(asked, "ref", "").endswith("passwd") for asked in engine.asked)


async def test_ids_are_completed_and_no_titles_which_would_leave_the_fence(connect: Any) -> None:
    async with connect() as client:
        ids = await client.complete(
            ResourceTemplateReference(type="ref/resource", uri="omni://source/{source_id}"),
            {"name": "source_id", "value": "src_"},
        )
        moments = await client.complete(
            ResourceTemplateReference(type="ref/resource", uri="omni://segment/{segment_id}/text"),
            {"name": "segment_id", "value": "q3"},
        )
        titles = await client.complete(
            PromptReference(type="ref/prompt", name="compare"), {"name": "source_a", "value": "q"}
        )
        nothing = await client.complete(
            PromptReference(type="ref/prompt", name="timeline"), {"name": "topic", "value": "q"}
        )
    assert ids.completion.values == [SOURCE]
    assert moments.completion.values == [f"{SOURCE}@0"]
    assert titles.completion.values == [SOURCE]
    assert nothing.completion.values == []


async def test_prompts_ask_for_citations(connect: Any) -> None:
    given = {
        "cite_evidence": {"question": "who spoke?"},
        "timeline": {"topic": "the launch"},
        "compare": {"source_a": "a", "source_b": "b"},
    }
    async with connect() as client:
        listed = (await client.list_prompts()).prompts
        assert {p.name: {a.name for a in p.arguments} for p in listed} == {
            name: set(arguments) for name, arguments in given.items()
        }
        for name, arguments in given.items():
            message = (await client.get_prompt(name, arguments)).messages[0]
            assert isinstance(message.content, TextContent)
            assert "`cite`" in message.content.text
            assert all(value in message.content.text for value in arguments.values())


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("summary", {}, "no prompt 'summary'; there are: cite_evidence, compare, timeline"),
        ("timeline", {}, "timeline needs the argument topic"),
        ("timeline", {"topic": " "}, "timeline needs the argument topic"),
        ("compare", {"source_a": "x"}, "compare needs the argument source_b"),
    ],
)
async def test_a_wrong_prompt_is_an_invalid_parameter_that_says_what_is_needed(
    connect: Any, name: str, arguments: dict[str, str], message: str
) -> None:
    async with connect() as client:
        with pytest.raises(MCPError) as caught:
            await client.get_prompt(name, arguments)
    assert caught.value.code == INVALID_PARAMS
    assert message in caught.value.message


async def test_a_clip_has_the_type_of_what_was_cut(
    connect: Any, engine: Any, tmp_path: Path
) -> None:
    path = tmp_path / "clip.mp3"
    path.write_bytes(b"ID3")
    engine.clip, engine.clip_mime = path, "audio/mpeg"
    async with connect() as client:
        for name in ("clip.mp3", "clip.mp4"):
            read = await client.read_resource(f"omni://segment/{SEGMENT}/{name}")
            assert read.contents[0].mime_type == "audio/mpeg"
            assert base64.b64decode(read.contents[0].blob) == b"ID3"


async def test_the_link_to_a_clip_has_its_true_name_and_type(
    connect: Any, engine: Any, tmp_path: Path
) -> None:
    for suffix, mime in ((".mp3", "audio/mpeg"), (".m4a", "audio/mp4"), (".webm", "video/webm")):
        engine.clip = tmp_path / f"000001000-000002000{suffix}"
        engine.clip.write_bytes(b"sound")
        engine.clip_mime = mime
        async with connect() as client:
            result = await client.call_tool("get_segment", {"ref": "seg_x", "show": ["clip"]})
            (link,) = [b for b in result.content if isinstance(b, ResourceLink)]
            read = await client.read_resource(link.uri)
        assert str(link.uri).endswith(f"/clip{suffix}")
        assert link.name.endswith(f"clip{suffix}")
        assert link.mime_type == read.contents[0].mime_type == mime


async def test_the_words_of_a_segment_as_a_resource_have_their_whole_provenance(
    connect: Any,
) -> None:
    async with connect() as client:
        read = await client.read_resource(f"omni://segment/{SEGMENT}/text")
    assert "Provenance: sha256 00…, embedded@1, pipeline 1" in read.contents[0].text


@pytest.mark.parametrize(
    ("template", "value", "match", "expected"),
    [
        ("omni://source/{source_id}", "src_ab", "src_ab", "{id}"),
        ("omni://source/{source_id}", "Q3 rev", "Q3 rev", "{id}"),
        ("omni://segment/{segment_id}/text", "src_ab@1", "src_ab", "{id}{first}"),
        ("omni://segment/{segment_id}/frame.jpg", "src_ab#p", "src_ab", "{id}{first}"),
        ("omni://segment/{segment_id}/clip.{format}", "Q3", "Q3", "{id}{first}"),
    ],
)
async def test_ids_are_completed_by_their_beginning_and_by_title_for_every_kind(
    connect: Any, engine: Any, template: str, value: str, match: str, expected: str
) -> None:
    rows = [
        (replace(engine.row(), modality=kind, duration_s=length, pages=pages), first)
        for kind, length, pages, first in (
            (Modality.VIDEO, 10.0, None, "@0"),
            (Modality.AUDIO, 10.0, None, "@0"),
            (Modality.IMAGE, None, None, ""),
            (Modality.DOCUMENT, None, 3, "#p1"),
            (Modality.DOCUMENT, None, None, ""),
        )
    ]
    for row, first in rows:
        engine.row = lambda row=row: row
        async with connect() as client:
            argument = "source_id" if "source_id" in template else "segment_id"
            done = await client.complete(
                ResourceTemplateReference(type="ref/resource", uri=template),
                {"name": argument, "value": value},
            )
        assert done.completion.values == [expected.format(id=SOURCE, first=first)]
        assert done.completion.total == 1
        assert engine.asked[-1]["match"] == match
