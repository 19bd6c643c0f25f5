"""EmbeddingGemma 2 from torch to the three ONNX graphs in which it is published.

For tests and measurements, with random weights: the graphs have the inputs and outputs of
`onnx-community/embeddinggemma-2-ONNX`, and the arithmetic of the transformers implementation that
they are exported from. Needs the [omni] extra.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from transformers.models.gemma4 import modeling_gemma4

MEDIA = ("image", "video", "audio")


class TextGraph(torch.nn.Module):  # type: ignore[misc]
    """Token ids and the rows of media to one vector: mean over the tokens, L2-normalised."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Any, attention_mask: Any, *features: Any) -> Any:
        """`features`: rows of image, video and audio, in the order of their places."""
        config = self.model.config
        places = [getattr(config, f"{m}_token_id") for m in MEDIA]
        word = input_ids
        for place in places:
            word = torch.where(input_ids == place, 0, word)
        embedded = self.model.language_model.embed_tokens(word)
        for place, rows in zip(places, features, strict=True):
            here = (input_ids == place).unsqueeze(-1).expand_as(embedded)
            embedded = embedded.masked_scatter(here, rows)
        masks = _masks(attention_mask, embedded.dtype, config.text_config.sliding_window)
        states = self.model.language_model(inputs_embeds=embedded, attention_mask=masks)
        weights = attention_mask.unsqueeze(-1).to(embedded.dtype)
        mean = (states.last_hidden_state * weights).sum(1) / weights.sum(1)
        return mean / mean.norm(dim=-1, keepdim=True)


def _masks(attention_mask: Any, dtype: Any, radius: int) -> dict[str, Any]:
    """What transformers makes of a mask, without the functions that cannot be traced."""
    at = torch.arange(attention_mask.shape[1])
    near = ((at[None, :] - at[:, None]).abs() <= radius).to(dtype)[None, None]
    keys = attention_mask[:, None, None, :].to(dtype)
    lowest = torch.finfo(dtype).min
    every = torch.ones_like(near)
    return {
        "full_attention": (1 - keys * every) * lowest,
        "sliding_attention": (1 - keys * near) * lowest,
    }


class VisionGraph(torch.nn.Module):  # type: ignore[misc]
    """Patches of pictures to rows."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixel_values: Any, pixel_position_ids: Any) -> Any:
        """(pictures, patches, values) and the places of the patches."""
        seen = self.model.vision_tower(
            pixel_values=pixel_values, pixel_position_ids=pixel_position_ids
        )
        return self.model.embed_vision(inputs_embeds=seen.last_hidden_state)


class AudioGraph(torch.nn.Module):  # type: ignore[misc]
    """Log-mel frames to rows."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_features: Any, input_features_mask: Any) -> Any:
        """(sounds, frames, bands) and which frames are whole."""
        heard = self.model.audio_tower(input_features, input_features_mask, return_dict=True)
        rows = self.model.embed_audio(inputs_embeds=heard.last_hidden_state)
        return rows[heard.attention_mask]


def export_text(model: Any, path: Path) -> None:
    """Write the text graph."""
    ids = torch.randint(5, 100, (2, 12))
    for column, medium in enumerate(MEDIA):
        ids[1, 3 + column] = getattr(model.config, f"{medium}_token_id")
    width = model.config.text_config.hidden_size
    rows = [torch.rand(1, width) for _ in MEDIA]
    names = [f"{m}_features" for m in MEDIA]
    axes = {
        "input_ids": ("batch", "tokens"),
        "attention_mask": ("batch", "tokens"),
        **{name: (f"{name}_rows",) for name in names},
    }
    _export(TextGraph(model), (ids, torch.ones_like(ids), *rows), axes, "sentence_embedding", path)


