"""vLLM's pooling API: one conversation a request, media as data: URIs.

Dense vectors come from /v1/embeddings with `messages`, token vectors from /pooling with the task
token_embed, scores from /rerank. vLLM renders the model's own chat template; the prompt goes where
the model had it in training (the system turn, or a prefix of the user turn).
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

import numpy as np

from omni_core.encoders.remote.client import ModelServerClient
from omni_core.encoders.remote.vllm_messages import conversation, message_parts, text_or_parts
from omni_core.encoders.transformer.catalogue import find_model
from omni_core.encoders.transformer.description import encoder_info
from omni_core.encoders.transformer.spec import ModelSpec
from omni_core.errors import BadRequestError, OmniError, UnavailableError
from omni_core.points import is_usable
from omni_core.protocols import Encoder, Reranker
from omni_core.settings import Settings
from omni_core.types import (
    Content,
    EncoderInfo,
    ImageContent,
    TextContent,
    Vector,
    VideoContent,
)

CONCURRENT = 8
"""Concurrent requests, which vLLM batches."""
EVIDENCE_S = 300.0
QUESTION_S = 60.0


class VllmEncoder(Encoder):
    """A model that vLLM serves; `Settings.encoder` names it as in models.toml."""

    @classmethod
    def describe(cls, settings: Settings) -> EncoderInfo:
        """The model's description by models.toml; sends no request."""
        return encoder_info(_spec(settings.encoder, settings), settings)

    @classmethod
    def load(cls, settings: Settings) -> Self:
        """A client of the server."""
        return cls(_client(settings), _spec(settings.encoder, settings), cls.describe(settings))

    @classmethod
    def load_reranker(cls, settings: Settings) -> Reranker:
        """vLLM's /rerank, for the model that `Settings.reranker` names."""
        return VllmReranker(_client(settings), _spec(settings.reranker, settings))

    def __init__(self, client: ModelServerClient, spec: ModelSpec, info: EncoderInfo) -> None:
        """`spec` says which prompts, modalities and dimension the served model has."""
        self.info = info
        self._client, self._spec = client, spec
        self._pool = ThreadPoolExecutor(CONCURRENT, thread_name_prefix="vllm")

    def encode(self, contents: Sequence[Content]) -> list[Vector | None]:
        """See `Encoder`."""
        return list(
            self._pool.map(lambda c: self._one(c, self._evidence_prompt(c), EVIDENCE_S), contents)
        )

    def encode_questions(self, contents: Sequence[Content]) -> list[Vector | None]:
        """See `Encoder`."""
        return [self._one(c, self._spec.query_prompt, QUESTION_S) for c in contents]

    def close(self) -> None:
        """Close the connections."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._client.close()

    def _evidence_prompt(self, content: Content) -> str:
        if isinstance(content, ImageContent) and self._spec.image_prompt:
            return self._spec.image_prompt
        if isinstance(content, VideoContent) and self._spec.video_prompt:
            return self._spec.video_prompt
        return self._spec.document_prompt

    def _one(self, content: Content, prompt: str, seconds: float) -> Vector | None:
        parts = message_parts(content, self._spec)
        if parts is None:
            return None
        body: dict[str, Any] = {
            "model": self._spec.id,
            "messages": conversation(parts, prompt, self._spec),
            "encoding_format": "float",
            "add_special_tokens": True,
        }
        if self._spec.architecture == "qwen3_vl":
            body["messages"].append(
                {"role": "assistant", "content": [{"type": "text", "text": ""}]}
            )
            body["continue_final_message"] = True
        if isinstance(content, VideoContent):
            body["mm_processor_kwargs"] = {"fps": content.fps, "do_sample_frames": False}
        if self.info.multi_vector:
            body["task"] = "token_embed"
            answer = self._client.post_json("/pooling", body, seconds=seconds)
            return self._vector(answer, "data")
        if self.info.dim != self._spec.dim:
            body["dimensions"] = self.info.dim
        return self._vector(
            self._client.post_json("/v1/embeddings", body, seconds=seconds), "embedding"
        )

    def _vector(self, answer: Any, key: str) -> Vector:
        try:
            vector = np.asarray(answer["data"][0][key], dtype=np.float32)
        except (KeyError, IndexError, TypeError, ValueError):
            raise UnavailableError(
                f"the model server {self._client.name} answered without a vector: is it started "
                "with --runner pooling?"
            ) from None
        if vector.ndim != 1 + self.info.multi_vector or vector.shape[-1] != self.info.dim:
            raise UnavailableError(
                f"the model server {self._client.name} gives vectors of shape {vector.shape}, "
                f"{self._spec.name} has {self.info.dim}: it serves another model"
            )
        if not is_usable(vector):
            raise OmniError(
                f"the model server {self._client.name} gives a vector that is not finite or has no "
                "length"
            )
        norms = np.linalg.norm(vector, axis=-1, keepdims=True)
        return np.asarray(vector / np.maximum(norms, 1e-12), dtype=np.float32)


class VllmReranker(Reranker):
    """`Reranker` over vLLM's /rerank."""

    def __init__(self, client: ModelServerClient, spec: ModelSpec) -> None:
        """The server must be started as `spec.pitfalls` say."""
        self.name = spec.name
        self._client, self._spec = client, spec

    def score(self, question: Content, candidates: Sequence[Content | str]) -> list[float | None]:
        """One score a candidate; None where the model cannot take it."""
        scores: list[float | None] = [None] * len(candidates)
        query = message_parts(question, self._spec)
        contents = [TextContent(c) if isinstance(c, str) else c for c in candidates]
        documents = {}
        for i, content in enumerate(contents):
            if (parts := message_parts(content, self._spec)) is not None:
                documents[i] = text_or_parts(parts)
        if query is None or not documents:
            return scores
        body = {
            "model": self._spec.id,
            "query": text_or_parts(query),
            "documents": list(documents.values()),
        }
        answer = self._client.post_json("/rerank", body, seconds=QUESTION_S)
        places = list(documents)
        try:
            for result in answer["results"]:
                scores[places[int(result["index"])]] = float(result["relevance_score"])
        except (KeyError, IndexError, TypeError, ValueError):
            raise UnavailableError(
                f"the model server {self._client.name} answered without scores: does it serve a "
                "reranker?"
            ) from None
        return scores

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _client(settings: Settings) -> ModelServerClient:
    """A client of the address after `vllm+`, which may end in `/v1`. Raises BadRequestError for
    several."""
    if "," in settings.encoder_url:
        raise BadRequestError(
            "encoder_url names several addresses, of which one is vLLM's: put a balancer before "
            "several vLLM servers, and name that"
        )
    url = settings.encoder_url.removeprefix("vllm+").rstrip("/").removesuffix("/v1")
    return ModelServerClient(url, settings.encoder_token, ca=settings.encoder_ca)


def _spec(name: str, settings: Settings) -> ModelSpec:
    return find_model(name, weights_dir=settings.weights_dir)
