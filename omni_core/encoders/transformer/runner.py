"""Runs batches on the device: prepared ahead on the host, and halved when out of memory.

Models, tensors and features of torch are `Any` here.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from omni_core.encoders.transformer.batching import plan_batches
from omni_core.encoders.transformer.host_copy import HostCopy
from omni_core.encoders.transformer.inputs import Item
from omni_core.encoders.transformer.patches import attention
from omni_core.encoders.transformer.patches.registry import PatchSetting
from omni_core.encoders.transformer.preparation import Preparation
from omni_core.encoders.transformer.scheduler import Scheduler
from omni_core.encoders.transformer.spec import ModelSpec
from omni_core.encoders.transformer.stats import BatchStats
from omni_core.errors import UnavailableError
from omni_core.types import Vector

log = logging.getLogger(__name__)

GPU_TOKENS = 8192
CPU_TOKENS = 1024
"""Tokens of one padded batch. 8192 fill an H100's matrix units for these models and need 4 to 6 GB
besides the weights; a CPU gains nothing from more than a thousand."""
MIN_BATCH_TOKENS = 256
"""The smallest budget to which out-of-memory errors reduce batches."""
BATCHES_AHEAD = 4
"""Batches prepared while one runs."""
SWITCH_INTERVAL_S = 0.0005
"""The interpreter's thread switch interval with a GPU. The thread that launches kernels releases
the GIL with each; at the default of 5 ms it would wait for the preparing threads longer than a
kernel runs."""

Extract = Callable[[Any], Any]
"""From the model's output features to a tensor with a row for each input, or a list of tensors."""


