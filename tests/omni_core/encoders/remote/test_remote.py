"""The remote worker and vLLM: real HTTP on loopback, the hashing encoder behind it."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import numpy as np
import pytest
import uvicorn
from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from omni_core import encoders
from omni_core.encoders import hashing
from omni_core.encoders.remote import client, wire
from omni_core.encoders.remote import encoder as remote
from omni_core.encoders.remote import server as serving
from omni_core.encoders.transformer.spec import rows
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
    with running(serving.app(Settings(encoder="hashing"), TOKEN)) as url:
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
            assert (a.times, a.fps, a.audio is None) == (b.times, b.fps, b.audio is None)


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


def head(data: Any, raw: bytes = b"") -> bytes:
    text = json.dumps(data).encode()
    return wire.MAGIC + struct.pack("<I", len(text)) + text + raw


def picture(**where: Any) -> bytes:
    return head({"contents": [{"kind": "picture", "pixels": where}]}, b"\0" * 12)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"OMNI1",
        b"OMNI1\xff\xff\xff\xff",
        head([]),
        head({"contents": 3}),
        head({"contents": [{"kind": "pickle"}]}),
        head({"contents": [{}]}),
        head({"contents": [{"kind": "film"}]}),
        picture(t="u1", s=[2, 2, 4], o=0),
        picture(t="u1", s=[1 << 40, 1 << 20, 3], o=0),
        picture(t="u1", s=[-2, -2, 3], o=0),
        picture(t="u1", s=[2, 2, 3], o=-1),
        picture(t="u1", s=[2, 2, 3], o=1),
        picture(t="O", s=[2, 2, 3], o=0),
        picture(t="u1", s=[0, 0, 3], o=0),
        picture(t="u1", s="abc", o=0),
    ],
)
def test_a_hostile_body_is_refused_before_anything_is_allocated(worker: str, body: bytes) -> None:
    with pytest.raises(BadRequestError):
        wire.unpack(body)
    answer = httpx2.post(
        f"{worker}/encode", content=body, headers={"authorization": f"Bearer {TOKEN}"}
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "BAD_ARGUMENT")


def test_an_encoder_that_cannot_load_is_one_line_with_the_next_step() -> None:
    wrong = serving.app(Settings(encoder="no-such-model"), "")
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
    prompt = rows()["qwen3-vl-embedding-2b"].query_prompt
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
