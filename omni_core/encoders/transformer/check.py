"""`omni-mcp models check NAME`: real weights, the probe, and the scores printed on the card.

Random weights of the right shape prove the code; only this proves that the published weights are
understood as their authors meant them. Anyone with a hub and the memory can run it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from omni_core.encoders.transformer import hub as files
from omni_core.encoders.transformer import probe
from omni_core.encoders.transformer.encoder import TransformerEncoder
from omni_core.encoders.transformer.spec import ModelSpec, Reference, spec
from omni_core.errors import OmniError
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

NEAR = 0.03
"""Scores of bfloat16 runs on the card itself differ by 0.01 between its own two snippets."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One question of the card: its scores, and those here."""

    query: str
    kind: str
    expected: tuple[float, ...]
    found: tuple[float, ...]

    @property
    def same_order(self) -> bool:
        """Whether the files rank as on the card."""
        return bool((np.argsort(self.expected) == np.argsort(self.found)).all())

    @property
    def near(self) -> bool:
        """Whether every score is within `NEAR`."""
        return bool(np.abs(np.subtract(self.expected, self.found)).max() <= NEAR)


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What was found, and in `ok` the verdict: probe passed and every ranking as on the card."""

    name: str
    revision: str
    device: str
    seconds: float
    cosines: dict[str, float]
    compared: tuple[Compared, ...] = ()
    skipped: tuple[str, ...] = ()
    """What could not be compared, and why."""
    warning: str = ""
    stats: dict[str, float] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """True when nothing contradicts the card."""
        return all(c.same_order and c.near for c in self.compared)

    def lines(self) -> list[str]:
        """The report as text."""
        made = [f"{self.name} @ {self.revision[:12]} on {self.device}, {self.seconds:.0f} s"]
        if self.warning:
            made.append(f"licence: {self.warning}")
        made += [f"alone = in a batch: {k} {v:.4f}" for k, v in self.cosines.items()]
        for c in self.compared:
            verdict = "as on the card" if c.near and c.same_order else "NOT as on the card"
            here = ", ".join(f"{x:.4f}" for x in c.found)
            card = ", ".join(f"{x:.4f}" for x in c.expected)
            made.append(f"{c.kind} {c.query!r}: {here} (card {card}): {verdict}")
        made += [f"not compared: {why}" for why in self.skipped]
        return made


def check(name: str, settings: Settings) -> CheckReport:
    """Load `name` (downloading it), probe it, and compare with its card.

    Raises UnavailableError when it cannot be loaded or the probe refuses it.
    """
    started = time.perf_counter()
    settings = replace(settings, encoder=name, encoder_url="")
    chosen = spec(name, weights_dir=settings.weights_dir)
    if chosen.kind == "cross":
        return _reranker(chosen, settings, started)
    encoder = TransformerEncoder.load(settings)
    try:
        found = probe.run(encoder)
        compared, skipped = [], []
        for reference in chosen.reference:
            try:
                compared.append(_compare(encoder, chosen, reference))
            except OmniError as e:
                skipped.append(f"{reference.query!r}: {e}")
        if not chosen.reference:
            skipped.append("the card gives no scores that are on record here")
        return CheckReport(
            chosen.name,
            chosen.revision,
            encoder.device,
            time.perf_counter() - started,
            dict(zip(found.kinds, found.cosines, strict=True)),
            tuple(compared),
            tuple(skipped),
            chosen.warning,
            encoder.stats.as_dict(),
        )
    finally:
        encoder.close()


def _reranker(chosen: ModelSpec, settings: Settings, started: float) -> CheckReport:
    """A cross-encoder: an obvious pair must score above an absurd one."""
    reranker = TransformerEncoder.load_reranker(replace(settings, reranker=settings.encoder))
    candidates = [
        TextContent("A red fox sleeps in the snow."),
        TextContent("The quarterly tax form is due."),
    ]
    scores = reranker.score(TextContent("Where does the fox sleep?"), candidates)
    found = tuple(float("nan") if s is None else s for s in scores)
    compared = Compared("Where does the fox sleep?", "text", (1.0, 0.0), found)
    verdict = () if compared.same_order else ("an absurd pair scores above an obvious one",)
    return CheckReport(
        chosen.name,
        chosen.revision,
        settings.device,
        time.perf_counter() - started,
        {"obvious pair": found[0], "absurd pair": found[1]},
        () if compared.same_order else (compared,),
        verdict or ("the card gives no scores that are on record here",),
        chosen.warning,
    )


def _compare(encoder: Encoder, chosen: ModelSpec, reference: Reference) -> Compared:
    folder = _assets(chosen, reference)
    asked = encoder.encode_questions([TextContent(reference.query)])[0]
    contents = [_open(folder / a, reference.kind, chosen) for a in reference.assets]
    vectors = encoder.encode(contents)
    found = tuple(_cosine(asked, v) for v in vectors)
    return Compared(reference.query, reference.kind, reference.scores, found)


def _cosine(asked: Vector | None, found: Vector | None) -> float:
    return float("nan") if asked is None or found is None else float(np.dot(asked, found))


def _assets(chosen: ModelSpec, reference: Reference) -> Path:
    if chosen.folder:
        folder = Path(chosen.folder)
        if all((folder / a).is_file() for a in reference.assets):
            return folder
    return files.fetch(chosen.id, chosen.revision, patterns=list(reference.assets))


def _open(path: Path, kind: str, chosen: ModelSpec) -> Content:
    """A card's asset as its snippet reads it: whole, without the sound of a film."""
    import av

    if kind == "image":
        from PIL import Image

        with Image.open(path) as picture:
            return ImageContent(np.asarray(picture.convert("RGB")))
    with av.open(str(path)) as container:
        if kind == "audio":
            sampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
            parts = [
                piece.to_ndarray()[0]
                for frame in container.decode(audio=0)
                for piece in sampler.resample(frame)
            ]
            return AudioContent(np.concatenate(parts))
        frames, times, due = [], [], 0.0
        for frame in container.decode(video=0):
            at = float(frame.time or 0.0)
            if at + 1e-6 >= due:
                frames.append(frame.to_ndarray(format="rgb24"))
                times.append(at)
                due += 1 / chosen.fps
        stack = np.stack(frames)
        return VideoContent(stack, tuple(times), chosen.fps, stack[len(stack) // 2])
