"""What the readers cost: speech in times real time, screen text in CPU seconds an image.

    python bench/readers.py [FOLDER ...]      (default: samples/library)

Prints ratios and CPU seconds, which vary less than wall time on a busy machine.
The audio and images are those of the files; slides with known text are drawn besides.
"""

from __future__ import annotations

import argparse
import re
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image, ImageDraw, ImageFont

sys.path.insert(0, str(Path(__file__).parents[1]))

from omni_core import readers
from omni_core.settings import Settings
from omni_core.types import (
    SAMPLE_RATE,
    AudioContent,
    Channel,
    ImageContent,
    Modality,
    Segment,
    Span,
)

IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png"}
WINDOW_S = 30
SLIDES = (
    ("Quarterly revenue", "Europe grew 14 percent", "Asia was flat"),
    ("Coral reefs", "Warm water bleaches coral", "Recovery takes ten years"),
    ("Battery safety", "Do not puncture lithium cells", "Keep them dry"),
)


def audio_of(path: Path) -> Any:
    """Mono 16 kHz, empty where there is none."""
    with av.open(str(path)) as c:
        if not c.streams.audio:
            return np.zeros(0, np.float32)
        to = av.AudioResampler("flt", "mono", SAMPLE_RATE)
        parts = [o.to_ndarray()[0] for f in c.decode(audio=0) for o in to.resample(f)]
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def windows(samples: Any) -> Iterator[Segment]:
    """Consecutive windows, without overlap."""
    for i in range(0, len(samples), WINDOW_S * SAMPLE_RATE):
        part = samples[i : i + WINDOW_S * SAMPLE_RATE]
        at = i / SAMPLE_RATE
        span = Span("second", at, at + len(part) / SAMPLE_RATE)
        yield Segment("src", Modality.AUDIO, Channel.SOUND, span, AudioContent(part))


def slide(lines: tuple[str, ...], edge: tuple[int, int]) -> Any:
    """Words on white, as a projector shows them."""
    image = Image.new("RGB", edge, "white")
    pen = ImageDraw.Draw(image)
    for i, line in enumerate(lines):
        font = ImageFont.load_default(edge[1] // (10 if i == 0 else 16))
        pen.text((edge[0] // 12, edge[1] * (1 + 2 * i) // 8), line, font=font, fill="black")
    return np.asarray(image)


def speech(reader: Any, folders: list[Path]) -> None:
    """One row a file: how much faster than it plays."""
    print(f"{'audio':44} {'s':>7} {'cpu s':>7} {'x real time':>12} {'words':>6}")
    total = spent = 0.0
    for path in sorted(p for f in folders for p in f.rglob("*")):
        if path.suffix.lower() not in {".wav", ".mp3", ".ogg", ".oga", ".flac", ".mp4", ".mkv"}:
            continue
        samples = audio_of(path)
        if not samples.size:
            continue
        began = time.process_time()
        found = [s for w in windows(samples) for s in reader.read([w])] + reader.flush("src")
        cpu, length = time.process_time() - began, len(samples) / SAMPLE_RATE
        words = sum(len(s.text.split()) for s in found if s.part == 0)
        print(f"{path.name[:44]:44} {length:7.1f} {cpu:7.2f} {length / cpu:12.1f} {words:6}")
        total, spent = total + length, spent + cpu
    if spent:
        print(f"{'all':44} {total:7.1f} {spent:7.2f} {total / spent:12.1f}\n")


def screen_text(reader: Any, folders: list[Path]) -> None:
    """One row an image, then drawn slides: CPU seconds and how much was read right."""
    print(f"{'image':44} {'size':>11} {'cpu s':>7} {'words':>6}")
    rows = [
        (p.name, np.asarray(Image.open(p).convert("RGB")), "")
        for p in sorted(p for f in folders for p in f.rglob("*"))
        if p.suffix.lower() in IMAGE_SUFFIXES
    ]
    for edge in ((640, 360), (854, 480), (1280, 720)):
        rows += [(f"drawn: {s[0]}", slide(s, edge), " ".join(s)) for s in SLIDES]
    with_words: list[float] = []
    without: list[float] = []
    right = expected = 0
    for name, pixels, truth in rows:
        place = Span("second", 0, 0)
        segment = Segment("src", Modality.IMAGE, Channel.VISUAL, place, ImageContent(pixels))
        began = time.process_time()
        found = reader.read([segment])
        cpu = time.process_time() - began
        words = re.findall(r"\w+", " ".join(s.text for s in found))
        (with_words if words else without).append(cpu)
        size = f"{pixels.shape[1]}x{pixels.shape[0]}"
        print(f"{name[:44]:44} {size:>11} {cpu:7.2f} {len(words):6}")
        if truth:
            wanted = truth.split()
            expected, right = expected + len(wanted), right + sum(w in words for w in wanted)
    for label, times in (("with words", with_words), ("without", without)):
        if times:
            print(f"{label:44} {len(times):11} {np.mean(times):7.2f}")
    print(f"drawn words read right: {right} of {expected}\n")


def main() -> None:
    """Measure on the folders named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--speech", default="base")
    parser.add_argument("--threads", type=int, default=2)
    wanted = parser.parse_args()
    folders = wanted.folders or [Path(__file__).parents[1] / "samples" / "library"]
    with tempfile.TemporaryDirectory() as store:
        began = time.perf_counter()
        found, missing = readers.load(
            Settings(store=store, speech=wanted.speech, threads=wanted.threads)
        )
        print(
            f"loaded in {time.perf_counter() - began:.1f} s",
            *(m.message for m in missing),
            sep="\n",
        )
        by_name: dict[str, Any] = {r.name: r for r in found}
        if "speech" in by_name:
            speech(by_name["speech"], folders)
        if "screen_text" in by_name:
            screen_text(by_name["screen_text"], folders)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory {peak:.0f} MB")


if __name__ == "__main__":
    main()
