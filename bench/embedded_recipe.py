"""How well the embedded encoder finds images, and what each part of its recipe adds.

    python bench/embedded_recipe.py FOLDER [FOLDER ...]

A folder holds images and `queries.json`: rows of `query` and `relevant`, whose `item` is an
image's path in the folder. Rows without an image are left out; the candidates are all images of
the rows, and all others under `images/`. Prints mean reciprocal rank and recall at 1 and 5 for each
folder and variant, then the cost of an image. Nothing is downloaded; nothing is asserted.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from omni_core.encoders.embedded import label_space
from omni_core.encoders.embedded.efficientnet import views
from omni_core.encoders.embedded.encoder import EmbeddedEncoder
from omni_core.settings import Settings
from omni_core.types import ImageContent, TextContent

KINDS = {".jpg", ".jpeg", ".png", ".webp", ".gif"}

WITHOUT_PEOPLE = "without people"
VARIANTS: dict[str, dict[str, Any]] = {
    "the recipe": {},
    WITHOUT_PEOPLE: {},
    "without scenes": {"SCENE_WEIGHT": 0.0},
    "scenes twice as heavy": {"SCENE_WEIGHT": 1.6},
    "without colours": {"COLOUR_WEIGHT": 0.0},
    "without darkness": {"DARK_WEIGHT": 0.0},
    "class names only": {"SCENE_WEIGHT": 0.0, "COLOUR_WEIGHT": 0.0, "DARK_WEIGHT": 0.0},
}


def main() -> None:
    """Measure each folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--store", default=tempfile.mkdtemp(), help="keeps the caches")
    parser.add_argument("--threads", type=int, default=0)
    args = parser.parse_args()
    start = time.perf_counter()
    encoder = EmbeddedEncoder.load(Settings(store=args.store, threads=args.threads))
    print(f"load {time.perf_counter() - start:.1f} s")
    for folder in args.folders:
        measure(encoder, folder)
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def measure(encoder: EmbeddedEncoder, folder: Path) -> None:
    """One folder's table."""
    rows = json.loads((folder / "queries.json").read_text(encoding="utf-8"))
    wanted = {r["item"] for row in rows for r in row["relevant"]}
    others = {str(p.relative_to(folder)) for p in folder.glob("images/**/*")}
    items = sorted(i for i in wanted | others if Path(i).suffix.lower() in KINDS)
    place = {item: i for i, item in enumerate(items)}
    judged = [
        (row["query"], right)
        for row in rows
        if (right := [place[r["item"]] for r in row["relevant"] if r["item"] in place])
    ]
    start = time.perf_counter()
    seen = [encoder._look(image(folder / item)) for item in items]
    cost = (time.perf_counter() - start) / len(items)
    views_per_image = sum(len(views(image(folder / item).pixels)) for item in items) / len(items)
    questions = np.stack(encoder.encode_questions([TextContent(q) for q, _ in judged]))  # type: ignore[arg-type]
    print(f"\n{folder}: {len(judged)} questions, {len(items)} images, "
          f"{1000 * cost:.0f} ms an image of {views_per_image:.1f} views")  # fmt: skip
    print(f"{'':24s}   MRR   R@1   R@5")
    for name, changes in VARIANTS.items():
        space = encoder._label_space
        with changed(changes):
            vectors = np.stack([space.embed(s.observations[0]) for s in seen])
        if name != WITHOUT_PEOPLE:
            vectors = np.stack(
                [space.with_people(v, s.faces) for v, s in zip(vectors, seen, strict=True)]
            )
        ranks = [
            1 + int(np.flatnonzero(np.isin(np.argsort(-scores), right))[0])
            for scores, (_, right) in zip(questions @ vectors.T, judged, strict=True)
        ]
        r = np.array(ranks)
        print(f"{name:24s} {(1 / r).mean():.3f}  {(r == 1).mean():.3f} {(r <= 5).mean():.3f}")


def image(path: Path) -> ImageContent:
    """The file as the image medium gives it: upright, RGB, on white, at most 1280 pixels."""
    upright = ImageOps.exif_transpose(Image.open(path)).convert("RGBA")
    flat = Image.new("RGBA", upright.size, "white")
    flat.alpha_composite(upright)
    flat.thumbnail((1280, 1280))
    return ImageContent(np.asarray(flat.convert("RGB")))


@contextmanager
def changed(values: dict[str, Any]) -> Iterator[None]:
    """Set constants of the recipe within the block."""
    before = {name: getattr(label_space, name) for name in values}
    try:
        for name, value in values.items():
            setattr(label_space, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(label_space, name, value)


if __name__ == "__main__":
    main()
