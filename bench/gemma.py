"""What EmbeddingGemma 2 on ONNX Runtime costs: a question, a passage, a picture, film, sound.

    python bench/gemma.py --folder WEIGHTS/embeddinggemma-2     # the published graphs
    python bench/gemma.py --random                              # random weights of the same size

`--random` builds the graphs first (4 GB of memory, 2 GB of disk, some minutes; needs the [omni]
extra), in 8 bits as they are published; `--keep DIR` keeps them for the next run. Their figures
stand for the published ones but in one thing: attention there is one fused operator, here it is
several, so pictures cost a little more. Prints milliseconds of the clock and of the processor, the
memory after each step, and how long a question takes while pictures are being ingested. Nothing is
downloaded; nothing is asserted.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from omni_core.encoders.gemma import files
from omni_core.encoders.gemma.encoder import FPS, GemmaEncoder
from omni_core.settings import Settings
from omni_core.types import SAMPLE_RATE, AudioContent, ImageContent, TextContent, VideoContent

VISION = {
    "model_type": "gemma4_vision",
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 16,
    "num_attention_heads": 12,
    "num_key_value_heads": 12,
    "head_dim": 64,
    "global_head_dim": 64,
    "patch_size": 16,
    "pooling_kernel_size": 3,
    "position_embedding_size": 10240,
}
AUDIO = {
    "model_type": "gemma4_audio",
    "hidden_size": 1024,
    "num_hidden_layers": 12,
    "num_attention_heads": 8,
    "output_proj_dims": 1536,
    "subsampling_conv_channels": [128, 32],
    "use_clipped_linears": True,
}
PROCESSOR = {
    "image_processor": {"max_soft_tokens": 280, "patch_size": 16, "pooling_kernel_size": 3},
    "video_processor": {
        "max_soft_tokens": 140,
        "patch_size": 16,
        "pooling_kernel_size": 3,
        "max_frames": 32,
    },
}


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--folder", type=Path, help="the published files")
    where.add_argument("--random", action="store_true", help="random weights of the same size")
    parser.add_argument("--keep", type=Path, help="with --random: where the graphs are, or go")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--build", choices=("text", "vision", "audio"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.build:
        build(args.build, args.keep)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.folder or args.keep or Path(temporary)
        if args.random:
            make(folder)
        measure(folder, args.threads)


# ---- random weights of the full size ---------------------------------------------------------


def make(folder: Path) -> None:
    """The graphs that are not there yet, each in a process of its own: its memory goes with it."""
    for part, name in (
        ("text", files.TEXT_GRAPH),
        ("vision", files.VISION_GRAPH),
        ("audio", files.AUDIO_GRAPH),
    ):
        if not (folder / f"{name}_data").is_file():
            command = [sys.executable, __file__, "--random", "--build", part, "--keep", str(folder)]
            subprocess.run(command, check=True)
    (folder / files.PROCESSOR).write_text(json.dumps(PROCESSOR), encoding="utf-8")
    tokenizer(folder / files.TOKENIZER)


def build(part: str, folder: Path) -> None:
    """One graph with random weights, in 8 bits."""
    import torch
    from transformers import EmbeddingGemma2Config, EmbeddingGemma2Model

    from bench import gemma_export

    # the text model of the other two is not used: as small as it can be
    small = {"vocab_size": 1000, "num_hidden_layers": 1, "layer_types": ["full_attention"]}
    config = EmbeddingGemma2Config(
        text_config={} if part == "text" else small,
        vision_config=VISION if part == "vision" else None,
        audio_config=AUDIO if part == "audio" else None,
    )
    config._attn_implementation = "eager"  # the only one that can be traced
    torch.manual_seed(0)
    model = EmbeddingGemma2Model(config).eval()
    export, name = {
        "text": (gemma_export.export_text, files.TEXT_GRAPH),
        "vision": (gemma_export.export_vision, files.VISION_GRAPH),
        "audio": (gemma_export.export_audio, files.AUDIO_GRAPH),
    }[part]
    export(model, folder / name)
    print(f"{part}: {gemma_export.to_8_bit(folder / name)} products in 8 bits", flush=True)


def tokenizer(path: Path) -> None:
    """One id for each byte of a text, and the marks of media at their places."""
    from tokenizers import AddedToken, Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import WhitespaceSplit
    from tokenizers.processors import TemplateProcessing

    ids = {"<pad>": 0, "<eos>": 1, "<bos>": 2, "<unk>": 3}
    ids |= {"<|image>": 255_999, "<|audio>": 256_000, "<|image|>": 258_880, "<|audio|>": 258_881}
    ids |= {"<image|>": 258_882, "<audio|>": 258_883, "<|video|>": 258_884}
    ids |= {f"w{n}": 1000 + n for n in range(1000)}
    made = Tokenizer(WordLevel(ids, unk_token="<unk>"))  # noqa: S106 - no password
    made.pre_tokenizer = WhitespaceSplit()
    made.add_special_tokens([AddedToken(m, special=True) for m in list(ids)[1:11] if m != "<unk>"])
    made.post_processor = TemplateProcessing(
        single="<bos> $A <eos>", special_tokens=[("<bos>", 2), ("<eos>", 1)]
    )
    made.save(str(path))


# ---- measurements -----------------------------------------------------------------------------


def measure(folder: Path, threads: int) -> None:
    """Load, then each kind of content alone, then a question beside pictures."""
    started = time.perf_counter()
    encoder = GemmaEncoder(folder, GemmaEncoder.describe(Settings()), threads)
    question = TextContent(" ".join(f"w{n}" for n in range(9)))
    encoder.encode_questions([question])
    print(f"load of the text graph {time.perf_counter() - started:.1f} s, {memory()}")
    rng = np.random.default_rng(0)
    passages = [
        TextContent(" ".join(f"w{n}" for n in rng.integers(0, 1000, 240))) for _ in range(4)
    ]
    picture = ImageContent(rng.integers(0, 256, (960, 1280, 3), dtype=np.uint8))
    frames = rng.integers(0, 256, (2, 432, 768, 3), dtype=np.uint8)
    film = VideoContent(frames, (0.0, 1 / FPS), FPS, frames[0])
    sound = AudioContent(rng.normal(0, 0.1, 30 * SAMPLE_RATE).astype(np.float32))
    show("a question of 18 tokens", lambda: encoder.encode_questions([question]), 15)
    show("a passage of 250 tokens", lambda: encoder.encode(passages[:1]), 3)
    show("four passages together", lambda: encoder.encode(passages), 2)
    show("a picture, 4:3", lambda: encoder.encode([picture]), 1)
    wall, cpu = show("two frames of a film, 16:9", lambda: encoder.encode([film]), 1)
    per_minute = 60 * FPS / len(frames)
    print(
        f"  so a minute of film: {wall * per_minute:.0f} s, {cpu * per_minute:.0f} s of processor"
    )
    wall, cpu = show("30 s of sound", lambda: encoder.encode([sound]), 1)
    print(f"  so a minute of sound: {2 * wall:.0f} s, {2 * cpu:.0f} s of processor")
    beside(encoder, question, picture)


def show(title: str, work: Callable[[], Any], times: int) -> tuple[float, float]:
    """Median seconds of the clock and of the processor, after one run that is not counted."""
    work()
    walls, cpus = [], []
    for _ in range(times):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    wall, cpu = statistics.median(walls), statistics.median(cpus)
    print(
        f"{title}: {wall * 1000:.0f} ms, {cpu * 1000:.0f} ms of processor, {memory()}", flush=True
    )
    return wall, cpu


def beside(encoder: GemmaEncoder, question: TextContent, picture: ImageContent) -> None:
    """A question while another thread looks at a picture."""
    ingest = threading.Thread(target=encoder.encode, args=([picture],))
    waits: list[float] = []
    ingest.start()
    while ingest.is_alive():
        started = time.perf_counter()
        encoder.encode_questions([question])
        waits.append(time.perf_counter() - started)
        time.sleep(0.3)
    ingest.join()
    print(
        f"a question while a picture is ingested: median {statistics.median(waits) * 1000:.0f} ms, "
        f"longest {max(waits) * 1000:.0f} ms"
    )


def memory() -> str:
    """Resident memory of this process, now and at most so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return f"{psutil.Process().memory_info().rss / 1e6:.0f} MB (at most {peak / 1e6:.0f})"


if __name__ == "__main__":
    main()
