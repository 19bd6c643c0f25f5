"""What the probe shows a model: pairs that differ in their content alone, made here.

The two contents of a pair have one kind, shape and length, and the same outermost rows, columns
and samples, so that they also look alike to code that prints an array instead of looking at it.
"""

from __future__ import annotations

import wave
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from omni_core.types import (
    SAMPLE_RATE,
    AudioContent,
    Content,
    ImageContent,
    Pixels,
    Samples,
    TextContent,
    VideoContent,
)

GREY, WHITE = 128, 255
RED, BLUE = (220, 30, 30), (30, 60, 220)
SIDE = 224
"""Pixels of a square image."""
PAGE = (448, 640)
"""Height and width of a page, pixels."""
FRAMES = 2
"""Of a video: a frame costs as much as an image, and the probe runs at every start."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two contents that differ only in what a model must look at."""

    kind: str
    """text, image, page, audio, video, or the sound of a video."""
    part: str
    """What differs, as in "it does not see ...". """
    contents: tuple[Content, Content]
    questions: tuple[str, ...] = ()
    """One for each content, which finds it and not the other; none where no words tell them
    apart."""
    copy: Content | None = None
    """The first content with a change that nobody sees or hears."""


def pairs(fps: float) -> list[Pair]:
    """All pairs; `fps`: frames a second of the videos."""
    squares = _square(RED), _square(BLUE)
    films = _film(RED, fps), _film(BLUE, fps)
    sounds = _rising_tone(), speech()
    return [
        Pair(
            "text",
            "the words of a text",
            (
                TextContent("A red fox sleeps in the snow."),
                TextContent("The tax form is due this May."),
            ),
            ("Where does the fox sleep?", "When is the tax form due?"),
        ),
        Pair(
            "image",
            "the pixels of an image",
            (ImageContent(squares[0]), ImageContent(squares[1])),
            ("a red square", "a blue square"),
            ImageContent(_touched(squares[0])),
        ),
        Pair(
            "page",
            "the words of a page",
            (
                ImageContent(_page("Bread", "Mix flour, water, yeast.", "Bake it for an hour.")),
                ImageContent(
                    _page("Trains", "The express to the coast", "leaves from platform 4.")
                ),
            ),
            ("How long does the bread bake?", "Which platform does the train leave from?"),
        ),
        Pair(
            "audio",
            "the samples of a sound",
            (AudioContent(sounds[0]), AudioContent(sounds[1])),
            ("a rising tone", "a person speaking"),
            AudioContent(sounds[0] * np.float32(0.999)),
        ),
        Pair(
            "video",
            "the frames of a video",
            films,
            ("a video of a red square", "a video of a blue square"),
            replace(films[0], frames=np.stack([_touched(f) for f in films[0].frames])),
        ),
        Pair(
            "sound of a video",
            "the sound of a video",
            (replace(films[0], audio=sounds[0]), replace(films[0], audio=sounds[1])),
        ),
    ]


@cache
def speech() -> Samples:
    """Two seconds of a synthetic voice: "Good morning. The river is high today"."""
    with wave.open(str(Path(__file__).with_name("probe_speech.wav"))) as file:
        levels = np.frombuffer(file.readframes(file.getnframes()), np.uint8)
    return ((levels.astype(np.float32) - 128) / 128).astype(np.float32)


def _rising_tone() -> Samples:
    """From 200 to 2000 Hz, silent at both ends, as long as `speech`."""
    count = len(speech())
    t = np.arange(count) / SAMPLE_RATE
    hertz = np.linspace(200, 1100, count)  # the phase doubles the slope
    tone = 0.4 * np.sin(2 * np.pi * hertz * t)
    tone[:8] = tone[-8:] = 0.0
    return tone.astype(np.float32)


def _square(colour: tuple[int, int, int], left: int = 56) -> Pixels:
    """A square of half the side on grey."""
    pixels = np.full((SIDE, SIDE, 3), GREY, np.uint8)
    pixels[56 : 56 + SIDE // 2, left : left + SIDE // 2] = colour
    return pixels


def _film(colour: tuple[int, int, int], fps: float) -> VideoContent:
    """A square that moves from left to right; its keyframe is grey whatever the colour."""
    frames = np.stack([_square(colour, left) for left in np.linspace(16, 96, FRAMES).astype(int)])
    times = tuple(i / fps for i in range(FRAMES))
    return VideoContent(frames, times, fps, np.full((SIDE, SIDE, 3), GREY, np.uint8))


def _touched(pixels: Pixels) -> Pixels:
    """One level more in one channel of one pixel in the middle."""
    touched = pixels.copy()
    middle = (pixels.shape[0] // 2, pixels.shape[1] // 2, 1)
    touched[middle] = touched[middle] + 1
    return touched


def _page(*lines: str) -> Pixels:
    """Black words on white."""
    from PIL import Image, ImageDraw, ImageFont

    height, width = PAGE
    image = Image.new("RGB", (width, height), (WHITE, WHITE, WHITE))
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(44)
    for number, line in enumerate(lines):
        draw.text((48, 64 + 112 * number), line, fill=(0, 0, 0), font=font)
    return np.asarray(image)
