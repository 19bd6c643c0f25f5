"""Messages that a confused or hostile client may send: every argument of everything, too much of
it. A new tool or argument is in it by itself: the list comes from the schemas."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mcp.server.mcpserver.tools import Tool

from omni_core import limits
from omni_server.app import all_tools, page_tools
from omni_server.arguments import longest

VERSION = "2026-07-28"
META = {
    "io.modelcontextprotocol/protocolVersion": VERSION,
    "io.modelcontextprotocol/clientCapabilities": {},
}
MB = 1 << 20
SHAPES = (
    "a",
    "a ",
    "**/",
    "1/",
    "(",
    "[x",
    "'",
    '"',
    "第一次",
    ",,",
    "a b ",
    "…",
    "@1 ",
    "x\u0301",
)
"""What a text is made of: each has been too much for some parser."""
VALID: Mapping[str, Any] = {
    "query": "boat", "ref": "[notes]", "source": "notes", "quote": "the launch of the boat",
    "ingest_media.source": "notes.md", "delete_source.source": "src_aaaaaaaaaaaaaaaa",
    "speaker": "A", "name": "Ann", "source_a": "notes", "source_b": "notes",
}  # fmt: skip
RESOURCES = (
    "omni://library", "omni://source/{}", "omni://segment/{}/text", "omni://segment/{}/frame.jpg",
    "omni://segment/{}/clip.mp4", "omni://segment/{}/audio.wav", "ui://omni/{}", "{}",
)  # fmt: skip
PROMPTS = {"cite_evidence": ("question",), "timeline": ("topic",),
           "compare": ("source_a", "source_b")}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """One message, as bytes without an end of line."""

    what: str
    body: bytes
    method: str = ""
    name: str = ""
    id: int | None = None
    """The id that the answer must have; None where the message has none that can be read."""


def texts(most: int) -> Iterator[tuple[str, str]]:
    """Names and JSON of texts around a limit, and of some that no limit is needed for."""
    yield "empty", '""'
    yield "one", '"a"'
    for shape in SHAPES:
        text = (shape * most)[:most]
        yield f"{most} of {shape!r}", json.dumps(text)
    yield "limit + 1", json.dumps("a" * (most + 1))
    yield "3 MB", json.dumps("a b/" * (3 * MB // 4))
    yield "10 MB", json.dumps("a" * (10 * MB))
    yield "NUL", '"a\\u0000b"'
    yield "lone surrogate", '"a\\ud800b"'
    yield "bidi", '"a\\u202eb\\u2066c"'


def others() -> Iterator[tuple[str, str]]:
    """Names and JSON of values that are no text."""
    yield "deep 60", "[" * 50 + "]" * 50
    yield "deep 5,000", "[" * 5000 + "]" * 5000
    yield "objects 5,000 deep", '{"a":' * 5000 + "1" + "}" * 5000
    yield "100,000 numbers", "[" + ",".join("1" * 100_000) + "]"
    yield "1,000 texts", json.dumps(["a"] * 1000)
    for plain in ("0", "1", "-1", "NaN", "1e400", "1" + "0" * 400, "1" + "0" * 5000, "null", "true",
                  "1.5", '{"a": 1}', "[]", '{"a":1,"a":2}', '[null, "a"]'):  # fmt: skip
        yield plain[:20], plain


def of_tools(share: float, seed: int = 0) -> Iterator[Case]:
    """A call for each value of each argument of each tool; `share` of them, chosen by `seed`."""
    chance = random.Random(seed)
    for tool in (*all_tools(), *page_tools()):
        for argument, schema in tool.parameters.get("properties", {}).items():
            values = [*texts(longest(tool.name, argument, schema)), *others()]
            for named, value in values:
                if share >= 1 or chance.random() < share:
                    yield _of_tool(tool, argument, named, value, chance)


def _of_tool(tool: Tool, argument: str, named: str, value: str, chance: random.Random) -> Case:
    given = {
        name: json.dumps(VALID.get(f"{tool.name}.{name}", VALID.get(name, "notes")))
        for name in tool.parameters.get("required", ())
    }
    given[argument] = value
    inner = ",".join(f'"{name}":{each}' for name, each in given.items())
    params = f'"name":"{tool.name}","arguments":{{{inner}}}'
    return request("tools/call", params, f"{tool.name}.{argument}: {named}", tool.name, chance)


def request(
    method: str, params: str, what: str, name: str = "", chance: random.Random | None = None
) -> Case:
    """A request; its id is at the beginning or, as other SDKs write it, at the end."""
    id_ = next(_ids)
    meta = json.dumps(META)
    inner = f'"_meta":{meta}' + (f",{params}" if params else "")
    rest = f'"jsonrpc":"2.0","method":"{method}"'
    last = chance is not None and chance.random() < 0.5
    body = (
        f'{{"params":{{{inner}}},{rest},"id":{id_}}}'
        if last
        else f'{{{rest},"id":{id_},"params":{{{inner}}}}}'
    )
    return Case(what, body.encode(), method, name, id_)


def _counted() -> Iterator[int]:
    number = 1000
    while True:
        yield (number := number + 1)


_ids = _counted()


def of_protocol() -> Iterator[Case]:
    """Resources, prompts, completion, subscriptions and tasks with too much in them."""
    for named, value in _some(limits.OF_PROTOCOL["uri"]):
        for uri in RESOURCES:
            filled = json.dumps(uri)[:-1].replace("{}", value[1:-1]) + '"'
            yield request("resources/read", f'"uri":{filled}', f"{uri}: {named}")
        for prompt, arguments in PROMPTS.items():
            given = ",".join(f'"{a}":{value}' for a in arguments)
            yield request(
                "prompts/get", f'"name":"{prompt}","arguments":{{{given}}}', f"{prompt}: {named}"
            )
        yield request("prompts/get", f'"name":{value}', f"prompt name: {named}")
        yield request("tools/call", f'"name":{value},"arguments":{{}}', f"tool name: {named}")
        ref = '{"type":"ref/resource","uri":"omni://source/{source_id}"}'
        yield request(
            "completion/complete", f'"ref":{ref},"argument":{{"name":"source_id","value":{value}}}',
            f"completion: {named}",
        )  # fmt: skip
        yield request("tools/list", f'"cursor":{value}', f"cursor of a list: {named}")
        yield request("tasks/get", f'"taskId":{value}', f"task: {named}")
        yield request("tasks/update", f'"taskId":{value},"inputResponses":{{"a":{value}}}',
                      f"answers to a task: {named}")  # fmt: skip


def _some(most: int) -> Iterator[tuple[str, str]]:
    wanted = ("empty", "one", "limit + 1", "3 MB", "10 MB", "NUL", "lone surrogate", "bidi")
    yield from (each for each in texts(most) if each[0] in wanted or each[0].endswith("'**/'"))


def not_messages() -> Iterator[Case]:
    """What is no message, or one that only a parser of ours can take apart."""
    ok = (
        '{"jsonrpc":"2.0","id":%s,"method":"tools/list","params":{"_meta":'
        + json.dumps(META)
        + "}}"
    )
    for named, body in (
        ("no JSON", b"{nonsense"),
        ("half a message", b'{"jsonrpc":"2.0","id":7,'),
        ("not UTF-8", b'{"jsonrpc":"2.0","id":8,"method":"\xff\xfe"}'),
        ("a number", b"5"),
        ("a list of messages", b"[" + (ok % 9).encode() + b"]"),
        ("100,000 messages in a list", b"[" + b",".join([b"{}"] * 100_000) + b"]"),
        ("params is a list", b'{"jsonrpc":"2.0","id":10,"method":"tools/list","params":[1]}'),
        ("params is a number", b'{"jsonrpc":"2.0","id":11,"method":"tools/list","params":1}'),
        ("method is a number", b'{"jsonrpc":"2.0","id":12,"method":5}'),
        ("id is an object", (ok % '{"a":1}').encode()),
        ("id is a list", (ok % "[1]").encode()),
        ("id has 300 characters", (ok % json.dumps("a" * 300)).encode()),
        ("id is 10^400", (ok % ("1" + "0" * 400)).encode()),
        ("id is NaN", (ok % "NaN").encode()),
        ("id is a lone surrogate", (ok % '"\\ud800"').encode()),
        ("no version", b'{"id":13,"method":"tools/list"}'),
        ("no method", b'{"jsonrpc":"2.0","id":14}'),
        ("a method of 3 MB", request('"x' * 1, "", "").body.replace(b'"x', b"x" * 3 * MB)),
        ("200,000 levels", b"[" * 200_000),
        ("a line of 100 MB", b"a" * (100 * MB)),
    ):  # fmt: skip
        yield Case(f"message: {named}", body)
