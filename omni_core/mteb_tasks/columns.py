"""Rows of mteb's data sets: their columns text, image, audio and video as contents for a model, and
as files."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from omni_core.errors import BadRequestError
from omni_core.types import (
    SAMPLE_RATE,
    AudioContent,
    Content,
    Frames,
    ImageContent,
    Samples,
    TextContent,
    VideoContent,
)

MODALITIES = ("text", "image", "audio", "video")
FPS = 2.0
MAX_FRAMES = 64
"""Of a clip: evenly spaced where more would be taken, as mteb's own collators do."""

Row = Mapping[str, Any]


def contents(row: Row) -> list[Content]:
    """What a model takes of one row; the sound of a film is part of the film."""
    found: list[Content] = []
    if row.get("text"):
        found.append(TextContent(str(row["text"])))
    if row.get("image") is not None:
        found.append(ImageContent(np.asarray(row["image"].convert("RGB"))))
    sound = None if row.get("audio") is None else samples(row["audio"])
    if row.get("video") is not None:
        taken = frames(row["video"])
        times = tuple(i / FPS for i in range(len(taken)))
        found.append(VideoContent(taken, times, FPS, taken[len(taken) // 2], sound))
    elif sound is not None:
        found.append(AudioContent(sound))
    return found


def samples(audio: Any) -> Samples:
    """Mono at 16 kHz, of `{"array", "sampling_rate"}` or a decoder of torchcodec."""
    if hasattr(audio, "get_all_samples"):
        decoded = audio.get_all_samples()
        array, rate = np.asarray(decoded.data), int(decoded.sample_rate)
    else:
        array, rate = np.asarray(audio["array"]), int(audio["sampling_rate"])
    mono = array.mean(axis=0) if array.ndim == 2 else array
    if rate == SAMPLE_RATE:
        return np.ascontiguousarray(mono, np.float32)
    frame = av.AudioFrame.from_ndarray(
        np.ascontiguousarray(mono, np.float32)[None], format="fltp", layout="mono"
    )
    frame.sample_rate = rate
    resampler = av.AudioResampler(format="fltp", layout="mono", rate=SAMPLE_RATE)
    parts = [*resampler.resample(frame), *resampler.resample(None)]
    return np.concatenate([part.to_ndarray()[0] for part in parts]).astype(np.float32)


def frames(video: Any) -> Frames:
    """At most 64 frames, (frames, height, width, 3), two a second: of (frames, 3, height, width)
    or a decoder of torchcodec."""
    if hasattr(video, "get_frames_at"):
        seconds = float(video.metadata.duration_seconds or 0.0)
        wanted = _spread(len(video), round(seconds * FPS))
        video = video.get_frames_at(wanted).data
        array = np.asarray(video)
    else:
        array = np.asarray(video)
        array = array[_spread(len(array), len(array))]
    if array.shape[1] == 3 and array.shape[-1] != 3:
        array = array.transpose(0, 2, 3, 1)
    return np.ascontiguousarray(array, np.uint8)


def _spread(have: int, want: int) -> list[int]:
    count = max(1, min(have, want, MAX_FRAMES))
    return [int(i) for i in np.linspace(0, have - 1, count).round()]


def files(row: Row, folder: Path, stem: str) -> list[Path]:
    """Write one row as files: its text, and the bytes of its media as the data set holds them."""
    written = []
    text = "\n\n".join(str(row[key]) for key in ("title", "text", "body") if row.get(key))
    if text:
        written.append(folder / f"{stem}.txt")
        written[-1].write_text(text, encoding="utf-8")
    for column in MODALITIES[1:]:
        if row.get(column) is not None:
            data, suffix = _bytes_of(row[column], column)
            written.append(folder / f"{stem}-{column}{suffix}")
            written[-1].write_bytes(data)
    return written


def _bytes_of(value: Any, column: str) -> tuple[bytes, str]:
    """The bytes of a medium and the suffix of its name; its kind is recognised by its bytes."""
    if isinstance(value, Image.Image):
        out = io.BytesIO()
        value.convert("RGB").save(out, "PNG")
        return out.getvalue(), ".png"
    if isinstance(value, Mapping) and (value.get("bytes") or value.get("path")):
        path = Path(value.get("path") or "")
        data = value.get("bytes") or path.read_bytes()
        return bytes(data), path.suffix or {"image": ".png", "audio": ".wav"}.get(column, ".mp4")
    raise BadRequestError(
        f"a {column} of this task is {type(value).__name__}, neither bytes nor a path: the whole "
        "server reads files; measure the encoder alone"
    )
