"""Test films of short scenes joined by soft transitions, with their true times.

    python bench/soft_films.py OUT.mp4 --clips FOLDER [--film action] [--seed 1] [--seconds 90]

Scenes of 1.5 to 5 s, of real clips and images, under a camera that pans, zooms, shakes or whips,
with flashes, flicker, changes of light and large things that cross the picture; joined by hard
cuts, dissolves, fades through black and white, and wipes of 0.3 to 2 s. Writes OUT and OUT.json:
{"fps": .., "cuts": [{"kind": .., "t": begin, "end": .., "middle": ..}]}, in seconds.

`--film drawn` draws frame rate, codec, distance of I-frames, pace and kinds of wipes from the seed,
and joins scenes of the same clip too.
"""

from __future__ import annotations

import argparse
import json
import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from bench.media_videos import Maker, Rgb
from bench.soft_wipes import KINDS as WIPES
from bench.soft_wipes import STRAIGHT, wiped

KINDS = {"cut": 30, "dissolve": 32, "fade": 16, "white": 6, "dip": 6, "wipe": 10}
"""Shares of the ways from one scene to the next; `fade` and `white` go through black and white,
`dip` cuts to black and fades in."""


@dataclass(frozen=True)
class Film:
    """How one film looks and how it is encoded."""

    suffix: str
    codec: str
    fps: int
    options: dict[str, str]
    pace: tuple[float, float] = (1.5, 5.0)
    """Shortest and longest scene in seconds."""
    action: float = 0.3
    """Share of scenes with fast movement."""
    kinds: dict[str, int] = field(default_factory=lambda: KINDS)
    wipes: Sequence[str] = STRAIGHT
    similar: float = 0.0
    """Share of scenes that show another part of the scene before."""


_X264 = {"crf": "23", "preset": "veryfast"}
FILMS = {
    "travel": Film(".mp4", "libx264", 25, {**_X264, "bf": "3"}),
    "action": Film(
        ".mp4", "libx264", 30, {**_X264, "g": "60", "sc_threshold": "0"}, (1.5, 3.5), action=0.7
    ),
    "web": Film(".webm", "libvpx-vp9", 50, {"deadline": "realtime", "cpu-used": "8", "crf": "34"}),
    "archive": Film(".avi", "mpeg4", 24, {"qscale": "4", "g": "12", "bf": "2"}),
    "takes": Film(
        ".mp4", "libx264", 30, {**_X264, "g": "250"}, (6.0, 14.0), action=0.8, kinds={"cut": 1}
    ),
}
"""x264 as it comes; x264 with a fixed distance of I-frames; VP9 with hidden frames; MPEG-4 with an
I-frame twice a second; long takes with much movement and hard cuts alone."""
_PRESETS = ("ultrafast", "veryfast", "fast", "medium")
_GROUPS = (12, 25, 48, 60, 120, 250)
"""Largest distances of I-frames."""


def drawn(seed: int) -> Film:
    """A film of any kind of encoder settings, by its seed."""
    rng = random.Random(seed)
    fps = rng.choice((24, 25, 30, 60))
    codec, suffix = rng.choices(
        (("libx264", ".mp4"), ("libx265", ".mkv"), ("libvpx-vp9", ".webm"), ("mpeg2video", ".ts")),
        (6, 1, 1, 1),
    )[0]
    g = str(rng.choice(_GROUPS))
    if codec == "libvpx-vp9":
        options = {"deadline": "realtime", "cpu-used": "8", "crf": "34", "g": g}
    elif codec == "mpeg2video":
        options = {"qscale": "4", "g": str(rng.choice((12, 15, 25))), "bf": "2"}
    else:
        options = {
            "crf": str(rng.randint(20, 30)),
            "preset": "ultrafast" if codec == "libx265" else rng.choice(_PRESETS),
            "g": g,
            "bf": rng.choice("023"),
            "sc_threshold": rng.choice(("0", "40", "40")),
        }
        if codec == "libx265":
            options["x265-params"] = "log-level=none"
    pace = rng.choice(((1.5, 3.5), (1.5, 5.0), (1.5, 5.0), (3.0, 9.0)))
    action = rng.choice((0.2, 0.5))
    return Film(suffix, codec, fps, options, pace, action, wipes=WIPES, similar=0.2)


