"""The bodies between two machines: what comes back, what is refused, other versions."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import httpx2
import numpy as np
import pytest
from safetensors.numpy import save
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from omni_core import encoders
from omni_core.encoders import hashing
from omni_core.encoders.remote import wire
from omni_core.encoders.remote.description import pack_info
from omni_core.errors import BadRequestError, UnavailableError
from omni_core.settings import Settings
from omni_core.types import AudioContent, Content, ImageContent, TextContent, VideoContent

Running = Callable[[Any], AbstractContextManager[str]]
ForWorker = Callable[..., Settings]


def test_every_content_survives_the_wire(everything: list[Content]) -> None:
    found, facts = wire.unpack(wire.pack(everything, task="x"))
    assert facts["task"] == "x"
    for a, b in zip(everything, found, strict=True):
        assert type(a) is type(b)
        if isinstance(a, TextContent):
            assert a == b
        elif isinstance(a, ImageContent) and isinstance(b, ImageContent):
            np.testing.assert_array_equal(a.pixels, b.pixels)
        elif isinstance(a, AudioContent) and isinstance(b, AudioContent):
            np.testing.assert_array_equal(a.samples, b.samples)
        elif isinstance(a, VideoContent) and isinstance(b, VideoContent):
            np.testing.assert_array_equal(a.frames, b.frames)
            assert (a.times, a.fps, a.audio is None) == (b.times, b.fps, b.audio is None)


EMPTY: dict[str, Any] = {"format": wire.FORMAT, "contents": []}


def body(facts: Any, /, metadata: dict[str, str] | None = None, **tensors: Any) -> bytes:
    """A body of the right form with any JSON and any tensors."""
    text = np.frombuffer(json.dumps(facts).encode(), np.uint8)
    packed: bytes = save({"json": text, **tensors}, metadata)
    return packed


def table(rows: Any, data: bytes = b"") -> bytes:
    """A safetensors body with any table."""
    text = json.dumps(rows).encode()
    return len(text).to_bytes(8, "little") + text + data


def contents(*described: Any, **tensors: Any) -> bytes:
    return body({"format": wire.FORMAT, "contents": list(described)}, **tensors)


def image(pixels: Any) -> bytes:
    return contents({"kind": "image", "pixels": "a"}, a=pixels)


def lying(**row: Any) -> bytes:
    """An image whose row of the table says something else than the body holds."""
    facts = {"format": wire.FORMAT, "contents": [{"kind": "image", "pixels": "a"}]}
    text = json.dumps(facts).encode()
    n = len(text)
    rows = {
        "json": {"dtype": "U8", "shape": [n], "data_offsets": [0, n]},
        "a": {"dtype": "U8", "shape": [2, 2, 3], "data_offsets": [n, n + 12], **row},
    }
    return table(rows, text + bytes(12))


VIDEO = {"kind": "video", "frames": "f", "times": [0.0], "fps": 1.0, "key": "k", "audio": None}
FRAMES = {"f": np.zeros((1, 2, 2, 3), np.uint8), "k": np.zeros((2, 2, 3), np.uint8)}
HOSTILE = {
    "nothing": b"",
    "a length and no more": bytes(8),
    "a table of 16 EB": b"\xff" * 20,
    "a table longer than the body": (1000).to_bytes(8, "little") + b"{}",
    "a table that is no JSON": (2).to_bytes(8, "little") + b"[}",
    "a list for a table": table([]),
    "no JSON": save({"a": np.zeros(3, np.uint8)}),
    "JSON of floats": save({"json": np.zeros(3, np.float32)}),
    "JSON that is none": save({"json": np.frombuffer(b"{no", np.uint8)}),
    "JSON that nests for ever": save({"json": np.frombuffer(b"[" * 100_000, np.uint8)}),
    "JSON of 5 MB": body(EMPTY | {"more": "x" * (5 << 20)}),
    "a table of 5 MB": body(EMPTY, metadata={"more": "x" * (5 << 20)}),
    "JSON that is a list": body([]),
    "no contents": body({"format": wire.FORMAT}),
    "contents that are a number": body({"format": wire.FORMAT, "contents": 3}),
    "a content that is a number": contents(3),
    "a content without a kind": contents({}),
    "an unknown kind": contents({"kind": "pickle"}),
    "a video without frames": contents({"kind": "video"}),
    "a video of one frame's shape": contents(VIDEO, **{**FRAMES, "f": FRAMES["k"]}),
    "a frame rate that is text": contents({**VIDEO, "fps": "fast"}, **FRAMES),
    "a frame rate beyond floats": contents({**VIDEO, "fps": 10**400}, **FRAMES),
    "audio of two dimensions": contents(
        {"kind": "audio", "samples": "a", "head_s": 0}, a=np.zeros((2, 2), np.float32)
    ),
    "an array that is not there": contents({"kind": "image", "pixels": "b"}),
    "an array named by a list": contents({"kind": "image", "pixels": ["a"]}),
    "pixels of four values": image(np.zeros((2, 2, 4), np.uint8)),
    "pixels of floats": image(np.zeros((2, 2, 3), np.float32)),
    "pixels of 64 bits": image(np.zeros((2, 2, 3), np.int64)),
    "no pixels": image(np.zeros((0, 2, 3), np.uint8)),
    "a shape that overflows": lying(shape=[1 << 40, 1 << 40, 3]),
    "a shape larger than its bytes": lying(shape=[1 << 20, 1 << 10, 3]),
    "a negative shape": lying(shape=[-2, -2, 3]),
    "a shape of text": lying(shape="abc"),
    "offsets beyond the body": lying(data_offsets=[1 << 40, (1 << 40) + 12]),
    "offsets that overlap": lying(data_offsets=[0, 12]),
    "offsets that go back": lying(data_offsets=[12, 0]),
    "an unknown dtype": lying(dtype="OBJECT"),
    "a dtype that numpy lacks": lying(dtype="BF16", shape=[2, 3]),
}


def test_a_body_of_no_contents_is_taken() -> None:
    """So that the hostile ones are refused for what their names say."""
    assert wire.unpack(body(EMPTY, metadata={"more": "x"}))[0] == []
    assert len(wire.unpack(image(np.zeros((2, 2, 3), np.uint8)))[0]) == 1
    assert len(wire.unpack(lying())[0]) == 1
    assert len(wire.unpack(contents(VIDEO, **FRAMES))[0]) == 1


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_body_is_refused_in_one_line(worker: str, name: str, token: str) -> None:
    with pytest.raises(BadRequestError) as error:
        wire.unpack(HOSTILE[name])
    assert "\n" not in str(error.value) and len(str(error.value)) < 250
    answer = httpx2.post(
        f"{worker}/encode", content=HOSTILE[name], headers={"authorization": f"Bearer {token}"}
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "BAD_ARGUMENT")


def test_a_table_that_lies_about_terabytes_allocates_nothing() -> None:
    """The body claims 3 TiB in 200 bytes; the check of it holds less than a megabyte."""
    claim = lying(shape=[1 << 20, 1 << 20, 3], data_offsets=[0, 3 << 40])
    tracemalloc.start()
    try:
        with pytest.raises(BadRequestError):
            wire.unpack(claim)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "answer",
    [
        body({"format": wire.FORMAT}),
        body({"format": wire.FORMAT, "vectors": ["a"]}),
        body({"format": wire.FORMAT, "vectors": ["a"]}, a=np.zeros((2, 2, 2), np.float32)),
        body({"format": wire.FORMAT, "vectors": ["a"]}, a=np.zeros(2, np.uint8)),
        b"<html>",
    ],
)
def test_an_answer_that_is_none_is_refused_in_one_line(answer: bytes) -> None:
    with pytest.raises(BadRequestError) as error:
        wire.unpack_vectors(answer)
    assert "\n" not in str(error.value)


def test_vectors_and_token_vectors_and_nothing_come_back_as_they_were() -> None:
    rng = np.random.default_rng(0)
    vectors = [rng.standard_normal(4).astype(np.float32), None, np.ones((3, 4), np.float32)]
    found = wire.unpack_vectors(wire.pack_vectors(vectors))
    for a, b in zip(vectors, found, strict=True):
        assert (a is None) == (b is None)
        if a is not None and b is not None:
            np.testing.assert_array_equal(a, b)
            assert b.dtype == np.float32
    nan = np.array([np.nan, np.inf], np.float32)  # judged by who asked, not by the wire
    np.testing.assert_array_equal(wire.unpack_vectors(wire.pack_vectors([nan]))[0], nan)
    assert wire.unpack_vectors(wire.pack_vectors([])) == []


def test_scores_that_are_none_are_refused_in_one_line() -> None:
    assert wire.unpack_scores(b'{"scores": [1, null, 0.5]}') == [1.0, None, 0.5]
    for answer in (b"", b"[]", b"{}", b'{"scores": 3}', b'{"scores": ["high"]}'):
        with pytest.raises(BadRequestError, match="holds no scores: install the same omni-mcp"):
            wire.unpack_scores(answer)


# ---- other versions -------------------------------------------------------------------------

OLD_BODY = b"OMNI1" + (16).to_bytes(4, "little") + b'{"contents": []}'
SAME_ON_BOTH = (
    "speaks format {} of the model worker's messages, this one format 2: install the same"
)


def test_a_program_of_the_first_release_is_told_that_its_format_is_another(
    worker: str, token: str
) -> None:
    answer = httpx2.post(
        f"{worker}/encode", content=OLD_BODY, headers={"authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 400
    assert SAME_ON_BOTH.format(1) in answer.json()["error"]


@pytest.mark.parametrize("speaks", [1, 3])
def test_a_worker_of_another_version_is_refused_before_anything_is_sent(
    speaks: int, running: Running, settings: ForWorker
) -> None:
    async def info(request: Request) -> JSONResponse:
        facts = pack_info(hashing.HashingEncoder.describe(Settings()))
        facts["format"] = speaks
        if speaks == 1:  # the first release did not say it
            del facts["format"]
        return JSONResponse(facts)

    with (
        running(Starlette(routes=[Route("/info", info)])) as url,
        pytest.raises(UnavailableError, match=SAME_ON_BOTH.format(speaks)),
    ):
        encoders.load(settings(url))


def test_a_message_of_a_later_version_is_refused_with_the_next_step() -> None:
    with pytest.raises(BadRequestError, match=SAME_ON_BOTH.format(7)):
        wire.unpack(body({"format": 7, "contents": []}))
    with pytest.raises(BadRequestError, match=SAME_ON_BOTH.format(1)):
        wire.unpack_vectors(OLD_BODY)
