"""From a distribution over the 1000 ImageNet classes to words and to the text space.

A picture's vector is a sum of texts' vectors, each weighted by how much of it is seen, so that
embedding a picture costs no run of the text model (ConSE, Norouzi et al. 2014, widened):

* its classes, as WordNet names and explains them (labels.json);
* what pictures of such classes also show, in everyday words: places, people, occasions, things
  that have no class of their own (pictured.toml). It is the largest gain of the recipe, since
  people ask for "a group of people" or "a river", and no class is called that;
* its colours, and whether it is dark.

Weights were chosen on 221 questions over 431 pictures, where MRR is .60 (class names alone .50).
On 105 questions over 343 pictures that nothing was chosen on, it is .47 (names alone .43): the
classifier, not the wording, is the limit. bench/embedded_recipe.py measures.
"""

from __future__ import annotations

import hashlib
import io
import json
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from omni_core.encoders import colours
from omni_core.encoders.embedded.minilm import MiniLM
from omni_core.files import write_atomically
from omni_core.settings import Settings
from omni_core.types import Vector

RECIPE = "2"
"""Part of the encoder's fingerprint: raise it when vectors of pictures change."""

SCENES = 0.8
"""Weight of pictured.toml against the classes themselves."""
SHARPEN = 1.5
"""Exponent on a scene's probability: half-seen scenes count for less than half."""
COLOURS, COLOUR_LEAST = 0.1, 0.15
"""Weight of the colours, and the share of the picture below which a colour is not said."""
DARKNESS = 0.2

NAMES, NAME_LEAST = 3, 0.1
GROUPS, GROUP_LEAST = 2, 0.5

_DATA = Path(__file__).with_name("data")

Matrix = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look at a picture tells."""

    classes: Vector
    """(1000,), probabilities summing to 1."""
    colours: Vector
    """(11,), the share of each of `colours.NAMES`."""
    dark: bool


class Labels:
    """The classes, the groups above them, the scenes around them: all placed in text space."""

    def __init__(self, text: MiniLM, settings: Settings) -> None:
        """Some 2300 short texts; those of the default text weights are shipped as vectors, since
        embedding them costs 9 s of CPU. For others they are embedded once and cached."""
        table = json.loads((_DATA / "labels.json").read_bytes())
        classes: list[dict[str, Any]] = table["classes"]
        self._names: list[str] = [row["names"][0] for row in classes]
        self._groups: list[str] = [row["names"][0] for row in table["groups"]]
        self._members = _membership([row["classes"] for row in table["groups"]], len(classes))
        scenes = scenes_of(table)
        self._scenes = _membership(list(scenes.values()), len(classes))
        self.texts = [f"{row['names'][0]}, {row['gloss']}" for row in classes]
        self.texts += [self._kinds(i, row["names"]) for i, row in enumerate(classes)]
        self.texts += [*scenes, *(f"{name}, {name} colour" for name in colours.NAMES)]
        self.texts += ["dark, night"]
        self.key = hashlib.sha256("\n".join([text.revision, *self.texts]).encode()).hexdigest()[:16]
        placed = self._shipped()
        if placed is None:
            path = settings.store_path / "cache" / f"labels-{self.key}.npy"
            placed = _kept(path, lambda: text(self.texts))
        n = len(classes)
        self._class_places = unit(placed[:n] + placed[n : 2 * n])
        self._scene_places = placed[2 * n : 2 * n + len(scenes)]
        self._colour_places, self._dark_place = placed[2 * n + len(scenes) : -1], placed[-1]

    def _kinds(self, i: int, names: list[str]) -> str:
        """A class with its synonym and the three narrowest groups it is in."""
        own = [self._groups[j] for j in np.flatnonzero(self._members[:, i])]
        return ", ".join([*names[:2], *own[::-1][:3]])  # the groups are stored widest first

    def _shipped(self) -> Matrix | None:
        """The vectors of `texts` that came with the package, if they are of these very texts."""
        with np.load(_DATA / "places.npz", allow_pickle=False) as shipped:
            if str(shipped["key"]) != self.key:
                return None
            places: Matrix = shipped["places"].astype(np.float32)
            return places

    def embed(self, seen: Seen) -> Vector:
        """(384,), L2-normalised."""
        scenes = (self._scenes @ seen.classes) ** SHARPEN
        said = np.where(seen.colours < COLOUR_LEAST, 0, seen.colours)
        vector = unit(
            unit(seen.classes @ self._class_places) + SCENES * unit(scenes @ self._scene_places)
        )
        vector = vector + COLOURS * (said @ self._colour_places)
        return unit(vector + DARKNESS * self._dark_place if seen.dark else vector)

    def say(self, seen: Seen) -> str:
        """The likeliest names and what they are kinds of: "tabby, tiger cat, feline".

        Empty where the classifier has no opinion.
        """
        p = seen.classes
        words = [self._names[i] for i in np.argsort(-p)[:NAMES] if p[i] >= NAME_LEAST]
        mass = self._members @ p
        information = mass * -np.log(self._members.mean(1))
        sure = [i for i in np.argsort(-information) if mass[i] >= GROUP_LEAST]
        words += [self._groups[i] for i in sure[:GROUPS]]
        return ", ".join(dict.fromkeys(words))


def scenes_of(table: dict[str, Any]) -> dict[str, list[int]]:
    """pictured.toml with its names resolved: words -> the classes that show them.

    Raises KeyError for a name that is neither a class, a synset, nor a `*group`.
    """
    index: dict[str, list[int]] = {}
    for row in table["groups"]:
        index.setdefault("*" + row["names"][0], row["classes"])
    for i, row in enumerate(table["classes"]):
        index.setdefault(row["names"][0], [i])
        index[row["synset"]] = [i]
    with (_DATA / "pictured.toml").open("rb") as f:
        scenes: dict[str, list[str]] = tomllib.load(f)
    return {words: sorted({i for n in names for i in index[n]}) for words, names in scenes.items()}


def _membership(rows: list[list[int]], classes: int) -> Matrix:
    out = np.zeros((len(rows), classes), np.float32)
    for i, row in enumerate(rows):
        out[i, row] = 1
    return out


def _kept(path: Path, make: Callable[[], Matrix]) -> Matrix:
    """What `make` returns, from the file when it was made before."""
    if path.is_file():
        kept: Matrix = np.load(path, allow_pickle=False)
        return kept
    made, buffer = make(), io.BytesIO()
    np.save(buffer, made, allow_pickle=False)
    write_atomically(path, buffer.getvalue())
    return made


def unit(rows: NDArray[Any]) -> NDArray[np.float32]:
    """Each row scaled to length 1; a row of zeros stays."""
    length = np.linalg.norm(rows, axis=-1, keepdims=True)
    out: NDArray[np.float32] = (rows / np.maximum(length, 1e-12)).astype(np.float32)
    return out
