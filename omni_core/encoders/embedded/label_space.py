"""From a distribution over the 1000 ImageNet classes to the text space, and to a caption.

An image's vector is a sum of text vectors, weighted by the predictions, so that embedding an image
needs no run of the text model (an extension of ConSE, Norouzi et al. 2014):

* its classes, by their WordNet names and glosses (labels.json);
* its scenes: what images of such classes also show, in everyday terms: places, people, occasions,
  things without a class of their own (scenes.toml). It is the largest gain of the recipe, since
  people search for "a group of people" or "a river", and no class has such a name;
* its colours, and whether it is dark;
* the people in it, where faces were found (`people`).

Weights were tuned on 221 questions over 431 images, where MRR is .60 (class names alone .50). On
105 held-out questions over 343 images it is .47 (names alone .43): the classifier, not the wording,
is the limit. bench/embedded_recipe.py measures.
"""

from __future__ import annotations

import hashlib
import io
import json
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from omni_core.encoders import colours
from omni_core.encoders.embedded import people
from omni_core.encoders.embedded.faces import Face
from omni_core.encoders.embedded.text_space import TextSpace, unit
from omni_core.settings import Settings
from omni_core.types import Vector
from omni_core.weights import cache

RECIPE = "3"
"""Part of the encoder's fingerprint: increase it when vectors of images change."""

SCENE_WEIGHT = 0.8
"""Weight of scenes.toml against the classes themselves."""
SCENE_EXPONENT = 1.5
"""Exponent of a scene's probability; above 1 it lowers uncertain scenes."""
COLOUR_WEIGHT, MIN_COLOUR_SHARE = 0.1, 0.15
"""Weight of the colours, and the share of the image below which one is ignored."""
DARK_WEIGHT = 0.2
"""Weight of "dark, night" for dark images."""

MAX_NAMES, MIN_NAME_PROBABILITY = 3, 0.1
"""Classes named in a caption, and the probability that one must have."""
MAX_GROUPS, MIN_GROUP_PROBABILITY = 2, 0.5
"""The same for groups (their hypernyms)."""

_DATA = Path(__file__).with_name("data")

Matrix = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Observation:
    """Classifier probabilities and colours of an image."""

    classes: Vector
    """(1000,) probabilities, summing to 1."""
    colours: Vector
    """(11,) area shares of `colours.NAMES`."""
    dark: bool


