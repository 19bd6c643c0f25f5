"""What the model worker gains: useful FLOPs, padding, and questions answered under load.

    python bench/models.py --device cuda --size 3b      full-size random weights, bfloat16
    python bench/models.py                              a small random model on the CPU

Each figure stands beside the plain way, `SentenceTransformer.encode`, on the same model, inputs
and pixel budgets in the same run. Needs torch, torchvision, transformers and
sentence-transformers only; nothing is downloaded.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
import types
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]
if "omni_core" not in sys.modules:  # the encoders alone: a GPU machine has no decoders or stores
    bare = types.ModuleType("omni_core")
    bare.__path__ = [str(ROOT / "omni_core")]
    sys.modules["omni_core"] = bare

from models_random import flops, random_thinker  # noqa: E402

from omni_core.encoders import _omni_attention as attention  # noqa: E402
from omni_core.encoders import models, omni  # noqa: E402
from omni_core.encoders._omni_inputs import Inputs, processing  # noqa: E402
from omni_core.encoders._omni_load import strip_head  # noqa: E402
from omni_core.settings import Settings  # noqa: E402
from omni_core.types import SAMPLE_RATE, Content, Film, Picture, Sound, Text  # noqa: E402

WORDS = "the red fox jumps over a lazy dog and looks at the river "


def workload(kind: str, count: int, rng: np.random.Generator) -> list[Content]:
    """Evidence as an ingest yields it: shots of 3 to 15 s, pages, 30-second windows, passages."""
    made: list[Content] = []
    for i in range(count):
        which = kind if kind != "mixed" else ("film", "page", "sound", "text", "text")[i % 5]
        if which == "film":
            n = int(rng.integers(3, 16))
            frames = rng.integers(0, 256, (n, 196, 350, 3), dtype=np.uint8)
            sound = rng.standard_normal(n * SAMPLE_RATE).astype(np.float32) * 0.1
            made.append(Film(frames, tuple(range(n)), 1.0, frames[0], sound))
        elif which == "page":
            h, w = ((1280, 905), (905, 1280), (720, 1280))[int(rng.integers(3))]
            made.append(Picture(rng.integers(0, 256, (h, w, 3), dtype=np.uint8)))
        elif which == "sound":
            n = int(rng.choice([30.0, 30.0, 30.0, rng.uniform(5, 30)]) * SAMPLE_RATE)
            made.append(Sound(rng.standard_normal(n).astype(np.float32) * 0.1))
        else:
            made.append(Text((WORDS * 8)[: int(rng.integers(60, 400))]))
    return made


class Plain:
    """`SentenceTransformer.encode`, told the same pixel budgets; counts the useful work."""

    def __init__(self, model: Any, row: models.ModelSpec) -> None:
        self.model, self.row = model, row
        self._inputs = Inputs(row, lambda text: len(text), 20)
        self.lengths: list[int] = []
        self.frames: list[tuple[int, int]] = []
        self.mel: list[int] = []
        self.padded = 0
        self._own = model[0].preprocess
        model[0].preprocess = self._watch

    def _watch(self, *args: Any, **kwargs: Any) -> Any:
        out = self._own(*args, **kwargs)
        self.lengths += out["attention_mask"].sum(1).tolist()
        self.padded += out["attention_mask"].numel()
        for key in ("image_grid_thw", "video_grid_thw"):
            if key in out:
                self.frames += [(int(h * w), int(t)) for t, h, w in out[key].tolist()]
        if "feature_attention_mask" in out:
            self.mel += out["feature_attention_mask"].sum(1).tolist()
        return out

    def encode(self, contents: list[Content], batch_size: int) -> float:
        """Seconds for all of them."""
        items = [next(self._inputs.items(n, c)) for n, c in enumerate(contents)]
        sizes = processing(self.row, items)
        sizes.pop("audio", None)  # the plain way pads every sound to the extractor's 300 s
        self.lengths, self.frames, self.mel, self.padded = [], [], [], 0
        started = time.perf_counter()
        self.model.encode(
            [i.value for i in items],
            batch_size=batch_size,
            processing_kwargs=sizes,
            show_progress_bar=False,
        )
        return time.perf_counter() - started

    def close(self) -> None:
        """Stop watching."""
        del self.model[0].preprocess


def matrix_rate(device: str) -> float:
    """FLOP/s of a large matrix product in the model's precision on this device."""
    import torch

    gpu = device.startswith("cuda")
    n = 8192 if gpu else 1024
    dtype = torch.bfloat16 if gpu else torch.float32
    a, b = (torch.randn(n, n, device=device, dtype=dtype) for _ in range(2))
    for _ in range(3):
        a @ b
    _wait(device)
    started = time.perf_counter()
    for _ in range(10):
        a @ b
    _wait(device)
    return 10 * 2 * n**3 / (time.perf_counter() - started)


def _wait(device: str) -> None:
    if device.startswith("cuda"):
        import torch

        torch.cuda.synchronize()


def latencies(encoder: omni.OmniEncoder, count: int, pause: float) -> list[float]:
    """Seconds of questions asked one after another."""
    rng = np.random.default_rng(1)
    spent = []
    for i in range(count):
        question = [Text(f"where does the {i} fox look at the river?")]
        started = time.perf_counter()
        encoder.encode_questions(question)
        spent.append(time.perf_counter() - started)
        time.sleep(pause * float(rng.uniform(0.5, 1.5)))
    return spent


def under_load(encoder: omni.OmniEncoder, contents: list[Content], count: int) -> list[float]:
    """The same while evidence is embedded without a break."""
    stop = threading.Event()

    def ingest() -> None:
        while not stop.is_set():
            encoder.encode(contents)

    thread = threading.Thread(target=ingest)
    thread.start()
    time.sleep(2.0)
    try:
        return latencies(encoder, count, 0.1)
    finally:
        stop.set()
        thread.join()


