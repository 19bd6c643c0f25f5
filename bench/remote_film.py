"""A film with speech and words on screen, made of the samples, for bench/remote_workers.py."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from omni_core.types import SAMPLE_RATE

SOUNDS = ("audio/*.wav", "field-trip/interview.mp3", "field-trip/message-es.ogg")
SLIDE_S = 5
FPS = 4
SIZE = (640, 360)


def make_film(samples: Path, to: Path, seconds: int) -> Path:
    """So many seconds: another slide every five, and the voices of the samples over and over."""
    voices = _voices(samples, seconds)
    with av.open(str(to), "w") as out:
        video = out.add_stream("libx264", rate=FPS, options={"preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = (*SIZE, "yuv420p")
        audio = out.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
        for second in range(seconds):
            for n in range(FPS):
                image = av.VideoFrame.from_ndarray(_slide(second // SLIDE_S), format="rgb24")
                image.pts, image.time_base = second * FPS + n, Fraction(1, FPS)
                out.mux(video.encode(image))
            part = voices[None, second * SAMPLE_RATE : (second + 1) * SAMPLE_RATE]
            sound = av.AudioFrame.from_ndarray(part.copy(), format="flt", layout="mono")
            sound.sample_rate, sound.pts = SAMPLE_RATE, second * SAMPLE_RATE
            out.mux(audio.encode(sound))
        out.mux(video.encode(None))
        out.mux(audio.encode(None))
    return to


def _slide(number: int) -> NDArray[np.uint8]:
    hue = (number * 47) % 200
    image = Image.new("RGB", SIZE, (255 - hue // 2, 235, 200 + hue // 4))
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(size=34)
    lines = f"Station {number + 1}\nDepth {120 + 17 * number} metres\nSample {number * 7 % 31}"
    draw.multiline_text((60, 70), lines, fill=(20, 20, 60), font=font, spacing=14)
    return np.asarray(image)


def _voices(samples: Path, seconds: int) -> NDArray[np.float32]:
    parts: list[NDArray[np.float32]] = []
    for path in (p for pattern in SOUNDS for p in sorted(samples.glob(pattern))):
        with av.open(str(path)) as held:
            to = av.AudioResampler("flt", "mono", SAMPLE_RATE)
            parts += [o.to_ndarray()[0] for f in held.decode(audio=0) for o in to.resample(f)]
        parts.append(np.zeros(SAMPLE_RATE, np.float32))
    return np.resize(np.concatenate(parts), seconds * SAMPLE_RATE)
