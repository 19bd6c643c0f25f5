"""`omni-mcp models check NAME`: the probe on real weights, and the scores on the model card.

Tests use random weights of the right shape; only this check shows that the published weights are
used as their authors intended. It needs a model hub and enough memory.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from omni_core.encoders.transformer import hub
from omni_core.encoders.transformer.catalogue import find_model
from omni_core.encoders.transformer.encoder import TransformerEncoder
from omni_core.encoders.transformer.looks import Looks, look_by_scores
from omni_core.encoders.transformer.patches.registry import patch_state
from omni_core.encoders.transformer.spec import InputKind, ModelSpec, Reference
from omni_core.errors import OmniError, UnavailableError
from omni_core.protocols import Encoder
from omni_core.settings import Settings
from omni_core.types import (
    SAMPLE_RATE,
    AudioContent,
    Content,
    ImageContent,
    TextContent,
    Vector,
    VideoContent,
)

TOLERANCE = 0.03
"""Cosine; between the two snippets of one card bfloat16 scores differ by 0.01."""


@dataclass(frozen=True, slots=True)
class CardComparison:
    """One query of the model card: the scores on the card, and those measured here."""

    query: str
    kind: InputKind
    expected: tuple[float, ...]
    found: tuple[float, ...]

    @property
    def same_order(self) -> bool:
        """Whether the candidates rank as on the card."""
        return bool((np.argsort(self.expected) == np.argsort(self.found)).all())

    @property
    def near(self) -> bool:
        """Whether every score is within `TOLERANCE`."""
        return bool(np.abs(np.subtract(self.expected, self.found)).max() <= TOLERANCE)


@dataclass(frozen=True, slots=True)
class CheckReport:
    """The measurements; `ok`: every ranking and score is as on the card."""

    name: str
    revision: str
    device: str
    seconds: float
    cosines: dict[str, float]
    compared: tuple[CardComparison, ...] = ()
    skipped: tuple[str, ...] = ()
    """What could not be compared, and why."""
    warning: str = ""
    note: str = ""
    looks: Looks = field(default_factory=lambda: Looks({}))
    """What the model looks at, and how questions rank; failures there are no failure of the check,
    since a weak model has them too."""
    patches: str = ""
    """on, or why the libraries run unpatched."""
    stats: dict[str, float] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """True when nothing contradicts the card."""
        return all(c.same_order and c.near for c in self.compared)

    def lines(self) -> list[str]:
        """The report as text."""
        lines = [f"{self.name} @ {self.revision[:12]} on {self.device}, {self.seconds:.0f} s"]
        if self.warning:
            lines.append(f"licence: {self.warning}")
        if self.note:
            lines.append(f"note: {self.note}")
        if self.patches:
            lines.append(f"patches: {self.patches}")
        lines += [f"alone = in a batch: {k} {v:.4f}" for k, v in self.cosines.items()]
        for c in self.compared:
            verdict = "as on the card" if c.near and c.same_order else "NOT as on the card"
            here = ", ".join(f"{x:.4f}" for x in c.found)
            card = ", ".join(f"{x:.4f}" for x in c.expected)
            lines.append(f"{c.kind} {c.query!r}: {here} (card {card}): {verdict}")
        lines += self.looks.lines()
        lines += [f"not compared: {why}" for why in self.skipped]
        return lines


def check(name: str, settings: Settings) -> CheckReport:
    """Load `name` (downloading it), probe it, and compare with its card.

    Raises UnavailableError when it cannot be loaded or the probe refuses it.
    """
    started = time.perf_counter()
    settings = replace(settings, encoder=name, encoder_url="")
    spec = find_model(name, weights_dir=settings.weights_dir)
    if spec.kind == "cross":
        return _reranker(spec, settings, started)
    encoder = TransformerEncoder.load(settings)
    try:
        probed = encoder.probed
        assert probed is not None  # noqa: S101 - `load` probes, or raises
        compared, skipped = [], []
        for reference in spec.reference:
            try:
                compared.append(_compare(encoder, spec, reference))
            except OmniError as e:
                skipped.append(f"{reference.query!r}: {e}")
        if not spec.reference:
            skipped.append("the card gives no scores that are on record here")
        return CheckReport(
            spec.name,
            spec.revision,
            encoder.device,
            time.perf_counter() - started,
            dict(zip(probed.kinds, probed.cosines, strict=True)),
            tuple(compared),
            tuple(skipped),
            spec.warning,
            spec.note,
            probed.looks,
            patch_state(settings.model_patches),
            encoder.stats.as_dict(),
        )
    finally:
        encoder.close()


def _reranker(spec: ModelSpec, settings: Settings, started: float) -> CheckReport:
    """Check a cross-encoder: a relevant pair must score above an irrelevant one, and scores must
    move with what is shown."""
    reranker = TransformerEncoder.load_reranker(replace(settings, reranker=settings.encoder))
    candidates = [
        TextContent("A red fox sleeps in the snow."),
        TextContent("The quarterly tax form is due."),
    ]
    scores = reranker.score(TextContent("Where does the fox sleep?"), candidates)
    measured = tuple(float("nan") if s is None else s for s in scores)
    compared = CardComparison("Where does the fox sleep?", "text", (1.0, 0.0), measured)
    seen = look_by_scores(reranker.score)
    if seen.wrong:
        raise UnavailableError(f"{spec.name} was refused: {seen.wrong}")
    verdict = () if compared.same_order else ("an absurd pair scores above an obvious one",)
    return CheckReport(
        spec.name,
        spec.revision,
        settings.device,
        time.perf_counter() - started,
        {"obvious pair": measured[0], "absurd pair": measured[1]},
        () if compared.same_order else (compared,),
        verdict or ("the card gives no scores that are on record here",),
        spec.warning,
        spec.note,
        seen,
        patch_state(settings.model_patches),
    )


def _compare(encoder: Encoder, spec: ModelSpec, reference: Reference) -> CardComparison:
    folder = _assets(spec, reference)
    question = encoder.encode_questions([TextContent(reference.query)])[0]
    contents = [open_asset(folder / a, reference.kind, spec) for a in reference.assets]
    vectors = encoder.encode(contents)
    measured = tuple(_cosine(question, v) for v in vectors)
    return CardComparison(reference.query, reference.kind, reference.scores, measured)


def _cosine(a: Vector | None, b: Vector | None) -> float:
    return float("nan") if a is None or b is None else float(np.dot(a, b))


def _assets(spec: ModelSpec, reference: Reference) -> Path:
    if spec.folder:
        folder = Path(spec.folder)
        if all((folder / a).is_file() for a in reference.assets):
            return folder
    return hub.download(spec.id, spec.revision, patterns=list(reference.assets))


def open_asset(path: Path, kind: InputKind, spec: ModelSpec) -> Content:
    """An asset of the card as its snippet reads it: whole, a video without its audio."""
    import av

    if kind == "image":
        from PIL import Image

        with Image.open(path) as image:
            return ImageContent(np.asarray(image.convert("RGB")))
    with av.open(str(path)) as container:
        if kind == "audio":
            sampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
            pieces = [
                piece.to_ndarray()[0]
                for frame in container.decode(audio=0)
                for piece in sampler.resample(frame)
            ]
            return AudioContent(np.concatenate(pieces))
        frames, times, next_s = [], [], 0.0
        for frame in container.decode(video=0):
            at = float(frame.time or 0.0)
            if at + 1e-6 >= next_s:
                frames.append(frame.to_ndarray(format="rgb24"))
                times.append(at)
                next_s += 1 / spec.fps
        stack = np.stack(frames)
        return VideoContent(stack, tuple(times), spec.fps, stack[len(stack) // 2])
