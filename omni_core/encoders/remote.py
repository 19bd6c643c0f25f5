"""Embed on another machine: an `omni-mcp worker --listen`, or vLLM.

`Settings.encoder_url` is `http://host:7000` for a worker of ours, which says itself what it runs,
or `vllm+http://host:8000` for vLLM, where `Settings.encoder` names the row of the table it serves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from omni_core.encoders import _omni_wire as wire
from omni_core.encoders._omni_http import Server
from omni_core.encoders._omni_serve import app as app
from omni_core.encoders._omni_serve import may_listen as may_listen
from omni_core.encoders._omni_serve import serve as serve
from omni_core.settings import Settings
from omni_core.types import (
    Content,
    Encoder,
    EncoderInfo,
    Film,
    Picture,
    Reranker,
    Sound,
    Text,
    Vector,
)

INFO_S = 10.0
QUESTION_S = 60.0
EVIDENCE_S = 600.0
CHUNK = 32 << 20
"""Bytes of contents in one request: a slow link then still answers within the deadline."""


def describe(settings: Settings) -> EncoderInfo:
    """What the remote model embeds; asks the worker, for vLLM reads the table.

    Raises UnavailableError when the worker cannot be reached, refuses the token or still loads.
    """
    if vllm := _vllm(settings):
        from omni_core.encoders import models, omni

        chosen = models.spec(settings.encoder, weights_dir=settings.weights_dir)
        vllm.close()
        return omni.info(chosen, settings)
    server = Server(settings.encoder_url, settings.encoder_token)
    try:
        return wire.unpack_info(server.get("/info", seconds=INFO_S))
    finally:
        server.close()


def load(settings: Settings) -> Encoder:
    """The remote model as an encoder; raises UnavailableError as `describe`."""
    described = describe(settings)
    if vllm := _vllm(settings):
        from omni_core.encoders import models
        from omni_core.encoders._omni_vllm import VllmEncoder

        chosen = models.spec(settings.encoder, weights_dir=settings.weights_dir)
        return VllmEncoder(vllm, chosen, described)
    return RemoteEncoder(Server(settings.encoder_url, settings.encoder_token), described)


def load_reranker(settings: Settings) -> Reranker:
    """The reranker of the same server, or of vLLM."""
    if vllm := _vllm(settings):
        from omni_core.encoders import models
        from omni_core.encoders._omni_vllm import VllmReranker

        return VllmReranker(vllm, models.spec(settings.reranker, weights_dir=settings.weights_dir))
    return RemoteReranker(Server(settings.encoder_url, settings.encoder_token), settings.reranker)


class RemoteEncoder:
    """`types.Encoder` whose model runs in a worker elsewhere. Thread-safe."""

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


class RemoteReranker:
    """`Reranker` whose model runs in a worker elsewhere."""

    def __init__(self, server: Server, name: str) -> None:
        """`name` as set; the worker was started with the same."""
        self.name = name
        self._server = server

    def score(self, question: Content, candidates: Sequence[Content | str]) -> list[float | None]:
        """One score a candidate, in order; None where the model cannot take it."""
        contents = [Text(c) if isinstance(c, str) else c for c in candidates]
        body = wire.pack([question, *contents])
        answer = wire.unpack_json(self._server.post("/rerank", body, seconds=QUESTION_S))
        return [None if s is None else float(s) for s in answer["scores"]]

    def close(self) -> None:
        """Give the connections back."""
        self._server.close()


def _vllm(settings: Settings) -> Server | None:
    scheme, _, rest = settings.encoder_url.partition("+")
    if scheme != "vllm" or not rest:
        return None
    return Server(rest.rstrip("/").removesuffix("/v1"), settings.encoder_token)


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
    if isinstance(content, Text):
        return len(content.text)
    if isinstance(content, Picture):
        return content.pixels.nbytes
    if isinstance(content, Sound):
        return content.samples.nbytes
    assert isinstance(content, Film)  # noqa: S101 - the union's last member
    sound = 0 if content.sound is None else content.sound.nbytes
    return content.frames.nbytes + content.key.nbytes + sound
