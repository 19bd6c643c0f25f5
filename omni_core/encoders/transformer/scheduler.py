"""Questions before evidence, on one device, without waiting for the end of a batch.

Evidence runs in long batches. Between any two layers of such a batch its thread looks whether a
question waits, and pauses until it is answered: on a CPU (where it looks before every matrix) a
question then waits for one product, not for one batch. On a GPU the host runs far ahead of the
device, so it is also held to a few layers of lead: what is queued when a question arrives is a
few layers of work.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Iterator
from typing import Any

LAYERS_AHEAD = 6
"""Layers that may be queued on a GPU ahead of the one that runs: enough to hide the launch of
the next layers, few enough that a question finds the device free within milliseconds."""
LONGEST_PAUSE_S = 5.0
"""A batch goes on after so long even if questions never cease."""


class Scheduler:
    """Two priorities on one device: `question` at once, `evidence` pausing between layers.

    Modules, streams and events of torch are `Any` here.
    """

    def __init__(self, model: Any, device: str) -> None:
        """Watches the repeated layers of `model` (the members of its module lists)."""
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
        """The device for a question; evidence pauses until the last one leaves."""
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
        """The device for evidence; one caller at a time."""
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
            return  # a question's pass
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
    """Every matrix of a layer: on a CPU one layer of a page's patches may take a tenth of a second,
    three times what a question needs."""
    return [m for m in layer.modules() if not any(True for _ in m.children())]


def repeated_layers(model: Any) -> list[Any]:
    """The repeated layers of every tower: members of module lists that hold modules of a kind."""
    import torch

    return [
        layer
        for module in model.modules()
        if isinstance(module, torch.nn.ModuleList) and len(module) > 1
        for layer in module
        if type(layer) is type(module[0])
    ]