class _Look:
    """A scene with what happens to it: zoom, shake, light, flashes, flicker, a crossing object."""

    def __init__(
        self, maker: Maker, fps: int, seconds: float, action: float, *, again: bool = False
    ) -> None:
        rng = maker.rng
        self._scene, self.shows = maker.scene(again=again)
        self._size, self._fps = maker.size, fps
        n = int(seconds * fps) + 4 * fps
        moves = self.shows != "slide"
        fast = moves and rng.random() < action
        self._zoom = rng.choice((0.0, 0.04, -0.04, 0.12, -0.12)) if moves else 0.0
        shake = rng.choice((0.0, 0.004, 0.012, 0.03 if fast else 0.004)) if moves else 0.0
        steps = np.random.default_rng(rng.randrange(1 << 30)).normal(0, 1, (n, 2))
        smooth = np.ones(max(1, fps // 6)) / max(1, fps // 6)
        self._shake = np.stack([np.convolve(s, smooth, "same") for s in steps.T], 1) * shake
        self._gain = np.ones(n)
        if moves and rng.random() < 0.2:  # a lamp goes on or off, a cloud passes
            at, over = rng.uniform(0.3, 0.8) * seconds, rng.choice((0.05, 0.5, 1.0))
            ramp = np.clip((np.arange(n) / fps - at) / over, 0, 1)
            self._gain += rng.choice((-0.45, -0.3, 0.3)) * ramp
        if moves and rng.random() < 0.12:
            self._gain *= 1 + 0.06 * np.sin(np.arange(n) * rng.uniform(0.5, 2.5))
        self._lift = np.zeros(n)
        if moves and rng.random() < 0.12:
            for _ in range(rng.randint(1, 3)):
                at = int(rng.uniform(0.2, 0.9) * seconds * fps)
                self._lift[at : at + rng.randint(1, max(1, fps // 12))] = rng.uniform(120, 255)
        self._object: Rgb | None = None
        if fast and rng.random() < 0.5:
            size = (self._size[0] // 3, self._size[1] * 3 // 4)
            other = maker.scene()[0](0)
            self._object = np.asarray(Image.fromarray(other).resize(size))
            self._cross = (rng.uniform(0, seconds), rng.uniform(0.4, 1.2), rng.choice((-1, 1)))
        self._speed = rng.choice((1, 2, 3)) if fast else 1

    def __call__(self, i: int) -> Rgb:
        frame = self._scene(int(i * self._speed * 25 / self._fps))
        i = min(i, len(self._gain) - 1)
        width, height = self._size
        scale = math.exp(-abs(self._zoom) * 1.5 + self._zoom * i / self._fps)
        scale = min(1.0, scale) * 0.94 if self._zoom or self._shake.any() else 1.0
        if scale < 1:
            w, h = width * scale, height * scale
            x = min(max((width - w) / 2 + self._shake[i, 0] * width, 0), width - w)
            y = min(max((height - h) / 2 + self._shake[i, 1] * height, 0), height - h)
            image = Image.fromarray(frame)
            frame = np.asarray(
                image.resize(self._size, Image.Resampling.BILINEAR, (x, y, x + w, y + h))
            )
        if self._object is not None:
            frame = self._crossed(frame, i / self._fps, self._object)
        if self._gain[i] != 1 or self._lift[i]:
            table = np.arange(256) * self._gain[i] + self._lift[i]
            frame = np.clip(table, 0, 255).astype(np.uint8)[frame]
        return frame

    def _crossed(self, frame: Rgb, t: float, thing: Rgb) -> Rgb:
        at, over, way = self._cross
        share = (t - at) / over
        if not 0 <= share <= 1:
            return frame
        h, w = thing.shape[:2]
        x = round((share if way > 0 else 1 - share) * (self._size[0] + w)) - w
        left, right = max(0, x), min(self._size[0], x + w)
        if right > left:
            frame = frame.copy()
            frame[self._size[1] - h :, left:right] = thing[:, left - x : right - x]
        return frame


def _joined(kind: str, share: float, old: Rgb, new: Rgb, edge: str) -> Rgb:
    """The picture at `share` (0 to 1) of the way from `old` to `new`."""
    if kind == "dissolve":
        return np.asarray(Image.blend(Image.fromarray(old), Image.fromarray(new), share))
    if kind in ("fade", "white", "dip"):
        light = share if kind == "dip" else abs(1 - 2 * share)
        table = np.arange(256) * light + (255 * (1 - light) if kind == "white" else 0)
        return table.astype(np.uint8)[new if share >= 0.5 or kind == "dip" else old]
    return wiped(edge, share, old, new)


def make(
    out: Path, film: Film, *, clips: Path, seed: int, seconds: float = 60,
    size: tuple[int, int] = (320, 180),
) -> None:  # fmt: skip
    """Write the film and its true transitions."""
    truth: list[dict[str, Any]] = []
    n = 0
    with av.open(str(out), "w") as c:
        video = c.add_stream(film.codec, rate=film.fps)
        video.width, video.height, video.pix_fmt = *size, "yuv420p"
        video.options = film.options
        if "qscale" in film.options:
            video.bit_rate = 2_500_000
        for n, draw in enumerate(drawings(Maker(clips, size, seed), film, seconds, truth)):
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(draw()), format="rgb24")
            picture.pts, picture.time_base = n, Fraction(1, film.fps)
            c.mux(video.encode(picture))
        c.mux(video.encode())
    Path(f"{out}.json").write_text(json.dumps({"fps": film.fps, "frames": n + 1, "cuts": truth}))


def drawings(
    maker: Maker, film: Film, seconds: float, truth: list[dict[str, Any]]
) -> Iterator[Callable[[], Rgb]]:
    """What draws each frame, in order; the true transitions are added to `truth`."""
    rng, fps = maker.rng, film.fps
    total = int(seconds * fps)
    n, before, before_i = 0, None, 0
    while n < total:
        pace = rng.uniform(*film.pace)
        again = film.similar > 0 and before is not None and rng.random() < film.similar
        scene = _Look(maker, fps, pace, film.action, again=again)
        kind = rng.choices([*film.kinds], [*film.kinds.values()])[0]
        longest = max(0.3, min(2.0, pace - 0.8))
        length = 0 if kind == "cut" else round(rng.uniform(0.3, longest) * fps)
        edge = rng.choice(film.wipes)
        if before is None:
            length = 0
        else:
            truth.append({**_true(kind, n, length, fps), **_about(kind, edge, again)})
        for i in range(max(length + fps // 2, round(pace * fps))):
            old = before if i < length else None
            yield partial(_drawn, scene, i, old, before_i + i, kind, (i + 1) / (length + 1), edge)
            n += 1
        before, before_i = scene, round(pace * fps)


def _drawn(
    scene: _Look, i: int, before: _Look | None, before_i: int, kind: str, share: float, edge: str
) -> Rgb:
    """Frame `i` of a scene; joined with one of the scene before, if there is one."""
    frame = scene(i)
    return frame if before is None else _joined(kind, share, before(before_i), frame, edge)


def _true(kind: str, n: int, length: int, fps: int) -> dict[str, Any]:
    begin, end = n / fps, (n + length) / fps
    middle = begin if kind == "dip" else (begin + end) / 2
    return {"kind": kind, "t": begin, "end": end, "middle": middle}


def _about(kind: str, edge: str, again: bool) -> dict[str, Any]:
    """What else is to be known of a transition."""
    return {"alike": again, **({"wipe": edge} if kind == "wipe" else {})}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("out", type=Path)
    parser.add_argument("--clips", type=Path, required=True)
    parser.add_argument("--film", choices=[*FILMS, "drawn"], default="travel")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=60)
    a = parser.parse_args()
    film = drawn(a.seed) if a.film == "drawn" else FILMS[a.film]
    make(a.out, film, clips=a.clips, seed=a.seed, seconds=a.seconds)


if __name__ == "__main__":
    main()
