"""From items to the tensors of a batch: tokens, pixels, mel frames, positions, pinned memory."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from omni_core.encoders.transformer.batching import is_text
from omni_core.encoders.transformer.frames import resized_video
from omni_core.encoders.transformer.host_copy import pin
from omni_core.encoders.transformer.inputs import Item, bare_input, processing_kwargs
from omni_core.encoders.transformer.patches.base_model import has_language_head
from omni_core.encoders.transformer.patches.positions import host_positions
from omni_core.encoders.transformer.patches.processors import processor_copies
from omni_core.encoders.transformer.patches.registry import PatchSetting
from omni_core.encoders.transformer.spec import ModelSpec

log = logging.getLogger(__name__)


class Preparation:
    """Prepares the batches of one model: `workers` at once for evidence, one for questions.

    Features are the dictionary that sentence-transformers passes through its modules: `Any`.
    """

    def __init__(
        self, model: Any, spec: ModelSpec, device: str, workers: int, *, patches: PatchSetting
    ) -> None:
        """Each thread gets a copy of the model's input module with its own processor; where copies
        cannot be made, all threads share one and take turns."""
        self._spec, self._device = spec, device
        first = model[0]
        self._bare = spec.input_form == "bare"
        if self._bare:  # no processor of its own that could be copied, and no position ids
            first, patches = model, "off"
        self._caps_frames = _caps_frames(model[0])
        self._for_evidence: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._for_questions: queue.SimpleQueue[Any] = self._for_evidence
        copies = processor_copies(first, workers + 1, patches)
        if copies:
            self._for_questions = queue.SimpleQueue()
            self._for_questions.put(copies.pop())
        for module in copies or [first]:
            self._for_evidence.put(module)
        self.workers = len(copies) or 1
        """Batches that can be prepared at once."""
        self._add_positions = host_positions(first, patches)
        self._headless = spec.kind != "cross" and not has_language_head(model[0])
        self._pixels_on = device if device.startswith("cuda") and not spec.remote_code else ""
        self._streams = _Streams()

    def evidence(self, items: Sequence[Item], prompt: str, task: str) -> Any:
        """The features of a batch of evidence, on the host or (pixels) on the device."""
        with _borrowed(self._for_evidence) as module:
            return self._features(module, items, prompt, task)

    def question(self, items: Sequence[Item], prompt: str, task: str) -> Any:
        """The same for questions, which do not wait for the preparation of evidence."""
        with _borrowed(self._for_questions) as module:
            return self._features(module, items, prompt, task)

    def _features(self, module: Any, items: Sequence[Item], prompt: str, task: str) -> Any:
        features = self._preprocess(module, items, prompt, task)
        if self._headless:
            features.pop("logits_to_keep", None)
        if self._add_positions is not None:
            self._add_positions(features)
        if self._device.startswith("cuda"):
            features = {k: pin(v) for k, v in features.items()}
        return features

    def _preprocess(self, module: Any, items: Sequence[Item], prompt: str, task: str) -> Any:
        task = self._spec.task or task
        if self._bare:
            values = [bare_input(i.value, prompt) for i in items]
            own = "" if is_text(items[0]) else prompt  # a text carries its prompt
            return module.preprocess(values, prompt=own, task=task or None)

        def run(device: str) -> Any:
            sizes = processing_kwargs(
                self._spec, list(items), device, caps_frames=self._caps_frames
            )
            return module.preprocess(
                [self._fitted(i.value) for i in items],
                prompt=prompt or None,
                task=task or None,
                processing_kwargs=sizes,
            )

        if not self._pixels_on or all(map(is_text, items)):
            return run("")
        import torch

        if self._streams.own is None:
            self._streams.own = torch.cuda.Stream(self._device)
        try:
            with torch.cuda.stream(self._streams.own):
                features = run(self._pixels_on)
            self._streams.own.synchronize()
        except torch.OutOfMemoryError:
            return run("")
        except (RuntimeError, TypeError, ValueError) as e:
            log.info("images are prepared on the host: %s", str(e).splitlines()[0])
            self._pixels_on = ""
            return run("")
        return features

    def _fitted(self, value: Any) -> Any:
        if not (isinstance(value, dict) and "video" in value):
            return value
        return {**value, "video": resized_video(value["video"], self._spec)}


def _caps_frames(first: Any) -> bool:
    """Whether the model's video processor has the argument `cap_pixels_per_frame`."""
    processor = getattr(first, "processor", None)
    known = getattr(getattr(processor, "video_processor", None), "valid_kwargs", None)
    return "cap_pixels_per_frame" in getattr(known, "__annotations__", {})


class _Streams(threading.local):
    """The CUDA stream of this preparing thread."""

    own: Any = None


@contextlib.contextmanager
def _borrowed(modules: queue.SimpleQueue[Any]) -> Iterator[Any]:
    module = modules.get()
    try:
        yield module
    finally:
        modules.put(module)