class Runner:
    """One model on one device. Thread-safe; questions have priority over evidence."""

    def __init__(
        self,
        model: Any,
        spec: ModelSpec,
        device: str,
        extract: Extract,
        *,
        budget: int = 0,
        workers: int = 0,
        patches: PatchSetting = "auto",
    ) -> None:
        """`extract` reads the result; `budget` tokens a batch, `workers` threads (0: by device).

        `patches` as in `Settings.model_patches`.
        """
        self._model, self._spec, self._device, self._extract = model, spec, device, extract
        on_gpu = not device.startswith("cpu")
        self.stats = BatchStats(budget=budget or (GPU_TOKENS if on_gpu else CPU_TOKENS))
        self.scheduler = Scheduler(model, device)
        workers = workers or (4 if on_gpu else 1)
        self._preparation = Preparation(model, spec, device, workers, patches=patches)
        if on_gpu:
            sys.setswitchinterval(SWITCH_INTERVAL_S)
        self._packs = attention.in_use(model)
        self._pool = ThreadPoolExecutor(self._preparation.workers, thread_name_prefix="prepare")

    def evidence(self, items: Sequence[Item], prompts: Sequence[str], task: str) -> list[Vector]:
        """The vector (or the token vectors) of each item, in order.

        A second caller prepares its first batches while the first one uses the device.
        """
        vectors: list[Vector] = [np.empty(0, np.float32)] * len(items)
        for batch, batch_vectors in self._run_batches(items, prompts, task):
            for i, vector in zip(batch, batch_vectors, strict=True):
                vectors[i] = vector
        return vectors

    def question(self, items: Sequence[Item], prompt: str, task: str) -> list[Vector]:
        """The same in one batch, before any waiting evidence."""
        with self.scheduler.question():
            features = self._preparation.question(items, prompt, task)
            self.stats.questions += len(items)
            return HostCopy(self._forward(features, task), self._device).vectors()

    def question_batches(self, items: Sequence[Item], prompt: str, task: str) -> list[Vector]:
        """The same for many items: in several batches, before any waiting evidence."""
        vectors: list[Vector] = [np.empty(0, np.float32)] * len(items)
        for batch in plan_batches(items, self.stats.budget, self._spec.max_batch):
            batch_vectors = self.question([items[i] for i in batch], prompt, task)
            for i, vector in zip(batch, batch_vectors, strict=True):
                vectors[i] = vector
        return vectors

    def close(self) -> None:
        """End the preparing threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _plan(self, items: Sequence[Item], prompts: Sequence[str]) -> list[list[int]]:
        """Indices of `items`, batch by batch; the items of a batch share their prompt."""
        batches = []
        for prompt in sorted(set(prompts)):
            places = [i for i, p in enumerate(prompts) if p == prompt]
            budget, most = self.stats.budget, self._spec.max_batch
            planned = plan_batches([items[i] for i in places], budget, most)
            batches += [[places[k] for k in batch] for batch in planned]
        return batches

    def _run_batches(
        self, items: Sequence[Item], prompts: Sequence[str], task: str
    ) -> Iterator[tuple[list[int], list[Vector]]]:
        waiting = iter(self._plan(items, prompts))
        prepared: list[tuple[list[int], Future[Any]]] = []

        def prepare_ahead() -> None:
            while len(prepared) < BATCHES_AHEAD and (batch := next(waiting, None)) is not None:
                batch_items = [items[i] for i in batch]
                future = self._pool.submit(self._prepare, batch_items, prompts[batch[0]], task)
                prepared.append((batch, future))

        prepare_ahead()
        last: tuple[list[int], HostCopy] | None = None
        with self.scheduler.evidence():
            while prepared:
                batch, future = prepared.pop(0)
                prepare_ahead()
                started = time.perf_counter()
                features = future.result()
                ready = time.perf_counter()
                batch_items = [items[i] for i in batch]
                rows = self._run_or_halve(features, batch_items, prompts[batch[0]], task)
                if last is not None:  # read the last batch while this one runs
                    yield last[0], last[1].vectors()
                last = (batch, HostCopy(rows, self._device))
                with self.stats.lock:
                    self.stats.starved_s += ready - started
                    self.stats.device_s += time.perf_counter() - ready
            if last is not None:
                started = time.perf_counter()
                vectors = last[1].vectors()
                self.stats.device_s += time.perf_counter() - started
                yield last[0], vectors

    def _prepare(self, items: Sequence[Item], prompt: str, task: str) -> Any:
        self.scheduler.yield_to_questions()
        started = time.perf_counter()
        try:
            return self._preparation.evidence(items, prompt, task)
        finally:
            with self.stats.lock:
                self.stats.prepare_s += time.perf_counter() - started

    def _run_or_halve(self, features: Any, items: list[Item], prompt: str, task: str) -> Any:
        """Run the batch; when out of memory run its halves, and halve the token budget."""
        import torch

        try:
            rows = self._forward(features, task)
        except torch.OutOfMemoryError:
            if len(items) == 1:
                raise UnavailableError(
                    f"one item of {items[0].tokens} tokens does not fit into the memory of "
                    f"{self._device}: choose a smaller model, or device=cpu"
                ) from None
            torch.cuda.empty_cache()
        else:
            self._count(features, len(items))
            return rows
        with self.stats.lock:
            self.stats.halved += 1
            self.stats.budget = max(MIN_BATCH_TOKENS, self.stats.budget // 2)
        log.warning("a batch did not fit; batches hold %d tokens from now on", self.stats.budget)
        middle = len(items) // 2
        halves: list[Any] = []
        for half in (items[:middle], items[middle:]):
            features = self._prepare(half, prompt, task)
            halves += list(self._run_or_halve(features, half, prompt, task))
        return halves

    def _forward(self, features: Any, task: str) -> Any:
        import torch

        if self._packs:
            attention.set_sequence_boundaries(features["attention_mask"], self._device)
        with torch.inference_mode():
            on_device = {k: self._to_device(v) for k, v in features.items()}
            return self._extract(self._model(on_device, task=self._spec.task or task or None))

    def _to_device(self, value: Any) -> Any:
        import torch

        if not isinstance(value, torch.Tensor):
            return value
        if value.is_cuda:  # from another stream: its memory must not be reused too early
            value.record_stream(torch.cuda.current_stream())
        return value.to(self._device, non_blocking=True)

    def _count(self, features: Any, items: int) -> None:
        mask = features.get("attention_mask")
        with self.stats.lock:
            self.stats.batches += 1
            self.stats.items += items
            if mask is not None:
                self.stats.tokens += int(mask.sum())
                self.stats.padded += mask.numel()
