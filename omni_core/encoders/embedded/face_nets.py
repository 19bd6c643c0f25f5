"""The three networks of MTCNN (Zhang et al. 2016) as ONNX graphs, from the weights of its wheel.

Each takes images of (n, height, width, 3), scaled to (RGB - 127.5) / 128, and gives `face`, the
probability that there is one, and `shift`, by how much of its size each side of the window is off.
The proposal net is convolutional: it gives one value for each window of 12 pixels, two pixels
apart. The refinement net takes images of 24 pixels, the output net those of 48.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from omni_core.weights import onnx_sessions

if TYPE_CHECKING:
    import onnx

BUILDER = "1"
"""Part of the cached graphs' names: increase it when a graph changes."""

Weights = list[NDArray[np.float32]]
"""The arrays of one network, layer after layer, in TensorFlow's layouts."""


def read_weights(path: Path) -> Weights:
    """The arrays of one file of the wheel: a list, pickled by joblib and compressed by lz4.

    A pickle can run code: only for files whose sha256 is pinned and was checked
    (`omni_core.weights`).
    """
    import joblib

    weights: Weights = joblib.load(path)
    return weights


def proposal_net(weights: Weights) -> onnx.ModelProto:
    """(1, height, width, 3) in; (1, 2, rows, columns) `face` and (1, 4, rows, columns) `shift`."""
    net = _Net(weights)
    x = net.pool(net.conv(net.image()), 2)
    x = net.conv(net.conv(x))
    net.conv(x, activate=False, output="shift")
    net.softmax(net.conv(x, activate=False), axis=1)
    return net.model("face-proposals", (1, "height", "width", 3), ("rows", "columns"))


def refinement_net(weights: Weights) -> onnx.ModelProto:
    """(n, 24, 24, 3) in; (n, 2) `face` and (n, 4) `shift`."""
    net = _Net(weights)
    x = net.pool(net.conv(net.image()), 3)
    x = net.conv(net.pool(net.conv(x), 3, padded=False))
    x = net.dense(net.flat(x))
    net.dense(x, activate=False, output="shift")
    net.softmax(net.dense(x, activate=False), axis=1)
    return net.model("face-refinement", ("n", 24, 24, 3))


def output_net(weights: Weights) -> onnx.ModelProto:
    """(n, 48, 48, 3) in; (n, 2) `face` and (n, 4) `shift`. The eyes, nose and corners of the mouth,
    which the weights give too, are left out."""
    net = _Net(weights)
    x = net.pool(net.conv(net.image()), 3)
    x = net.pool(net.conv(x), 3, padded=False)
    x = net.conv(net.pool(net.conv(x), 2))
    x = net.dense(net.flat(x))
    net.dense(x, activate=False, output="shift")
    net.skip_dense()
    net.softmax(net.dense(x, activate=False), axis=1)
    return net.model("face-output", ("n", 48, 48, 3))


BUILDERS: dict[str, Callable[[Weights], onnx.ModelProto]] = {
    "pnet": proposal_net,
    "rnet": refinement_net,
    "onet": output_net,
}
"""By the name of the weights' file."""


class _Net:
    """A graph whose layers take their weights from the list, in order."""

    def __init__(self, weights: Weights) -> None:
        self._graph = onnx_sessions.Graph()
        self._weights = iter(weights)
        self._taken = 0

    def _next(self, layout: Callable[[NDArray[Any]], NDArray[Any]] = np.asarray) -> str:
        self._taken += 1
        return self._graph.constant(f"w{self._taken}", layout(next(self._weights)))

    def image(self) -> str:
        return self._graph.op("Transpose", "image", perm=[0, 3, 1, 2])

    def conv(self, x: str, *, activate: bool = True, output: str = "") -> str:
        kernel = self._next(lambda w: w.transpose(3, 2, 0, 1))
        y = self._graph.op("Conv", x, kernel, self._next(), output=output)
        return (
            self._graph.op("PRelu", y, self._next(lambda w: w.reshape(-1, 1, 1))) if activate else y
        )

    def pool(self, x: str, size: int, *, padded: bool = True) -> str:
        return self._graph.op(
            "MaxPool",
            x,
            kernel_shape=[size, size],
            strides=[2, 2],
            auto_pad="SAME_UPPER" if padded else "VALID",
        )

    def flat(self, x: str) -> str:
        """Columns, then rows, then channels: the order the weights were trained in."""
        return self._graph.op("Flatten", self._graph.op("Transpose", x, perm=[0, 3, 2, 1]))

    def dense(self, x: str, *, activate: bool = True, output: str = "") -> str:
        y = self._graph.op("Gemm", x, self._next(), self._next(), output=output)
        return self._graph.op("PRelu", y, self._next()) if activate else y

    def skip_dense(self) -> None:
        next(self._weights)
        next(self._weights)

    def softmax(self, x: str, axis: int) -> None:
        self._graph.op("Softmax", x, axis=axis, output="face")

    def model(
        self, name: str, image: tuple[str | int, ...], places: tuple[str, ...] = ()
    ) -> onnx.ModelProto:
        """The finished graph; ValueError when weights are left."""
        if next(self._weights, None) is not None:
            raise ValueError(f"{name}: more weights than layers")
        return self._graph.model(
            name,
            {"image": (np.float32, image)},
            {"face": (image[0], 2, *places), "shift": (image[0], 4, *places)},
        )
