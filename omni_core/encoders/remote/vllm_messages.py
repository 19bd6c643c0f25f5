"""A content as the messages of a chat request, media as data: URIs."""

from __future__ import annotations

import base64
import io
import wave
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from PIL import Image

from omni_core.encoders.transformer.frames import at_most
from omni_core.encoders.transformer.spec import ModelSpec
from omni_core.types import (
    SAMPLE_RATE,
    AudioContent,
    Content,
    ImageContent,
    Pixels,
    Samples,
    TextContent,
)


def conversation(parts: list[dict[str, Any]], prompt: str, spec: ModelSpec) -> list[Any]:
    """The messages for one content and its prompt."""
    if not prompt:
        return [{"role": "user", "content": parts}]
    if spec.prompt_place == "prefix":
        first = parts[0]
        if first["type"] == "text":
            joined = [{"type": "text", "text": prompt + first["text"]}, *parts[1:]]
        else:
            joined = [{"type": "text", "text": prompt}, *parts]
        return [{"role": "user", "content": joined}]
    return [
        {"role": "system", "content": [{"type": "text", "text": prompt}]},
        {"role": "user", "content": parts},
    ]


def message_parts(content: Content, spec: ModelSpec) -> list[dict[str, Any]] | None:
    """The content as chat parts; None when the model has no input for it."""
    if isinstance(content, TextContent):
        return [{"type": "text", "text": content.text.strip() or "NULL"}]
    if isinstance(content, ImageContent):
        return [_image_part(content.pixels)] if spec.takes("image") else None
    if isinstance(content, AudioContent):
        return [_audio_part(content.samples)] if spec.takes("audio") else None
    if not spec.takes("video") or not len(content.frames):
        return [_image_part(content.keyframe)] if spec.takes("image") else None
    frames, _ = at_most(content.frames, content.fps, spec.max_frames)
    jpegs = ",".join(_base64(partial(_jpeg, f)) for f in frames)
    parts = [{"type": "video_url", "video_url": {"url": f"data:video/jpeg;base64,{jpegs}"}}]
    if content.audio is not None and spec.video_with_sound:
        parts.append(_audio_part(content.audio))
    return parts


def text_or_parts(parts: list[dict[str, Any]]) -> Any:
    """A content in a rerank request: plain text, or its parts."""
    alone = len(parts) == 1 and parts[0]["type"] == "text"
    return parts[0]["text"] if alone else {"content": parts}


def _image_part(pixels: Pixels) -> dict[str, Any]:
    data = _base64(lambda f: Image.fromarray(pixels).save(f, "PNG", compress_level=1))
    return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}


def _audio_part(samples: Samples) -> dict[str, Any]:
    return {
        "type": "input_audio",
        "input_audio": {"data": _base64(partial(_wav, samples)), "format": "wav"},
    }


def _jpeg(pixels: Pixels, file: io.BytesIO) -> None:
    Image.fromarray(pixels).save(file, "JPEG", quality=95)


def _wav(samples: Samples, file: io.BytesIO) -> None:
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SAMPLE_RATE)
        out.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())


def _base64(write: Callable[[io.BytesIO], None]) -> str:
    file = io.BytesIO()
    write(file)
    return base64.b64encode(file.getvalue()).decode()
