"""The patches by name: what each gains, the names of the libraries that it needs, and the versions
that they are tested with.

With any other version all patches are off: a private name may still exist and mean something else.
"""

from __future__ import annotations

import importlib
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal

log = logging.getLogger(__name__)

PatchSetting = Literal["auto", "off"]
"""The values of `Settings.model_patches`."""
KNOWN_VERSIONS = {
    "torch": ((2, 15), (2, 15)),
    "transformers": ((5, 21), (5, 24)),
    "sentence-transformers": ((6, 1), (6, 2)),
}
"""First and last version, major and minor, of each library that the patches are tested with."""


@dataclass(frozen=True, slots=True)
class Patch:
    """One patch."""

    what: str
    """What it changes, and what that gains."""
    imports: tuple[str, ...] = ()
    """Names that must exist, as `package.module:name` or `package.module:Class.attribute`."""
    attributes: tuple[str, ...] = ()
    """Attributes that the model's input module must have."""

    def missing(self, first: Any) -> str:
        """The first needed name that does not exist; empty when all do. `first`: the input module
        of a sentence-transformers model."""
        for name in self.imports:
            if not _exists(name):
                return name
        for name in self.attributes:
            if not hasattr(first, name):
                return f"{type(first).__name__}.{name}"
        return ""


PATCHES = {
    "base-model": Patch(
        "drops a language head whose logits are unused: 600 KB a token, and every layer's states",
        attributes=(
            "model",
            "modality_config",
            "model_forward_params",
            "_declared_forward_params",
        ),
    ),
    "processor-copies": Patch(
        "gives each preparing thread its own processor: a shared one raises 'Already borrowed'",
        attributes=("processor", "input_formatter", "_chat_template_suffix_cache"),
    ),
    "host-positions": Patch(
        "computes three-axis position ids while a batch is prepared, not on the device",
        attributes=("model",),
    ),
    "packed-attention": Patch(
        "skips padding and runs all windows of a tower in one call",
        imports=(
            "torch.nn.attention.varlen:varlen_attn",
            "transformers:AttentionInterface.register",
            "transformers:PretrainedConfig._attn_implementation",
            "transformers:PreTrainedModel._supports_sdpa",
            "transformers.masking_utils:ALL_MASK_ATTENTION_FUNCTIONS.register",
            "transformers.masking_utils:flash_attention_mask",
        ),
        attributes=("model",),
    ),
    "norms": Patch("one kernel a norm instead of seven", imports=("torch.nn.functional:rms_norm",)),
    "gated-layers": Patch(
        "pads the widths of gate, up and down to those that fast matrix kernels take",
        imports=("torch.nn:Linear", "torch.nn.functional:linear"),
    ),
    "patch-convolutions": Patch(
        "a convolution over its whole input becomes a matrix product",
        imports=("torch.nn:Conv3d", "torch.nn.functional:linear"),
    ),
    "compiled-functions": Patch(
        "compiles the gate's activation and the rotary embeddings to one kernel each",
        imports=("torch:compile", "torch._dynamo:config.suppress_errors"),
    ),
}
"""All but the first three are for CUDA devices only, see `apply.suited`."""


def usable(name: str, first: Any, setting: PatchSetting) -> bool:
    """Whether a patch may be used on the model with this input module.

    False when the setting is `off`, when a library has a version that the patches do not know, or
    when a needed name is missing; each is said in one line of the log.
    """
    if setting == "off":
        return False
    if unknown := unknown_versions():
        _warn_once(unknown)
        return False
    missing = PATCHES[name].missing(first)
    if missing:
        log.warning(
            "the patch %r is left out and the libraries' own way is used: %s does not exist in %s",
            name,
            missing,
            _versions(KNOWN_VERSIONS),
        )
    return not missing


def unknown_versions() -> str:
    """The installed libraries that the patches do not know, and what they know; empty if none."""
    lines = []
    for package, (first, last) in KNOWN_VERSIONS.items():
        try:
            installed = version(package)
        except PackageNotFoundError:
            installed = "none"
        if not first <= _major_minor(installed) <= last:
            known = " to ".join(dict.fromkeys(".".join(map(str, v)) for v in (first, last)))
            lines.append(f"{package} {installed} (known: {known})")
    return ", ".join(lines)


def patch_state(setting: PatchSetting) -> str:
    """Whether patches may be used here, in a few words for a person."""
    if setting == "off":
        return "off, by the setting model_patches"
    unknown = unknown_versions()
    return f"off: {unknown}; the same vectors, slower" if unknown else "on where they suit"


@cache
def _warn_once(unknown: str) -> None:
    log.warning("models run without patches, with the same vectors and slower: %s", unknown)


def _major_minor(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text)[:2])


def _exists(name: str) -> bool:
    module, _, path = name.partition(":")
    try:
        owner = importlib.import_module(module)
    except ImportError:
        return False
    for attribute in path.split("."):
        if not hasattr(owner, attribute):
            return False
        owner = getattr(owner, attribute)
    return True


def _versions(packages: Iterable[str]) -> str:
    return ", ".join(f"{package} {version(package)}" for package in packages)
