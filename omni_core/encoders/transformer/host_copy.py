"""Asynchronous copies of tensors between host and device. Tensors are `Any`: torch is imported
lazily."""

from __future__ import annotations

from typing import Any

import numpy as np

from omni_core.types import Vector


def pin(value: Any) -> Any:
    """A host tensor in pinned memory, for asynchronous copies; other values unchanged."""
    import torch

    if not isinstance(value, torch.Tensor) or value.is_cuda:
        return value
    # contiguous: an expanded tensor, whose elements share memory, cannot be pinned
    return value.contiguous().pin_memory()


class HostCopy:
    """An asynchronous copy of a batch's results from the device to the host.

    It is queued directly after its own batch; queued later, it would wait for the next batch too
    and leave the device idle.
    """

    def __init__(self, rows: Any, device: str) -> None:
        """`rows`: a tensor with one row for each input, or a list of tensors."""
        self._ragged = isinstance(rows, list)
        self._rows: Any = [r.float() for r in rows] if self._ragged else rows.float()
        self._copied: Any = None
        if not device.startswith("cuda"):
            return
        import torch

        with torch.inference_mode():
            self._rows = [_queue(r) for r in self._rows] if self._ragged else _queue(self._rows)
        self._copied = torch.cuda.Event(blocking=True)
        self._copied.record()

    def vectors(self) -> list[Vector]:
        """The rows as float32; waits for the copy."""
        if self._copied is not None:
            self._copied.synchronize()
        if self._ragged:
            return [np.array(row.cpu().numpy(), dtype=np.float32) for row in self._rows]
        return list(np.array(self._rows.cpu().numpy(), dtype=np.float32))


def _queue(row: Any) -> Any:
    import torch

    return torch.empty(row.shape, dtype=row.dtype, pin_memory=True).copy_(row, non_blocking=True)
