"""Messages that no handler can be given are answered all the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from mcp.types import INVALID_REQUEST, PARSE_ERROR

from omni_core import limits
from omni_server.messages import Refusal, refusal, too_long

GOOD = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}


def _refused(message: str | bytes) -> Refusal:
    found = refusal(message if isinstance(message, bytes) else message.encode())
    assert found is not None
    return found


@pytest.mark.parametrize(
    "message",
    [
        GOOD,
        {**GOOD, "id": "a" * limits.MESSAGE_ID},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 1, "result": {}},
        {"jsonrpc": "2.0", "id": None, "error": {"code": 1, "message": "x"}},
        {**GOOD, "params": {"a": "x" * 3_000_000}},
    ],
)
def test_a_message_passes(message: dict[str, Any]) -> None:
    assert refusal(json.dumps(message).encode()) is None


@pytest.mark.parametrize(
    ("message", "code", "words", "id_"),
    [
        ('{"jsonrpc":"2.0","id":5,"method":"a\\ud800"}', PARSE_ERROR, "surrogate", 5),
        ('{"method":"a\\udfff","jsonrpc":"2.0","id":"x"}', PARSE_ERROR, "surrogate", "x"),
        ('{"jsonrpc":"2.0","id":6,"method":"a","params":{"a":NaN}}', PARSE_ERROR, "no JSON", 6),
        ('{"jsonrpc":"2.0","id":7,"meth', PARSE_ERROR, "no JSON", 7),
        ("{nonsense", PARSE_ERROR, "no JSON", None),
        ("[" * 100_000, INVALID_REQUEST, "50,000 values", None),
        ('{"jsonrpc":"2.0","id":8,"p":' + "[" * 300 + "]" * 300 + "}", PARSE_ERROR, "no JSON", 8),
        ('{"jsonrpc":"2.0","id":9,"method":"a","params":{"p":' + "[" * 90 + "]" * 90 + "}}",
         INVALID_REQUEST, "deeper than 64", 9),
        ("5", INVALID_REQUEST, "no JSON-RPC", None),
        ("[" + json.dumps(GOOD) + "]", INVALID_REQUEST, "no JSON-RPC", None),
        ('{"jsonrpc":"2.0","id":10,"method":"a","params":[1]}', INVALID_REQUEST, "no JSON-RPC", 10),
        ('{"jsonrpc":"2.0","id":[1],"method":"a"}', INVALID_REQUEST, "an id is", None),
        ('{"jsonrpc":"2.0","id":null,"method":"a"}', INVALID_REQUEST, "an id is", None),
        ('{"jsonrpc":"2.0","id":1.5,"method":"a"}', INVALID_REQUEST, "an id is", None),
        ('{"jsonrpc":"2.0","id":1' + "0" * 400 + ',"method":"a"}', INVALID_REQUEST, "an id", None),
        (json.dumps({**GOOD, "id": "a" * 257}), INVALID_REQUEST, "an id is", None),
    ],
)  # fmt: skip
def test_what_is_no_message_is_answered_with_its_id_where_it_can_be_read(
    message: str, code: int, words: str, id_: object
) -> None:
    found = _refused(message)
    assert (found.code, found.id) == (code, id_)
    assert words in found.words
    assert json.loads(found.text())["id"] == id_


@pytest.mark.parametrize(
    "message",
    [
        '{{"jsonrpc":"2.0","id":3,"method":"a","params":{{"q":"{}"}}}}',
        '{{"params":{{"q":"{}"}},"method":"a","jsonrpc":"2.0","id":3}}',
        '{{"method":"a","params":{{"q":"{}"}},"id":3,"jsonrpc":"2.0"}}',
    ],
)
def test_the_id_of_a_message_that_is_too_long_is_read_at_its_ends(message: str) -> None:
    found = _refused(message.format("x" * limits.MESSAGE_BYTES))
    assert (found.code, found.id) == (INVALID_REQUEST, 3)
    assert "4 MB" in found.words


def test_an_id_within_the_arguments_is_not_taken_for_that_of_the_request() -> None:
    assert too_long(b'{"params":{"id":3,"q":"xxx', b'xxx","id":4}}').id is None