def export_vision(model: Any, path: Path) -> None:
    """Write the vision graph."""
    side = 3 * model.config.vision_config.pooling_kernel_size
    values = torch.rand(1, side * side, 3 * model.config.vision_config.patch_size**2)
    at = torch.arange(side * side)
    places = torch.stack([at % side, at // side], -1)[None]
    axes = {
        "pixel_values": ("pictures", "patches"),
        "pixel_position_ids": ("pictures", "patches"),
    }
    _export(VisionGraph(model), (values, places), axes, "image_features", path)


def export_audio(model: Any, path: Path) -> None:
    """Write the audio graph."""
    axes = {"input_features": ("sounds", "frames"), "input_features_mask": ("sounds", "frames")}
    sample = (torch.randn(1, 100, 128), torch.ones(1, 100, dtype=torch.bool))
    with _traceable_audio(model.config.audio_config):
        _export(AudioGraph(model), sample, axes, "audio_features", path)


@contextmanager
def _traceable_audio(config: Any) -> Iterator[None]:
    """Replace two functions of the audio tower by equal ones that the exporter understands."""

    def mask(inputs_embeds: Any, attention_mask: Any, **_: Any) -> Any:
        at = torch.arange(inputs_embeds.shape[1])
        back = at[:, None] - at[None, :]
        left, right = config.attention_context_left - 1, config.attention_context_right
        near = ((back >= 0) & (back < left)) | ((back < 0) & (-back < right))
        seen = near[None, None] & attention_mask[:, None, None, :].bool()
        return (~seen).to(inputs_embeds.dtype) * torch.finfo(inputs_embeds.dtype).min

    def blocks(self: Any, states: Any) -> Any:
        size = self.chunk_size
        count = (states.shape[1] + size - 1) // size
        edges = (self.max_past_horizon, self.max_future_horizon + size - 1)
        states = F.pad(states, (0, 0, 0, 0, *edges))
        at = torch.arange(count)[:, None] * size + torch.arange(self.context_size)[None]
        return states[:, at]

    attention = modeling_gemma4.Gemma4AudioAttention
    with (
        patch.object(modeling_gemma4, "create_bidirectional_mask", mask),
        patch.object(attention, "_extract_block_context", blocks),
    ):
        yield


def _export(
    graph: Any, sample: tuple[Any, ...], axes: Mapping[str, Sequence[str]], output: str, path: Path
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of the tracer, about constants that are constant here
        torch.onnx.export(
            graph.eval(),
            sample,
            str(path),
            input_names=list(axes),
            output_names=[output],
            dynamic_axes={n: dict(enumerate(a)) for n, a in axes.items()} | {output: {0: "rows"}},
            dynamo=False,  # the newer exporter needs onnxscript
            opset_version=18,
        )


def to_8_bit(path: Path, block: int = 32) -> int:
    """Rewrite a graph in place as it is published: the weights of its matrix products in 8 bits,
    a scale for each block of 32, in a file beside it. Returns how many products it changed."""
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load(str(path))
    weights = {w.name: w for w in model.graph.initializer}
    done: set[str] = set()
    changed = 0
    for node in model.graph.node:
        if node.op_type != "MatMul" or node.input[1] not in weights:
            continue
        name = node.input[1]
        matrix = numpy_helper.to_array(weights[name])
        if matrix.ndim != 2 or matrix.shape[0] % block:
            continue
        if name not in done:
            values, scales = _blocks_in_8_bit(matrix, block)
            model.graph.initializer.extend(
                [
                    numpy_helper.from_array(values, f"{name}_8bit"),
                    numpy_helper.from_array(scales, f"{name}_scales"),
                ]
            )
            done.add(name)
        inner, outer = matrix.shape
        node.CopyFrom(
            helper.make_node(
                "MatMulNBits",
                [node.input[0], f"{name}_8bit", f"{name}_scales"],
                list(node.output),
                domain="com.microsoft",
                K=inner,
                N=outer,
                bits=8,
                block_size=block,
            )
        )
        changed += 1
    kept = [w for w in model.graph.initializer if w.name not in done]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    path.unlink()
    onnx.save(model, str(path), save_as_external_data=True, location=f"{path.name}_data")
    return changed


def _blocks_in_8_bit(
    matrix: NDArray[np.float32], block: int
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """(outputs, blocks, block) with 128 for zero, and a scale for each block."""
    inner, outer = matrix.shape
    blocks = np.ascontiguousarray(matrix.T).reshape(outer, inner // block, block)
    scales = np.maximum(np.abs(blocks).max(-1, keepdims=True) / 127, 1e-12)
    values = np.clip(np.rint(blocks / scales) + 128, 0, 255).astype(np.uint8)
    return values, scales.reshape(-1).astype(np.float32)
