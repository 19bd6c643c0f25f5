"""Arguments as real clients and models write them."""

from __future__ import annotations

from typing import Any

import pytest
from mcp.server.mcpserver.tools import Tool

from omni_core.errors import BadRequestError
from omni_server.app import all_tools
from omni_server.arguments import read
from omni_server.text import fenced


def _tool(name: str) -> Tool:
    return next(t for t in all_tools() if t.name == name)


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("search", {"query": "x", "modality": '["video"]'}, {"modality": ("video",)}),
        ("search", {"query": "x", "modality": "video, audio"}, {"modality": ("video", "audio")}),
        ("search", {"query": "x", "modality": []}, {"modality": ()}),
        ("search", {"query": "x", "limit": "7"}, {"limit": 7}),
        ("search", {"query": "x", "limit": 7.0}, {"limit": 7}),
        (
            "search",
            {"query": "x", "modality": None, "cursor": None},
            {"modality": (), "cursor": ""},
        ),
        ("search", {"query": "42"}, {"query": "42"}),
        ("search", {"query": '["a"]'}, {"query": '["a"]'}),
        ("get_segment", {"ref": "r", "crop": "[0, 0, 0.5, 1]"}, {"crop": (0, 0, 0.5, 1)}),
        ("get_segment", {"ref": "r", "step": "+1"}, {"step": 1}),
        ("get_segment", {"ref": "r", "show": "frame"}, {"show": ("frame",)}),
        ("read_source", {"source": "s", "start": "1:02:03.5"}, {"start": 3723.5}),
        ("read_source", {"source": "s", "start": "12:04"}, {"start": 724.0}),
        ("similar_to", {"ref": "r", "same_source": "true"}, {"same_source": True}),
    ],
)
def test_arguments_are_read_generously(
    name: str, given: dict[str, Any], expected: dict[str, Any]
) -> None:
    got = read(_tool(name), given)
    assert {k: got[k] for k in expected} == expected


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        (
            "search",
            {"query": "x", "modalities": ["video"]},
            "no argument 'modalities'; it takes query",
        ),
        ("search", {"query": "x", "a\u202e\nb" * 50: 1}, "no argument"),
        ("search", {}, "query is missing: What was seen, heard"),
        ("search", {"query": ""}, "query is blank: What was seen, heard"),
        ("search", {"query": "x" * 401}, "query"),
        ("search", {"query": "x", "limit": 0}, "limit"),
        ("search", {"query": "x", "limit": 10**30}, "limit"),
        ("search", {"query": "x", "limit": "many"}, "limit"),
        ("search", {"query": "x", "modality": ["smell"]}, "modality takes video, audio"),
        ("search", {"query": "x", "modality": "[" * 5000}, "modality"),
        ("search", {"query": {"a": 1}}, "query"),
        ("get_segment", {"ref": "r", "crop": [0, 1]}, "crop"),
        ("get_segment", {"ref": "r", "crop": ["nan"] * 4}, "crop"),
        ("get_segment", {"ref": "r", "pad_s": "inf"}, "pad_s"),
        ("get_segment", {"ref": "r", "step": 9}, "step"),
        ("ingest_media", {"source": "x", "wait_s": 46}, "wait_s"),
        ("similar_to", {"ref": "r", "not_like": list("abcdef")}, "not_like"),
        ("read_source", {"source": "s", "start": -1}, "start"),
        ("delete_source", {"source": "everything"}, "source takes only: src_ id"),
    ],
)
def test_wrong_arguments_are_refused_in_one_short_line(
    name: str, given: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadRequestError) as caught:
        read(_tool(name), given)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) <= 300


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("search", {"query": " "}),
        ("search", {"query": "x", "modality": ["smell"]}),
        ("search", {"query": "x", "order": "up"}),
        ("ingest_media", {}),
        ("delete_source", {"source": "everything"}),
    ],
)
def test_what_an_argument_takes_is_said_in_the_line_itself_and_not_in_the_fence(
    name: str, given: dict[str, Any]
) -> None:
    with pytest.raises(BadRequestError) as caught:
        read(_tool(name), given)
    assert fenced(str(caught.value)) == str(caught.value)


BLANKS: dict[str, list[Any]] = {
    "string": [None, "", " \t"],
    "integer": [None, "", " ", "null", "None"],
    "number": [None, "", " ", "null", "None"],
    "boolean": [None, "", " ", "null"],
    "array": [None, "", " ", [], [""], [" ", None], "[]", "null", '[""]'],
}
OPTIONAL = [
    (tool.name, argument, blank)
    for tool in all_tools()
    for argument, schema in tool.parameters["properties"].items()
    if argument not in tool.parameters.get("required", ())
    for blank in BLANKS[schema["type"]]
]
REQUIRED = {"source": "src_aaaaaaaaaaaaaaaa", "query": "x", "ref": "r", "quote": "q"}


@pytest.mark.parametrize(("name", "argument", "blank"), OPTIONAL)
def test_a_blank_optional_argument_is_an_absent_one(name: str, argument: str, blank: Any) -> None:
    tool = _tool(name)
    needed = {k: REQUIRED[k] for k in tool.parameters.get("required", ())}
    assert read(tool, {**needed, argument: blank}) == read(tool, needed)


@pytest.mark.parametrize("name", sorted(t.name for t in all_tools()))
def test_a_call_with_every_optional_argument_blank_is_the_shortest_call(name: str) -> None:
    """Strict function calling makes every argument required; models fill in blanks."""
    tool = _tool(name)
    needed = {k: REQUIRED[k] for k in tool.parameters.get("required", ())}
    blanks = {
        k: {"string": "", "array": [], "boolean": "", "integer": "", "number": ""}[s["type"]]
        for k, s in tool.parameters["properties"].items()
        if k not in needed
    }
    assert read(tool, {**blanks, **needed}) == read(tool, needed)


def test_a_crop_of_zeros_and_an_end_of_zero_are_absent() -> None:
    for crop in ([0, 0, 0, 0], [0.0] * 4, "[0, 0, 0, 0]", "0,0,0,0"):
        assert read(_tool("get_segment"), {"ref": "r", "crop": crop})["crop"] == ()
    for end in (0, 0.0, "0"):
        assert read(_tool("read_source"), {"source": "s", "end": end})["end"] is None
    assert read(_tool("read_source"), {"source": "s", "start": 0})["start"] == 0


@pytest.mark.parametrize("blank", ["", "  ", None])
@pytest.mark.parametrize(("name", "argument"), [("search", "query"), ("get_segment", "ref")])
def test_a_blank_required_argument_is_refused(name: str, argument: str, blank: Any) -> None:
    with pytest.raises(BadRequestError, match=argument):
        read(_tool(name), {argument: blank})


@pytest.mark.parametrize("name", ["get_segment", "similar_to"])
def test_the_id_of_a_hit_is_taken_as_its_ref(name: str) -> None:
    assert read(_tool(name), {"id": "seg_a"})["ref"] == "seg_a"
    assert read(_tool(name), {"segment_id": "seg_a"})["ref"] == "seg_a"
    with pytest.raises(BadRequestError, match="no argument 'id'"):
        read(_tool(name), {"id": "seg_a", "ref": "seg_b"})
    with pytest.raises(BadRequestError, match="no argument 'id'"):
        read(_tool("search"), {"query": "x", "id": "seg_a"})
