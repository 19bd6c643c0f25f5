"""What the model worker gains: useful FLOPs, padding, and questions answered under load.

    python bench/models.py --device cuda --size 3b      full-size random weights, bfloat16
    python bench/models.py                              a small random model on the CPU

Each figure is printed beside that of the baseline, `SentenceTransformer.encode`, on the same model,
inputs and pixel budgets in the same run. Needs torch, torchvision, transformers and
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
sys.path.insert(0, str(ROOT))
if "omni_core" not in sys.modules:  # the encoders alone: a GPU machine has no decoders or stores
    bare = types.ModuleType("omni_core")
    bare.__path__ = [str(ROOT / "omni_core")]
    sys.modules["omni_core"] = bare

from bench.models_random import flops, random_thinker  # noqa: E402
from omni_core.encoders.transformer.catalogue import known_models  # noqa: E402
from omni_core.encoders.transformer.description import encoder_info  # noqa: E402
from omni_core.encoders.transformer.encoder import TransformerEncoder  # noqa: E402
from omni_core.encoders.transformer.inputs import Inputs, Item, processing_kwargs  # noqa: E402
from omni_core.encoders.transformer.patches.apply import apply, suited  # noqa: E402
from omni_core.encoders.transformer.spec import ModelSpec  # noqa: E402
from omni_core.settings import Settings  # noqa: E402
from omni_core.types import (  # noqa: E402
    SAMPLE_RATE,
    AudioContent,
    Content,
    ImageContent,
    TextContent,
    VideoContent,
)

WORDS = "the red fox jumps over a lazy dog and looks at the river "


def workload(kind: str, count: int, rng: np.random.Generator) -> list[Content]:
    """Evidence as an ingest yields it: shots of 3 to 15 s, pages, 30-second windows, passages."""
    contents: list[Content] = []
    for i in range(count):
        which = kind if kind != "mixed" else ("video", "page", "audio", "text", "text")[i % 5]
        if which == "video":
            n = int(rng.integers(3, 16))
            frames = rng.integers(0, 256, (n, 196, 350, 3), dtype=np.uint8)
            audio = rng.standard_normal(n * SAMPLE_RATE).astype(np.float32) * 0.1
            contents.append(VideoContent(frames, tuple(range(n)), 1.0, frames[0], audio))
        elif which == "page":
            h, w = ((1280, 905), (905, 1280), (720, 1280))[int(rng.integers(3))]
            contents.append(ImageContent(rng.integers(0, 256, (h, w, 3), dtype=np.uint8)))
        elif which == "audio":
            n = int(rng.choice([30.0, 30.0, 30.0, rng.uniform(5, 30)]) * SAMPLE_RATE)
            contents.append(AudioContent(rng.standard_normal(n).astype(np.float32) * 0.1))
        else:
            contents.append(TextContent((WORDS * 8)[: int(rng.integers(60, 400))]))
    return contents


class Plain:
    """The baseline: `SentenceTransformer.encode` with the same pixel budgets."""

    def __init__(self, model: Any, spec: ModelSpec) -> None:
        self.model, self.spec = model, spec
        self._inputs = Inputs(spec, lambda text: len(text), 20)

    def items(self, contents: list[Content]) -> list[Item]:
        """The same inputs as the encoder's."""
        return [next(self._inputs.items(n, c)) for n, c in enumerate(contents)]

    def encode(self, contents: list[Content], batch_size: int) -> tuple[float, Any]:
        """(seconds, vectors) for all contents."""
        items = self.items(contents)
        sizes = processing_kwargs(self.spec, items, caps_frames=True)
        sizes.pop("audio", None)  # the baseline pads all audio to the extractor's 300 s
        started = time.perf_counter()
        vectors = self.model.encode(
            [i.value for i in items],
            batch_size=batch_size,
            processing_kwargs=sizes,
            show_progress_bar=False,
            convert_to_tensor=True,
        )
        return time.perf_counter() - started, vectors.float().cpu().numpy()

    def useful(self, contents: list[Content]) -> tuple[float, int]:
        """FLOPs and tokens that the inputs need: counted on the host, without the model."""
        lengths: list[int] = []
        frames: list[tuple[int, int]] = []
        mel: list[int] = []
        items = self.items(contents)
        for at in range(0, len(items), 8):
            batch = items[at : at + 8]
            out = self.model[0].preprocess(
                [i.value for i in batch],
                processing_kwargs=processing_kwargs(self.spec, batch, caps_frames=True),
            )
            lengths += out["attention_mask"].sum(1).tolist()
            for key in ("image_grid_thw", "video_grid_thw"):
                if key in out:
                    frames += [(int(h * w), int(t)) for t, h, w in out[key].tolist()]
            if "feature_attention_mask" in out:
                mel += out["feature_attention_mask"].sum(1).tolist()
        return flops(self.model[0].model.config, lengths, frames, mel), sum(lengths)


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


