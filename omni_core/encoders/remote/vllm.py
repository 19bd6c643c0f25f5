"""vLLM's pooling API: one conversation a request, media as data: URIs.

Dense vectors come from /v1/embeddings with `messages`, token vectors from /pooling with the task
token_embed, scores from /rerank. vLLM renders the model's own chat template; the prompt goes where
the model had it in training (a system turn, or the first words of the user's).
"""

from __future__ import annotations

import base64
import io
import wave
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Self

import numpy as np
from PIL import Image

from omni_core.encoders.remote.client import Server
from omni_core.encoders.transformer.encoder import encoder_info
from omni_core.encoders.transformer.inputs import thin
from omni_core.encoders.transformer.spec import ModelSpec, spec
from omni_core.errors import UnavailableError
from omni_core.protocols import Encoder, Reranker
from omni_core.settings import Settings
from omni_core.types import (
    SAMPLE_RATE,
    AudioContent,
    Content,
    EncoderInfo,
    ImageContent,
    Pixels,
    Samples,
    TextContent,
    Vector,
    VideoContent,
)

SIDE_BY_SIDE = 8
"""Requests at once: vLLM makes its own batches of what is waiting."""
EVIDENCE_S = 300.0
QUESTION_S = 60.0


class VllmEncoder(Encoder):
    """A model that vLLM serves; `Settings.encoder` names its row of models.toml."""

    @classmethod
    def describe(cls, settings: Settings) -> EncoderInfo:
        """What the row of the table says; the server is not asked."""
        return encoder_info(_row(settings.encoder, settings), settings)

    @classmethod
    def load(cls, settings: Settings) -> Self:
        """A client of the server."""
        return cls(_server(settings), _row(settings.encoder, settings), cls.describe(settings))

    @classmethod
    def load_reranker(cls, settings: Settings) -> Reranker:
        """vLLM's /rerank, for the model that `Settings.reranker` names."""
        return VllmReranker(_server(settings), _row(settings.reranker, settings))

    def __init__(self, server: Server, chosen: ModelSpec, described: EncoderInfo) -> None:
        """`chosen` says which prompts, modalities and dimension the served model has."""
        self.info = described
        self._server, self._spec = server, chosen
        self._pool = ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="vllm")

    def encode(self, contents: Sequence[Content]) -> list[Vector | None]:
        """See `types.Encoder`."""
        return list(self._pool.map(lambda c: self._one(c, self._evidence(c), EVIDENCE_S), contents))

    def encode_questions(self, contents: Sequence[Content]) -> list[Vector | None]:
        """See `types.Encoder`."""
        return [self._one(c, self._spec.query_prompt, QUESTION_S) for c in contents]

    def close(self) -> None:
        """Give the connections back."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._server.close()

    def _evidence(self, content: Content) -> str:
        if isinstance(content, ImageContent) and self._spec.image_prompt:
            return self._spec.image_prompt
        if isinstance(content, VideoContent) and self._spec.video_prompt:
            return self._spec.video_prompt
        return self._spec.document_prompt

    def _one(self, content: Content, prompt: str, seconds: float) -> Vector | None:
        parts = content_parts(content, self._spec)
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
            found = self._server.ask("/pooling", body, seconds=seconds)
            return self._vector(found, "data")
        if self.info.dim != self._spec.dim:
            body["dimensions"] = self.info.dim
        return self._vector(self._server.ask("/v1/embeddings", body, seconds=seconds), "embedding")

    def _vector(self, answer: Any, key: str) -> Vector:
        try:
            vector = np.asarray(answer["data"][0][key], dtype=np.float32)
        except (KeyError, IndexError, TypeError, ValueError):
            raise UnavailableError(
                f"the model server {self._server.name} answered without a vector: is it started "
                "with --runner pooling?"
            ) from None
        if vector.shape[-1] != self.info.dim or vector.ndim != 1 + self.info.multi_vector:
            raise UnavailableError(
                f"the model server {self._server.name} gives vectors of shape {vector.shape}, "
                f"{self._spec.name} has {self.info.dim}: it serves another model"
            )
        norms = np.linalg.norm(vector, axis=-1, keepdims=True)
        return np.asarray(vector / np.maximum(norms, 1e-12), dtype=np.float32)


class VllmReranker(Reranker):
    """`Reranker` over vLLM's /rerank."""

    def __init__(self, server: Server, chosen: ModelSpec) -> None:
        """The served model must be started as its pitfalls say."""
        self.name = chosen.name
        self._server, self._spec = server, chosen

    def score(self, question: Content, candidates: Sequence[Content | str]) -> list[float | None]:
        """One score a candidate; None where the model cannot take it."""
        scores: list[float | None] = [None] * len(candidates)
        asked = content_parts(question, self._spec)
        contents = [TextContent(c) if isinstance(c, str) else c for c in candidates]
        parts = [content_parts(c, self._spec) for c in contents]
        known = [i for i, p in enumerate(parts) if p is not None]
        if asked is None or not known:
            return scores
        body = {
            "model": self._spec.id,
            "query": _plain(asked),
            "documents": [_plain(parts[i] or []) for i in known],
        }
        answer = self._server.ask("/rerank", body, seconds=QUESTION_S)
        for row in answer["results"]:
            scores[known[int(row["index"])]] = float(row["relevance_score"])
        return scores

    def close(self) -> None:
        """Give the connections back."""
        self._server.close()


