"""EmbeddingGemma 2 without torch: text, pictures, sound and film on ONNX Runtime, on the CPU.

A question runs the text graph alone, beside whatever is being ingested. Pictures, frames and
sounds go through a graph of their own, one at a time, whose rows the text graph then reads in the
place of words. Each graph is loaded when it is first needed.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from omni_core.encoders.gemma import files
from omni_core.encoders.gemma.graphs import Graphs
from omni_core.encoders.gemma.pictures import Budget, patches
from omni_core.encoders.gemma.processing import Processing
from omni_core.encoders.gemma.sound import log_mel
from omni_core.encoders.gemma.tokens import Medium, Part, Tokens
from omni_core.errors import UnavailableError
from omni_core.protocols import Encoder
from omni_core.settings import Settings
from omni_core.types import (
    SAMPLE_RATE,
    AudioContent,
    Channel,
    Content,
    CutOptions,
    EncoderInfo,
    ImageContent,
    Pixels,
    Samples,
    TextContent,
    Vector,
    VideoContent,
)

QUESTION_PROMPT = "task: search result | query: "
TEXT_PROMPT = "title: none | text: "
"""Of evidence; pictures, sound and film have no prompt (card)."""
DIM = 768
SIZES = (768, 512, 256, 128)
"""Dimensions that a vector may be cut to; 128 loses much of pictures and sound (card)."""
FPS = 0.5
MAX_FRAMES = 8
"""Of one shot. The card samples 1 a second and at most 32; a frame costs 4 s of one core."""
FRAME_EDGE = 768
"""Long edge, pixels: what the 140 tokens of a frame can hold."""
AUDIO_S = 30.0
"""Longest sound of one input; a longer one is cut, and the vectors of its parts are averaged."""
MIN_SAMPLES = SAMPLE_RATE // 5
"""Shorter sound is filled up: the strided convolutions of the audio graph need a few frames."""
BATCH_TOKENS = 2048
"""Of one run of the text graph, padding included."""


class GemmaEncoder(Encoder):
    """EmbeddingGemma 2, 768-d, more than 100 languages. Thread-safe."""

    @classmethod
    def describe(cls, settings: Settings) -> EncoderInfo:
        """The encoder's description; opens no file.

        Raises UnavailableError for a dimension that vectors cannot be cut to.
        """
        dim = settings.encoder_dim or DIM
        if dim not in SIZES:
            raise UnavailableError(
                f"{files.NAME} cannot be cut to {dim} dimensions; it has "
                f"{', '.join(map(str, SIZES))}"
            )
        prompts = hashlib.sha256(f"{QUESTION_PROMPT}\0{TEXT_PROMPT}".encode()).hexdigest()[:8]
        return EncoderInfo(
            name=f"{files.NAME}-onnx",
            revision=files.REVISION,
            dim=dim,
            channels=frozenset(Channel),
            licence="Apache-2.0",
            cut=replace(
                CutOptions(),
                video_fps=FPS,
                video_max_frames=MAX_FRAMES,
                video_edge=FRAME_EDGE,
                audio_window_s=AUDIO_S,
            ),
            # a call of eight shots would show no progress for minutes
            batch=4,
            # a picture costs as much as 15 passages: pages with words enough are found by these
            embed_page_images=False,
            settings=f"int8 mean, frames {FPS:g}/s x{MAX_FRAMES}, s{AUDIO_S:g} p{prompts}",
        )

    @classmethod
    def load(cls, settings: Settings) -> Self:
        """The encoder with its text graph; the others load when first needed.

        Raises UnavailableError naming `omni-mcp setup` where files are missing or different.
        """
        encoder = cls(files.verified(settings), cls.describe(settings), settings.threads)
        encoder.check()
        return encoder

    def __init__(self, folder: Path, info: EncoderInfo, threads: int = 0) -> None:
        """`folder` holds the files of `files.required()`."""
        self.info = info
        self._graphs = Graphs(folder, threads)
        self._tokens = Tokens(folder / files.TOKENIZER)
        self._processing = Processing.read(folder / files.PROCESSOR)

    @property
    def graphs(self) -> Graphs:
        """The three graphs; tells which are loaded."""
        return self._graphs

    def check(self) -> None:
        """Embed a word. Raises UnavailableError where the graph is not that of this model."""
        vector = self.encode_questions([TextContent("fox")])[0]
        if vector is None or vector.shape != (self.info.dim,):
            shape = None if vector is None else vector.shape
            raise UnavailableError(
                f"the text graph of {files.NAME} answers with shape {shape}, not "
                f"({self.info.dim},): run `{files.SETUP}`"
            )

    def encode(self, contents: Sequence[Content]) -> list[Vector | None]:
        """(dim,) each, L2-normalised."""
        return self._encode(contents, TEXT_PROMPT)

    def encode_questions(self, contents: Sequence[Content]) -> list[Vector | None]:
        """The same; texts with the prompt of questions."""
        return self._encode(contents, QUESTION_PROMPT)

    def encode_one_batch(self, contents: Sequence[Content]) -> list[Vector]:
        """The same for the probe: texts share a batch, media never do."""
        return [v for v in self.encode(contents) if v is not None]

    def _encode(self, contents: Sequence[Content], prompt: str) -> list[Vector | None]:
        out: list[Vector | None] = [None] * len(contents)
        texts = {i: c.text for i, c in enumerate(contents) if isinstance(c, TextContent)}
        for i, vector in zip(texts, self._texts(prompt, list(texts.values())), strict=True):
            out[i] = vector
        for i, content in enumerate(contents):
            if isinstance(content, ImageContent):
                out[i] = self._picture(content.pixels)
            elif isinstance(content, AudioContent):
                out[i] = self._sound(content.samples)
            elif isinstance(content, VideoContent):
                out[i] = self._film(content)
        return out

    # ---- text ---------------------------------------------------------------------------------

    def _texts(self, prompt: str, texts: Sequence[str]) -> list[Vector]:
        parts = [
            (n, part) for n, text in enumerate(texts) for part in self._tokens.text(prompt, text)
        ]
        sums: list[NDArray[np.floating] | float] = [0.0] * len(texts)
        for batch in _batches(parts):
            for (n, part), vector in zip(batch, self._run(batch), strict=True):
                sums[n] = sums[n] + part.weight * _unit(vector)
        return [self._finished(np.asarray(total)) for total in sums]

    def _run(self, batch: Sequence[tuple[int, Part]]) -> NDArray[np.float32]:
        longest = max(len(part.ids) for _, part in batch)
        ids = np.zeros((len(batch), longest), np.int64)
        mask = np.zeros_like(ids)
        for row, (_, part) in enumerate(batch):
            ids[row, : len(part.ids)] = part.ids
            mask[row, : len(part.ids)] = 1
        return self._graphs.embed(ids, mask)

    # ---- media --------------------------------------------------------------------------------

    def _picture(self, pixels: Pixels) -> Vector:
        rows = self._look(pixels, self._processing.picture)
        return self._finished(self._merge("image", [rows]))

    def _film(self, video: VideoContent) -> Vector:
        if not len(video.frames):
            return self._picture(video.keyframe)
        most = self._processing.max_frames
        chosen: Sequence[int] = range(len(video.frames))
        if len(chosen) > most:
            chosen = np.linspace(0, len(chosen) - 1, most).astype(int).tolist()
        rows = [self._look(video.frames[i], self._processing.frame) for i in chosen]
        return self._finished(self._merge("video", rows))

    def _sound(self, samples: Samples) -> Vector:
        parts = max(1, math.ceil(len(samples) / (AUDIO_S * SAMPLE_RATE)))
        total: NDArray[np.floating] | float = 0.0
        for part in np.array_split(samples, parts):
            heard = np.pad(part, (0, max(0, MIN_SAMPLES - len(part))))
            energies, whole = log_mel(heard)
            rows = self._graphs.audio(
                {"input_features": energies[None], "input_features_mask": whole[None]}
            )
            total = total + len(heard) * _unit(self._merge("audio", [rows]))
        return self._finished(np.asarray(total))

    def _look(self, pixels: Pixels, budget: Budget) -> NDArray[np.float32]:
        values, places = patches(pixels, budget)
        return self._graphs.vision(
            {"pixel_values": values[None], "pixel_position_ids": places[None]}
        )

    def _merge(self, medium: Medium, rows: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        ids = np.array([self._tokens.media(medium, [len(r) for r in rows])], np.int64)
        features = {medium: np.concatenate(rows)}
        (vector,) = self._graphs.embed(ids, np.ones_like(ids), **features)
        return np.asarray(vector)

    def _finished(self, vector: NDArray[np.floating]) -> Vector:
        """Cut to `info.dim`, L2-normalised, float32; refused where it is no number."""
        if not np.isfinite(vector).all():
            raise UnavailableError(
                f"{files.NAME} gave a vector that is no number: run `{files.SETUP}`, and "
                f"`omni-mcp models check {files.NAME}-onnx`"
            )
        return _unit(vector[: self.info.dim]).astype(np.float32)


def _batches(parts: Sequence[tuple[int, Part]]) -> Iterator[list[tuple[int, Part]]]:
    """Texts of similar length together, so that little is padded."""
    batch: list[tuple[int, Part]] = []
    for item in sorted(parts, key=lambda p: len(p[1].ids)):
        if batch and len(item[1].ids) * (len(batch) + 1) > BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(item)
    if batch:
        yield batch


def _unit(vector: NDArray[np.floating]) -> NDArray[np.floating]:
    return vector / max(float(np.linalg.norm(vector)), 1e-12)
