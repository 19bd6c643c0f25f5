"""Draws, speaks and writes `library/field-trip/` and `questions/`.

Needs espeak-ng, Pillow, PyAV and PyMuPDF:
    apt-get install espeak-ng && python samples/make.py

The outputs are committed, so that nobody has to run this to try the project. Mount Sarn, its
people and its numbers are invented: one subject told as a film, a report, a scan, a voice and a
diary, so that a question has its answer in more than one medium.
"""

from __future__ import annotations

import io
import random
import subprocess
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pymupdf
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

OUT = Path(__file__).parent / "library" / "field-trip"
QUESTIONS = Path(__file__).parent / "questions"
RATE = 22_050
FPS = 10


@dataclass(frozen=True)
class Slide:
    """One slide of the film: what is written on it and what is said over it."""

    title: str
    lines: tuple[str, ...]
    said: str
    art: str


SLIDES = (
    Slide(
        "Field trip to Mount Sarn",
        ("Geology class, spring 2026", "Five stops in one day"),
        "Welcome. This is the film of our field trip to Mount Sarn, a small volcano on the coast.",
        "volcano",
    ),
    Slide(
        "How fast does lava flow?",
        ("Open slope: 3 km/h", "In a channel: 28 km/h", "Speed depends on slope and heat"),
        "How fast does lava flow? On the open slope we measured three kilometres an hour, "
        "slower than walking. In a narrow channel it ran at twenty eight kilometres an hour.",
        "lava",
    ),
    Slide(
        "Volcanic gases",
        ("Sulphur dioxide smells of matches", "Wear a mask near the vent"),
        "Near the vent the air smells like burnt matches. That is sulphur dioxide. "
        "Everybody put on a mask before walking closer.",
        "gas",
    ),
    Slide(
        "Listening for earthquakes",
        ("Seismometer at the old hut", "41 small quakes in one night"),
        "At the old hut stands a seismometer. In a single night it counted forty one small "
        "earthquakes, too weak for a person to feel.",
        "wave",
    ),
    Slide(
        "Life in the crater lake",
        ("Water at 34 degrees", "Pink algae, no fish"),
        "The crater lake is warm and sour. No fish can live in it, but pink algae grow along "
        "the shore, and birds come to rest.",
        "lake",
    ),
)

PAGES = (
    (
        "Mount Sarn field report",
        "This report sums up one day on Mount Sarn. It was written by the geology class after the "
        "trip of 12 May 2026. The film of the day is slides.mp4; this paper holds the numbers that "
        "the film leaves out.\n\nContents: 2 Lava. 3 Gases. 4 Earthquakes. 5 The scanned notice of "
        "the ranger station.",
    ),
    (
        "2 Lava",
        "Lava on the open western slope moved at 3 km/h, measured over 50 metres with a "
        "stopwatch. In the channel below the vent, where the crust keeps the heat in, it moved at "
        "28 km/h. The surface was at 1,090 degrees Celsius. The faster the flow, the thinner the "
        "crust: 4 centimetres in the channel and 20 on the slope.",
    ),
    (
        "3 Gases",
        "Sulphur dioxide at the vent reached 6 parts per million, above the limit for work without "
        "a mask. Carbon dioxide collects in hollows and cannot be smelled; a lighter that goes out "
        "is the warning. We left the hollow by the lake at once.",
    ),
    (
        "4 Earthquakes",
        "The seismometer at the old hut recorded 41 quakes in one night, the largest of magnitude "
        "1.9. They came in two swarms, before midnight and at dawn, each about two kilometres deep "
        "below the crater.",
    ),
)

NOTICE = (
    "RANGER STATION SARN",
    "NOTICE TO VISITORS",
    "",
    "The north path is closed",
    "from 1 May until 30 June",
    "because sea birds are nesting.",
    "",
    "Dogs must be kept on a lead.",
    "Camping only at the old hut.",
    "In an emergency call 5521.",
)

INTERVIEW = (
    "What was the hardest part of the day?",
    "The wind on the ridge. We had to hold on to the rope for almost half an hour.",
    "And what surprised you most?",
    "The sound. Lava cools with a noise like breaking glass.",
)

MESSAGE = (
    "Buenos días. El barco sale del puerto a las seis de la tarde. No lleguen tarde, por favor."
)

DIARY = """\
# Diary of a field trip

## Morning

We took the first ferry at six and reached the harbour of Sarn in thick fog. Breakfast was bread,
goat cheese and far too little coffee.

## Noon

The ridge was windy. Ines lost her hat, and Tomas found a piece of obsidian, black volcanic glass
with edges as sharp as a knife. We wrapped it in a scarf and left it where it was.

## Evening

The bus home was late because of a flock of sheep on the road. Everybody slept. Tomorrow we draw
the map of the lava field and hand in the list of rock samples.
"""