def percentile(values: list[float], p: float) -> float:
    """Milliseconds."""
    return float(np.percentile(np.asarray(values) * 1000, p))


def main() -> None:
    """Print, and with --json write, every figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--size", default="small", choices=["small", "3b", "7b"])
    parser.add_argument("--count", type=int, default=0, help="items a workload")
    parser.add_argument("--budget", type=int, default=0, help="tokens a batch")
    parser.add_argument("--workers", type=int, default=0, help="threads that prepare")
    parser.add_argument("--attention", default="auto", choices=["auto", "sdpa"])
    parser.add_argument("--kinds", default="mixed,film,page,sound,text")
    parser.add_argument("--plain-batch", default="", help="batch sizes of the plain way")
    parser.add_argument("--questions", type=int, default=0)
    parser.add_argument("--json", default="", help="also write the figures here")
    args = parser.parse_args()
    import torch

    gpu = args.device.startswith("cuda")
    name = torch.cuda.get_device_name() if gpu else f"CPU, {torch.get_num_threads()} threads"
    rate = matrix_rate(args.device)
    out: dict[str, Any] = {
        "device": name,
        "size": args.size,
        "torch": torch.__version__,
        "matrix_tflops": rate / 1e12,
    }
    print(f"{name}, torch {torch.__version__}, matrix rate {rate / 1e12:.1f} TFLOP/s", flush=True)
    started = time.perf_counter()
    model = random_thinker(args.size, args.device)
    config = model[0].model.config
    params = sum(p.numel() for p in model.parameters()) / 1e9
    print(
        f"{args.size}: {params:.2f} B weights in {time.perf_counter() - started:.0f} s", flush=True
    )
    row = models.rows()["e5-omni-7b"]
    count = args.count or (240 if gpu else 20)
    sizes = [int(b) for b in (args.plain_batch or ("8,32" if gpu else "8")).split(",")]
    kinds = args.kinds.split(",")
    rng = np.random.default_rng(0)
    loads = {k: workload(k, count if k == "mixed" else max(8, count // 3), rng) for k in kinds}
    useful: dict[str, float] = {}
    plain = Plain(model, row)
    plain.encode(loads[kinds[0]][:10], 4)  # warm
    for kind, contents in loads.items():
        best = (float("inf"), 0, 0.0)
        for size in sizes if kind == "mixed" else sizes[:1]:
            try:
                spent = plain.encode(contents, size)
            except torch.OutOfMemoryError:
                torch.cuda.empty_cache()
                print(f"plain {kind}: a batch of {size} does not fit", flush=True)
                continue
            waste = 1 - sum(plain.lengths) / plain.padded
            best = min(best, (spent, size, waste))
            useful[kind] = flops(config, plain.lengths, plain.frames, plain.mel)
        out[kind] = {"items": len(contents), "tokens": sum(plain.lengths), "plain_s": best[0],
                     "plain_batch": best[1], "plain_waste": best[2],
                     "tflop": useful.get(kind, 0) / 1e12}  # fmt: skip
        print(f"plain {kind}: {best[0]:.2f} s, batch {best[1]}, waste {best[2]:.1%}", flush=True)
    plain.close()
    strip_head(model)
    out["attention"] = "sdpa"
    if args.attention == "auto":
        out["attention"] = attention.speed_up(model, row, args.device, model[0].model.dtype)
    described = omni.info(row, Settings(encoder="e5-omni-7b"))
    described = types.SimpleNamespace(dim=config.text_config.hidden_size, multi_vector=False,
                                      name=row.name, cut=described.cut)  # fmt: skip
    encoder = omni.OmniEncoder(model, row, described, args.device,  # type: ignore[arg-type]
                               budget=args.budget, workers=args.workers)  # fmt: skip
    encoder.encode(loads[kinds[0]][:10])  # warm
    for kind, contents in loads.items():
        encoder.reset_stats()
        started = time.perf_counter()
        encoder.encode(contents)
        spent = time.perf_counter() - started
        share = useful.get(kind, 0) / spent / rate
        out[kind] |= {"s": spent, "mfu": share, "speedup": out[kind]["plain_s"] / spent,
                      "plain_mfu": useful.get(kind, 0) / out[kind]["plain_s"] / rate,
                      "stats": encoder.stats.as_dict()}  # fmt: skip
        print(f"ours  {kind}: {spent:.2f} s, {out[kind]['speedup']:.2f}x plain, "
              f"{share:.1%} of the matrix rate (plain {out[kind]['plain_mfu']:.1%}); "
              f"{json.dumps(encoder.stats.as_dict())}", flush=True)  # fmt: skip
    questions = args.questions or (60 if gpu else 20)
    latencies(encoder, 5, 0.0)
    idle = latencies(encoder, questions, 0.02)
    busy = under_load(encoder, loads[kinds[0]], questions)
    for label, values in (("idle", idle), ("under load", busy)):
        p50, p95 = percentile(values, 50), percentile(values, 95)
        out[f"question {label}"] = {"p50_ms": p50, "p95_ms": p95}
        print(f"question {label}: p50 {p50:.1f} ms, p95 {p95:.1f} ms", flush=True)
    out["question ratio"] = percentile(busy, 95) / percentile(idle, 95)
    print(f"p95 under load is {out['question ratio']:.2f} times idle; "
          f"attention {out['attention']}", flush=True)  # fmt: skip
    encoder.close()
    if args.json:
        Path(args.json).write_text(json.dumps(out, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
