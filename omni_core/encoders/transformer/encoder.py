"""Embed with any model of models.toml, a local folder or a hub id: one class, no code per model.

`describe` answers from data; `load` brings the model up, probes it, and refuses one that gives
wrong dimensions, NaN, or vectors that depend on what else is in the batch.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np

from omni_core.encoders.transformer import probe
from omni_core.encoders.transformer.inputs import Inputs, Item
from omni_core.encoders.transformer.loading import build, pick_device
from omni_core.encoders.transformer.rerank import CrossReranker, LateReranker
from omni_core.encoders.transformer.runner import Runner, Stats
from omni_core.encoders.transformer.spec import ModelSpec, spec
from omni_core.encoders.transformer.token_counts import counter, overhead
from omni_core.errors import BadRequestError, UnavailableError
from omni_core.protocols import Encoder, Reranker
from omni_core.settings import Settings
from omni_core.types import (
    Channel,
    Content,
    CutOptions,
    EncoderInfo,
    ImageContent,
    TextContent,
    Vector,
    VideoContent,
)

WIDEST = 2.4
"""Frames up to this aspect reach the model's pixel budget without being enlarged again."""


BATCH = 32
"""Segments of one call: each begins with some 0.2 s of preparation that a GPU waits for."""


def encoder_info(chosen: ModelSpec, settings: Settings) -> EncoderInfo:
    """What these settings make of a model."""
    if chosen.kind == "cross":
        raise UnavailableError(
            f"{chosen.name} is a reranker, it gives no vectors: set it as `reranker` and choose "
            "another encoder (`omni-mcp models`)"
        )
    dim = settings.encoder_dim or chosen.dim
    if dim != chosen.dim and dim not in chosen.matryoshka:
        sizes = ", ".join(map(str, chosen.matryoshka)) or str(chosen.dim)
        raise UnavailableError(f"{chosen.name} cannot be cut to {dim} dimensions; it has {sizes}")
    channels = {Channel.SPEECH, Channel.SCREEN_TEXT, Channel.TEXT}
    if chosen.takes("image") or chosen.takes("video"):
        channels.add(Channel.VISUAL)
    if chosen.takes("audio"):
        channels.add(Channel.SOUND)
    pool = settings.token_pool if chosen.kind == "multi" else 1
    return EncoderInfo(
        name=chosen.name,
        revision=chosen.revision,
        dim=dim,
        channels=frozenset(channels),
        multi_vector=chosen.kind == "multi",
        licence=chosen.licence,
        cut=_cut(chosen),
        batch=BATCH,
        settings=_settings(chosen, pool),
    )


