"""Recall and precision of cuts, dissolves and fades between short scenes, beside PySceneDetect.

    python bench/soft_cuts.py --clips FOLDER [--seed 1] [--work /tmp/omni-soft]
        [--scenedetect PATH] [--drawn 4] [only ...]

Films of `soft_films`, made once for each seed from clips without cuts of their own (which would
count as false), cut in both modes; with --drawn, so many films whose frame rate, codec and distance
of I-frames are drawn from the seeds from --seed on. A hard cut counts when it is found within
0.13 s, a soft one anywhere within it, give or take 0.15 s. `soft R` is the recall of dissolves and
fades. CPU is a ratio to `ffmpeg -f null` where that is installed; on films this small (320 x 180)
it is mostly our own work: `media.py decompose` has real sizes.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import statistics
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench import soft_films
from bench.media import cut, drain, of, of_command
from omni_core.media.service import MediaService, service
from omni_core.types import VideoContent

SOFT = ("dissolve", "fade", "white", "dip")


@dataclass
class Score:
    """Hits by kind, over films."""

    hits: Counter[str] = field(default_factory=Counter)
    true: Counter[str] = field(default_factory=Counter)
    found: int = 0
    off: list[float] = field(default_factory=list)
    """Distances of soft transitions from their middle."""
    cost: list[float] = field(default_factory=list)

    def add(self, found: list[float], truth: list[dict[str, Any]]) -> None:
        """Count one film."""
        left = list(found)
        for c in truth:
            hard = c["kind"] == "cut"
            low, high = (-0.13, 0.13) if hard else (-0.15, max(c["end"] - c["t"], 0.3) + 0.15)
            near = [f for f in left if low <= f - c["t"] <= high]
            if near:
                best = min(near, key=lambda f: abs(f - c["middle"]))
                left.remove(best)
                self.hits[c["kind"]] += 1
                if not hard:
                    self.off.append(abs(best - c["middle"]))
            self.true[c["kind"]] += 1
        self.found += len(found)

    def __str__(self) -> str:
        hits, true = sum(self.hits.values()), sum(self.true.values())
        kinds = " ".join(f"{k} {self.hits[k]}/{self.true[k]}" for k in soft_films.KINDS)
        soft = sum(self.hits[k] for k in SOFT) / max(1, sum(self.true[k] for k in SOFT))
        cost = f" cpu {statistics.median(self.cost):.2f}" if self.cost else ""
        off = f" off {statistics.mean(self.off):.2f} s" if self.off else ""
        return (
            f"F1 {2 * hits / max(1, self.found + true):.3f} P {hits / max(1, self.found):.2f} "
            f"R {hits / max(1, true):.2f} soft R {soft:.2f} | {kinds}{off}{cost}"
        )


def _starts(svc: MediaService, path: Path, **options: Any) -> list[float]:
    pieces = cut(svc, path, shot_max_s=1e6, **options)
    return [s.span.start for s in pieces if isinstance(s.content, VideoContent)][1:]


def _scenedetect(program: str, detector: str, path: Path, work: Path) -> tuple[list[float], float]:
    out = work / f"{path.name}-{detector}.csv"
    command = [program, "-q", "-i", str(path), "-o", str(work), detector]
    spent = of_command([*command, "list-scenes", "-q", "-f", out.name])
    with out.open() as f:
        return [float(r[3]) for r in list(csv.reader(f))[3:]], spent


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--clips", type=Path, default=Path("samples"))
    parser.add_argument("--work", type=Path, default=Path("/tmp/omni-soft"))  # noqa: S108
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--scenedetect", default=shutil.which("scenedetect") or "")
    parser.add_argument("--drawn", type=int, default=0, metavar="COUNT")
    parser.add_argument("only", nargs="*", help=", ".join(soft_films.FILMS))
    a = parser.parse_args()
    a.work.mkdir(parents=True, exist_ok=True)
    svc = service()
    detectors = ("detect-content", "detect-adaptive") if a.scenedetect else ()
    totals = {name: Score() for name in ("every frame", "fast", *detectors)}
    if not shutil.which("ffmpeg"):
        print("ffmpeg is not installed: no CPU ratios")
    films = {f"drawn{n}": soft_films.drawn(a.seed + n) for n in range(a.drawn)}
    for number, (name, film) in enumerate((films or soft_films.FILMS).items()):
        if a.only and name not in a.only:
            continue
        path = a.work / f"{name}-{a.seed}{film.suffix}"
        if not Path(f"{path}.json").exists():
            seed = a.seed + number
            soft_films.make(path, film, clips=a.clips, seed=seed, seconds=a.seconds)
        truth = json.loads(Path(f"{path}.json").read_text())["cuts"]
        null = ["ffmpeg", "-v", "error", "-nostdin", "-i", str(path), "-f", "null", "-"]
        base = of_command(null) if shutil.which("ffmpeg") else 0.0
        for way, score in totals.items():
            if way in detectors:
                found, spent = _scenedetect(a.scenedetect, way, path, a.work)
            else:
                found = _starts(svc, path, fast=way == "fast")
                spent = of(drain(svc, path, fast=way == "fast")) if base else 0.0
            single = Score()
            for s in (single, score):
                s.add(found, truth)
                s.cost += [spent / base] if base else []
            print(f"{name:8s} {way:16s} {single}", flush=True)
    for way, score in totals.items():
        print(f"all      {way:16s} {score}")


if __name__ == "__main__":
    main()
