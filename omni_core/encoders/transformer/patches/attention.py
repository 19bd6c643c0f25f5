"""Attention without padding, by torch's variable-length kernel.

transformers' sdpa has two costs for these models. The vision and audio towers attend within
windows, and it calls the kernel once for each window (hundreds a layer). And a padded batch needs a
mask, which flash kernels do not take. Torch's variable-length kernel avoids both: all windows in
one call, padding skipped. It is registered under a name that contains "flash", for which
transformers passes sequence boundaries instead of splitting.
"""

from __future__ import annotations

import inspect
import logging
import threading
from functools import cache
from itertools import pairwise
from typing import Any

log = logging.getLogger(__name__)

NAME = "omni_flash_varlen"


def install(model: Any, device: str) -> int:
    """Switch a loaded model to this file's attention; returns the number of modules switched.

    0, with nothing changed, where a flash kernel is already in use, the kernel does not take the
    precision, or its results differ from plain attention.
    """
    import torch

    config, dtype = model[0].model.config, model[0].model.dtype
    if "flash" in (config._attn_implementation or ""):
        return 0
    fits = dtype in (torch.bfloat16, torch.float16)
    if device.startswith("cuda") and not (fits and _agrees(device, dtype)):
        return 0
    _register()
    # After loading: during loading the name would be looked up on the hub. The setter applies it
    # to nested configurations.
    changed = 0
    for module in model.modules():
        if hasattr(module, "_supports_sdpa") and module.config is not None:
            module.config._attn_implementation = NAME
            changed += 1
    return changed


def in_use(model: Any) -> bool:
    """Whether `install` has changed this model."""
    first = model[0]
    if not (hasattr(first, "model") and hasattr(first.model, "config")):
        return False
    config = first.model.config
    return hasattr(config, "_attn_implementation") and config._attn_implementation == NAME


def _register() -> None:
    from transformers import AttentionInterface
    from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS, flash_attention_mask

    AttentionInterface.register(NAME, forward)
    ALL_MASK_ATTENTION_FUNCTIONS.register(NAME, flash_attention_mask)


def forward(
    module: Any,
    query: Any,
    key: Any,
    value: Any,
    attention_mask: Any,
    *,
    dropout: float = 0.0,
    scaling: float | None = None,
    is_causal: bool | None = None,
    cu_seq_lens_q: Any = None,
    max_length_q: int | None = None,
    **_: Any,
) -> tuple[Any, None]:
    """Attention of (batch, heads, tokens, width) tensors, without padding.

    `attention_mask` is None or (batch, tokens), 0 for padding; with `cu_seq_lens_q` the
    batch is one packed row whose boundaries it gives. Returns (batch, tokens, heads, width).
    """
    batch, heads, tokens, width = query.shape
    causal = module.is_causal if is_causal is None else is_causal
    q, k, v = (t.transpose(1, 2) for t in (query, key, value))
    if cu_seq_lens_q is not None:
        bounds, longest, rows = cu_seq_lens_q, max_length_q, None
    else:
        bounds, longest, rows = _boundaries(attention_mask, batch, tokens, query.device)
    if rows is None:
        q, k, v = (t.reshape(-1, t.shape[2], width) for t in (q, k, v))
    else:
        q, k, v = (t.reshape(-1, t.shape[2], width)[rows] for t in (q, k, v))
    out = _kernel(q, k, v, bounds, int(longest or tokens), scaling, causal=bool(causal))
    if rows is not None:
        whole = out.new_zeros(batch * tokens, heads, width)
        whole[rows] = out
        out = whole
    return out.reshape(batch, tokens, heads, width), None


