"""The same arithmetic in fewer, wider kernels, for models on a CUDA device.

Measured on an H100 with Qwen2.5-Omni-3B's shapes: of 360 ms for a batch of six pages, the matrix
products the model needs take 120. The rest is memory traffic between small kernels (a norm is
seven of them, a rotation of one head ten), and the vision tower's 3420-wide layer, which no fast
matrix kernel takes because its rows do not begin on 16 bytes. So:

- norms become torch's fused one;
- gate, up and down are padded with zeros to a multiple of 64: zero columns add nothing;
- the gate's activation and the rotations are compiled to one kernel each (needs triton);
- a convolution whose kernel is its whole input (patches) becomes a matrix product.

Each replacement is compared with what it replaces before it is used, and left out if it differs.
"""

from __future__ import annotations

import importlib.util
import logging
import sys
import types
from collections import Counter
from collections.abc import Callable
from typing import Any

log = logging.getLogger(__name__)

WIDTH = 64
"""Matrix kernels on Hopper want rows of 128 bytes."""
CLOSE = 0.02
"""Relative error that bfloat16 rounding in another order may cause."""
_ROTATIONS = ("apply_rotary_pos_emb", "apply_rotary_pos_emb_vision")


def fuse(model: Any, *, compiled: bool | None = None) -> dict[str, int]:
    """Replace what is known in a loaded model; returns how many of each kind.

    `compiled`: whether to use torch.compile for the small functions; None: where triton is.
    """
    import torch

    if compiled is None:
        compiled = importlib.util.find_spec("triton") is not None
    done: Counter[str] = Counter()
    with torch.no_grad():
        for module in model.modules():
            if _is_gated(module):
                done["mlp"] += _fuse_gated(module, compiled=compiled)
            elif type(module).__name__.endswith("RMSNorm"):
                done["norm"] += _fuse_norm(module)
            elif isinstance(module, torch.nn.Conv3d):
                done["patches"] += _fuse_patches(module)
    if compiled:
        import torch._dynamo

        torch._dynamo.config.suppress_errors = True  # what cannot be compiled runs as it is
        done["rotation"] = _compile_rotations(model)
    return dict(done)


def _is_gated(module: Any) -> bool:
    import torch

    parts = [getattr(module, n, None) for n in ("gate_proj", "up_proj", "down_proj")]
    return hasattr(module, "act_fn") and all(isinstance(p, torch.nn.Linear) for p in parts)


def _fuse_gated(module: Any, *, compiled: bool) -> int:
    import torch
    from torch.nn.functional import linear

    gate, up, down = module.gate_proj, module.up_proj, module.down_proj
    extra = -gate.out_features % WIDTH
    sample = torch.randn(4, gate.in_features, device=gate.weight.device, dtype=gate.weight.dtype)
    before = module(sample)
    first, second = (_taller(p.weight, extra) for p in (gate, up))
    third = _taller(down.weight.T, extra).T.contiguous()
    bias = [None if p.bias is None else _taller(p.bias, extra) for p in (gate, up)]
    join = _gated(type(module.act_fn), compiled)

    def forward(self: Any, hidden_state: Any) -> Any:
        opened = join(linear(hidden_state, first, bias[0]), linear(hidden_state, second, bias[1]))
        return linear(opened, third, down.bias)

    if not _same(before, forward(module, sample)):
        return 0
    module.forward = types.MethodType(forward, module)
    if extra:  # the narrow weights would hold the memory twice
        gate.weight = torch.nn.Parameter(first[:-extra], requires_grad=False)
        up.weight = torch.nn.Parameter(second[:-extra], requires_grad=False)
        down.weight = torch.nn.Parameter(third[:, :-extra], requires_grad=False)
    return 1


def _taller(weight: Any, rows: int) -> Any:
    """`weight` with so many rows of zeros below it; itself for none."""
    import torch

    if not rows:
        return weight
    return torch.cat([weight, weight.new_zeros(rows, *weight.shape[1:])])


_kernels: dict[tuple[Any, bool], Callable[[Any, Any], Any]] = {}


def _gated(kind: Any, compiled: bool) -> Callable[[Any, Any], Any]:
    """act(first) times second, as one kernel where compiled; one a kind of activation.

    Two tensors rather than halves of one: flat indices run at 2.5 TB/s, halves at 1.2.
    """
    import torch

    if (kind, compiled) in _kernels:
        return _kernels[kind, compiled]
    act = kind()

    def gated(first: Any, second: Any) -> Any:
        return act(first) * second

    _kernels[kind, compiled] = torch.compile(gated, dynamic=True) if compiled else gated
    return _kernels[kind, compiled]


def _fuse_patches(module: Any) -> int:
    """A convolution that sees each of its inputs whole: cuDNN takes a slow path for it."""
    import torch
    from torch.nn.functional import linear

    plain = module.forward
    whole = tuple(module.kernel_size)
    if tuple(module.stride) != whole or any(module.padding) or module.groups != 1:
        return 0
    weight = module.weight.reshape(module.out_channels, -1)

    def forward(self: Any, x: Any) -> Any:
        if tuple(x.shape[2:]) != whole:
            return plain(x)
        return linear(x.reshape(len(x), -1), weight, module.bias)[..., None, None, None]

    shape = (3, module.in_channels, *whole)
    sample = torch.randn(shape, device=weight.device, dtype=weight.dtype)
    if not _same(plain(sample), forward(module, sample)):
        return 0
    module.forward = types.MethodType(forward, module)
    return 1


def _fuse_norm(module: Any) -> int:
    import torch
    from torch.nn.functional import rms_norm

    weight = getattr(module, "weight", None)
    eps = getattr(module, "variance_epsilon", getattr(module, "eps", None))
    if weight is None or eps is None:
        return 0

    def forward(self: Any, hidden_states: Any) -> Any:
        return rms_norm(hidden_states, weight.shape, weight, eps)

    sample = torch.randn(4, weight.shape[0], device=weight.device, dtype=weight.dtype)
    if not _same(module(sample), forward(module, sample)):
        return 0  # Gemma's norms add one to the weight
    module.forward = types.MethodType(forward, module)
    return 1


def _compile_rotations(model: Any) -> int:
    """The rotary functions of the modules that define this model's layers, compiled.

    They are looked up as globals there; this process runs one model, so the change is its own.
    """
    import torch

    done = 0
    for name in {type(m).__module__ for m in model.modules()}:
        home = sys.modules[name]
        for function in _ROTATIONS:
            plain = getattr(home, function, None)
            ours = name.startswith("transformers.models.") and isinstance(plain, types.FunctionType)
            if ours and not hasattr(plain, "_torchdynamo_orig_callable"):
                setattr(home, function, torch.compile(plain, dynamic=True))
                done += 1
    return done


def _same(before: Any, after: Any) -> bool:
    scale = float(before.float().abs().max()) or 1.0
    worst = float((before.float() - after.float()).abs().max()) / scale
    if worst > CLOSE:
        log.info("a fused layer differs by %.3f and is left as it was", worst)
    return worst <= CLOSE
