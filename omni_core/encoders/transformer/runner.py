"""Evidence through the model: prepared ahead on the host, batched by tokens, halved if too big."""

from __future__ import annotations

import logging
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from omni_core.encoders.transformer import attention
from omni_core.encoders.transformer.batching import is_text, plan
from omni_core.encoders.transformer.inputs import Item, processing
from omni_core.encoders.transformer.loading import clone_processor, host_positions
from omni_core.encoders.transformer.scheduler import Lanes
from omni_core.encoders.transformer.spec import ModelSpec
from omni_core.errors import UnavailableError
from omni_core.types import Vector

log = logging.getLogger(__name__)

GPU_TOKENS = 8192
CPU_TOKENS = 1024
"""Tokens of one padded batch. 8192 fill an H100's matrix units for these models and need 4 to 6 GB
besides the weights; a CPU gains nothing from more than a thousand."""
AHEAD = 4
"""Batches prepared while one runs."""
TURN_S = 0.0005
"""How long a thread may keep the interpreter from another, on a GPU. The thread that launches
kernels gives it up with every one; at the usual 5 ms it would wait for the preparing threads
longer than the device works."""


@dataclass(slots=True)
class Stats:
    """What the batches cost so far; times in seconds of the ingest lane's wall clock."""

    items: int = 0
    batches: int = 0
    tokens: int = 0
    """Real tokens, as the attention mask counts them."""
    padded: int = 0
    """Tokens that went through the model, padding included."""
    halved: int = 0
    """Batches that did not fit and were cut in two."""
    prepare_s: float = 0.0
    """Host preparation, summed over its threads."""
    starved_s: float = 0.0
    """The device waited for the host."""
    device_s: float = 0.0
    questions: int = 0
    budget: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def waste(self) -> float:
        """Share of padding, 0 to 1."""
        return 1 - self.tokens / self.padded if self.padded else 0.0

    def as_dict(self) -> dict[str, float]:
        """Plain numbers for a status page."""
        names = ("items", "batches", "tokens", "padded", "halved", "questions", "budget")
        seconds = ("prepare_s", "starved_s", "device_s")
        return {
            **{n: getattr(self, n) for n in names},
            **{n: round(getattr(self, n), 4) for n in seconds},
            "waste": round(self.waste, 4),
        }


Extract = Callable[[Any], Any]
"""From the features after the model to a tensor with a row an input, or a list of tensors."""