def latencies(encoder: TransformerEncoder, count: int, pause: float) -> list[float]:
    """Seconds of questions asked one after another."""
    rng = np.random.default_rng(1)
    spent = []
    for i in range(count):
        question = [TextContent(f"where does the {i} fox look at the river?")]
        started = time.perf_counter()
        encoder.encode_questions(question)
        spent.append(time.perf_counter() - started)
        time.sleep(pause * float(rng.uniform(0.5, 1.5)))
    return spent


def under_load(encoder: TransformerEncoder, contents: list[Content], count: int) -> list[float]:
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


def profile(encoder: TransformerEncoder, contents: list[Content], device: str) -> str:
    """Where the time of one ingest goes: the device's kernels, and how long it was idle."""
    from torch.autograd import DeviceType
    from torch.profiler import ProfilerActivity
    from torch.profiler import profile as torch_profile

    gpu = device.startswith("cuda")
    kinds = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if gpu else [])]
    started = time.perf_counter()
    with torch_profile(activities=kinds) as profiled:
        encoder.encode(contents)
        _wait(device)
    wall = time.perf_counter() - started
    averages = profiled.key_averages()
    key = "self_device_time_total" if gpu else "self_cpu_time_total"
    kernels = [a for a in averages if not gpu or a.device_type == DeviceType.CUDA]
    busy = sum(getattr(a, key) for a in kernels) / 1e6
    table = averages.table(sort_by=key, row_limit=30, max_name_column_width=70)
    return f"{table}\nbusy {busy:.2f} s of {wall:.2f} s ({busy / wall:.0%}), profiled"


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--size", default="small", choices=["small", "3b", "7b"])
    parser.add_argument("--count", type=int, default=0, help="items a workload")
    parser.add_argument("--budget", default="0", help="tokens a batch; several: 8192,16384")
    parser.add_argument("--workers", type=int, default=0, help="threads that prepare")
    parser.add_argument("--patches", default="auto", choices=["auto", "off"])
    parser.add_argument("--without", default="", help="patches to leave out: norms,gated-layers")
    parser.add_argument("--kinds", default="mixed,video,page,audio,text")
    parser.add_argument("--plain", default="mixed,video,page,audio,text", help="kinds to compare")
    parser.add_argument("--plain-batch", default="", help="batch sizes of the baseline")
    parser.add_argument("--questions", type=int, default=0)
    parser.add_argument("--profile", default="", help="kinds to profile after all else")
    parser.add_argument("--json", default="", help="also write the figures here")
    return parser.parse_args()