class TransformerEncoder(Encoder):
    """Any sentence-transformers model. Thread-safe; questions go first."""

    @classmethod
    def describe(cls, settings: Settings) -> EncoderInfo:
        """What the index must know, without loading a weight.

        Raises UnavailableError when no such model can exist, or when it is a reranker.
        """
        return encoder_info(spec(settings.encoder, weights_dir=settings.weights_dir), settings)

    @classmethod
    def load(cls, settings: Settings) -> Self:
        """The model on its device, probed. Slow; raises UnavailableError with the next step."""
        chosen = spec(settings.encoder, weights_dir=settings.weights_dir)
        described = encoder_info(chosen, settings)
        model = build(chosen, settings)
        device = pick_device(settings.device)
        encoder = cls(model, chosen, described, device, token_pool=settings.token_pool)
        probe.refuse_if_wrong(encoder)
        encoder.reset_stats()
        return encoder

    @classmethod
    def load_reranker(cls, settings: Settings) -> Reranker:
        """The model of `Settings.reranker`: a cross-encoder as it is, others by MaxSim or cosine.

        Slow; raises UnavailableError with the next step.
        """
        if not settings.reranker:
            raise BadRequestError("no reranker is set: name one of `omni-mcp models`")
        chosen = spec(settings.reranker, weights_dir=settings.weights_dir)
        if chosen.kind == "cross":
            return CrossReranker(build(chosen, settings), chosen, pick_device(settings.device))
        return LateReranker(cls.load(replace(settings, encoder=settings.reranker, encoder_url="")))

    def __init__(
        self,
        model: Any,
        chosen: ModelSpec,
        described: EncoderInfo,
        device: str,
        *,
        budget: int = 0,
        workers: int = 0,
        token_pool: int = 1,
    ) -> None:
        """`budget` tokens a batch, `workers` preparing threads; 0 lets the device decide.

        `token_pool` merges evidence's tokens to one in so many (multi-vector models).
        """
        if not chosen.text_max_tokens:
            chosen = replace(chosen, text_max_tokens=min(model.max_seq_length or 512, 32768))
        self.info = described
        self.spec = chosen
        self.device = device
        self._prompts = _Prompts(chosen, dict(model.prompts), model.default_prompt_name)
        self._shrink = _shrinker(token_pool) if described.multi_vector else None
        extract = _tokens if described.multi_vector else self._pooled
        self._runner = Runner(model, chosen, device, extract, budget=budget, workers=workers)
        count = counter(model)
        self._inputs = Inputs(chosen, count, overhead(model, self._prompts.longest))
        self._asking = Inputs(chosen, count, overhead(model, self._prompts.question))

    def encode(self, contents: Sequence[Content]) -> list[Vector | None]:
        """One vector (or one matrix) a content; None where the model cannot take it."""
        items = self._items(contents)
        prompts = [self._prompts.evidence(contents[i.content]) for i in items]
        made = self._runner.evidence(items, prompts, "document")
        return self._gather(len(contents), items, self._smaller(made))

    def encode_questions(self, contents: Sequence[Content]) -> list[Vector | None]:
        """The same with the question's prompt, ahead of any evidence."""
        items = [item for n, c in enumerate(contents) for item in self._asking.items(n, c)]
        made = self._runner.question_batches(items, self._prompts.question, "query")
        return self._gather(len(contents), items, made)

    def encode_urgent(self, contents: Sequence[Content]) -> list[Vector | None]:
        """Evidence that someone waits for (candidates of a second stage), ahead of the rest."""
        items = self._items(contents)
        made: list[Vector] = [np.empty(0, np.float32)] * len(items)
        prompts = [self._prompts.evidence(contents[i.content]) for i in items]
        for prompt in set(prompts):
            mine = [i for i, p in enumerate(prompts) if p == prompt]
            found = self._runner.question_batches([items[i] for i in mine], prompt, "document")
            for i, vector in zip(mine, found, strict=True):
                made[i] = vector
        return self._gather(len(contents), items, made)

    def together(self, contents: Sequence[Content]) -> list[Vector]:
        """Evidence in one batch whatever its padding, for the probe; all must be taken."""
        if self.spec.max_batch == 1:
            return [v for v in self.encode(contents) if v is not None]
        items = self._items(contents)
        prompt = self._prompts.evidence(TextContent(""))
        if any(self._prompts.evidence(c) != prompt for c in contents):
            return [v for v in self.encode(contents) if v is not None]
        made = self._smaller(self._runner.question(items, prompt, "document"))
        return [v for v in self._gather(len(contents), items, made) if v is not None]

    @property
    def stats(self) -> Stats:
        """Padding, batches and where the time went since loading."""
        return self._runner.stats

    def reset_stats(self) -> None:
        """Count from here."""
        self._runner.stats = Stats(budget=self._runner.stats.budget)

    def close(self) -> None:
        """End the threads."""
        self._runner.close()

    def _items(self, contents: Sequence[Content]) -> list[Item]:
        return [item for n, c in enumerate(contents) for item in self._inputs.items(n, c)]

    def _smaller(self, vectors: list[Vector]) -> list[Vector]:
        return vectors if self._shrink is None else [self._shrink(v) for v in vectors]

    def _gather(
        self, count: int, items: Sequence[Item], vectors: Sequence[Vector]
    ) -> list[Vector | None]:
        pieces: list[list[tuple[float, Vector]]] = [[] for _ in range(count)]
        for item, vector in zip(items, vectors, strict=True):
            pieces[item.content].append((item.weight, vector))
        return [self._join(p) if p else None for p in pieces]

    def _join(self, pieces: list[tuple[float, Vector]]) -> Vector:
        if len(pieces) == 1:
            return pieces[0][1]
        if self.info.multi_vector:
            return np.concatenate([v for _, v in pieces])
        total = sum((w * v for w, v in pieces), np.zeros(self.info.dim, np.float32))
        return np.asarray(total / max(float(np.linalg.norm(total)), 1e-12), dtype=np.float32)

    def _pooled(self, features: Any) -> Any:
        """The pooled vectors, cut to the chosen size and renormalised (a cut one is shorter)."""
        import torch

        vectors = features["sentence_embedding"][:, : self.info.dim].float()
        return torch.nn.functional.normalize(vectors, dim=-1)


