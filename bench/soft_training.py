"""Trains the trees that tell dissolves and wipes from movement (`omni_core/media/av/mixing.py`).

    pip install scikit-learn
    python bench/soft_training.py --clips FOLDER [--films 32] [--seed 1501] [--work FOLDER]
        [--least 1.0] [OUT.json]

Draws films of `soft_films` from the seeds, small and without encoding them, with noise, some with
every second or third frame alone as decoders that skip frames give them; then fits gradient
boosting to the signs of every moment and writes its trees. Moments in the middle of a dissolve or a
wipe, tested at about its length, are to be found, the rest of these and fades do not count.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench import soft_films
from bench.media_videos import Maker
from omni_core.media.av.gradual import GradualDetector
from omni_core.media.av.luma import features_of_thumbnails
from omni_core.media.av.mixing import BESIDE, CAPACITY, HALVES, MAX_HELD, STEP_S
from omni_core.media.av.trees import TABLE

Floats = NDArray[np.float32]
SIZE = (128, 72)
ROUND_S = (CAPACITY - MAX_HELD) * STEP_S / 2
"""Seconds of film whose signs are taken at once."""
LEVELS, TREES, RATE = 3, 80, 0.15
_LUMA = np.array([0.257, 0.504, 0.098], np.float32)


def film(path: Path, clips: Path, seed: int, seconds: float) -> None:
    """Thumbnails of a drawn film and their times, with its true transitions, as a .npz file."""
    kind = soft_films.drawn(seed)
    noise = np.random.default_rng(seed)
    sigma, step = noise.uniform(0.15, 1.0), int(noise.choice((1, 2, 2, 3)))
    truth: list[dict[str, Any]] = []
    times, thumbnails = [], []
    for n, draw in enumerate(soft_films.drawings(Maker(clips, SIZE, seed), kind, seconds, truth)):
        if n % step == 0:
            luma = (draw().astype(np.float32) @ _LUMA + 16).reshape(36, 2, 64, 2)[:, 0].mean(2)
            seen = np.clip(luma + noise.normal(0, sigma, luma.shape), 0, 255)
            thumbnails.append(seen.astype(np.uint8))
            times.append(n / kind.fps)
    np.savez(path, t=np.array(times), x=np.array(thumbnails), truth=json.dumps({"cuts": truth}))


def moments(path: Path) -> tuple[Floats, NDArray[np.int8]]:
    """Signs of a film's moments, and whether each is a transition's middle (1) or not (0)."""
    with np.load(path) as held:
        times, thumbnails = held["t"], held["x"]
        truth = json.loads(str(held["truth"]))["cuts"]
    signs, labels = [], []
    begin = 0.0
    while begin < times[-1]:
        detector = GradualDetector()
        for n in np.flatnonzero((times >= begin) & (times < begin + ROUND_S)):
            detector.push(float(times[n]), features_of_thumbnails(thumbnails[n : n + 1])[0])
        mixtures = detector.mixtures
        inner = np.arange(BESIDE, mixtures.size - BESIDE)
        middle, half = mixtures.candidates(inner)
        label = labelled(mixtures.times[middle], 2 * half * STEP_S, truth)
        counts = label >= 0
        if counts.any():
            signs.append(mixtures.signs(middle[counts], half[counts]))
            labels.append(label[counts])
        begin += ROUND_S - 2 * float(HALVES[-1]) * STEP_S
    return np.concatenate(signs), np.concatenate(labels)


def labelled(
    t: NDArray[np.floating], length: NDArray[np.floating], truth: list[dict[str, Any]]
) -> NDArray[np.int8]:
    """1 for a transition's middle, 0 for what is none, -1 for what does not count."""
    label = np.zeros(len(t), np.int8)
    for c in truth:
        if c["kind"] == "cut":
            continue
        label[(t > c["t"] - 0.4) & (t < c["end"] + 0.4)] = -1
        if c["kind"] in ("dissolve", "wipe"):
            true = max(c["end"] - c["t"], 0.3)
            near = np.abs(t - c["middle"]) <= max(STEP_S, 0.12 * true)
            label[near & (length >= 0.6 * true) & (length <= 1.7 * true)] = 1
    return label


def trees(signs: Floats, labels: NDArray[np.int8], least: float) -> dict[str, Any]:
    """The fitted trees as a table that `Trees.of` reads."""
    from sklearn.ensemble import GradientBoostingClassifier

    weight = np.where(labels == 1, len(labels) / max(1, labels.sum()) / 4, 1.0)
    model = GradientBoostingClassifier(
        n_estimators=TREES, max_depth=LEVELS, learning_rate=RATE, subsample=0.5, max_features=8,
        min_samples_leaf=30, random_state=0,
    )  # fmt: skip
    model.fit(signs, labels, weight)
    start = float(model.decision_function(signs[:1])[0])
    start -= RATE * sum(float(e[0].predict(signs[:1])[0]) for e in model.estimators_)
    columns, thresholds, leaves = [], [], []
    for (tree,) in model.estimators_:
        column, threshold, leaf = _complete(tree.tree_)
        columns.append(column)
        thresholds.append(threshold)
        leaves.append([round(RATE * v, 4) for v in leaf])
    leaves[0] = [round(v + start, 4) for v in leaves[0]]
    return {"least": least, "columns": columns, "thresholds": thresholds, "leaves": leaves}


def _complete(tree: Any) -> tuple[list[int], list[float], list[float]]:
    """A tree with all its levels: below a leaf that comes early both ways lead to it."""
    level, columns, thresholds = [0], [], []
    for _ in range(LEVELS):
        below = []
        for n in level:
            leaf = tree.children_left[n] < 0
            columns.append(0 if leaf else int(tree.feature[n]))
            thresholds.append(0.0 if leaf else float(f"{tree.threshold[n]:.5g}"))
            below += [n, n] if leaf else [int(tree.children_left[n]), int(tree.children_right[n])]
        level = below
    return columns, thresholds, [float(tree.value[n, 0, 0]) for n in level]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--clips", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("/tmp/omni-soft-training"))  # noqa: S108
    parser.add_argument("--films", type=int, default=32)
    parser.add_argument("--seed", type=int, default=1501)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--least", type=float, default=1.0, help="score that counts")
    default = Path(__file__).resolve().parents[1] / "omni_core/media/av" / TABLE
    parser.add_argument("out", type=Path, nargs="?", default=default)
    a = parser.parse_args()
    a.work.mkdir(parents=True, exist_ok=True)
    found = []
    for seed in range(a.seed, a.seed + a.films):
        path = a.work / f"s{seed}.npz"
        if not path.exists():
            film(path, a.clips, seed, a.seconds)
        found.append(moments(path))
    signs, labels = (np.concatenate(part) for part in zip(*found, strict=True))
    table = trees(signs, labels, a.least)
    a.out.write_text(json.dumps(table, separators=(",", ":")) + "\n", "utf-8")
    print(f"{len(labels)} moments, {int(labels.sum())} of transitions, in {a.films} films: {a.out}")


if __name__ == "__main__":
    main()
