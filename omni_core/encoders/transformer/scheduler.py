"""Questions before evidence, on one device, without stopping a batch halfway.

Evidence runs in long batches. Between any two layers of such a batch the thread looks whether a
question waits, and stands aside until it is answered: on a CPU (where it looks before every
matrix) a question then waits for one product, not for one batch. On a GPU the host runs far ahead
of the device, so it is also held to a few layers of lead: what is queued when a question arrives
is a few layers of work.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Iterator
from typing import Any

LEAD = 6
"""Layers that may be queued on a GPU ahead of the one that runs: enough to hide the launch of
the next layers, few enough that a question finds the device free within milliseconds."""
PATIENCE_S = 5.0
"""A batch goes on after so long even if questions never cease."""


class Lanes:
    """Two ways onto one device: `question` at once, `evidence` standing aside between layers."""

    def __init__(self, model: Any, device: str) -> None:
        """Watches every block of `model` (the members of its module lists)."""
        self._clear = threading.Event()
        self._clear.set()
        self._waiting = 0
        self._count = threading.Lock()
        self._asking = threading.Lock()
        self._embedding = threading.Lock()
        self._here = threading.local()
        self._cuda = device.startswith("cuda")
        self._device = device
        self._fast: Any = None
        self._slow: Any = None
        if self._cuda:
            import torch

            torch.cuda.synchronize(device)
            self._fast = torch.cuda.Stream(device, priority=-1)
            self._slow = torch.cuda.Stream(device, priority=0)
        for block in blocks(model):
            for module in [block] if self._cuda else _leaves(block):
                module.register_forward_pre_hook(self._between_layers)

    @contextlib.contextmanager
    def question(self) -> Iterator[None]:
        """The device for a question; evidence stands aside until the last one leaves."""
        with self._count:
            self._waiting += 1
            self._clear.clear()
        try:
            with self._asking, self._stream(self._fast):
                yield
        finally:
            with self._count:
                self._waiting -= 1
                if not self._waiting:
                    self._clear.set()

    @contextlib.contextmanager
    def evidence(self) -> Iterator[None]:
        """The device for evidence; one caller at a time."""
        with self._embedding, self._stream(self._slow):
            self._here.queued = deque()
            try:
                yield
            finally:
                del self._here.queued

    def stand_aside(self) -> None:
        """Wait while questions are answered; for threads that prepare evidence."""
        if not self._clear.is_set():
            self._clear.wait(PATIENCE_S)

    @contextlib.contextmanager
    def _stream(self, stream: Any) -> Iterator[None]:
        if stream is None:
            yield
            return
        import torch

        with torch.cuda.stream(stream):
            yield

    def _between_layers(self, _module: Any, _inputs: Any) -> None:
        queued: deque[Any] | None = getattr(self._here, "queued", None)
        if queued is None:
            return  # a question's pass
        self.stand_aside()
        if self._cuda:
            import torch

            mark = torch.cuda.Event(blocking=True)
            mark.record()
            queued.append(mark)
            if len(queued) > LEAD:
                queued.popleft().synchronize()


def _leaves(block: Any) -> list[Any]:
    """Every matrix of a layer: on a CPU one layer of a page's patches may take a tenth of a second,
    three times what a question needs."""
    return [m for m in block.modules() if not any(True for _ in m.children())]


def blocks(model: Any) -> list[Any]:
    """The repeated layers of every tower: members of module lists that hold modules of a kind."""
    import torch

    return [
        block
        for module in model.modules()
        if isinstance(module, torch.nn.ModuleList) and len(module) > 1
        for block in module
        if type(block) is type(module[0])
    ]