def _server(settings: Settings) -> Server:
    """The address behind `vllm+`, with or without `/v1`."""
    url = settings.encoder_url.removeprefix("vllm+").rstrip("/").removesuffix("/v1")
    return Server(url, settings.encoder_token)


def _row(name: str, settings: Settings) -> ModelSpec:
    return spec(name, weights_dir=settings.weights_dir)


def conversation(parts: list[dict[str, Any]], prompt: str, chosen: ModelSpec) -> list[Any]:
    """The turns that carry one content and its prompt."""
    if not prompt:
        return [{"role": "user", "content": parts}]
    if chosen.prompt_place == "prefix":
        first = parts[0]
        if first["type"] == "text":
            joined = [{"type": "text", "text": prompt + first["text"]}, *parts[1:]]
        else:
            joined = [{"type": "text", "text": prompt}, *parts]
        return [{"role": "user", "content": joined}]
    return [
        {"role": "system", "content": [{"type": "text", "text": prompt}]},
        {"role": "user", "content": parts},
    ]


def content_parts(content: Content, chosen: ModelSpec) -> list[dict[str, Any]] | None:
    """The content as chat parts; None when the model has no input for it."""
    if isinstance(content, TextContent):
        return [{"type": "text", "text": content.text.strip() or "NULL"}]
    if isinstance(content, ImageContent):
        return [_picture(content.pixels)] if chosen.takes("image") else None
    if isinstance(content, AudioContent):
        return [_sound(content.samples)] if chosen.takes("audio") else None
    if not chosen.takes("video") or not len(content.frames):
        return [_picture(content.keyframe)] if chosen.takes("image") else None
    frames, _ = thin(content.frames, content.fps, chosen.max_frames)
    pictures = ",".join(_base64(partial(_jpeg, p)) for p in frames)
    parts = [{"type": "video_url", "video_url": {"url": f"data:video/jpeg;base64,{pictures}"}}]
    if content.audio is not None and chosen.video_with_sound:
        parts.append(_sound(content.audio))
    return parts


def _plain(parts: list[dict[str, Any]]) -> Any:
    alone = len(parts) == 1 and parts[0]["type"] == "text"
    return parts[0]["text"] if alone else {"content": parts}


def _picture(pixels: Pixels) -> dict[str, Any]:
    data = _base64(lambda f: Image.fromarray(pixels).save(f, "PNG", compress_level=1))
    return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}


def _sound(samples: Samples) -> dict[str, Any]:
    return {
        "type": "input_audio",
        "input_audio": {"data": _base64(partial(_wav, samples)), "format": "wav"},
    }


def _jpeg(pixels: Pixels, file: io.BytesIO) -> None:
    Image.fromarray(pixels).save(file, "JPEG", quality=95)


def _wav(samples: Samples, file: io.BytesIO) -> None:
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SAMPLE_RATE)
        out.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())


def _base64(write: Callable[[io.BytesIO], None]) -> str:
    file = io.BytesIO()
    write(file)
    return base64.b64encode(file.getvalue()).decode()
