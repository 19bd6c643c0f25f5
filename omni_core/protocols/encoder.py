"""Encoders, which embed evidence and questions, and rerankers, which score pairs of both."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from omni_core.errors import UnavailableError
from omni_core.settings import Settings
from omni_core.types import Content, Crop, EncoderInfo, RerankerInfo, Vector


@dataclass(frozen=True, slots=True)
class Lack:
    """A part of an encoder that could not be loaded."""

    message: str
    """What is lost and how to get it, in one line."""
    contents: tuple[type[Content], ...]
    """The contents that lose by it: a source with such a content gets the line as a warning."""


class Encoder(ABC):
    """An embedding model: evidence and questions become vectors of one space.

    `Settings.encoder` names its entry point in the group `omni_mcp.encoders`. It is loaded once,
    in the model worker, and called from several threads at once: a question does not wait for
    the evidence of an ingest. An exception of `encode` fails the source that is being ingested,
    or the question.

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

    `examples/omni-mcp-example` holds a complete one.
    """

    info: EncoderInfo
    """The result of `describe` for the settings that it was loaded with; set by `load`."""
    lacks: tuple[Lack, ...] = ()
    """Parts of the model that could not be loaded, and without which it works. Optional."""

    @classmethod
    @abstractmethod
    def describe(cls, settings: Settings) -> EncoderInfo:
        """Identity and properties of the model, without loading weights or heavy packages.

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
        """A vector for each content, in order; None where the model cannot embed it.

        A vector is L2-normalised float32 of shape (dim,), or (tokens, dim) when
        `info.multi_vector`. Called with contents of `info.channels` and with any `TextContent`,
        about `info.batch` at a time.
        """

    def encode_questions(self, contents: Sequence[Content]) -> list[Vector | None]:
        """`encode` for questions. Optional: override when questions need another prompt."""
        return self.encode(contents)

    def encode_urgent(self, contents: Sequence[Content]) -> list[Vector | None]:
        """`encode` for evidence that a user waits for. Optional: override when the encoder has a
        queue that such calls can overtake."""
        return self.encode(contents)

    def encode_additional(self, contents: Sequence[Content]) -> list[list[Vector]]:
        """For each content further vectors to store beside that of `encode`; usually none.

        Optional, called for videos only: for those whose frames differ so much that their mean is
        near none of them. Each vector is stored as a point of its own with the same span.
        """
        return [[] for _ in contents]

    def caption(self, contents: Sequence[Content]) -> list[str]:
        """A caption of each image or video; "" where there is none.

        Optional. Shown as the reason of a match, never as evidence.
        """
        return ["" for _ in contents]

    def faces(self, contents: Sequence[Content]) -> list[tuple[Crop, ...]]:
        """The rectangles of the faces in each image, or in the keyframe of a video: left, top,
        right and bottom as fractions of it, the largest face first.

        Optional; none by default. Stored with the segment.
        """
        return [() for _ in contents]

    @classmethod
    def load_reranker(cls, settings: Settings) -> Reranker:
        """The reranker that `Settings.reranker` names. Optional.

        Raises UnavailableError for an unknown name.
        """
        raise UnavailableError(
            f"{settings.reranker!r} has no reranker; choose one that `omni-mcp models` lists"
        )

    @classmethod
    def describe_reranker(cls, settings: Settings) -> RerankerInfo:
        """What the reranker of `load_reranker` scores, without loading it. Optional: by default
        it scores everything, in any language, and decides the order of it."""
        return RerankerInfo(settings.reranker)

    def close(self) -> None:  # noqa: B027 - optional
        """Give back threads and connections; nothing is encoded afterwards. Optional."""


class Reranker(ABC):
    """Second-stage ranking: a slower model scores question and candidate together.

    `Settings.reranker` names it; `Encoder.load_reranker` makes it. Called from one thread.
    """

    name: str
    """Name of the model."""

    @abstractmethod
    def score(self, question: Content, candidates: Sequence[Content | str]) -> list[float | None]:
        """A score for each candidate, in order; None where there is no score.

        Higher is better; scores are compared within one call only (or go from 0 to 1, where
        `RerankerInfo.lift` says so). A candidate is the content of
        a segment, or its text as `str` where the content is no longer available.
        """

    def close(self) -> None:  # noqa: B027 - optional
        """Give back threads and connections; nothing is scored afterwards. Optional."""
