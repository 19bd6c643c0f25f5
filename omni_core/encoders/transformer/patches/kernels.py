"""Kernel fusion for models on a CUDA device: the same arithmetic in fewer, larger kernels.

Measured on an H100 with Qwen2.5-Omni-3B's shapes: of 360 ms for a batch of six pages, the matrix
products take 120. The rest is memory traffic between small kernels (a norm is seven of them, a
rotary embedding of one head ten), and the vision tower's layer of width 3420, whose rows are not
aligned to 16 bytes as fast matrix kernels need. So:

- norms become torch's fused kernel;
- gate, up and down are padded with zeros to a multiple of 64: zero columns add nothing;
- the gate's activation and the rotary embeddings are compiled to one kernel each (needs triton);
- a convolution whose kernel covers its whole input (patches) becomes a matrix product.

Each replacement is compared with the original module first, and dropped if it differs.
"""

from __future__ import annotations

import logging
import sys
import types
from collections import Counter
from collections.abc import Callable, Collection
from typing import Any

log = logging.getLogger(__name__)

WIDTH = 64
"""Multiple to which widths are padded; matrix kernels on Hopper prefer rows of 128 bytes."""
TOLERANCE = 0.02
"""Relative error allowed for bfloat16 rounding in another order."""
_ROTATIONS = ("apply_rotary_pos_emb", "apply_rotary_pos_emb_vision")


def fuse_kernels(model: Any, patches: Collection[str]) -> dict[str, int]:
    """Apply `patches` to a loaded model; returns the number of replacements of each.

    Patches: norms, gated-layers, patch-convolutions, compiled-functions.
    """
    import torch

    compiled = "compiled-functions" in patches
    if compiled:
        import torch._dynamo

        torch._dynamo.config.suppress_errors = True  # what cannot be compiled runs eagerly
    changed: Counter[str] = Counter()
    with torch.no_grad():
        for module in model.modules():
            if "gated-layers" in patches and is_gated(module):
                changed["gated-layers"] += _fuse_gated(module, compiled=compiled)
            elif "norms" in patches and type(module).__name__.endswith("RMSNorm"):
                changed["norms"] += _fuse_norm(module)
            elif "patch-convolutions" in patches and isinstance(module, torch.nn.Conv3d):
                changed["patch-convolutions"] += _fuse_patches(module)
    if compiled:
        changed["compiled-functions"] = _compile_rotations(model)
    return dict(changed)


def is_gated(module: Any) -> bool:
    """Whether a module computes down(act(gate(x)) * up(x)) with three plain matrices."""
    import torch

    children = dict(module.named_children())
    matrices = [children.get(n) for n in ("gate_proj", "up_proj", "down_proj")]
    return "act_fn" in children and all(isinstance(m, torch.nn.Linear) for m in matrices)


def _fuse_gated(module: Any, *, compiled: bool) -> int:
    import torch
    from torch.nn.functional import linear

    gate, up, down = module.gate_proj, module.up_proj, module.down_proj
    extra = -gate.out_features % WIDTH
    sample = torch.randn(4, gate.in_features, device=gate.weight.device, dtype=gate.weight.dtype)
    before = module(sample)
    wide_gate, wide_up = (_with_zero_rows(p.weight, extra) for p in (gate, up))
    wide_down = _with_zero_rows(down.weight.T, extra).T.contiguous()
    bias = [None if p.bias is None else _with_zero_rows(p.bias, extra) for p in (gate, up)]
    product = _gated_product(type(module.act_fn), compiled)

    def forward(self: Any, hidden_state: Any) -> Any:
        gates = linear(hidden_state, wide_gate, bias[0])
        values = linear(hidden_state, wide_up, bias[1])
        return linear(product(gates, values), wide_down, down.bias)

    if not _close(before, forward(module, sample)):
        return 0
    module.forward = types.MethodType(forward, module)
    if extra:  # else the unpadded weights would double the memory
        gate.weight = torch.nn.Parameter(wide_gate[:-extra], requires_grad=False)
        up.weight = torch.nn.Parameter(wide_up[:-extra], requires_grad=False)
        down.weight = torch.nn.Parameter(wide_down[:, :-extra], requires_grad=False)
    return 1


def _with_zero_rows(weight: Any, rows: int) -> Any:
    """`weight` with `rows` rows of zeros appended."""
    import torch

    if not rows:
        return weight
    return torch.cat([weight, weight.new_zeros(rows, *weight.shape[1:])])


_gated_products: dict[tuple[Any, bool], Callable[[Any, Any], Any]] = {}


def _gated_product(activation: Any, compiled: bool) -> Callable[[Any, Any], Any]:
    """act(first) times second, as one kernel where compiled; cached by class of activation.

    Two contiguous tensors run at 2.5 TB/s, two halves of one tensor at 1.2.
    """
    import torch

    if (activation, compiled) in _gated_products:
        return _gated_products[activation, compiled]
    act = activation()

    def product(first: Any, second: Any) -> Any:
        return act(first) * second

    chosen = torch.compile(product, dynamic=True) if compiled else product
    _gated_products[activation, compiled] = chosen
    return chosen


def _fuse_patches(module: Any) -> int:
    """Replace a convolution whose kernel covers its whole input, for which cuDNN is slow."""
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
    if not _close(plain(sample), forward(module, sample)):
        return 0
    module.forward = types.MethodType(forward, module)
    return 1


def _fuse_norm(module: Any) -> int:
    import torch
    from torch.nn.functional import rms_norm

    own = vars(module)
    weight = dict(module.named_parameters(recurse=False)).get("weight")
    eps = own.get("variance_epsilon", own.get("eps"))
    if weight is None or eps is None:
        return 0

    def forward(self: Any, hidden_states: Any) -> Any:
        return rms_norm(hidden_states, weight.shape, weight, eps)

    sample = torch.randn(4, weight.shape[0], device=weight.device, dtype=weight.dtype)
    if not _close(module(sample), forward(module, sample)):
        return 0  # as with Gemma's norms, which add one to the weight
    module.forward = types.MethodType(forward, module)
    return 1


_compiled_rotations: set[Any] = set()


def _compile_rotations(model: Any) -> int:
    """Compile the rotary embedding functions of the modules that define this model's layers.

    They are looked up as globals there; this process runs one model, so the change is its own.
    """
    import torch

    changed = 0
    for name in {type(m).__module__ for m in model.modules()}:
        if not name.startswith("transformers.models."):
            continue
        namespace = vars(sys.modules[name])
        for function in _ROTATIONS:
            plain = namespace.get(function)
            if isinstance(plain, types.FunctionType) and plain not in _compiled_rotations:
                namespace[function] = torch.compile(plain, dynamic=True)
                _compiled_rotations.add(namespace[function])
                changed += 1
    return changed


def _close(before: Any, after: Any) -> bool:
    scale = float(before.float().abs().max()) or 1.0
    worst = float((before.float() - after.float()).abs().max()) / scale
    if worst > TOLERANCE:
        log.info("a fused layer differs by %.3f and is left as it was", worst)
    return worst <= TOLERANCE
