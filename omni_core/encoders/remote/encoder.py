"""Embed on another machine: an `omni-mcp worker --listen`, or vLLM.

`Settings.encoder_url` is `http://host:7000` for a worker of ours, which says itself what it runs,
or `vllm+http://host:8000` for vLLM, where `Settings.encoder` names the row of the table it serves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Self

from omni_core.encoders.remote import wire
from omni_core.encoders.remote.client import Server
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
CHUNK = 32 << 20
"""Bytes of contents in one request: a slow link then still answers within the deadline."""


class RemoteEncoder(Encoder):
    """The encoder of an `omni-mcp worker` on another machine. Thread-safe."""

    @classmethod
    def describe(cls, settings: Settings) -> EncoderInfo:
        """What the worker says it embeds.

        Raises UnavailableError when it cannot be reached, refuses the token or still loads.
        """
        server = Server(settings.encoder_url, settings.encoder_token)
        try:
            return wire.unpack_info(server.get("/info", seconds=INFO_S))
        finally:
            server.close()

    @classmethod
    def load(cls, settings: Settings) -> Self:
        """A connection to the worker; raises UnavailableError as `describe`."""
        return cls(Server(settings.encoder_url, settings.encoder_token), cls.describe(settings))

    @classmethod
    def load_reranker(cls, settings: Settings) -> Reranker:
        """The reranker that the same worker runs."""
        server = Server(settings.encoder_url, settings.encoder_token)
        return RemoteReranker(server, settings.reranker)

    def __init__(self, server: Server, described: EncoderInfo) -> None:
        """`described` as the worker told it."""
        self.info = described
        self._server = server

    def encode(self, contents: Sequence[Content]) -> list[Vector | None]:
        """See `types.Encoder`; sent in pieces of about `CHUNK` bytes."""
        return self._ask("/encode", contents, EVIDENCE_S)

    def encode_questions(self, contents: Sequence[Content]) -> list[Vector | None]:
        """See `types.Encoder`."""
        return self._ask("/questions", contents, QUESTION_S)

    def close(self) -> None:
        """Give the connections back."""
        self._server.close()

    def _ask(self, path: str, contents: Sequence[Content], seconds: float) -> list[Vector | None]:
        made: list[Vector | None] = []
        for chunk in _chunks(contents):
            made += wire.unpack_vectors(self._server.post(path, wire.pack(chunk), seconds=seconds))
        return made


class RemoteReranker(Reranker):
    """`Reranker` whose model runs in a worker elsewhere."""

    def __init__(self, server: Server, name: str) -> None:
        """`name` as set; the worker was started with the same."""
        self.name = name
        self._server = server

    def score(self, question: Content, candidates: Sequence[Content | str]) -> list[float | None]:
        """One score a candidate, in order; None where the model cannot take it."""
        contents = [TextContent(c) if isinstance(c, str) else c for c in candidates]
        body = wire.pack([question, *contents])
        answer = wire.unpack_json(self._server.post("/rerank", body, seconds=QUESTION_S))
        return [None if s is None else float(s) for s in answer["scores"]]

    def close(self) -> None:
        """Give the connections back."""
        self._server.close()


def _chunks(contents: Sequence[Content]) -> Iterator[list[Content]]:
    chunk: list[Content] = []
    size = 0
    for content in contents:
        weight = _weight(content)
        if chunk and size + weight > CHUNK:
            yield chunk
            chunk, size = [], 0
        chunk.append(content)
        size += weight
    if chunk:
        yield chunk


def _weight(content: Content) -> int:
    if isinstance(content, TextContent):
        return len(content.text)
    if isinstance(content, ImageContent):
        return content.pixels.nbytes
    if isinstance(content, AudioContent):
        return content.samples.nbytes
    assert isinstance(content, VideoContent)  # noqa: S101 - the union's last member
    sound = 0 if content.audio is None else content.audio.nbytes
    return content.frames.nbytes + content.keyframe.nbytes + sound
