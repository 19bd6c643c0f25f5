"""Priority of questions over evidence on one device, without waiting for the end of a batch.

Evidence runs in long batches. Before every layer of such a batch its thread checks for waiting
questions, and pauses until they are answered; on a CPU before every leaf module, so that a question
waits for one matrix product, not for one batch. On a GPU the host runs far ahead of the device, so
the number of queued layers is limited too: a question waits for a few layers of work.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Iterator
from typing import Any

LAYERS_AHEAD = 6
"""Layers that may be queued on a GPU ahead of the running one: enough to hide kernel launches, few
enough that a question gets the device within milliseconds."""
LONGEST_PAUSE_S = 5.0
"""A batch continues after so long even while questions keep coming."""


class Scheduler:
    """Two priorities on one device: `question`, and `evidence`, which pauses between layers.

    Modules, streams and events of torch are `Any` here.
    """

    def __init__(self, model: Any, device: str) -> None:
        """Register hooks on the repeated layers of `model` (the members of its module lists)."""
        self._no_question = threading.Event()
        self._no_question.set()
        self._questions = 0
        self._count_lock = threading.Lock()
        self._question_lock = threading.Lock()
        self._evidence_lock = threading.Lock()
        self._local = _QueuedLayers()
        self._cuda = device.startswith("cuda")
        self._question_stream: Any = None
        self._evidence_stream: Any = None
        if self._cuda:
            import torch

            torch.cuda.synchronize(device)
            self._question_stream = torch.cuda.Stream(device, priority=-1)
            self._evidence_stream = torch.cuda.Stream(device, priority=0)
        for layer in repeated_layers(model):
            for module in [layer] if self._cuda else _leaves(layer):
                module.register_forward_pre_hook(self._before_layer)

    @contextlib.contextmanager
    def question(self) -> Iterator[None]:
        """Hold the device for a question; evidence pauses until the last question leaves."""
        with self._count_lock:
            self._questions += 1
            self._no_question.clear()
        try:
            with self._question_lock, _on(self._question_stream):
                yield
        finally:
            with self._count_lock:
                self._questions -= 1
                if not self._questions:
                    self._no_question.set()

    @contextlib.contextmanager
    def evidence(self) -> Iterator[None]:
        """Hold the device for evidence; one caller at a time."""
        with self._evidence_lock, _on(self._evidence_stream):
            self._local.queued = deque()
            try:
                yield
            finally:
                self._local.queued = None

    def yield_to_questions(self) -> None:
        """Wait while questions are answered; for threads that prepare evidence."""
        if not self._no_question.is_set():
            self._no_question.wait(LONGEST_PAUSE_S)

    def _before_layer(self, _module: Any, _inputs: Any) -> None:
        queued = self._local.queued
        if queued is None:
            return  # this thread runs a question
        self.yield_to_questions()
        if self._cuda:
            import torch

            layer = torch.cuda.Event(blocking=True)
            layer.record()
            queued.append(layer)
            if len(queued) > LAYERS_AHEAD:
                queued.popleft().synchronize()


class _QueuedLayers(threading.local):
    """The layers that this thread's evidence has queued; None in a question's thread."""

    queued: deque[Any] | None = None


@contextlib.contextmanager
def _on(stream: Any) -> Iterator[None]:
    if stream is None:
        yield
        return
    import torch

    with torch.cuda.stream(stream):
        yield


def _leaves(layer: Any) -> list[Any]:
    """The leaf modules of a layer: on a CPU one layer over a page image may take a tenth of a
    second, three times what a question needs."""
    return [m for m in layer.modules() if not any(True for _ in m.children())]


def repeated_layers(model: Any) -> list[Any]:
    """The repeated layers of every tower: members of module lists whose modules have one class."""
    import torch

    return [
        layer
        for module in model.modules()
        if isinstance(module, torch.nn.ModuleList) and len(module) > 1
        for layer in module
        if type(layer) is type(module[0])
    ]
