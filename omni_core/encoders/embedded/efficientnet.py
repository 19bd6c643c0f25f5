"""EfficientNet-lite0: what an image shows, as logits over the 1000 ImageNet-1k classes.

Tan and Le 2019; the lite variants drop squeeze-excitation and use ReLU6. The checkpoint's
batch norms are folded into the convolutions; logits agree with torch to 6e-6 of 7.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from omni_core import weights
from omni_core.settings import Settings
from omni_core.types import Pixels
from omni_core.weights import onnx_sessions
from omni_core.weights.checkpoints import Weights, read_torch

if TYPE_CHECKING:
    import onnx

SIZE = 224
BATCH = 8
MIN_ASPECT_FOR_ENDS = 1.2
"""Aspect ratio from which the squares at both ends are classified besides the central one."""
BUILDER = "1"
"""Part of the cached graph's name: increase it when `build` changes."""

_STAGE_STRIDES = (1, 2, 2, 2, 1, 2, 1)
"""A stage begins where the number of channels changes; its first block has this stride."""


class EfficientNet:
    """The loaded model."""

    def __init__(self, settings: Settings) -> None:
        """Load the graph, which the first use builds (2 s); UnavailableError without weights."""
        path = weights.find("pictures", settings)
        name = f"efficientnet-lite0-{weights.payload('pictures').files[0].sha256[:12]}-{BUILDER}"
        graph = onnx_sessions.cached(settings, name, lambda: build(read_torch(path)))
        self._session = onnx_sessions.Session(graph, settings.threads)

    def __call__(self, views: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """(views, 1000) logits of arrays of `views`."""
        batches = (np.stack(views[i : i + BATCH]) for i in range(0, len(views), BATCH))
        return np.concatenate([self._session(["logits"], image=batch)[0] for batch in batches])


def input_tensor(image: Image.Image) -> NDArray[np.float32]:
    """(3, 224, 224), scaled as the weights were trained: (RGB - 127) / 128."""
    small = image.resize((SIZE, SIZE), Image.Resampling.BICUBIC)
    scaled = (np.asarray(small).transpose(2, 0, 1) - np.float32(127)) / np.float32(128)
    return scaled.astype(np.float32)


def views(pixels: Pixels, *, ends: bool = True) -> list[NDArray[np.float32]]:
    """The crops of an image that are classified, each as `input_tensor`: the central square, the
    whole image padded with grey, and with `ends` the squares at both ends. A square image gives
    itself and its mirror image.

    Mean reciprocal rank over 176 questions: centre .53, whole .48, both .52, with the ends .53;
    more crops were worse.
    """
    image = Image.fromarray(pixels)
    width, height = image.size
    short, long = min(image.size), max(image.size)
    squares = [((width - short) // 2, (height - short) // 2)]
    if ends and long >= MIN_ASPECT_FOR_ENDS * short:
        squares += [(0, 0), (width - short, height - short)]
    crops = [input_tensor(image.crop((x, y, x + short, y + short))) for x, y in squares]
    if short == long:
        return [*crops, crops[0][:, :, ::-1]]
    whole = Image.new("RGB", (long, long), (127, 127, 127))
    whole.paste(image, ((long - width) // 2, (long - height) // 2))
    return [*crops, input_tensor(whole)]


def build(w: Weights, *, epsilon: float = 1e-3) -> onnx.ModelProto:
    """The network as a graph: (n, 3, 224, 224) in, (n, 1000) logits out."""
    g = onnx_sessions.Graph()
    zero, six = g.constant("zero", 0.0), g.constant("six", 6.0)

    def conv(
        x: str, kernel: str, bn: str, *, stride: int = 1, groups: int = 1, relu: bool = True
    ) -> str:
        scale = w[f"{bn}.weight"] / np.sqrt(w[f"{bn}.running_var"] + epsilon)
        bias = w[f"{bn}.bias"] - w[f"{bn}.running_mean"] * scale
        folded = (w[f"{kernel}.weight"] * scale[:, None, None, None]).astype(np.float32)
        y = g.op(
            "Conv",
            x,
            g.constant(f"{kernel}.weight", folded),
            g.constant(f"{kernel}.bias", bias.astype(np.float32)),
            auto_pad="SAME_UPPER",
            strides=[stride, stride],
            group=groups,
            kernel_shape=list(folded.shape[2:]),
        )
        return g.op("Clip", y, zero, six) if relu else y

    x = conv("image", "_conv_stem", "_bn0", stride=2)
    strides, width, block = iter(_STAGE_STRIDES), 0, 0
    while (p := f"_blocks.{block}.") + "_project_conv.weight" in w:
        block += 1
        width_in, width = width, w[p + "_project_conv.weight"].shape[0]
        first = width != width_in
        wide = w[p + "_depthwise_conv.weight"].shape[0]
        y = x if p + "_expand_conv.weight" not in w else conv(x, p + "_expand_conv", p + "_bn0")
        stride = next(strides) if first else 1
        y = conv(y, p + "_depthwise_conv", p + "_bn1", stride=stride, groups=wide)
        y = conv(y, p + "_project_conv", p + "_bn2", relu=False)
        x = y if first else g.op("Add", y, x)
    x = conv(x, "_conv_head", "_bn1")
    pooled = g.op("Flatten", g.op("GlobalAveragePool", x))
    head = g.constant("_fc.weight", w["_fc.weight"]), g.constant("_fc.bias", w["_fc.bias"])
    g.op("Gemm", pooled, *head, transB=1, output="logits")
    return g.model(
        "efficientnet-lite",
        {"image": (np.float32, ("n", 3, "height", "width"))},
        {"logits": ("n", 1000)},
    )