def main() -> None:
    """Print, and with --json write, every figure."""
    args = options()
    import torch

    gpu = args.device.startswith("cuda")
    name = torch.cuda.get_device_name() if gpu else f"CPU, {torch.get_num_threads()} threads"
    rate = matrix_rate(args.device)
    out: dict[str, Any] = {"device": name, "size": args.size, "torch": torch.__version__}
    out["matrix_tflops"] = rate / 1e12
    print(f"{name}, torch {torch.__version__}, matrix rate {rate / 1e12:.2f} TFLOP/s", flush=True)
    started = time.perf_counter()
    model = random_thinker(args.size, args.device)
    params = sum(p.numel() for p in model.parameters()) / 1e9
    print(f"{args.size}: {params:.2f} B weights, {time.perf_counter() - started:.0f} s", flush=True)
    spec = known_models()["e5-omni-7b"]
    count = args.count or (240 if gpu else 20)
    kinds = args.kinds.split(",")
    rng = np.random.default_rng(0)
    loads = {k: workload(k, count if k == "mixed" else max(8, count // 3), rng) for k in kinds}
    plain = Plain(model, spec)
    for kind, contents in loads.items():
        work, tokens = plain.useful(contents)
        out[kind] = {"items": len(contents), "tokens": tokens, "tflop": work / 1e12}
    expected = _plain(plain, loads, args, out, gpu=gpu)
    encoder = _ours(model, spec, args, out)
    if expected is not None:
        ours = np.stack([v for v in encoder.encode(loads["mixed"][:20]) if v is not None])
        cosines = (ours * expected[:20]).sum(1)
        out["least cosine to plain"] = float(cosines.min())
        print(f"ours equals plain: least cosine {cosines.min():.4f}", flush=True)
    _measure(encoder, loads, args, out, rate)
    questions = args.questions or (60 if gpu else 20)
    latencies(encoder, 5, 0.0)
    idle = latencies(encoder, questions, 0.02)
    busy = under_load(encoder, loads[kinds[0]], questions)
    for label, values in (("idle", idle), ("under load", busy)):
        p50, p95 = percentile(values, 50), percentile(values, 95)
        out[f"question {label}"] = {"p50_ms": p50, "p95_ms": p95}
        print(f"question {label}: p50 {p50:.1f} ms, p95 {p95:.1f} ms", flush=True)
    out["question ratio"] = percentile(busy, 95) / percentile(idle, 95)
    print(f"p95 under load is {out['question ratio']:.2f} times idle", flush=True)
    if args.json:
        Path(args.json).write_text(json.dumps(out, indent=1), encoding="utf-8")
    for kind in filter(None, args.profile.split(",")):
        print(f"---- {kind}\n{profile(encoder, loads[kind], args.device)}", flush=True)
    encoder.close()


def _plain(
    plain: Plain, loads: dict[str, list[Content]], args: Any, out: dict[str, Any], *, gpu: bool
) -> Any:
    import torch

    sizes = [int(b) for b in (args.plain_batch or ("8,32" if gpu else "8")).split(",")]
    vectors = None
    kinds = [k for k in args.plain.split(",") if k in loads]
    if kinds:
        plain.encode(next(iter(loads.values()))[:10], 4)  # warm
    for kind in kinds:
        for size in sizes if kind == "mixed" else sizes[:1]:
            try:
                spent, kind_vectors = plain.encode(loads[kind], size)
            except torch.OutOfMemoryError:
                torch.cuda.empty_cache()
                print(f"plain {kind}: a batch of {size} does not fit", flush=True)
                continue
            if spent < out[kind].get("plain_s", float("inf")):
                out[kind] |= {"plain_s": spent, "plain_batch": size}
            vectors = kind_vectors if kind == "mixed" else vectors
            print(f"plain {kind}: {spent:.2f} s, batch {size}", flush=True)
    return vectors


def _ours(model: Any, spec: ModelSpec, args: Any, out: dict[str, Any]) -> TransformerEncoder:
    without = args.without.split(",")
    names = [name for name in suited(spec, args.device) if name not in without]
    out["patches"] = apply(model, spec, args.device, args.patches, only=names)
    print(f"patched {out['patches']}", flush=True)
    cut = encoder_info(spec, Settings(encoder="e5-omni-7b")).cut
    dim = model[0].model.config.get_text_config().hidden_size
    described: Any = types.SimpleNamespace(dim=dim, multi_vector=False, name=spec.name, cut=cut)
    return TransformerEncoder(
        model, spec, described, args.device, workers=args.workers, patches=args.patches
    )


def _measure(
    encoder: TransformerEncoder,
    loads: dict[str, list[Content]],
    args: Any,
    out: dict[str, Any],
    rate: float,
) -> None:
    started = time.perf_counter()
    for contents in loads.values():
        encoder.encode(contents[:10])
    print(f"warm after {time.perf_counter() - started:.0f} s", flush=True)
    for budget in map(int, args.budget.split(",")):
        for kind, contents in loads.items():
            if budget:
                encoder.stats.budget = budget
            encoder.reset_stats()
            started = time.perf_counter()
            encoder.encode(contents)
            spent = time.perf_counter() - started
            work = out[kind]["tflop"] * 1e12
            share = work / spent / rate
            gain = out[kind].get("plain_s", 0.0) / spent
            stats = encoder.stats.as_dict()
            out[kind].setdefault("ours", []).append(
                {"s": spent, "of_matrix_rate": share, "speedup": gain, "stats": stats}
            )
            print(
                f"ours  {kind}: {spent:.2f} s, {gain:.2f}x plain, {share:.1%} of the matrix rate "
                f"(plain {share * spent / out[kind].get('plain_s', float('inf')):.1%}); "
                f"{json.dumps(stats)}",
                flush=True,
            )


if __name__ == "__main__":
    main()
