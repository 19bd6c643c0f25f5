"""Faces in an image: where they are, by the cascade of MTCNN (Zhang et al. 2016).

A small net looks at every place of the image at several scales; a larger one judges what it
proposes, and a third what is left. What comes out is a rectangle, never who it is.

In 869 images of documentation, desktops and drawings 58 faces are found, three of them no faces of
people (two dogs and a blot); in 53 photographs of people those from about 4 % of the image's height
on, unless turned away. 25 ms of CPU an image.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from omni_core import weights
from omni_core.encoders.embedded import face_nets
from omni_core.settings import Settings
from omni_core.types import Pixels
from omni_core.weights import onnx_sessions

EDGE = 640
"""Long edge of the copy in which faces are looked for."""
SMALLEST = 20
"""Height of the smallest face found, in pixels of that copy."""
SCALE_STEP = 0.709
"""From one scale to the next: half the area, as in the paper."""
WINDOW, STRIDE = 12, 2
"""Of the proposal net, in pixels."""
MIN_PROPOSED, MIN_REFINED, MIN_FACE = 0.6, 0.7, 0.95
"""Probability from which each net passes a window on."""
MAX_OVERLAP_OF_SCALE, MAX_OVERLAP = 0.5, 0.7
"""Intersection over union above which the likelier of two windows stays."""
MAX_NESTED = 0.6
"""Intersection over the smaller one above which two faces are one."""
MAX_WINDOWS = 256
"""Windows that the refinement net sees, the likeliest: a texture gives thousands."""

Boxes = NDArray[np.float32]
"""(n, 5): left, top, right, bottom in pixels, and the probability."""


@dataclass(frozen=True, slots=True)
class Face:
    """A rectangle in fractions of the image, 0 to 1, and the probability that it is a face."""

    left: float
    top: float
    right: float
    bottom: float
    probability: float

    @property
    def height(self) -> float:
        """Share of the image's height."""
        return self.bottom - self.top


class FaceDetector:
    """The three nets on ONNX Runtime."""

    def __init__(self, settings: Settings) -> None:
        """Load the graphs, which the first use builds; UnavailableError without weights."""
        folder = weights.find("faces", settings)
        hashes = {file.name: file.sha256 for file in weights.payload("faces").files}

        def session(name: str) -> onnx_sessions.Session:
            file = f"{name}.lz4"
            key = f"mtcnn-{name}-{hashes[file][:12]}-{face_nets.BUILDER}"
            build = face_nets.BUILDERS[name]
            graph = onnx_sessions.cached(
                settings, key, lambda: build(face_nets.read_weights(folder / file))
            )
            return onnx_sessions.Session(graph, settings.threads)

        self._propose, self._refine, self._decide = map(session, ("pnet", "rnet", "onet"))

    def __call__(self, pixels: Pixels) -> list[Face]:
        """The faces of an image, the largest first; empty where there are none."""
        image = Image.fromarray(pixels)
        image.thumbnail((EDGE, EDGE), Image.Resampling.BOX)
        boxes = self._proposals(image)
        boxes = _without_overlap(
            self._judged(self._refine, image, boxes[:MAX_WINDOWS], 24, MIN_REFINED), MAX_OVERLAP
        )
        boxes = self._judged(self._decide, image, boxes, 48, MIN_FACE)
        boxes = _without_overlap(boxes, MAX_NESTED, smaller=True)
        size = np.array([*image.size, *image.size], np.float32)
        boxes[:, :4] = np.clip(boxes[:, :4] / size, 0, 1)
        found = [Face(*map(float, box)) for box in boxes]
        return sorted(found, key=lambda f: -f.height)

    def _proposals(self, image: Image.Image) -> Boxes:
        """Windows that may hold a face, the likeliest first."""
        found = [_none()]
        scale = WINDOW / SMALLEST
        while min(image.size) * scale >= WINDOW:
            width, height = (max(WINDOW, round(side * scale)) for side in image.size)
            small = image.resize((width, height), Image.Resampling.BOX)
            face, shift = self._propose(["face", "shift"], image=_scaled([small]))
            rows, columns = np.nonzero(face[0, 1] > MIN_PROPOSED)
            corner = np.stack([columns, rows], axis=1).astype(np.float32) * STRIDE
            sides = np.concatenate([corner, corner + WINDOW], axis=1)
            sides = (sides + shift[0][:, rows, columns].T * WINDOW) / scale
            boxes = np.column_stack([sides, face[0, 1, rows, columns]])
            found.append(_without_overlap(boxes, MAX_OVERLAP_OF_SCALE))
            scale *= SCALE_STEP
        return _without_overlap(np.concatenate(found), MAX_OVERLAP)

    def _judged(
        self,
        net: onnx_sessions.Session,
        image: Image.Image,
        boxes: Boxes,
        size: int,
        least: float,
    ) -> Boxes:
        """The windows that the net takes for faces, corrected by it."""
        if not len(boxes):
            return boxes
        squares = _squares(boxes)
        crops = [
            image.crop(tuple(square)).resize((size, size), Image.Resampling.BILINEAR)
            for square in np.rint(squares).astype(int).tolist()
        ]
        face, shift = net(["face", "shift"], image=_scaled(crops))
        sizes = (squares[:, 2] - squares[:, 0])[:, None]
        judged = np.column_stack([squares + shift * sizes, face[:, 1]]).astype(np.float32)
        return judged[judged[:, 4] > least]


def _scaled(images: list[Image.Image]) -> NDArray[np.float32]:
    pixels = np.stack([np.asarray(image) for image in images]).astype(np.float32)
    return (pixels - np.float32(127.5)) / np.float32(128)


def _none() -> Boxes:
    return np.zeros((0, 5), np.float32)


def _squares(boxes: Boxes) -> NDArray[np.float32]:
    """(n, 4): squares of the longer side around the same centres."""
    half = np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])[:, None] / 2
    centre = (boxes[:, :2] + boxes[:, 2:4]) / 2
    return np.concatenate([centre - half, centre + half], axis=1)


def _without_overlap(boxes: Boxes, most: float, *, smaller: bool = False) -> Boxes:
    """The boxes, likeliest first, without those that overlap a likelier one by more than `most` of
    their union, or of the smaller of the two."""
    boxes = boxes[np.argsort(-boxes[:, 4], kind="stable")]
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    kept: list[int] = []
    left = np.arange(len(boxes))
    while len(left):
        first, left = int(left[0]), left[1:]
        kept.append(first)
        low = np.maximum(boxes[first, :2], boxes[left, :2])
        high = np.minimum(boxes[first, 2:4], boxes[left, 2:4])
        shared = np.maximum(high - low, 0).prod(axis=1)
        whole = (
            np.minimum(area[first], area[left]) if smaller else area[first] + area[left] - shared
        )
        left = left[shared <= most * whole]
    return boxes[kept]