class LabelSpace:
    """Text vectors of every class, scene and colour, and the mapping from classes to groups and
    scenes."""

    def __init__(self, text: TextSpace, settings: Settings) -> None:
        """Some 2300 short texts. Their vectors by the default text weights are shipped, since
        embedding takes 10 s of CPU; for other weights they are embedded once and cached."""
        table = json.loads((_DATA / "labels.json").read_bytes())
        classes: list[dict[str, Any]] = table["classes"]
        self._names: list[str] = [row["names"][0] for row in classes]
        self._groups: list[str] = [row["names"][0] for row in table["groups"]]
        self._members = _membership([row["classes"] for row in table["groups"]], len(classes))
        scenes = scenes_of(table)
        self._scenes = _membership(list(scenes.values()), len(classes))
        self.texts = [f"{row['names'][0]}, {row['gloss']}" for row in classes]
        self.texts += [self._with_groups(i, row["names"]) for i, row in enumerate(classes)]
        self.texts += [*scenes, *(f"{name}, {name} colour" for name in colours.NAMES)]
        self.texts += [*people.TEXTS, "dark, night"]
        self.key = hashlib.sha256("\n".join([text.revision, *self.texts]).encode()).hexdigest()[:16]
        vectors = self._shipped()
        if vectors is None:
            path = cache.folder(settings) / f"labels-{self.key}.npy"
            vectors = _cached(path, lambda: text(self.texts, known_english=True))
        n = len(classes)
        self._class_vectors = unit(vectors[:n] + vectors[n : 2 * n])
        self._scene_vectors = vectors[2 * n : 2 * n + len(scenes)]
        rest, self._dark_vector = vectors[2 * n + len(scenes) : -1], vectors[-1]
        self._colour_vectors, self._people_vectors = np.split(rest, [len(colours.NAMES)])
        self._animals = self._members[self._groups.index("animal")]

    def _with_groups(self, i: int, names: list[str]) -> str:
        """A class name, a synonym, and the three narrowest groups of the class."""
        own = [self._groups[j] for j in np.flatnonzero(self._members[:, i])]
        return ", ".join([*names[:2], *own[::-1][:3]])  # the groups are stored widest first

    def _shipped(self) -> Matrix | None:
        """The shipped vectors; None if they are not of exactly these texts and weights."""
        with np.load(_DATA / "label_vectors.npz", allow_pickle=False) as shipped:
            if str(shipped["key"]) != self.key:
                return None
            vectors: Matrix = shipped["places"].astype(np.float32)
            return vectors

    def embed(self, image: Observation) -> Vector:
        """(896,), L2-normalised."""
        scenes = (self._scenes @ image.classes) ** SCENE_EXPONENT
        shares = np.where(image.colours < MIN_COLOUR_SHARE, 0, image.colours)
        vector = unit(
            unit(image.classes @ self._class_vectors)
            + SCENE_WEIGHT * unit(scenes @ self._scene_vectors)
        )
        vector = vector + COLOUR_WEIGHT * (shares @ self._colour_vectors)
        return unit(vector + DARK_WEIGHT * self._dark_vector if image.dark else vector)

    def with_people(self, vector: Vector, faces: Sequence[Face]) -> Vector:
        """The vector of an image or a shot together with the people whose faces it shows."""
        return unit(vector + people.weights(faces) @ self._people_vectors)

    def animal_probability(self, image: Observation) -> float:
        """0 to 1: that the likeliest classes are animals."""
        return float(self._animals @ image.classes)

    def describe(self, image: Observation) -> str:
        """The likeliest class and group names: "tabby, tiger cat, feline".

        Empty where no class is likely enough.
        """
        p = image.classes
        names = [self._names[i] for i in np.argsort(-p)[:MAX_NAMES] if p[i] >= MIN_NAME_PROBABILITY]
        group_p = self._members @ p
        information = group_p * -np.log(self._members.mean(1))
        likely = [i for i in np.argsort(-information) if group_p[i] >= MIN_GROUP_PROBABILITY]
        names += [self._groups[i] for i in likely[:MAX_GROUPS]]
        return ", ".join(dict.fromkeys(names))


def scenes_of(table: dict[str, Any]) -> dict[str, list[int]]:
    """scenes.toml with its names resolved: scene text -> indices of its classes.

    Raises KeyError for a name that is neither a class, a synset, nor a `*group`.
    """
    index: dict[str, list[int]] = {}
    for row in table["groups"]:
        index.setdefault("*" + row["names"][0], row["classes"])
    for i, row in enumerate(table["classes"]):
        index.setdefault(row["names"][0], [i])
        index[row["synset"]] = [i]
    with (_DATA / "scenes.toml").open("rb") as f:
        scenes: dict[str, list[str]] = tomllib.load(f)
    return {words: sorted({i for n in names for i in index[n]}) for words, names in scenes.items()}


def _membership(rows: list[list[int]], classes: int) -> Matrix:
    """(rows, classes): 1 where a row names the class."""
    out = np.zeros((len(rows), classes), np.float32)
    for i, row in enumerate(rows):
        out[i, row] = 1
    return out


def _cached(path: Path, make: Callable[[], Matrix]) -> Matrix:
    """The array in the file; `make` creates it on first use."""
    if cache.is_intact(path):
        cached: Matrix = np.load(path, allow_pickle=False)
        return cached
    matrix, buffer = make(), io.BytesIO()
    np.save(buffer, matrix, allow_pickle=False)
    cache.keep(path, buffer.getvalue())
    return matrix
