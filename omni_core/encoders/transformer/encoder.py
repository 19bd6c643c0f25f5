"""Embed with any model of models.toml, a local folder or a hub id: one class, no code per model.

`describe` reads the model's description; `load` loads and probes the model, and refuses one that
gives wrong dimensions, NaN, or vectors that depend on the rest of the batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Self

import numpy as np

from omni_core.encoders.transformer import probe
from omni_core.encoders.transformer.catalogue import find_model
from omni_core.encoders.transformer.description import encoder_info
from omni_core.encoders.transformer.devices import pick_device
from omni_core.encoders.transformer.inputs import Inputs, Item
from omni_core.encoders.transformer.loading import build
from omni_core.encoders.transformer.patches.registry import PatchSetting
from omni_core.encoders.transformer.pooling import (
    join_chunks,
    pooled_vectors,
    token_pooling,
    token_vectors,
)
from omni_core.encoders.transformer.prompts import Prompts
from omni_core.encoders.transformer.rerank import CrossReranker, LateReranker
from omni_core.encoders.transformer.runner import Runner
from omni_core.encoders.transformer.spec import ModelSpec
from omni_core.encoders.transformer.stats import BatchStats
from omni_core.encoders.transformer.token_counts import template_tokens, token_counter
from omni_core.errors import BadRequestError
from omni_core.protocols import Encoder, Reranker
from omni_core.settings import Settings
from omni_core.types import Content, EncoderInfo, TextContent, Vector


class TransformerEncoder(Encoder):
    """Any sentence-transformers model. Thread-safe; questions have priority over evidence."""

    @classmethod
    def describe(cls, settings: Settings) -> EncoderInfo:
        """The model's description; loads no weights.

        Raises UnavailableError when there is no such model, or when it is a reranker.
        """
        spec = find_model(settings.encoder, weights_dir=settings.weights_dir)
        return encoder_info(spec, settings)

    @classmethod
    def load(cls, settings: Settings) -> Self:
        """The model on its device, probed. Slow; raises UnavailableError saying what to do."""
        spec = find_model(settings.encoder, weights_dir=settings.weights_dir)
        info = encoder_info(spec, settings)
        encoder = cls(
            build(spec, settings),
            spec,
            info,
            pick_device(settings.device),
            token_pool=settings.token_pool,
            patches=settings.model_patches,
        )
        encoder.probed = probe.require_valid(encoder)
        encoder.reset_stats()
        return encoder

    @classmethod
    def load_reranker(cls, settings: Settings) -> Reranker:
        """The model of `Settings.reranker`: a cross-encoder, or an encoder by MaxSim or cosine.

        Slow; raises UnavailableError saying what to do.
        """
        if not settings.reranker:
            raise BadRequestError("no reranker is set: name one of `omni-mcp models`")
        spec = find_model(settings.reranker, weights_dir=settings.weights_dir)
        if spec.kind == "cross":
            device = pick_device(settings.device)
            return CrossReranker(
                build(spec, settings), spec, device, patches=settings.model_patches
            )
        return LateReranker(cls.load(replace(settings, encoder=settings.reranker, encoder_url="")))

    def __init__(
        self,
        model: Any,
        spec: ModelSpec,
        info: EncoderInfo,
        device: str,
        *,
        budget: int = 0,
        workers: int = 0,
        token_pool: int = 1,
        patches: PatchSetting = "auto",
    ) -> None:
        """`model` is a SentenceTransformer or MultiVectorEncoder, which are untyped here.

        `budget` tokens a batch, `workers` preparing threads; 0 lets the device decide.
        `token_pool` keeps one token vector of evidence in so many (multi-vector models). `patches`
        as in `Settings.model_patches`.
        """
        if not spec.text_max_tokens:
            spec = replace(spec, text_max_tokens=min(model.max_seq_length or 512, 32768))
        self.info = info
        self.probed: probe.ProbeResult | None = None
        """What the probe measured; None for a model that was not loaded by `load`."""
        self.spec = spec
        self.device = device
        self._prompts = Prompts(spec, dict(model.prompts), model.default_prompt_name)
        self._pool_tokens = token_pooling(token_pool) if info.multi_vector else None
        extract = token_vectors if info.multi_vector else partial(pooled_vectors, dim=info.dim)
        self._runner = Runner(
            model, spec, device, extract, budget=budget, workers=workers, patches=patches
        )
        count = token_counter(model)
        bare = spec.input_form == "bare"
        overhead = template_tokens(model, self._prompts.longest, bare=bare)
        self._inputs = Inputs(spec, count, overhead)
        overhead = template_tokens(model, self._prompts.question, bare=bare)
        self._question_inputs = Inputs(spec, count, overhead)

    def encode(self, contents: Sequence[Content]) -> list[Vector | None]:
        """(dim,) or, multi-vector, (tokens, dim) for each content; None where the model has no
        input for it."""
        items = self._items(contents)
        prompts = [self._prompts.evidence(contents[i.content]) for i in items]
        vectors = self._pooled(self._runner.evidence(items, prompts, "document"))
        return self._gather(len(contents), items, vectors)

    def encode_questions(self, contents: Sequence[Content]) -> list[Vector | None]:
        """The same with the query prompt, before any waiting evidence."""
        items = [item for n, c in enumerate(contents) for item in self._question_inputs.items(n, c)]
        vectors = self._runner.question_batches(items, self._prompts.question, "query")
        return self._gather(len(contents), items, vectors)

    def encode_urgent(self, contents: Sequence[Content]) -> list[Vector | None]:
        """Evidence that a search waits for (reranking candidates), before other evidence."""
        items = self._items(contents)
        vectors: list[Vector] = [np.empty(0, np.float32)] * len(items)
        prompts = [self._prompts.evidence(contents[i.content]) for i in items]
        for prompt in set(prompts):
            places = [i for i, p in enumerate(prompts) if p == prompt]
            batch = [items[i] for i in places]
            batch_vectors = self._runner.question_batches(batch, prompt, "document")
            for i, vector in zip(places, batch_vectors, strict=True):
                vectors[i] = vector
        return self._gather(len(contents), items, vectors)

    def encode_one_batch(self, contents: Sequence[Content]) -> list[Vector]:
        """Evidence in one batch whatever its padding, for the probe; all must be embeddable."""
        prompt = self._prompts.evidence(TextContent(""))
        prompts = {self._prompts.evidence(c) for c in contents}
        mixes = self.spec.max_batch != 1 and self.spec.input_form == "wrapped"
        if not mixes or prompts != {prompt}:
            return [v for v in self.encode(contents) if v is not None]
        items = self._items(contents)
        vectors = self._pooled(self._runner.question(items, prompt, "document"))
        return [v for v in self._gather(len(contents), items, vectors) if v is not None]

    @property
    def stats(self) -> BatchStats:
        """Batches, padding and time since loading."""
        return self._runner.stats

    def reset_stats(self) -> None:
        """Reset `stats`, except the batch budget."""
        self._runner.stats = BatchStats(budget=self._runner.stats.budget)

    def close(self) -> None:
        """End the threads."""
        self._runner.close()

    def _items(self, contents: Sequence[Content]) -> list[Item]:
        return [item for n, c in enumerate(contents) for item in self._inputs.items(n, c)]

    def _pooled(self, vectors: list[Vector]) -> list[Vector]:
        return vectors if self._pool_tokens is None else [self._pool_tokens(v) for v in vectors]

    def _gather(
        self, count: int, items: Sequence[Item], vectors: Sequence[Vector]
    ) -> list[Vector | None]:
        chunks: list[list[tuple[float, Vector]]] = [[] for _ in range(count)]
        for item, vector in zip(items, vectors, strict=True):
            chunks[item.content].append((item.weight, vector))
        return [join_chunks(p, self.info) if p else None for p in chunks]
