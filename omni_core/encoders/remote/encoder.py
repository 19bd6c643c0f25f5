"""Embed on other machines that run `omni-mcp worker --listen`.

`Settings.encoder_url` holds their addresses, as in `http://host:7000,http://other:7000`; the
workers describe the model that they run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Self

from omni_core.encoders.remote import wire
from omni_core.encoders.remote.description import fit
from omni_core.encoders.remote.pool import WorkerPool
from omni_core.errors import BadRequestError
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

QUESTION_S = 60.0
QUESTION_PATIENCE_S = 4.0
EVIDENCE_S = 600.0
EVIDENCE_PATIENCE_S = 60.0
"""How long an ingest waits for a worker while none answers: that of a restart."""
REQUEST_BYTES = 32 << 20
"""Contents of one request, so that a slow link still meets the deadline."""


class RemoteEncoder(Encoder):
    """The encoder of one or several `omni-mcp worker` on other machines. Thread-safe."""

    @classmethod
    def describe(cls, settings: Settings) -> EncoderInfo:
        """The workers' description of their model.

        Raises UnavailableError when none can be reached, or all refuse the token, are still
        loading, or use another wire format; BadRequestError when they run different models.
        """
        pool = WorkerPool.of(settings)
        pool.close()
        return pool.described.info

    @classmethod
    def load(cls, settings: Settings) -> Self:
        """A connection to the workers; raises what `describe` raises."""
        return cls(WorkerPool.of(settings))

    @classmethod
    def load_reranker(cls, settings: Settings) -> Reranker:
        """The reranker that the same workers run."""
        return RemoteReranker(WorkerPool.of(settings), settings.reranker)

    def __init__(self, pool: WorkerPool) -> None:
        self.info = pool.described.info
        self.pool = pool
        """The workers, which may read too."""

    def encode(self, contents: Sequence[Content]) -> list[Vector | None]:
        """See `Encoder`; sent in requests of about `REQUEST_BYTES` bytes."""
        return self._vectors("/encode", contents, EVIDENCE_S, EVIDENCE_PATIENCE_S)

    def encode_questions(self, contents: Sequence[Content]) -> list[Vector | None]:
        """See `Encoder`."""
        return self._vectors("/questions", contents, QUESTION_S, QUESTION_PATIENCE_S)

    def close(self) -> None:
        """Close the connections."""
        self.pool.close()

    def _vectors(
        self, path: str, contents: Sequence[Content], seconds: float, patience_s: float
    ) -> list[Vector | None]:
        vectors: list[Vector | None] = []
        for chunk in _chunks(contents):

            def read(answer: bytes, sent: int = len(chunk)) -> list[Vector | None]:
                found = wire.unpack_vectors(answer)
                fit(found, self.info, sent)
                return found

            body = wire.pack(chunk)
            vectors += self.pool.post(path, body, read, seconds=seconds, patience_s=patience_s)
        return vectors


class RemoteReranker(Reranker):
    """`Reranker` whose model runs in workers elsewhere."""

    def __init__(self, pool: WorkerPool, name: str) -> None:
        """`name`: `Settings.reranker`, which the workers must have been started with too."""
        self.name = name
        self._pool = pool

    def score(self, question: Content, candidates: Sequence[Content | str]) -> list[float | None]:
        """One score a candidate, in order; None where the model cannot take it."""
        contents = [TextContent(c) if isinstance(c, str) else c for c in candidates]
        body = wire.pack([question, *contents])

        def read(answer: bytes) -> list[float | None]:
            scores = wire.unpack_scores(answer)
            if len(scores) != len(candidates):
                raise BadRequestError(
                    f"the answer has {len(scores)} scores for {len(candidates)} candidates"
                )
            return scores

        return self._pool.post(
            "/rerank", body, read, seconds=QUESTION_S, patience_s=QUESTION_PATIENCE_S
        )

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()


def _chunks(contents: Sequence[Content]) -> Iterator[list[Content]]:
    chunk: list[Content] = []
    size = 0
    for content in contents:
        more = size_of(content)
        if chunk and size + more > REQUEST_BYTES:
            yield chunk
            chunk, size = [], 0
        chunk.append(content)
        size += more
    if chunk:
        yield chunk


def size_of(content: Content) -> int:
    """About the bytes of a content in a body."""
    if isinstance(content, TextContent):
        return len(content.text)
    if isinstance(content, ImageContent):
        return content.pixels.nbytes
    if isinstance(content, AudioContent):
        return content.samples.nbytes
    assert isinstance(content, VideoContent)  # noqa: S101 - the union's last member
    audio = 0 if content.audio is None else content.audio.nbytes
    return content.frames.nbytes + content.keyframe.nbytes + audio
