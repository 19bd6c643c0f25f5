"""What `processor_config.json` says of pictures and frames."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from omni_core.encoders.gemma import files
from omni_core.encoders.gemma.pictures import Budget
from omni_core.errors import UnavailableError


@dataclass(frozen=True, slots=True)
class Processing:
    """Soft tokens of pictures and frames, and how many frames a film may have."""

    picture: Budget
    frame: Budget
    max_frames: int

    @classmethod
    def read(cls, path: Path) -> Self:
        """From the file; raises UnavailableError where it says something else."""
        try:
            config = json.loads(path.read_text(encoding="utf-8"))
            video = config["video_processor"]
            return cls(_budget(config["image_processor"]), _budget(video), video["max_frames"])
        except (ValueError, KeyError, TypeError) as e:
            raise UnavailableError(
                f"{path} does not describe the inputs of EmbeddingGemma 2 ({e!r}): delete it and "
                f"run `{files.SETUP}`"
            ) from None


def _budget(part: Mapping[str, Any]) -> Budget:
    return Budget(part["max_soft_tokens"], part["patch_size"], part["pooling_kernel_size"])
