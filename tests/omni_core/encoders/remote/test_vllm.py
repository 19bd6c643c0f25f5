"""vLLM: real HTTP on loopback, a stand-in that answers as vLLM does."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from omni_core.encoders.transformer.catalogue import known_models
from omni_core.errors import OmniError, UnavailableError
from omni_core.settings import Settings
from omni_core.types import AudioContent, Content, ImageContent, TextContent, VideoContent

Running = Callable[[Any], AbstractContextManager[str]]
ForWorker = Callable[..., Settings]


class StandIn:
    """Answers as vLLM does and keeps what it was asked."""

    def __init__(self, dim: int, token: str) -> None:
        self.token = token
        self.asked: list[tuple[str, Any]] = []
        self.dim = dim
        self.embedding: Any = None
        paths = ("/v1/embeddings", "/pooling", "/rerank")
        self.app = Starlette(routes=[Route(p, self._answer, methods=["POST"]) for p in paths])

    async def _answer(self, request: Request) -> JSONResponse:
        body = await request.json()
        self.asked.append((request.url.path, body))
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return JSONResponse({"error": {"message": "Unauthorized"}}, status_code=401)
        if request.url.path == "/rerank":
            scores = [
                {"index": i, "relevance_score": 0.1 * i} for i in range(len(body["documents"]))
            ]
            return JSONResponse({"results": scores[::-1]})
        if request.url.path == "/pooling":
            return JSONResponse({"data": [{"data": [[3.0] + [0.0] * (self.dim - 1)] * 4}]})
        return JSONResponse({"data": [{"embedding": self.embedding or [2.0] * self.dim}]})


@pytest.fixture
def vllm(running: Running, token: str) -> Iterator[Callable[[int], tuple[StandIn, str]]]:
    with ExitStack() as stack:

        def start(dim: int) -> tuple[StandIn, str]:
            stand_in = StandIn(dim, token)
            return stand_in, f"vllm+{stack.enter_context(running(stand_in.app))}/v1"

        yield start


def test_vllm_gets_one_conversation_a_content_with_the_prompt_in_its_place(
    opened: Any, vllm: Any, media: dict[str, Content], settings: ForWorker
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
    opened: Any, vllm: Any, media: dict[str, Content], settings: ForWorker
) -> None:
    stand_in, url = vllm(3584)
    encoder = opened(settings(url, encoder="e5-omni-7b"))
    page, video, tune = media["a page"], media["a video with audio"], media["a tune"]
    assert (
        isinstance(page, ImageContent)
        and isinstance(video, VideoContent)
        and isinstance(tune, AudioContent)
    )
    for content in (page, video, tune):
        encoder.encode([content])
    parts = [b["messages"][0]["content"] for _, b in stand_in.asked]
    uri = parts[0][0]["image_url"]["url"].removeprefix("data:image/png;base64,")
    with Image.open(io.BytesIO(base64.b64decode(uri))) as seen:
        np.testing.assert_array_equal(np.asarray(seen), page.pixels)
    frames = parts[1][0]["video_url"]["url"].removeprefix("data:video/jpeg;base64,").split(",")
    assert len(frames) == len(video.frames)
    assert parts[1][1]["type"] == "input_audio"
    assert stand_in.asked[1][1]["mm_processor_kwargs"]["fps"] == video.fps
    wav = base64.b64decode(parts[2][0]["input_audio"]["data"])
    assert wav[:4] == b"RIFF" and len(wav) == 44 + 2 * len(tune.samples)


def test_vllm_serves_qwen3_vl_as_its_authors_call_it(
    opened: Any, vllm: Any, settings: ForWorker
) -> None:
    stand_in, url = vllm(2048)
    encoder = opened(settings(url, encoder="qwen3-vl-embedding-2b"))
    encoder.encode_questions([TextContent("a fox")])
    body = stand_in.asked[0][1]
    assert [m["role"] for m in body["messages"]] == ["system", "user", "assistant"]
    prompt = known_models()["qwen3-vl-embedding-2b"].query_prompt
    assert body["messages"][0]["content"][0]["text"] == prompt
    assert body["continue_final_message"] is True
    assert encoder.encode([AudioContent(np.zeros(16000, np.float32))]) == [None]


def test_vllm_gives_token_vectors_through_pooling(
    opened: Any, vllm: Any, settings: ForWorker
) -> None:
    stand_in, url = vllm(128)
    encoder = opened(settings(url, encoder="colqwen-omni"))
    tokens = encoder.encode([TextContent("a fox")])[0]
    assert tokens is not None and tokens.shape == (4, 128)
    np.testing.assert_allclose(np.linalg.norm(tokens, axis=1), 1)
    path, body = stand_in.asked[0]
    assert (path, body["task"]) == ("/pooling", "token_embed")


def test_vllm_reranks_text_and_images_and_keeps_their_order(
    opened: Any, vllm: Any, media: dict[str, Content], settings: ForWorker
) -> None:
    stand_in, url = vllm(1)
    reranker: Any = opened(settings(url, reranker="qwen3-vl-reranker-2b"))
    scores = reranker.score(TextContent("a fox"), ["first", media["a tune"], media["a page"]])
    assert scores == [0.0, None, pytest.approx(0.1)]
    path, body = stand_in.asked[0]
    assert (path, body["query"], body["documents"][0]) == ("/rerank", "a fox", "first")
    assert body["documents"][1]["content"][0]["type"] == "image_url"


def test_vllm_that_serves_another_model_is_refused_with_the_reason(
    opened: Any, vllm: Any, settings: ForWorker
) -> None:
    _, url = vllm(7)
    encoder = opened(settings(url, encoder="e5-omni-7b"))
    with pytest.raises(UnavailableError, match="serves another model"):
        encoder.encode([TextContent("a fox")])
    with pytest.raises(OmniError, match="refused the token"):
        opened(settings(url, encoder="e5-omni-7b", encoder_token="")).encode([TextContent("a")])


@pytest.mark.parametrize(
    ("embedding", "said"),
    [(3.0, "shape .*serves another model"), ([0.0] * 3584, "has no length"), ("text", "without")],
)
def test_vllm_that_gives_no_vector_is_one_line(
    opened: Any, vllm: Any, settings: ForWorker, embedding: Any, said: str
) -> None:
    stand_in, url = vllm(3584)
    stand_in.embedding = embedding
    encoder = opened(settings(url, encoder="e5-omni-7b"))
    with pytest.raises(OmniError, match=said) as e:
        encoder.encode([TextContent("a fox")])
    assert "\n" not in str(e.value)


def test_vllm_that_reranks_nothing_is_refused_with_the_reason(
    opened: Any, running: Running, settings: ForWorker
) -> None:
    async def rerank(request: Request) -> JSONResponse:
        return JSONResponse({"object": "list"})

    with running(Starlette(routes=[Route("/rerank", rerank, methods=["POST"])])) as url:
        reranker = opened(settings(f"vllm+{url}", reranker="qwen3-vl-reranker-2b"))
        with pytest.raises(UnavailableError, match="answered without scores"):
            reranker.score(TextContent("a fox"), ["first"])
