"""Request and response types of the model worker: plain data, the engine imports nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from omni_core.types import Encoded, Vector, Voices

LoadState = Literal["loading", "ready", "failed"]
Ahead = Literal["all", "encoder", "nothing"]
"""What is loaded before anybody asks: every model, as a server does; the encoder, for one question;
nothing, where no model may be needed at all. What is asked for is loaded then."""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """Which readers to skip for a source: a video with subtitles is not transcribed again."""

    skip: frozenset[str] = frozenset()
    """Names of readers (`Reader.name`)."""


@dataclass(frozen=True, slots=True)
class Processed:
    """Segments with their vectors, ready to index."""

    encoded: tuple[Encoded, ...]
    timings: dict[str, float] = field(default_factory=dict)
    """Seconds by stage: the name of each reader, and `embed`."""
    warnings: tuple[str, ...] = ()
    """One line for each missing reader that would have applied to these segments."""
    pending_from: float | None = None
    """The second from which words are still buffered by a reader; None without any."""
    voices: Voices | None = None
    """Who spoke when, with the last of a source; None where nobody was told apart."""


@dataclass(frozen=True, slots=True)
class SavedReaders:
    """The buffers of all readers for one source."""

    state: bytes
    """For `restore`; b"" where nothing is buffered."""
    flushed: Processed
    """What readers that cannot save their buffer returned instead."""


@dataclass(frozen=True, slots=True)
class UnloadedReader:
    """A reader that is not loaded, and why."""

    name: str
    state: Literal["missing", "off"]
    """`off`: turned off in the settings; then files get no warning."""
    loss: str
    """What the library lacks without it."""
    why: str
    """How to get it, or which setting turns it off."""

    @property
    def message(self) -> str:
        """What is lost and how to get it, in one line."""
        return f"{self.loss}: {self.why}"


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """What is loaded: whether questions can be embedded and media be read."""

    encoder: LoadState
    readers: LoadState
    """`ready` also when some are missing (see `unloaded`); `failed` when none could be tried."""
    encoder_error: str = ""
    readers_error: str = ""
    unloaded: tuple[UnloadedReader, ...] = ()
    loaded_s: dict[str, float] = field(default_factory=dict)
    """Seconds that loading took: `encoder`, `readers`, `reranker`."""
    encoder_lacks: tuple[str, ...] = ()
    """One line for each part that the encoder works without (`Encoder.lacks`)."""
    fetching: str = ""
    """How far the download of missing weights is, before anything is loaded."""

    @property
    def lacks(self) -> tuple[str, ...]:
        """One line for each part of the encoder and each reader that is missing; not for what the
        settings turn off."""
        return self.encoder_lacks + tuple(r.message for r in self.unloaded if r.state == "missing")

    @property
    def warnings(self) -> tuple[str, ...]:
        """One line for each part of the encoder and each reader that is not loaded, for display."""
        failed = f"no words are read from audio and images: {self.readers_error}"
        readers = (failed,) if self.readers_error else tuple(r.message for r in self.unloaded)
        return self.encoder_lacks + readers


ANSWERS: dict[str, Any] = {
    "status": ModelStatus,
    "wait_ready": ModelStatus,
    "encode_questions": list[Vector | None],
    "process": Processed,
    "flush": Processed,
    "save": SavedReaders,
    "understand": Processed,
    "rerank": list[float | None],
    "can_tell_speakers": bool,
    "voices": Voices | None,
    "transcribe": str,
}
"""What the methods of the model worker return, as it is checked by whoever asks."""
