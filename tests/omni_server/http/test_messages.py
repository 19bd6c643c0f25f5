"""Over HTTP: bodies that are no message, and requests with too much around them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from omni_core import limits

POST = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
HALF = b'{"jsonrpc":"2.0","id":5,"method":"tools/list","params":{"a":"\\ud800"}}'


@pytest.mark.parametrize("version", ["2026-07-28", "2025-11-25"])
@pytest.mark.parametrize(
    ("body", "code", "id_"),
    [
        (HALF, -32700, 5),
        (b"{nonsense", -32700, None),
        (b"[" * 100_000, -32600, None),
        (b'{"jsonrpc":"2.0","id":6,"method":"ping","params":[1]}', -32600, 6),
    ],
)
async def test_a_body_that_is_no_message_is_answered_with_its_id(
    web: Any, version: str, body: bytes, code: int, id_: object
) -> None:
    async with web() as http:
        answer = await http.post(
            "/mcp", content=body, headers=POST | {"mcp-protocol-version": version}
        )
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == code
    assert answer.json()["id"] == id_


async def test_a_body_without_a_length_is_cut_at_the_limit(web: Any) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b'{"jsonrpc":"2.0","id":7,"method":"ping","params":{"a":"'
        for _ in range(6):
            yield b"x" * (1 << 20)

    async with web() as http:
        answer = await http.post("/mcp", content=endless(), headers=POST)
    assert answer.status_code == 413
    assert answer.json()["id"] == 7
    assert "4 MB" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("path", "headers", "status", "words"),
    [
        ("/media/" + "a" * limits.URL_BYTES, {}, 414, "the path has"),
        ("/health?" + "a" * (limits.URL_BYTES + 1), {}, 414, "the query has"),
        ("/health", {"x-a": "b" * limits.HEADER_BYTES}, 431, "the header x-a is longer"),
        ("/health", {f"x-{n}": "b" for n in range(limits.HEADERS)}, 431, "headers; at most 100"),
    ],
)
async def test_too_long_an_address_or_header_is_one_line(
    web: Any, path: str, headers: dict[str, str], status: int, words: str
) -> None:
    async with web() as http:
        answer = await http.get(path, headers=headers)
    assert answer.status_code == status
    assert answer.text.startswith("BAD_ARGUMENT: ")
    assert words in answer.text
    assert answer.text.count("\n") == 1
