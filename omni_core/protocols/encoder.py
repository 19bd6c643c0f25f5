"""Encoders, which turn evidence and questions into vectors, and rerankers, which judge pairs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Self

from omni_core.errors import UnavailableError
from omni_core.settings import Settings
from omni_core.types import Content, EncoderInfo, Vector


class Encoder(ABC):
    """An embedding model: evidence and questions to vectors of one space.

    `Settings.encoder` names its entry point in the group `omni_mcp.encoders`. It is loaded once,
    in the model worker, and called from several threads at a time: questions do not wait for
    evidence. An exception of `encode` fails the source that is being ingested, or the question.

        class Letters(Encoder):
            @classmethod
            def describe(cls, settings):
                return EncoderInfo("letters", "1", dim=26, channels=frozenset({Channel.TEXT}))

            @classmethod
            def load(cls, settings):
                model = cls()
                model.info = cls.describe(settings)
                return model

            def encode(self, contents):
                return [count(c.text) if isinstance(c, TextContent) else None for c in contents]

    `examples/omni-mcp-example` holds a whole one.
    """

    info: EncoderInfo
    """What `describe` said for the settings that it was loaded with; `load` sets it."""

    @classmethod
    @abstractmethod
    def describe(cls, settings: Settings) -> EncoderInfo:
        """The model's facts, without loading weights or importing heavy packages.

        Called in the server process when a library opens. Its `fingerprint` is stored with the
        library, which is refused when it differs: it must change when, and only when, vectors do.
        Raises BadRequestError or UnavailableError when the settings fit no model.
        """

    @classmethod
    @abstractmethod
    def load(cls, settings: Settings) -> Self:
        """The model, ready to encode; may take minutes.

        Raises UnavailableError saying what to install when weights or packages are missing.
        """

    @abstractmethod
    def encode(self, contents: Sequence[Content]) -> list[Vector | None]:
        """A vector for each piece of evidence, in order; None where the model cannot take it.

        A vector is L2-normalised float32 of shape (dim,), or (tokens, dim) when
        `info.multi_vector`. Called with contents of `info.channels` and with any `TextContent`,
        about `info.batch` at a time.
        """

    def encode_questions(self, contents: Sequence[Content]) -> list[Vector | None]:
        """The same for questions. Optional: override when questions need another prompt."""
        return self.encode(contents)

    def encode_urgent(self, contents: Sequence[Content]) -> list[Vector | None]:
        """`encode` for evidence that a person waits for. Optional: override when its own queue
        can be jumped."""
        return self.encode(contents)

    def encode_additional(self, contents: Sequence[Content]) -> list[list[Vector]]:
        """For each content further vectors to store beside that of `encode`, most often none.

        Optional, and asked for videos only: for those whose frames differ so much that their
        mean is near none of them. Each vector is found by itself and leads to the same span.
        """
        return [[] for _ in contents]

    def caption(self, contents: Sequence[Content]) -> list[str]:
        """What each image or video seems to show, in words; "" where nothing can be said.

        Optional. Shown as the reason of a match, never as evidence.
        """
        return ["" for _ in contents]

    @classmethod
    def load_reranker(cls, settings: Settings) -> Reranker:
        """The second stage that `Settings.reranker` names. Optional.

        Raises UnavailableError where there is none of that name.
        """
        raise UnavailableError(
            f"{settings.reranker!r} has no reranker; choose one that `omni-mcp models` lists"
        )

    def close(self) -> None:  # noqa: B027 - optional
        """Give back threads and connections; nothing is encoded afterwards. Optional."""


class Reranker(ABC):
    """A second, slower stage: question and candidate judged together.

    `Settings.reranker` names it; `Encoder.load_reranker` makes it. Called from one thread.
    """

    name: str
    """What a search result says of its second stage."""

    @abstractmethod
    def score(self, question: Content, candidates: Sequence[Content | str]) -> list[float | None]:
        """A score for each candidate, in order; None where it cannot judge.

        Higher is better; only the order within one call counts. A candidate is the content of a
        segment, or its words as `str` where the content cannot be had any more.
        """

    def close(self) -> None:  # noqa: B027 - optional
        """Give back threads and connections; nothing is scored afterwards. Optional."""
