"""The remote worker and vLLM: real HTTP on loopback, the hashing encoder behind it."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import socket
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import numpy as np
import pytest
import uvicorn
from PIL import Image
from safetensors.numpy import save
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from omni_core import encoders
from omni_core.encoders import hashing
from omni_core.encoders.remote import client, wire
from omni_core.encoders.remote import encoder as remote
from omni_core.encoders.remote import server as serving
from omni_core.encoders.transformer.catalogue import known_models
from omni_core.errors import BadRequestError, OmniError, RefusedError, UnavailableError
from omni_core.settings import Settings
from omni_core.types import AudioContent, Content, ImageContent, TextContent, VideoContent

TOKEN = "a-token-of-this-test"  # noqa: S105


@contextmanager
def running(application: Any) -> Iterator[str]:
    """The application on a free port of loopback: its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(application, log_level="error", lifespan="off"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


@pytest.fixture(scope="module")
def worker() -> Iterator[str]:
    with running(serving.worker_app(Settings(encoder="hashing"), TOKEN)) as url:
        yield url


@pytest.fixture
def everything(media: dict[str, Content]) -> list[Content]:
    return list(media.values())


@pytest.fixture
def opened() -> Iterator[Callable[[Settings], Any]]:
    """`encoders.load`, closed again after the test."""
    made: list[Any] = []

    def load(wanted: Settings) -> Any:
        made.append(
            encoders.load(wanted) if not wanted.reranker else encoders.load_reranker(wanted)
        )
        return made[-1]

    yield load
    for one in made:
        one.close()


def settings(url: str, **more: Any) -> Settings:
    return Settings(**{"encoder_url": url, "encoder_token": TOKEN, **more})


def test_a_remote_worker_answers_as_the_encoder_does_here(
    opened: Any, worker: str, everything: list[Content]
) -> None:
    here = hashing.HashingEncoder.load(Settings())
    there = opened(settings(worker))
    assert there.info == here.info
    for side in ("encode", "encode_questions"):
        for a, b in zip(
            getattr(here, side)(everything), getattr(there, side)(everything), strict=True
        ):
            assert (a is None) == (b is None)
            if a is not None and b is not None:
                np.testing.assert_array_equal(a, b)


def test_contents_are_sent_in_pieces_that_fit_one_request(
    opened: Any, worker: str, everything: list[Content], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "CHUNK", 100_000)
    there = opened(settings(worker))
    vectors = there.encode(everything)
    assert len(vectors) == len(everything)


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
            assert (a.times, a.fps, a.sound is None) == (b.times, b.fps, b.sound is None)


def test_the_worker_wants_its_token(opened: Any, worker: str) -> None:
    with pytest.raises(UnavailableError, match="refused the token: set encoder_token"):
        opened(settings(worker, encoder_token="wrong"))  # noqa: S106
    with pytest.raises(UnavailableError, match="refused the token"):
        opened(settings(worker, encoder_token=""))
    assert httpx2.get(f"{worker}/health").text == "ok"
    assert httpx2.post(f"{worker}/encode", content=b"x").status_code == 401


def test_beyond_loopback_a_worker_does_not_listen_without_a_token() -> None:
    for host in ("0.0.0.0", "192.168.1.4", "::", "worker.example"):  # noqa: S104
        with pytest.raises(RefusedError, match="set a token"):
            serving.serve(Settings(encoder="hashing"), host, 0, "")
        serving.may_listen(host, TOKEN)
    for host in ("127.0.0.1", "::1", "localhost", "127.8.8.8"):
        serving.may_listen(host, "")


def test_a_body_that_is_too_long_is_refused_while_it_arrives(
    worker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "MOST_BODY", 1000)
    answer = httpx2.post(
        f"{worker}/encode",
        content=(b"x" * 700 for _ in range(4)),
        headers={"authorization": f"Bearer {TOKEN}"},
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "TOO_LARGE")


def body(facts: Any, /, **tensors: Any) -> bytes:
    """A body of the right form with any JSON and any tensors."""
    text = np.frombuffer(json.dumps(facts).encode(), np.uint8)
    return save({"json": text, **tensors})


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
    "JSON of 5 MB": save({"json": np.full(5 << 20, ord(" "), np.uint8)}),
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


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_body_is_refused_in_one_line(worker: str, name: str) -> None:
    with pytest.raises(BadRequestError) as error:
        wire.unpack(HOSTILE[name])
    assert "\n" not in str(error.value) and len(str(error.value)) < 250
    answer = httpx2.post(
        f"{worker}/encode", content=HOSTILE[name], headers={"authorization": f"Bearer {TOKEN}"}
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


def test_a_program_of_the_first_release_is_told_that_its_format_is_another(worker: str) -> None:
    answer = httpx2.post(
        f"{worker}/encode", content=OLD_BODY, headers={"authorization": f"Bearer {TOKEN}"}
    )
    assert answer.status_code == 400
    assert SAME_ON_BOTH.format(1) in answer.json()["error"]


@pytest.mark.parametrize("speaks", [1, 3])
def test_a_worker_of_another_version_is_refused_before_anything_is_sent(speaks: int) -> None:
    async def info(request: Request) -> JSONResponse:
        facts = wire.pack_info(hashing.HashingEncoder.describe(Settings()))
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


def test_an_answer_that_is_no_json_is_one_line() -> None:
    async def info(request: Request) -> PlainTextResponse:
        return PlainTextResponse("a page of somebody's")

    with (
        running(Starlette(routes=[Route("/info", info)])) as url,
        pytest.raises(UnavailableError, match="no JSON: correct encoder_url"),
    ):
        encoders.describe(settings(url))


def test_an_encoder_that_cannot_load_is_one_line_with_the_next_step() -> None:
    wrong = serving.worker_app(Settings(encoder="no-such-model"), "")
    refused = pytest.raises(UnavailableError, match="no model is called 'no-such-model'")
    with running(wrong) as url, refused:
        encoders.describe(settings(url, encoder_token=""))


def test_nobody_at_the_address_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "TRIES", 1)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(UnavailableError, match=r"cannot be reached .* correct encoder_url"):
        encoders.describe(settings(f"http://127.0.0.1:{port}"))
    for wrong in ("ftp://x", "worker:7000", "file:///etc/passwd"):
        with pytest.raises(BadRequestError, match="encoder_url"):
            encoders.describe(settings(wrong))


def test_a_server_that_is_no_worker_is_named_as_such() -> None:
    with running(Starlette()) as url, pytest.raises(UnavailableError, match="no model server"):
        encoders.describe(settings(url))


def test_a_worker_that_restarts_is_asked_again() -> None:
    seen: list[str] = []

    async def info(request: Request) -> JSONResponse:
        seen.append(request.url.path)
        if len(seen) < 3:
            return JSONResponse({"error": "restarting"}, status_code=503)
        return JSONResponse(wire.pack_info(hashing.HashingEncoder.describe(Settings())))

    with running(Starlette(routes=[Route("/info", info)])) as url:
        assert encoders.describe(settings(url)).name == "hashing"
    assert len(seen) == 3


# ---- vLLM -----------------------------------------------------------------------------------


class StandIn:
    """Answers as vLLM does and keeps what it was asked."""

    def __init__(self, dim: int) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.dim = dim
        paths = ("/v1/embeddings", "/pooling", "/rerank")
        self.app = Starlette(routes=[Route(p, self._answer, methods=["POST"]) for p in paths])

    async def _answer(self, request: Request) -> JSONResponse:
        body = await request.json()
        self.asked.append((request.url.path, body))
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return JSONResponse({"error": {"message": "Unauthorized"}}, status_code=401)
        if request.url.path == "/rerank":
            scores = [
                {"index": i, "relevance_score": 0.1 * i} for i in range(len(body["documents"]))
            ]
            return JSONResponse({"results": scores[::-1]})
        if request.url.path == "/pooling":
            return JSONResponse({"data": [{"data": [[3.0] + [0.0] * (self.dim - 1)] * 4}]})
        return JSONResponse({"data": [{"embedding": [2.0] * self.dim}]})


@pytest.fixture
def vllm() -> Iterator[Callable[[int], tuple[StandIn, str]]]:
    stack = []

    def start(dim: int) -> tuple[StandIn, str]:
        stand_in = StandIn(dim)
        context = running(stand_in.app)
        stack.append(context)
        return stand_in, f"vllm+{context.__enter__()}/v1"

    yield start
    for context in stack:
        context.__exit__(None, None, None)


def test_vllm_gets_one_conversation_a_content_with_the_prompt_in_its_place(
    opened: Any, vllm: Any, media: dict[str, Content]
) -> None:
    stand_in, url = vllm(3584)
    encoder = opened(settings(url, encoder="e5-omni-7b"))
    vectors = encoder.encode(list(media.values()))
    assert all(v is not None and abs(np.linalg.norm(v) - 1) < 1e-5 for v in vectors)
    asked = encoder.encode_questions([TextContent("a fox")])
    assert asked[0] is not None and asked[0].shape == (3584,)
    path, body = stand_in.asked[-1]
    assert path == "/v1/embeddings"
    assert body["model"] == "Haon-Chen/e5-omni-7B"
    assert body["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "Query: a fox"}]}
    ]
    kinds = {part["type"]: part for _, b in stand_in.asked for part in b["messages"][-1]["content"]}
    assert set(kinds) == {"text", "image_url", "input_audio", "video_url"}


def test_vllm_gets_media_as_data_that_decodes_to_what_was_sent(
    opened: Any, vllm: Any, media: dict[str, Content]
) -> None:
    stand_in, url = vllm(3584)
    encoder = opened(settings(url, encoder="e5-omni-7b"))
    page, film, tune = media["a page"], media["a film with sound"], media["a tune"]
    assert (
        isinstance(page, ImageContent)
        and isinstance(film, VideoContent)
        and isinstance(tune, AudioContent)
    )
    for content in (page, film, tune):
        encoder.encode([content])
    parts = [b["messages"][0]["content"] for _, b in stand_in.asked]
    uri = parts[0][0]["image_url"]["url"].removeprefix("data:image/png;base64,")
    with Image.open(io.BytesIO(base64.b64decode(uri))) as seen:
        np.testing.assert_array_equal(np.asarray(seen), page.pixels)
    frames = parts[1][0]["video_url"]["url"].removeprefix("data:video/jpeg;base64,").split(",")
    assert len(frames) == len(film.frames)
    assert parts[1][1]["type"] == "input_audio"
    assert stand_in.asked[1][1]["mm_processor_kwargs"]["fps"] == film.fps
    wav = base64.b64decode(parts[2][0]["input_audio"]["data"])
    assert wav[:4] == b"RIFF" and len(wav) == 44 + 2 * len(tune.samples)


def test_vllm_serves_qwen3_vl_as_its_authors_call_it(opened: Any, vllm: Any) -> None:
    stand_in, url = vllm(2048)
    encoder = opened(settings(url, encoder="qwen3-vl-embedding-2b"))
    encoder.encode_questions([TextContent("a fox")])
    body = stand_in.asked[0][1]
    assert [m["role"] for m in body["messages"]] == ["system", "user", "assistant"]
    prompt = known_models()["qwen3-vl-embedding-2b"].query_prompt
    assert body["messages"][0]["content"][0]["text"] == prompt
    assert body["continue_final_message"] is True
    assert encoder.encode([AudioContent(np.zeros(16000, np.float32))]) == [None]


def test_vllm_gives_token_vectors_through_pooling(opened: Any, vllm: Any) -> None:
    stand_in, url = vllm(128)
    encoder = opened(settings(url, encoder="colqwen-omni"))
    tokens = encoder.encode([TextContent("a fox")])[0]
    assert tokens is not None and tokens.shape == (4, 128)
    np.testing.assert_allclose(np.linalg.norm(tokens, axis=1), 1)
    path, body = stand_in.asked[0]
    assert (path, body["task"]) == ("/pooling", "token_embed")


def test_vllm_reranks_text_and_pictures_and_keeps_their_order(
    opened: Any, vllm: Any, media: dict[str, Content]
) -> None:
    stand_in, url = vllm(1)
    reranker: Any = opened(settings(url, reranker="qwen3-vl-reranker-2b"))
    scores = reranker.score(TextContent("a fox"), ["first", media["a tune"], media["a page"]])
    assert scores == [0.0, None, pytest.approx(0.1)]
    path, body = stand_in.asked[0]
    assert (path, body["query"], body["documents"][0]) == ("/rerank", "a fox", "first")
    assert body["documents"][1]["content"][0]["type"] == "image_url"


def test_vllm_that_serves_another_model_is_refused_with_the_reason(opened: Any, vllm: Any) -> None:
    _, url = vllm(7)
    encoder = opened(settings(url, encoder="e5-omni-7b"))
    with pytest.raises(UnavailableError, match="serves another model"):
        encoder.encode([TextContent("a fox")])
    with pytest.raises(OmniError, match="refused the token"):
        opened(settings(url, encoder="e5-omni-7b", encoder_token="")).encode([TextContent("a")])
