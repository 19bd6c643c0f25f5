"""What the faces in an image say about the people in it: how many they are, and how near.

No class of the image classifier is a person. So faces add label texts to an image's vector
(`LabelSpace.with_people`), and a fact to its caption: "3 faces". Who it is, the sex, the age are
not guessed.

Of 37 questions about people over 402 images, 53 of them with people, MRR is .70 and R@5 .89;
without faces .39 and .57. Fifteen of them in Spanish, German, Chinese and Russian have an R@5 of
1.0, and of .40 to .60 without. The questions about images of the development set (.57) and the
names of 229 other images (.33) find them as before. As texts of their own beside the image's vector
the same words gain less (mean average precision .58 in place of .65, with MiniLM alone). From .6 to
1.6 times the weights little changes. bench/embedded_recipe.py measures.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from omni_core.encoders.embedded.faces import Face
from omni_core.types import Vector

CLOSE, NEAR = 0.3, 0.12
"""Height of the largest face, as a share of the image's, from which it is close up, or near."""
MIN_RELATIVE_HEIGHT = 0.35
"""Height of a face, as a share of the largest one's, below which it is somebody in the
background."""
CROWD = 10
"""Faces from which a group is a crowd."""
MAX_ANIMAL, MIN_BESIDE_ANIMAL = 0.5, 0.999
"""Probability of an animal above which a face must be this certain: some dogs have faces too."""

LABELS: dict[str, tuple[str, float]] = {
    "close": ("a portrait, headshot, the face of a person close up", 0.5),
    "near": ("a portrait of a person, head and shoulders", 0.5),
    "far": ("a person, seen from a distance", 0.2),
    "camera": ("a person talking to the camera, at a webcam, an interview", 0.25),
    "two": ("two people, a couple, a pair", 0.6),
    "three": ("three people, friends together", 0.6),
    "group": ("a group of people posing together, family, friends", 0.6),
    "crowd": ("a crowd, many people, many faces", 0.6),
    "people": ("people, faces", 0.2),
}
"""Label texts, and their weights beside the image's own vector of length 1."""
TEXTS = tuple(text for text, _ in LABELS.values())


def believable(faces: Sequence[Face], animal: float) -> tuple[Face, ...]:
    """The faces, without those that are likelier an animal's; `animal` is the probability that the
    image shows one."""
    least = MIN_BESIDE_ANIMAL if animal > MAX_ANIMAL else 0.0
    return tuple(f for f in faces if f.probability >= least)


def weights(faces: Sequence[Face]) -> Vector:
    """(len(TEXTS),): the weight of each label text; all 0 without a face."""
    chosen = _labels(faces)
    return np.array([w if name in chosen else 0.0 for name, (_, w) in LABELS.items()], np.float32)


def describe(faces: Sequence[Face]) -> str:
    """`1 face, close up`, `3 faces`; empty without any."""
    if not faces:
        return ""
    count = "1 face" if len(faces) == 1 else f"{len(faces)} faces"
    return f"{count}, close up" if faces[0].height >= CLOSE else count


def _labels(faces: Sequence[Face]) -> set[str]:
    if not faces:
        return set()
    height = max(f.height for f in faces)
    count = sum(f.height >= MIN_RELATIVE_HEIGHT * height for f in faces)
    if count > 1:
        names = {2: "two", 3: "three"}
        return {names.get(count, "group" if count < CROWD else "crowd"), "people"}
    if height < NEAR:
        return {"far"}
    return {"close" if height >= CLOSE else "near", "camera"}
