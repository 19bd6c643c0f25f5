"""The description of a model, as typed data."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

ModelKind = Literal["dense", "multi", "cross"]
"""dense: one vector for each input; multi: one for each token (late interaction); cross: a score
for a pair (a reranker)."""
InputKind = Literal["text", "image", "audio", "video"]
"""An input modality of a model. A page of a document is an image or text."""

_COMMIT = re.compile(r"[0-9a-f]{40}")


def is_commit(revision: str) -> bool:
    """Whether a revision is a full commit hash."""
    return bool(_COMMIT.fullmatch(revision))


@dataclass(frozen=True, slots=True)
class Reference:
    """Scores on a model card: one query against files of the model's repository."""

    query: str
    kind: InputKind
    assets: tuple[str, ...]
    scores: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to assemble a repository that ships no sentence-transformers files.

    `task` is the `transformer_task` of sentence-transformers' Transformer module.
    """

    task: str = "any-to-any"
    chat_template: str = ""
    add_generation_prompt: bool = False


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One model. Zero or empty: as in its repository."""

    name: str
    id: str
    revision: str = "main"
    """A commit of 40 hex digits where one is known; `main` follows the repository."""
    licence: str = "unknown"
    warning: str = ""
    """Non-commercial or research terms, in one line; logged on every load."""
    note: str = ""
    """What a person who chooses should know, in one line, as that a model is obsolete."""
    unsupported: str = ""
    """Why this program cannot run it; such a row is listed and never downloaded."""
    base: str = ""
    """Hub id of the model that an adapter changes, and its commit: the adapter names no commit."""
    base_revision: str = ""
    kind: ModelKind = "dense"
    modalities: tuple[InputKind, ...] = ("text",)
    dim: int = 0
    matryoshka: tuple[int, ...] = ()
    """Sizes to which a vector may be truncated (`Settings.encoder_dim`), then L2-normalised."""
    pooling: str = ""
    query_prompt: str = ""
    """Used where the repository states no prompt; so are the other prompts."""
    document_prompt: str = ""
    prompt_place: Literal["system", "prefix"] = "system"
    """Where vLLM must put the prompt: in a system message, or before the user's text."""
    image_prompt: str = ""
    video_prompt: str = ""
    task: str = ""
    """Passed to models that choose an adapter by task."""
    fps: float = 1.0
    """Frames a second; the time positions of Qwen models are computed from it."""
    max_frames: int = 64
    min_frames: int = 2
    """Frames of a video, at least: those of a shorter one are repeated. Qwen pairs frames."""
    video_pixels: tuple[int, int] | None = None
    """(minimum, maximum) pixels of a frame after it is resized."""
    clip_pixels: int = 0
    """Pixels of all frames of a video together, at most; 0: no limit. See `frames.frame_pixels`."""
    video_edge: int = 0
    """Long edge of frames; derived from `video_pixels` when 0."""
    image_pixels: tuple[int, int] | None = None
    pixels_per_token: int = 0
    """Qwen merges 2x2 patches of 14 (784 pixels) or 16 (1024) into one token."""
    frames_per_token: int = 1
    image_tokens: int = 0
    """Tokens of any image, for models that resize to a fixed count; 0: by its pixels."""
    frame_tokens: int = 0
    """The same for a frame of a video."""
    audio_tokens_per_s: float = 0.0
    audio_max_s: float = 0.0
    """Longer audio is cut into windows whose vectors are averaged; never truncated."""
    text_max_tokens: int = 0
    dtype: Literal["bfloat16", "float32"] = "bfloat16"
    """Precision on a GPU; a CPU computes in float32."""
    float16: bool = True
    """False where float16 overflows."""
    params_b: float = 0.0
    memory_gb: float = 0.0
    """Memory of the weights in bfloat16 and a batch's activations."""
    remote_code: bool = False
    input_form: Literal["wrapped", "bare"] = "wrapped"
    """wrapped: dictionaries by kind, as sentence-transformers' own modules take them. bare:
    strings, images and arrays (frames with the channels last), for a repository's own module."""
    restore_normalizer: bool = False
    """Take the tokenizer's normaliser from its file: transformers 5.18 and later rebuild it."""
    bidirectional: bool = False
    """Set is_causal to false on every decoder layer after loading."""
    video_with_sound: bool = False
    """The model takes a video's frames and its audio as two inputs of one item."""
    max_batch: int = 0
    architecture: str = ""
    pitfalls: tuple[str, ...] = ()
    verified: str = ""
    recipe: Recipe | None = None
    reference: tuple[Reference, ...] = ()
    folder: str = ""
    """Where the files are, for a model that was given as a folder."""

    def takes(self, kind: InputKind) -> bool:
        """Whether the model has an input for this modality."""
        return kind in self.modalities

    @property
    def pinned(self) -> bool:
        """Whether the revision is a full commit hash, or the model a folder."""
        return is_commit(self.revision) or bool(self.folder)
