"""`EncoderInfo` of a model, from its description, without loading weights."""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace

from omni_core.encoders.transformer.spec import ModelSpec
from omni_core.errors import UnavailableError
from omni_core.settings import Settings
from omni_core.types import Channel, CutOptions, EncoderInfo

WIDEST_ASPECT = 2.4
"""Frames up to this aspect ratio fill the model's pixel budget without upscaling."""
MAX_EDGE = 640
"""Long edge of a frame in pixels, at most, unless the model's description says another."""
MAX_IMAGE_EDGE = 1664
"""Long edge of an image in pixels, at most: 1.96 million pixels of a page."""
PAGE_ASPECT = math.sqrt(2)
"""Height by width of a page."""
BATCH = 32
"""Segments of one call; each call begins with some 0.2 s of preparation while the GPU idles."""


def encoder_info(spec: ModelSpec, settings: Settings) -> EncoderInfo:
    """The encoder that these settings make of a model.

    Raises UnavailableError for a model that this program cannot run, for a reranker, and for a
    dimension that the model cannot be cut to.
    """
    require_supported(spec)
    if spec.kind == "cross":
        raise UnavailableError(
            f"{spec.name} is a reranker, it gives no vectors: set it as `reranker` and choose "
            "another encoder (`omni-mcp models`)"
        )
    dim = settings.encoder_dim or spec.dim
    if dim != spec.dim and dim not in spec.matryoshka:
        sizes = ", ".join(map(str, spec.matryoshka)) or str(spec.dim)
        raise UnavailableError(f"{spec.name} cannot be cut to {dim} dimensions; it has {sizes}")
    channels = {Channel.SPEECH, Channel.SCREEN_TEXT, Channel.TEXT}
    if spec.takes("image") or spec.takes("video"):
        channels.add(Channel.VISUAL)
    if spec.takes("audio"):
        channels.add(Channel.SOUND)
    pool = settings.token_pool if spec.kind == "multi" else 1
    cut = _cut_options(spec)
    larger = max(1.0, cut.video_edge / MAX_EDGE) ** 2  # as many pixels in a call as of small frames
    return EncoderInfo(
        name=spec.name,
        revision=spec.revision,
        dim=dim,
        channels=frozenset(channels),
        multi_vector=spec.kind == "multi",
        licence=spec.licence,
        cut=cut,
        batch=round(BATCH / larger),
        settings=_settings_text(spec, pool),
    )


def require_supported(spec: ModelSpec) -> None:
    """Raises UnavailableError for a model that is listed but cannot run here."""
    if spec.unsupported:
        raise UnavailableError(
            f"{spec.name} cannot run in this program: {spec.unsupported}; choose another "
            "(`omni-mcp models`)"
        )


def _cut_options(spec: ModelSpec) -> CutOptions:
    """How to cut media so that inputs match the model's training."""
    default = CutOptions()
    edge = spec.video_edge or min(_edge(spec.video_pixels, WIDEST_ASPECT), MAX_EDGE)
    page_edge = min(_edge(spec.image_pixels, PAGE_ASPECT), MAX_IMAGE_EDGE)
    shot_max_s = default.shot_max_s
    if spec.takes("video"):
        shot_max_s = min(shot_max_s, spec.max_frames / spec.fps)
    audio_window_s = default.audio_window_s
    if spec.audio_max_s:
        audio_window_s = min(audio_window_s, spec.audio_max_s)
    return replace(
        default,
        video_fps=spec.fps,
        image_edge=max(default.image_edge, page_edge),
        video_edge=edge or default.video_edge,
        video_max_frames=spec.max_frames if spec.takes("video") else 1,
        video_audio=spec.video_with_sound and spec.takes("audio") and spec.takes("video"),
        shot_max_s=shot_max_s,
        audio_window_s=audio_window_s,
    )


def _edge(pixels: tuple[int, int] | None, aspect: float) -> int:
    """Long edge at which an image of that aspect ratio fills a pixel budget; 0 without one."""
    return math.ceil(math.sqrt(pixels[1] * aspect) / 28) * 28 if pixels else 0


def _settings_text(spec: ModelSpec, pool: int) -> str:
    """Everything besides weights that changes a vector, in short; prompts as eight hex digits.

    Part of the fingerprint of stored libraries: it must not change while a model's vectors stay
    the same.
    """
    prompts = (
        spec.query_prompt,
        spec.document_prompt,
        spec.image_prompt,
        spec.video_prompt,
        spec.task,
        spec.recipe.chat_template if spec.recipe else "",
    )
    parts = [
        spec.pooling.split(":")[0] or "repo",
        f"fps{spec.fps:g}x{spec.max_frames}",
        f"px{spec.image_pixels and spec.image_pixels[1]}",
        f"vpx{spec.video_pixels and spec.video_pixels[1]}",
        *([f"clip{spec.clip_pixels}"] if spec.clip_pixels else []),
        f"s{spec.audio_max_s:g}",
        "p" + hashlib.sha256("\0".join(prompts).encode()).hexdigest()[:8],
    ]
    if spec.min_frames > 2:
        parts.append(f"least{spec.min_frames}")
    if spec.bidirectional:
        parts.append("both-ways")
    if pool > 1:
        parts.append(f"pool{pool}")
    return " ".join(parts)