class _Prompts:
    """The repository's own prompts; where it has none, those of the table."""

    def __init__(self, chosen: ModelSpec, own: dict[str, str], default: str | None) -> None:
        fallback = own.get(default or "", "")
        document = own.get("document") or own.get("passage") or chosen.document_prompt or fallback
        self.question = own.get("query") or chosen.query_prompt or fallback
        self._text = document
        self._picture = chosen.image_prompt or document
        self._film = chosen.video_prompt or document

    def evidence(self, content: Content) -> str:
        """The prompt beside one content."""
        if isinstance(content, ImageContent):
            return self._picture
        return self._film if isinstance(content, VideoContent) else self._text

    @property
    def longest(self) -> str:
        """The one of evidence that costs most tokens."""
        return max((self._text, self._picture, self._film), key=len)


def _tokens(features: Any) -> list[Any]:
    import torch

    mask = features["attention_mask"].bool()
    rows = zip(features["token_embeddings"], mask, strict=True)
    return [torch.nn.functional.normalize(row[keep].float(), dim=-1) for row, keep in rows]


def _shrinker(factor: int) -> Callable[[Vector], Vector] | None:
    """Merge neighbouring tokens (Ward clustering) to one in `factor`, renormalised."""
    if factor <= 1:
        return None
    import torch
    from sentence_transformers.multi_vector_encoder.modules import HierarchicalTokenPooling

    pooling = HierarchicalTokenPooling(pool_factor=factor)

    def shrink(tokens: Vector) -> Vector:
        pooled = pooling.pool_one(torch.from_numpy(tokens))
        return np.asarray(torch.nn.functional.normalize(pooled, dim=-1).numpy(), np.float32)

    return shrink


def _cut(chosen: ModelSpec) -> CutOptions:
    """How media must be cut so that the model sees what it was trained on."""
    plain = CutOptions()
    edge = chosen.video_edge or plain.video_edge
    if chosen.video_pixels and not chosen.video_edge:
        edge = math.ceil(math.sqrt(chosen.video_pixels[1] * WIDEST) / 28) * 28
    longest = plain.shot_max_s
    if chosen.takes("video"):
        longest = min(longest, chosen.max_frames / chosen.fps)
    heard = plain.audio_window_s
    if chosen.audio_max_s:
        heard = min(heard, chosen.audio_max_s)
    return replace(
        plain,
        video_fps=chosen.fps,
        video_edge=min(edge, 640),
        video_max_frames=chosen.max_frames if chosen.takes("video") else 1,
        video_audio=chosen.video_with_sound and chosen.takes("audio") and chosen.takes("video"),
        shot_max_s=longest,
        audio_window_s=heard,
    )


def _settings(chosen: ModelSpec, pool: int) -> str:
    """Everything besides weights that changes a vector, short: prompts as eight hex digits."""
    prompts = (
        chosen.query_prompt,
        chosen.document_prompt,
        chosen.image_prompt,
        chosen.video_prompt,
        chosen.task,
        chosen.recipe.chat_template if chosen.recipe else "",
    )
    parts = [
        chosen.pooling.split(":")[0] or "repo",
        f"fps{chosen.fps:g}x{chosen.max_frames}",
        f"px{chosen.image_pixels and chosen.image_pixels[1]}",
        f"vpx{chosen.video_pixels and chosen.video_pixels[1]}",
        f"s{chosen.audio_max_s:g}",
        "p" + hashlib.sha256("\0".join(prompts).encode()).hexdigest()[:8],
    ]
    if chosen.bidirectional:
        parts.append("both-ways")
    if pool > 1:
        parts.append(f"pool{pool}")
    return " ".join(parts)