class Runner:
    """One model on one device, for two lanes. Thread-safe; questions go first."""

    def __init__(
        self,
        model: Any,
        spec: ModelSpec,
        device: str,
        extract: Extract,
        *,
        budget: int = 0,
        workers: int = 0,
    ) -> None:
        """`extract` reads the result; `budget` tokens a batch, `workers` threads (0: by device)."""
        self._model, self._spec, self._device, self._extract = model, spec, device, extract
        on_gpu = not device.startswith("cpu")
        self.stats = Stats(budget=budget or (GPU_TOKENS if on_gpu else CPU_TOKENS))
        self.lanes = Lanes(model, device)
        count = workers or (4 if on_gpu else 1)
        self._hands: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for _ in range(count):
            self._hands.put(clone_processor(model[0]))
        self._question_hand = clone_processor(model[0])
        self._positions = host_positions(model[0])
        self._pixels_on = device if device.startswith("cuda") and not spec.remote_code else ""
        self._local = threading.local()
        if on_gpu:
            sys.setswitchinterval(TURN_S)
        self._packs = attention.in_use(model)
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="prepare")

    def evidence(self, items: Sequence[Item], prompts: Sequence[str], task: str) -> list[Vector]:
        """The vector (or the token vectors) of each item, in order.

        Of two callers the second prepares its first batches while the first has the device.
        """
        made: list[Vector] = [np.empty(0, np.float32)] * len(items)
        for indices, result in self._batches(items, prompts, task):
            for i, vector in zip(indices, result, strict=True):
                made[i] = vector
        return made

    def question(self, items: Sequence[Item], prompt: str, task: str) -> list[Vector]:
        """The same at once, ahead of any evidence."""
        with self.lanes.question():
            features = self._prepare(self._question_hand, items, prompt, task)
            self.stats.questions += len(items)
            return _Landing(self._forward(features, task), self._device).vectors()

    def question_batches(self, items: Sequence[Item], prompt: str, task: str) -> list[Vector]:
        """Many items that someone waits for: batched, and ahead of any evidence."""
        made: list[Vector] = [np.empty(0, np.float32)] * len(items)
        for batch in plan(items, self.stats.budget, self._spec.max_batch):
            mine = [items[i] for i in batch]
            for i, vector in zip(batch, self.question(mine, prompt, task), strict=True):
                made[i] = vector
        return made

    def _batches(
        self, items: Sequence[Item], prompts: Sequence[str], task: str
    ) -> Iterator[tuple[list[int], list[Vector]]]:
        todo = []
        for prompt in sorted(set(prompts)):
            mine = [i for i, p in enumerate(prompts) if p == prompt]
            found = plan([items[i] for i in mine], self.stats.budget, self._spec.max_batch)
            todo += [[mine[k] for k in batch] for batch in found]
        ahead: list[tuple[list[int], Any]] = []
        waiting = iter(todo)

        def top_up() -> None:
            while len(ahead) < AHEAD and (batch := next(waiting, None)) is not None:
                mine = [items[i] for i in batch]
                future = self._pool.submit(self._ahead, mine, prompts[batch[0]], task)
                ahead.append((batch, future))

        top_up()
        late: tuple[list[int], _Landing] | None = None
        with self.lanes.evidence():
            while ahead:
                batch, future = ahead.pop(0)
                top_up()
                started = time.perf_counter()
                features = future.result()
                ready = time.perf_counter()
                out = self._fit(features, [items[i] for i in batch], prompts[batch[0]], task)
                if late is not None:  # read the last batch while this one runs
                    yield late[0], late[1].vectors()
                late = (batch, _Landing(out, self._device))
                with self.stats.lock:
                    self.stats.starved_s += ready - started
                    self.stats.device_s += time.perf_counter() - ready
            if late is not None:
                started = time.perf_counter()
                result = late[1].vectors()
                self.stats.device_s += time.perf_counter() - started
                yield late[0], result

    def _ahead(self, items: Sequence[Item], prompt: str, task: str) -> Any:
        self.lanes.stand_aside()
        hand = self._hands.get()
        started = time.perf_counter()
        try:
            return self._prepare(hand, items, prompt, task)
        finally:
            self._hands.put(hand)
            with self.stats.lock:
                self.stats.prepare_s += time.perf_counter() - started

    def _prepare(self, hand: Any, items: Sequence[Item], prompt: str, task: str) -> Any:
        features = self._preprocess(hand, items, prompt, task)
        if "logits_to_keep" in features and self._spec.kind != "cross":
            del features["logits_to_keep"]  # the head it is for was dropped
        if self._positions is not None:
            self._positions(features)
        if self._device.startswith("cuda"):
            features = {k: _pin(v) for k, v in features.items()}
        return features

    def _preprocess(self, hand: Any, items: Sequence[Item], prompt: str, task: str) -> Any:
        def run(device: str) -> Any:
            return hand.preprocess(
                [i.value for i in items],
                prompt=prompt or None,
                task=self._spec.task or task or None,
                processing_kwargs=processing(self._spec, list(items), device),
            )

        if not self._pixels_on or all(map(is_text, items)):
            return run("")
        import torch

        stream = getattr(self._local, "stream", None)
        if stream is None:
            stream = self._local.stream = torch.cuda.Stream(self._device)
        try:
            with torch.cuda.stream(stream):
                made = run(self._pixels_on)
            stream.synchronize()
        except torch.OutOfMemoryError:
            return run("")
        except (RuntimeError, TypeError, ValueError) as e:
            log.info("pictures are prepared on the host: %s", str(e).splitlines()[0])
            self._pixels_on = ""
            return run("")
        return made

    def _fit(self, features: Any, items: list[Item], prompt: str, task: str) -> Any:
        """Run the batch; where it does not fit, its halves, and smaller batches from then on."""
        import torch

        try:
            out = self._forward(features, task)
        except torch.OutOfMemoryError:
            if len(items) == 1:
                raise UnavailableError(
                    f"one item of {items[0].tokens} tokens does not fit into the memory of "
                    f"{self._device}: choose a smaller model, or device=cpu"
                ) from None
            torch.cuda.empty_cache()
        else:
            self._count(features, len(items))
            return out
        with self.stats.lock:
            self.stats.halved += 1
            self.stats.budget = max(256, self.stats.budget // 2)
        log.warning("a batch did not fit; batches hold %d tokens from now on", self.stats.budget)
        middle = len(items) // 2
        halves: list[Any] = []
        for part in (items[:middle], items[middle:]):
            halves += list(self._fit(self._ahead(part, prompt, task), part, prompt, task))
        return halves

    def _forward(self, features: Any, task: str) -> Any:
        import torch

        if self._packs:
            attention.announce(features["attention_mask"], self._device)
        with torch.inference_mode():
            moved = {k: self._move(v) for k, v in features.items()}
            return self._extract(self._model(moved, task=self._spec.task or task or None))

    def _move(self, value: Any) -> Any:
        import torch

        if not isinstance(value, torch.Tensor):
            return value
        if value.is_cuda:  # made on a preparing thread's stream: not to be reused before this one
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

    def close(self) -> None:
        """End the preparing threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _pin(value: Any) -> Any:
    pin = getattr(value, "pin_memory", None)
    # An expanded tensor shares its memory among elements, which cannot be pinned.
    return value if pin is None or value.is_cuda else value.contiguous().pin_memory()


class _Landing:
    """Results on their way to the host. The copy is queued right behind its own batch: asked for
    later, it would wait for the next batch too and leave the device without work."""

    def __init__(self, rows: Any, device: str) -> None:
        self._many = isinstance(rows, list)
        self._rows: Any = [r.float() for r in rows] if self._many else rows.float()
        self._event: Any = None
        if not device.startswith("cuda"):
            return
        import torch

        with torch.inference_mode():
            self._rows = [_queue(r) for r in self._rows] if self._many else _queue(self._rows)
        self._event = torch.cuda.Event(blocking=True)
        self._event.record()

    def vectors(self) -> list[Vector]:
        """The rows, once they have arrived."""
        if self._event is not None:
            self._event.synchronize()
        if self._many:
            return [np.array(row.cpu().numpy(), dtype=np.float32) for row in self._rows]
        return list(np.array(self._rows.cpu().numpy(), dtype=np.float32))


def _queue(row: Any) -> Any:
    import torch

    return torch.empty(row.shape, dtype=row.dtype, pin_memory=True).copy_(row, non_blocking=True)
