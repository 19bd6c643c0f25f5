"""`omni-mcp models check embeddinggemma-2`: the published weights give the published scores.

The comparisons of text need the weights alone. Those of media need the cards' example files: from
a folder, or from the hub.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from omni_core.downloads import Hub, Transfer
from omni_core.encoders.gemma import files
from omni_core.encoders.gemma.encoder import GemmaEncoder
from omni_core.encoders.transformer import probe
from omni_core.encoders.transformer.catalogue import known_models
from omni_core.encoders.transformer.check import CardComparison, CheckReport, open_asset
from omni_core.encoders.transformer.spec import InputKind
from omni_core.errors import OmniError, UnavailableError
from omni_core.files import write_atomically
from omni_core.settings import Settings
from omni_core.types import TextContent, Vector
from omni_core.weights import cache

PLANETS = {
    "Venus is often called Earth's twin because of its similar size and proximity.": 0.675,
    "Mars, known for its reddish appearance, is often referred to as the Red Planet.": 0.853,
    "Jupiter, the largest planet in our solar system, has a prominent red spot.": 0.747,
    "Saturn, famous for its rings, is sometimes mistaken for the Red Planet.": 0.778,
}
"""Scores of "Which planet is known as the Red Planet?" on the card of google/embeddinggemma-2."""

EXAMPLES = "datasets/Xenova/transformers.js-docs"
FIX = "wesjos/embeddinggemma-2-onnx-fix"
"""Repositories of the example files."""


@dataclass(frozen=True, slots=True)
class Example:
    """Questions about one file of a card, and their scores."""

    file: str
    kind: InputKind
    repo: str
    scores: Mapping[str, float]


MEDIA = (
    # the card of onnx-community/embeddinggemma-2-ONNX, computed there with 4-bit weights
    Example("cats.jpg", "image", EXAMPLES, {"cats sleeping on a couch": 0.740}),
    Example(
        "jfk.wav", "audio", EXAMPLES, {"a president's speech about serving your country": 0.763}
    ),
    Example("sea-turtle.mp4", "video", EXAMPLES, {"a turtle swimming in the ocean": 0.731}),
    # the card of wesjos/embeddinggemma-2-onnx-fix, the same graphs in float32
    Example(
        "dog.jpeg", "image", FIX,
        {"a dog": 0.725, "a panda": 0.576, "a penguin using ubuntu computer": 0.506},
    ),
)  # fmt: skip


def check(settings: Settings, media: str = "") -> CheckReport:
    """Load the model, probe it, and compare with its cards. Takes minutes.

    `media` is a folder with the cards' example files; without one they come from the hub. Raises
    UnavailableError when the files of the model are missing.
    """
    started = time.perf_counter()
    encoder = GemmaEncoder.load(settings)
    probed = probe.run(encoder)
    if probed.wrong:
        raise UnavailableError(f"{encoder.info.name} was refused: {probed.wrong}")
    compared, skipped = [_planets(encoder)], []
    find = _Examples(settings, media)
    for example in MEDIA:
        try:
            compared.append(_compare(encoder, example, find(example)))
        except OmniError as e:
            skipped.append(f"{example.file}: {e}")
    return CheckReport(
        name=encoder.info.name,
        revision=encoder.info.revision,
        device="cpu, ONNX Runtime",
        seconds=time.perf_counter() - started,
        cosines=dict(zip(probed.kinds, probed.cosines, strict=True)),
        compared=tuple(compared),
        skipped=tuple(skipped),
        looks=probed.looks,
    )


def _planets(encoder: GemmaEncoder) -> CardComparison:
    query = "Which planet is known as the Red Planet?"
    question = encoder.encode_questions([TextContent(query)])[0]
    evidence = encoder.encode([TextContent(text) for text in PLANETS])
    return CardComparison(query, "text", tuple(PLANETS.values()), _cosines([question], evidence))


def _compare(encoder: GemmaEncoder, example: Example, path: Path) -> CardComparison:
    # one frame a second, as on the card: what ingest takes of a film is less
    content = open_asset(path, example.kind, known_models()[files.NAME])
    questions = encoder.encode_questions([TextContent(q) for q in example.scores])
    title = f"{example.file}: {' / '.join(example.scores)}"
    found = _cosines(questions, encoder.encode([content]))
    return CardComparison(title, example.kind, tuple(example.scores.values()), found)


def _cosines(
    questions: Sequence[Vector | None], evidence: Sequence[Vector | None]
) -> tuple[float, ...]:
    return tuple(
        float("nan") if q is None or e is None else float(np.dot(q, e))
        for q in questions
        for e in evidence
    )


class _Examples:
    """The example files: of the folder `media`, kept from an earlier check, or from the hub."""

    def __init__(self, settings: Settings, media: str) -> None:
        self._media = Path(media).expanduser() if media else None
        self._kept = cache.folder(settings) / "cards"
        self._hub = Hub.of(os.environ)
        self._unreachable = "" if media else self._hub.unreachable()

    def __call__(self, example: Example) -> Path:
        """Its path; raises UnavailableError where the file cannot be had."""
        path = (self._media or self._kept) / example.file
        if path.is_file():
            return path
        if self._media is not None:
            raise UnavailableError(f"not in {self._media}")
        if self._unreachable:
            raise UnavailableError(
                f"the hub cannot be used ({self._unreachable}); give the file's folder with --media"
            )
        with Transfer() as transfer:
            answer = transfer.get(self._hub.source(example.repo, "main", example.file))
        write_atomically(path, bytes(answer.content))
        return path
