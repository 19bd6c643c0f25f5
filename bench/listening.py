"""What hearing speech costs on this machine, by the size of the Whisper model.

    python bench/listening.py [--threads N] [base turbo large ...]

The weights are random, of the real sizes and in int8 as they run here, so nothing is downloaded;
the words are nonsense, the work is the same. A minute of speech is 2.5 windows of 24 s with 200
tokens, decoded with the reader's beam. Prints CPU seconds for a minute of speech, seconds on the
clock, and the peak memory of the process that heard it.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

REPO = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(REPO)]

import numpy as np  # noqa: E402

from omni_core import weights  # noqa: E402
from omni_core.readers.speech import BEAM_SIZE, MAX_WINDOW_S  # noqa: E402
from omni_core.readers.whisper import Whisper  # noqa: E402
from omni_core.settings import Settings  # noqa: E402
from omni_core.types import SAMPLE_RATE  # noqa: E402

SIZES = {
    # width, encoder layers, decoder layers, heads, mel bands, vocabulary
    "base": (512, 6, 6, 8, 80, 51865),
    "turbo": (1280, 32, 4, 20, 128, 51866),
    "large": (1280, 32, 32, 20, 128, 51866),
}
TOKENS = 200
"""Of a minute of speech: what Whisper writes for 150 words and their times."""


def build(size: tuple[int, ...], folder: Path, settings: Settings) -> None:
    """A Whisper of this size with random weights, as CTranslate2 stores it."""
    from ctranslate2.specs import whisper_spec

    width, encoder, decoder, heads, mels, vocabulary = size
    spec: Any = whisper_spec.WhisperSpec(encoder, heads, decoder, heads)
    rng = np.random.default_rng(1)

    def fill(layer: Any, path: str, value: Any) -> None:
        if value is None:
            shape = _shape(path, width, mels, vocabulary)
            data = rng.standard_normal(shape, np.float32) / np.sqrt(shape[-1])
            setattr(layer, path.rpartition("/")[2], data.astype(np.float16))

    spec._visit(fill)
    for part, length in ((spec.encoder, 1500), (spec.decoder, 448)):
        part.position_encodings.encodings = rng.standard_normal((length, width), np.float32)
    held = weights.find("speech-base", settings)
    words = json.loads((held / "vocabulary.json").read_text(encoding="utf-8"))
    config = json.loads((held / "config.json").read_text(encoding="utf-8"))
    for key in ("suppress_ids", "suppress_ids_begin", "lang_ids"):
        setattr(spec.config, key, config[key])
    spec.config.alignment_heads = [[decoder - 1, 0]]
    spec.register_vocabulary([*words, *(f"<{i}>" for i in range(vocabulary - len(words)))])
    spec.validate()
    spec.optimize(quantization="int8")
    spec.save(str(folder))
    (folder / "tokenizer.json").write_bytes((held / "tokenizer.json").read_bytes())
    sizes = {"feature_size": mels, "sampling_rate": SAMPLE_RATE, "hop_length": 160, "n_fft": 400}
    (folder / "preprocessor_config.json").write_text(json.dumps({**sizes, "chunk_length": 30}))


def _shape(path: str, width: int, mels: int, vocabulary: int) -> tuple[int, ...]:
    """The shape of a weight by its path in the specification."""
    part, _, kind = path.rpartition("/")
    if kind in ("gamma", "beta"):
        return (width,)
    if part.endswith(("embeddings", "embeddings_0", "projection")):
        return (vocabulary, width)
    if "conv" in part:
        return (width,) if kind == "bias" else (width, mels if part.endswith("1") else width, 3)
    rows = width
    if part.endswith("self_attention/linear_0"):
        rows = 3 * width
    elif part.endswith("attention/linear_1") and "self_attention" not in part:
        rows = 2 * width
    elif part.endswith("ffn/linear_0"):
        rows = 4 * width
    columns = 4 * width if part.endswith("ffn/linear_1") else width
    return (rows,) if kind == "bias" else (rows, columns)


def measure(folder: Path, threads: int) -> dict[str, float]:
    """Encode and decode one window; scaled to a minute of speech."""
    model = Whisper(folder, threads)
    window = np.random.default_rng(2).standard_normal(round(MAX_WINDOW_S * SAMPLE_RATE))
    samples = (window * 0.05).astype(np.float32)
    model.encode([samples[: SAMPLE_RATE * 2]])
    began, cpu = time.perf_counter(), time.process_time()
    encoded = model.encode([samples])
    wall_e, cpu_e = time.perf_counter() - began, time.process_time() - cpu
    began, cpu = time.perf_counter(), time.process_time()
    result = model._model.model.generate(
        encoded.states, [[50258, 50259, 50359]], beam_size=BEAM_SIZE, max_length=104,
        suppress_tokens=[50257],
    )  # fmt: skip
    tokens = len(result[0].sequences_ids[0])
    wall_d, cpu_d = time.perf_counter() - began, time.process_time() - cpu
    windows, share = 60 / MAX_WINDOW_S, TOKENS / tokens
    return {
        "cpu_s": windows * cpu_e + share * cpu_d,
        "wall_s": windows * wall_e + share * wall_d,
        "encoder_cpu_s": windows * cpu_e,
        "peak_mb": _peak_mb(),
    }


def _peak_mb() -> float:
    """The most memory of this process; getrusage would count that of its parent before exec."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2  # macOS: bytes
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
    return int(lines["VmHWM"].split()[0]) / 1024


def main() -> None:
    """Each size in a process of its own, so that its memory is its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", default=["base", "turbo", "large"])
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.folder:
        print(json.dumps(measure(Path(args.folder), args.threads)))
        return
    print(f"{'a minute of speech':<20}{'CPU s':>8}{'clock s':>9}{'encoder':>9}{'peak MB':>9}")
    for name in args.sizes:
        with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as store:
            build(SIZES[name], Path(folder), Settings(store=store))
            command = [sys.executable, __file__, "--threads", str(args.threads), "--folder", folder]
            run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        got = json.loads(run.stdout)
        print(
            f"{name:<20}{got['cpu_s']:>8.1f}{got['wall_s']:>9.1f}{got['encoder_cpu_s']:>9.1f}"
            f"{got['peak_mb']:>9.0f}"
        )


if __name__ == "__main__":
    main()