def _kernel(
    q: Any, k: Any, v: Any, bounds: Any, longest: int, scaling: float | None, *, causal: bool
) -> Any:
    if not q.is_cuda:
        return _one_by_one(q, k, v, bounds, scaling, causal=causal)
    import torch
    from torch.nn.attention.varlen import varlen_attn

    bounds = bounds.to(device=q.device, dtype=torch.int32)
    known = _arguments()
    options: dict[str, Any] = {}
    if "scale" in known:
        options["scale"] = scaling
    elif scaling is not None:
        q = q * (scaling * q.shape[-1] ** 0.5)
    if "window_size" in known:
        options["window_size"] = (-1, 0) if causal else (-1, -1)
    else:
        options["is_causal"] = causal
    if "num_splits" in known:  # with more, the rest of a batch changes the order of sums
        options["num_splits"] = 1
    if (groups := q.shape[1] // k.shape[1]) > 1:
        if "enable_gqa" in known:
            options["enable_gqa"] = True
        else:
            k, v = (t.repeat_interleave(groups, dim=1) for t in (k, v))
    return varlen_attn(q, k, v, bounds, bounds, longest, longest, **options)


@cache
def _arguments() -> frozenset[str]:
    """The kernel's parameters, which differ between releases of torch."""
    from torch.nn.attention.varlen import varlen_attn

    return frozenset(inspect.signature(varlen_attn).parameters)


def _one_by_one(q: Any, k: Any, v: Any, bounds: Any, scaling: float | None, *, causal: bool) -> Any:
    """The same with one call for each sequence: the reference for the kernel, and used on a CPU."""
    import torch
    from torch.nn.functional import scaled_dot_product_attention as sdpa

    parts = []
    edges = bounds.tolist()
    for a, b in pairwise(edges):
        q1, k1, v1 = (t[a:b].transpose(0, 1).unsqueeze(0) for t in (q, k, v))
        out = sdpa(q1, k1, v1, scale=scaling, is_causal=causal and b - a > 1, enable_gqa=True)
        parts.append(out.squeeze(0).transpose(0, 1))
    return torch.cat(parts)


class _CurrentBatch(threading.local):
    """Sequence boundaries of this thread's batch, computed on the host before it starts, so that no
    layer synchronises with the device for them."""

    shape: tuple[int, ...] = ()
    boundaries: tuple[Any, int, Any] = (None, 0, None)


_current_batch = _CurrentBatch()


def set_sequence_boundaries(mask: Any, device: str) -> None:
    """Set the boundaries of this thread's next forward pass from `mask`, which is on the host."""
    edges, longest, rows = _from_mask(mask)
    if device.startswith("cuda"):
        edges, rows = (t.pin_memory().to(device, non_blocking=True) for t in (edges, rows))
    _current_batch.shape, _current_batch.boundaries = tuple(mask.shape), (edges, longest, rows)


def _boundaries(mask: Any, batch: int, tokens: int, device: Any) -> tuple[Any, int, Any]:
    import torch

    if mask is None:
        edges = torch.arange(0, (batch + 1) * tokens, tokens, dtype=torch.int32, device=device)
        return edges, tokens, None
    if _current_batch.shape == (batch, tokens) and _current_batch.boundaries[0].device == device:
        return _current_batch.boundaries
    return _from_mask(mask)


def _from_mask(mask: Any) -> tuple[Any, int, Any]:
    import torch

    lengths = mask.sum(1, dtype=torch.int32)
    edges = torch.nn.functional.pad(lengths.cumsum(0, dtype=torch.int32), (1, 0))
    return edges, int(lengths.max()), mask.flatten().nonzero().flatten()


def _agrees(device: str, dtype: Any) -> bool:
    """Whether the kernel runs on this device and agrees with plain attention."""
    import torch

    g = torch.Generator(device).manual_seed(0)
    shape = {"generator": g, "device": device, "dtype": dtype}
    q = torch.randn(96, 4, 64, **shape)
    k, v = torch.randn(96, 2, 64, **shape), torch.randn(96, 2, 64, **shape)
    bounds = torch.tensor([0, 7, 40, 96], dtype=torch.int32, device=device)
    try:
        for causal in (True, False):
            fast = _kernel(q, k, v, bounds, 56, None, causal=causal)
            slow = _one_by_one(q, k, v, bounds, None, causal=causal)
            if not torch.allclose(fast.float(), slow.float(), atol=2e-2):
                log.warning("torch's variable-length attention disagrees here; sdpa is used")
                return False
    except (RuntimeError, NotImplementedError) as e:
        log.info("no variable-length attention here (%s); sdpa is used", str(e).splitlines()[0])
        return False
    return True