def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own typeface: the same drawing on every machine."""
    return ImageFont.load_default(size)


def speak(text: str, voice: str = "en-us+klatt2", words_per_minute: int = 140) -> NDArray[np.int16]:
    """Mono sound at 22,050 Hz, with half a second of silence after it."""
    command = ["espeak-ng", "-v", voice, "-s", str(words_per_minute), "--stdout", text]
    data = subprocess.run(command, check=True, capture_output=True).stdout
    # espeak-ng cannot seek back on a pipe, so the sizes in its header are wrong: skip the header.
    sound = np.frombuffer(data[44 : 44 + (len(data) - 44) // 2 * 2], np.int16)
    return np.concatenate([sound, np.zeros(RATE // 2, np.int16)])


def draw(slide: Slide) -> Image.Image:
    """The slide as a 640x360 picture."""
    image = Image.new("RGB", (640, 360), "#f4efe6")
    d = ImageDraw.Draw(image)
    d.rectangle((0, 0, 640, 70), fill="#2f3e46")
    d.text((24, 18), slide.title, font=font(30), fill="white")
    for i, line in enumerate(slide.lines):
        d.text((24, 100 + 44 * i), line, font=font(21), fill="#222222")
    ART[slide.art](d)
    return image


def _volcano(d: ImageDraw.ImageDraw) -> None:
    d.polygon([(380, 340), (480, 170), (530, 170), (630, 340)], fill="#6b4f3a")
    d.polygon([(480, 170), (530, 170), (520, 235), (500, 205), (488, 250)], fill="#e2571e")
    d.ellipse((470, 95, 540, 150), fill="#b9b4ac")
    d.ellipse((505, 75, 590, 135), fill="#cbc6be")


def _lava(d: ImageDraw.ImageDraw) -> None:
    d.rectangle((440, 300 - 16, 500, 300), fill="#e2571e")
    d.rectangle((530, 300 - 150, 590, 300), fill="#b3260e")
    d.line((420, 300, 620, 300), fill="black", width=2)
    d.text((446, 306), "slope", font=font(16), fill="black")
    d.text((530, 306), "channel", font=font(16), fill="black")


def _gas(d: ImageDraw.ImageDraw) -> None:
    for i in range(5):
        box = (430 + 30 * i, 250 - 35 * (i % 3), 500 + 30 * i, 310 - 35 * (i % 3))
        d.ellipse(box, fill="#d9c94a")
    d.text((470, 320), "SO2", font=font(22), fill="black")


def _wave(d: ImageDraw.ImageDraw) -> None:
    x = np.linspace(0, 1, 220)
    y = 260 + 60 * np.sin(90 * x) * np.exp(-40 * (x - 0.5) ** 2)
    d.line([(400 + 220 * a, float(b)) for a, b in zip(x, y, strict=True)], fill="#14213d", width=3)


def _lake(d: ImageDraw.ImageDraw) -> None:
    d.ellipse((390, 220, 630, 340), fill="#4fb0c6")
    d.arc((390, 220, 630, 340), 20, 160, fill="#e88bb0", width=14)


ART = {"volcano": _volcano, "lava": _lava, "gas": _gas, "wave": _wave, "lake": _lake}


def film(path: Path) -> list[tuple[float, float]]:
    """Write the narrated slides; returns the [start, end) of each slide in seconds."""
    spans, at = [], 0.0
    with av.open(str(path), "w") as box:
        box.metadata["title"] = "Field trip to Mount Sarn"
        box.metadata["creation_time"] = "2026-05-12T09:30:00Z"
        video = box.add_stream("libx264", rate=FPS, options={"crf": "30", "preset": "slow"})
        video.width, video.height, video.pix_fmt = 640, 360, "yuv420p"
        audio = box.add_stream("aac", rate=RATE, layout="mono", bit_rate=48_000)
        for number, slide in enumerate(SLIDES):
            sound = speak(slide.said)
            frames = -(-len(sound) * FPS // RATE)
            sound = np.pad(sound, (0, frames * RATE // FPS - len(sound)))
            picture = av.VideoFrame.from_image(draw(slide))
            for i in range(frames):
                picture.pts = round(at * FPS) + i
                picture.time_base = Fraction(1, FPS)
                box.mux(video.encode(picture))
            box.mux(list(_encode(audio, sound, round(at * RATE))))
            spans.append((at, at + frames / FPS))
            at += frames / FPS
            print(f"  slide {number + 1}: {spans[-1][0]:.1f}-{spans[-1][1]:.1f} s  {slide.title}")
        box.mux(video.encode())
        box.mux(audio.encode())
    return spans


def _encode(
    stream: av.AudioStream, sound: NDArray[np.int16], pts: int
) -> Iterator[av.packet.Packet]:
    frame = av.AudioFrame.from_ndarray(sound[None], format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = RATE, pts, Fraction(1, RATE)
    yield from stream.encode(frame)


def sound_file(path: Path, codec: str, sound: NDArray[np.int16], **metadata: str) -> None:
    """Write a compressed sound file."""
    with av.open(str(path), "w") as box:
        box.metadata.update(metadata)
        rate = 48_000 if codec == "libopus" else RATE  # Opus knows no 22,050 Hz
        stream = box.add_stream(codec, rate=rate, layout="mono", bit_rate=48_000)
        box.mux(list(_encode(stream, sound, 0)))
        box.mux(stream.encode())


def interview() -> None:
    """A dialogue in two voices, with its subtitles beside it."""
    parts, entries, at = [], [], 0.0
    for i, line in enumerate(INTERVIEW):
        sound = speak(line, "en-us" if i % 2 else "en-us+klatt2")
        end = at + len(sound) / RATE
        entries.append(f"{i + 1}\n{_stamp(at)} --> {_stamp(end - 0.5)}\n{line}\n")
        parts.append(sound)
        at = end
    sound_file(OUT / "interview.mp3", "libmp3lame", np.concatenate(parts), title="Interview")
    (OUT / "interview.srt").write_text("\n".join(entries), encoding="utf-8")


def _stamp(seconds: float) -> str:
    ms = round(seconds * 1000)
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02},{ms % 1000:03}"


def scan() -> Image.Image:
    """A page as a cheap scanner sees it: grey, a little turned, with specks."""
    page = Image.new("L", (900, 1200), 238)
    d = ImageDraw.Draw(page)
    for i, line in enumerate(NOTICE):
        d.text((110, 130 + 78 * i), line, font=font(46 if i < 2 else 40), fill=35)
    page = page.rotate(0.8, fillcolor=238, resample=Image.Resampling.BICUBIC)
    page = page.filter(ImageFilter.GaussianBlur(0.7))
    dots = random.Random(7)  # noqa: S311 - specks, not secrets
    pixels = page.load()
    assert pixels is not None  # noqa: S101 - for the type checker
    for _ in range(2500):
        pixels[dots.randrange(900), dots.randrange(1200)] = dots.randrange(90, 220)
    return page


def report(notice: Image.Image) -> None:
    """Four pages with a text layer and a fifth that is only a picture."""
    pdf = pymupdf.open()
    for number, (title, text) in enumerate(PAGES, 1):
        page = pdf.new_page(width=595, height=842)
        page.insert_text((60, 90), title, fontsize=22, fontname="hebo")
        page.insert_textbox((60, 120, 535, 480), text, fontsize=13, fontname="helv")
        page.insert_text((290, 810), str(number), fontsize=10, fontname="helv")
    _chart(pdf[1])
    jpeg = io.BytesIO()
    notice.save(jpeg, "JPEG", quality=60)
    pdf.new_page(width=595, height=793).insert_image((0, 0, 595, 793), stream=jpeg.getvalue())
    pdf.set_metadata(
        {"title": "Mount Sarn field report", "creationDate": "D:20260514100000+00'00'"}
    )
    pdf.save(OUT / "report.pdf", garbage=4, deflate=True, no_new_id=True)


def _chart(page: pymupdf.Page) -> None:
    """Two bars: lava on the slope and in the channel."""
    for x, speed, name in ((120, 3, "slope"), (240, 28, "channel")):
        page.draw_rect((x, 700 - speed * 7, x + 70, 700), color=None, fill=(0.8, 0.25, 0.1))
        page.insert_text((x, 718), f"{name}: {speed} km/h", fontsize=11, fontname="helv")
    page.draw_line((100, 700), (360, 700))


def main() -> None:
    """Write every generated file."""
    OUT.mkdir(parents=True, exist_ok=True)
    QUESTIONS.mkdir(exist_ok=True)
    film(OUT / "slides.mp4")
    notice = scan()
    notice.save(OUT / "notice-scan.png", optimize=True, bits=4)
    report(notice)
    interview()
    sound_file(
        OUT / "message-es.ogg",
        "libopus",
        speak(MESSAGE, "es", 140),
        title="Message",
    )
    question = speak("How fast does lava flow in a channel?")
    with wave.open(str(QUESTIONS / "spoken.wav"), "wb") as box:
        box.setnchannels(1)
        box.setsampwidth(2)
        box.setframerate(RATE)
        box.writeframes(question.tobytes())
    (OUT / "diary.md").write_text(DIARY, encoding="utf-8")


if __name__ == "__main__":
    main()
