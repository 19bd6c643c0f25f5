"""Test videos with known cuts: real clips re-cropped, panned and mirrored, images under a moving
camera, slides, textures; with hard cuts, dissolves, fades from black, and noise.

    python bench/media_videos.py OUT.mp4 --size 1920x1080 --seconds 60 --seed 1 --clips FOLDER

writes OUT.mp4 and OUT.mp4.json with the truth: {"fps": .., "cuts": [{"t": .., "kind": ..}]}.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Rgb = NDArray[np.uint8]
Scene = Callable[[int], Rgb]

INNER_CUTS = {"bikes.mp4": (30, 76, 137, 187, 242)}
"""Clips that hold cuts themselves: the frames where they fall."""
BLEND = 12
"""Frames that a dissolve or a fade takes."""


@cache
def load(folder: Path) -> tuple[list[list[Rgb]], list[Rgb]]:
    """Single shots of every video, and the large images, below a folder."""
    shots: list[list[Rgb]] = []
    for path in sorted(folder.rglob("*.mp4")):
        with av.open(str(path)) as c:
            rate = float(c.streams.video[0].average_rate or 25)
            if rate < 15:
                continue  # a slide show has no moving shots
            frames = [_small(f) for f in itertools.islice(c.decode(video=0), 300)]
        marks = [0, *INNER_CUTS.get(path.name, ()), len(frames)]
        shots += [frames[a:b] for a, b in itertools.pairwise(marks)]
    images = []
    for path in sorted((*folder.rglob("*.jpg"), *folder.rglob("*.png"))):
        with Image.open(path) as image:
            if min(image.size) >= 256:
                images.append(np.asarray(image.convert("RGB")))
    return shots, images


def _small(frame: av.VideoFrame) -> Rgb:
    """(height, width, 3), at most 960 wide, to save memory."""
    width = min(frame.width, 960)
    height = round(frame.height * width / frame.width / 2) * 2
    small: Rgb = frame.reformat(width, height, "rgb24").to_ndarray()
    return small


class Maker:
    """Draws scenes at one size from one seed."""

    def __init__(self, clips: Path, size: tuple[int, int], seed: int) -> None:
        self.size = size
        self.rng = random.Random(seed)
        self.noise_rng = np.random.default_rng(seed)
        self.shots, self.images = load(clips)
        self._last: tuple[list[Rgb], str] | None = None

    def scene(self, *, again: bool = False) -> tuple[Scene, str]:
        """A drawing function of the frame number, and what it shows. again: another part of what
        the scene before showed."""
        if again and self._last is not None:
            source, kind = self._last
            return self._camera(source, still=False), kind
        kind = self.rng.choices(("clip", "still", "slide", "texture"), (5, 2, 2, 1))[0]
        if kind == "clip" and self.shots:
            source = self.rng.choice(self.shots)
        elif kind == "still" and self.images:
            source = [self.rng.choice(self.images)]
        else:
            source = [self._slide() if kind == "slide" else self._texture()]
        self._last = source, kind
        return self._camera(source, still=kind == "slide" or self.rng.random() < 0.2), kind

    def _camera(self, source: list[Rgb], *, still: bool) -> Scene:
        width, height = self.size
        h, w = source[0].shape[:2]
        zoom = 1.0 if still else self.rng.uniform(0.45, 0.95)
        cw = int(min(w * zoom, h * zoom * width / height))
        ch = int(cw * height / width)
        x0, y0 = self.rng.uniform(0, w - cw), self.rng.uniform(0, max(0, h - ch))
        speed = 0.0 if still else self.rng.uniform(0.0005, 0.002) * w
        angle = self.rng.uniform(0, 6.28)
        flip, off = self.rng.random() < 0.5, self.rng.randrange(len(source))
        gain = self.rng.uniform(0.6, 1.15)
        grain = None
        if self.rng.random() < 0.4:
            grain = [
                self.noise_rng.integers(-5, 6, (height, width, 1), dtype=np.int16) for _ in range(4)
            ]
        table = np.clip(np.arange(256) * gain, 0, 255).astype(np.uint8)

        def bounce(at: float, room: float) -> float:
            at = abs(at) % (2 * room) if room > 0 else 0.0
            return at if at <= room else 2 * room - at

        def draw(i: int) -> Rgb:
            n = len(source)
            j = (off + i) % max(1, 2 * n - 2)
            j = j if j < n else 2 * n - 2 - j
            x = bounce(x0 + speed * i * np.cos(angle), w - cw)
            y = bounce(y0 + speed * i * np.sin(angle), h - ch)
            image = Image.fromarray(source[j])
            part = image.resize(self.size, Image.Resampling.BILINEAR, (x, y, x + cw, y + ch))
            frame = table[np.asarray(part)]
            if flip:
                frame = frame[:, ::-1]
            if grain is not None:
                frame = np.clip(frame.astype(np.int16) + grain[i % 4], 0, 255).astype(np.uint8)
            return np.ascontiguousarray(frame)

        return draw

    def _slide(self) -> Rgb:
        paper = self.rng.choice(((250, 250, 245), (235, 240, 250), (20, 30, 60), (255, 255, 255)))
        ink = (20, 20, 20) if sum(paper) > 300 else (240, 240, 240)
        image = Image.new("RGB", (1280, 720), paper)
        draw = ImageDraw.Draw(image)
        words = ["".join(self.rng.choices("abcdefghilmnoprstu", k=9)) for _ in range(30)]
        draw.text((70, 50), " ".join(words[:2]), ink, ImageFont.load_default(64))
        for row in range(self.rng.randint(3, 8)):
            line = "- " + " ".join(self.rng.sample(words, 5))
            draw.text((90, 170 + row * 62), line, ink, ImageFont.load_default(34))
        if self.rng.random() < 0.5:
            box = (760, 300, 760 + self.rng.randint(150, 400), 620)
            draw.rectangle(box, tuple(self.rng.randrange(256) for _ in range(3)))
        return np.asarray(image)

    def _texture(self) -> Rgb:
        small = self.noise_rng.integers(0, 255, (12, 20, 3), dtype=np.uint8)
        return np.asarray(Image.fromarray(small).resize((960, 540), Image.Resampling.BICUBIC))


def make(
    out: Path,
    *,
    clips: Path,
    size: tuple[int, int] = (1280, 720),
    seconds: float = 60,
    seed: int = 1,
    fps: int = 25,
    codec: str = "libx264",
    options: dict[str, str] | None = None,
    gradual: float = 0.15,
    longest: float = 8.0,
) -> dict[str, object]:
    """Write the video and its ground truth; `gradual` is the share of dissolves and fades."""
    maker = Maker(clips, size, seed)
    rng = maker.rng
    truth: list[dict[str, object]] = []
    total = int(seconds * fps)
    with av.open(str(out), "w") as c:
        video = c.add_stream(codec, rate=fps)
        video.width, video.height, video.pix_fmt = *size, "yuv420p"
        video.options = options if options is not None else {"crf": "23", "preset": "veryfast"}
        audio = c.add_stream("aac", rate=48000, layout="stereo")
        n, before, before_n, samples_written = 0, None, 0, 0
        while n < total:
            scene, content = maker.scene()
            length = int(rng.uniform(1.3, longest) * fps)
            way = "cut" if before is None or rng.random() >= gradual else "dissolve"
            if way == "dissolve" and rng.random() < 0.33:
                way = "fade"
            if n:
                truth.append({"t": n / fps, "kind": way, "shows": content})
            for i in range(min(length, total - n)):
                frame = scene(i)
                share = (i + 1) / (BLEND + 1)
                if way == "dissolve" and i < BLEND and before is not None:
                    old = before(before_n + i)
                    frame = (frame * share + old * (1 - share)).astype(np.uint8)
                elif way == "fade" and i < BLEND:
                    frame = (frame * (i / BLEND)).astype(np.uint8)
                video_frame = av.VideoFrame.from_ndarray(frame, format="rgb24")
                video_frame.pts, video_frame.time_base = n, Fraction(1, fps)
                c.mux(video.encode(video_frame))
                n += 1
                samples_written = _add_audio(c, audio, samples_written, n / fps)
            before, before_n = scene, length
        c.mux(video.encode())
        c.mux(audio.encode())
    facts: dict[str, object] = {"fps": fps, "frames": n, "cuts": truth}
    Path(f"{out}.json").write_text(json.dumps(facts))
    return facts


def _add_audio(c: object, audio: object, samples_written: int, until: float) -> int:
    """Two wandering tones and noise, up to `until` seconds."""
    while samples_written / 48000 < until:
        t = (np.arange(1024) + samples_written) / 48000
        tone = 0.2 * np.sin(2 * np.pi * (220 + 40 * np.sin(t / 3)) * t)
        tone *= 1 + np.sin(2 * np.pi * 3 * t)
        frame = av.AudioFrame.from_ndarray(
            np.stack([tone, tone]).astype(np.float32), format="fltp", layout="stereo"
        )
        frame.sample_rate, frame.pts, frame.time_base = 48000, samples_written, Fraction(1, 48000)
        c.mux(audio.encode(frame))  # type: ignore[attr-defined]
        samples_written += 1024
    return samples_written


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("out", type=Path)
    parser.add_argument("--clips", type=Path, required=True)
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fps", type=int, default=25)
    parser.add_argument("--longest", type=float, default=8.0, help="seconds of a scene")
    a = parser.parse_args()
    width, height = (int(v) for v in a.size.split("x"))
    facts = make(
        a.out,
        clips=a.clips,
        size=(width, height),
        seconds=a.seconds,
        seed=a.seed,
        fps=a.fps,
        longest=a.longest,
    )
    print(a.out, facts["frames"], "frames,", len(facts["cuts"]), "cuts")  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
