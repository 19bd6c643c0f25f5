"""Embed on another machine that runs `omni-mcp worker --listen`.

`Settings.encoder_url` is its address, as in `http://host:7000`; the worker describes the model that
it runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Self

from omni_core.encoders.remote import wire
from omni_core.encoders.remote.client import ModelServerClient
from omni_core.protocols import Encoder, Reranker
from omni_core.settings import Settings
from omni_core.types import (
    AudioContent,
    Content,
    EncoderInfo,
    ImageContent,
    TextContent,
    Vector,
    VideoContent,
)

INFO_S = 10.0
QUESTION_S = 60.0
EVIDENCE_S = 600.0
REQUEST_BYTES = 32 << 20
"""Contents of one request, so that a slow link still meets the deadline."""


class RemoteEncoder(Encoder):
    """The encoder of an `omni-mcp worker` on another machine. Thread-safe."""

    @classmethod
    def describe(cls, settings: Settings) -> EncoderInfo:
        """The worker's description of its model.

        Raises UnavailableError when it cannot be reached, refuses the token, is still loading, or
        uses another wire format.
        """
        client = ModelServerClient(settings.encoder_url, settings.encoder_token)
        try:
            return wire.unpack_info(client.get_json("/info", seconds=INFO_S))
        finally:
            client.close()

    @classmethod
    def load(cls, settings: Settings) -> Self:
        """A connection to the worker; raises UnavailableError as `describe`."""
        info = cls.describe(settings)
        return cls(ModelServerClient(settings.encoder_url, settings.encoder_token), info)

    @classmethod
    def load_reranker(cls, settings: Settings) -> Reranker:
        """The reranker that the same worker runs."""
        client = ModelServerClient(settings.encoder_url, settings.encoder_token)
        return RemoteReranker(client, settings.reranker)

    def __init__(self, client: ModelServerClient, info: EncoderInfo) -> None:
        """`info`: the worker's description."""
        self.info = info
        self._client = client

    def encode(self, contents: Sequence[Content]) -> list[Vector | None]:
        """See `Encoder`; sent in requests of about `REQUEST_BYTES` bytes."""
        return self._vectors("/encode", contents, EVIDENCE_S)

    def encode_questions(self, contents: Sequence[Content]) -> list[Vector | None]:
        """See `Encoder`."""
        return self._vectors("/questions", contents, QUESTION_S)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _vectors(
        self, path: str, contents: Sequence[Content], seconds: float
    ) -> list[Vector | None]:
        vectors: list[Vector | None] = []
        for chunk in _chunks(contents):
            body = self._client.post_bytes(path, wire.pack(chunk), seconds=seconds)
            vectors += wire.unpack_vectors(body)
        return vectors


class RemoteReranker(Reranker):
    """`Reranker` whose model runs in a worker elsewhere."""

    def __init__(self, client: ModelServerClient, name: str) -> None:
        """`name`: `Settings.reranker`, which the worker must have been started with too."""
        self.name = name
        self._client = client

    def score(self, question: Content, candidates: Sequence[Content | str]) -> list[float | None]:
        """One score a candidate, in order; None where the model cannot take it."""
        contents = [TextContent(c) if isinstance(c, str) else c for c in candidates]
        body = wire.pack([question, *contents])
        return wire.unpack_scores(self._client.post_bytes("/rerank", body, seconds=QUESTION_S))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _chunks(contents: Sequence[Content]) -> Iterator[list[Content]]:
    chunk: list[Content] = []
    size = 0
    for content in contents:
        more = _bytes(content)
        if chunk and size + more > REQUEST_BYTES:
            yield chunk
            chunk, size = [], 0
        chunk.append(content)
        size += more
    if chunk:
        yield chunk


def _bytes(content: Content) -> int:
    if isinstance(content, TextContent):
        return len(content.text)
    if isinstance(content, ImageContent):
        return content.pixels.nbytes
    if isinstance(content, AudioContent):
        return content.samples.nbytes
    assert isinstance(content, VideoContent)  # noqa: S101 - the union's last member
    audio = 0 if content.audio is None else content.audio.nbytes
    return content.frames.nbytes + content.keyframe.nbytes + audio
