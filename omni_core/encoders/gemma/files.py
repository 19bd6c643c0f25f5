"""The files of EmbeddingGemma 2: which, at which commit, and where they are looked for.

They are those of `onnx-community/embeddinggemma-2-ONNX`, an export of `google/embeddinggemma-2`:
the graphs of text, vision and audio with 8-bit weights (block-wise, activations in float32; the
card of the export gives a cosine of at least .9997 to float32). Those in float16 are never used:
activations of this model leave its range, and vectors become NaN or silently wrong.
"""

from __future__ import annotations

import importlib.util
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from omni_core import weights
from omni_core.errors import UnavailableError
from omni_core.settings import Settings

NAME = "embeddinggemma-2"
"""Name of the folder, and of the model in models.toml."""
HUB_ID = "onnx-community/embeddinggemma-2-ONNX"
REVISION = "daa72c51243991dfcaf9f9137d2c573d8f7790c0"
SETUP = "omni-mcp setup --profile laptop"
"""The command that downloads the files."""

TEXT_GRAPH = "onnx/model_quantized.onnx"
VISION_GRAPH = "onnx/vision_encoder_quantized.onnx"
AUDIO_GRAPH = "onnx/audio_encoder_quantized.onnx"
TOKENIZER = "tokenizer.json"
PROCESSOR = "processor_config.json"


@dataclass(frozen=True, slots=True)
class File:
    """One file of the repository at `REVISION`."""

    path: str
    """Below the folder, as in the repository."""
    size: int
    """Bytes."""
    sha256: str


FILES = (
    File(
        TEXT_GRAPH, 495_165, "d06edd601f851c633a2519304cbeb8dc6170d7ceb61b436625c17fb9b6e74953"
    ),
    File(
        f"{TEXT_GRAPH}_data", 313_724_928,
        "278a7ff1248c3618e4bd11a607fc54f7bdc7778854230f3956d3f86bd9db4f3b",
    ),
    File(
        VISION_GRAPH, 162_495, "bb0de2df53a2448a32dc7908a187c168c8afd514d4d6f674f7f46024875fa4e3"
    ),
    File(
        f"{VISION_GRAPH}_data", 195_228_672,
        "3dabd69c0a36e9a8771ad82030dde74daa5a0e02b7047a5d3f3382b1137bab89",
    ),
    File(
        AUDIO_GRAPH, 249_330, "04a9a9094ba76fb169e4c69be45a4b621580188654d6be59eab860eadcd42d3c"
    ),
    File(
        f"{AUDIO_GRAPH}_data", 340_058_624,
        "aa6361d898e1f1d6303f8dd2b5fabf4fd3629e15fd709e9cb06ac5cb9416a030",
    ),
    File(TOKENIZER, 32_170_510, "4d777ef5bdc1aa36227abdfb77c3e49e7b9c892d16e1b6bda41c393504828be4"),
    File(PROCESSOR, 1_788, "168f6a08522f3ce5dea596d94d003af2fd691742d4f41fe1f9d8cce76bfbf69c"),
)  # fmt: skip


def required() -> tuple[File, ...]:
    """Every file that the encoder opens, at `REVISION` of `HUB_ID`."""
    return FILES


def folders(settings: Settings) -> tuple[Path, ...]:
    """Where the files are looked for, in this order; `omni-mcp setup` writes into the first.

    `weights_dir`, else `weights` in the store; in it a folder called after the model, or laid out
    as the hub names it.
    """
    given = settings.weights_dir
    root = Path(given).expanduser() if given else settings.store_path / "weights"
    return tuple(root / name for name in (NAME, HUB_ID, HUB_ID.rpartition("/")[2]))


def find(settings: Settings) -> Path | None:
    """The folder that holds the graph of the text model; None where there is none."""
    return next((f for f in folders(settings) if (f / TEXT_GRAPH).is_file()), None)


def verified(settings: Settings) -> Path:
    """The folder with every required file, each of them the pinned bytes.

    Raises UnavailableError naming what is missing or different, and the command that brings it.
    Each process hashes the 880 MB, several files at a time (half a second of CPU).
    """
    folder = find(settings)
    if folder is None:
        place = folders(settings)[0]
        raise UnavailableError(
            f"EmbeddingGemma 2 is not on this machine (looked in {place}): run `{SETUP}`"
        )
    with ThreadPoolExecutor(2, "hash") as threads:
        problems = [why for why in threads.map(lambda f: _problem(folder, f), required()) if why]
    if problems:
        raise UnavailableError(problems[0])
    return folder


def _problem(folder: Path, file: File) -> str:
    path = folder / file.path
    if not path.is_file():
        return f"EmbeddingGemma 2 is not complete: {path} is missing: run `{SETUP}`"
    if path.stat().st_size != file.size or weights.digest(path) != file.sha256:
        return f"{path} is not the file of {HUB_ID} at {REVISION[:12]}: delete it and run `{SETUP}`"
    return ""


def serves(name: str, settings: Settings) -> bool:
    """Whether the encoder `name` means this one: its own name always; the plain name of the model
    where the files are here, or where sentence-transformers, the other way to run it, is not."""
    if name == f"{NAME}-onnx":
        return True
    if name.lower() not in (NAME, f"google/{NAME}"):
        return False
    return find(settings) is not None or not with_torch()


def with_torch() -> bool:
    """Whether the [omni] extra is installed; imports nothing."""
    return importlib.util.find_spec("sentence_transformers") is not None
