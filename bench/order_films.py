"""Films, recordings and a document with known contents, for questions of order and count.

Two libraries: `tuning` was looked at while the parts of `omni_core.retrieval.ordering` were made,
`held` was not. Pictures come from `samples/`; slides are drawn; what is said stands in subtitles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageDraw, ImageFont

PICTURES = Path(__file__).resolve().parent.parent / "samples" / "library" / "pictures"
SIZE = (640, 360)
FPS = 5


@dataclass(frozen=True)
class Scene:
    """Some seconds of a film: a picture of the samples, or a slide with a title and lines."""

    seconds: float
    picture: str = ""
    title: str = ""
    lines: tuple[str, ...] = ()
    said: str = ""


def _slide(title: str, lines: tuple[str, ...], said: str, seconds: float = 7.0) -> Scene:
    return Scene(seconds, "", title, lines, said)


TUNING_FILMS: dict[str, tuple[Scene, ...]] = {
    "album.mp4": (
        Scene(5, "coffee"),
        Scene(6, "chelsea"),
        Scene(5, "rocket"),
        Scene(5, "china"),
        Scene(6, "chelsea"),
        Scene(5, "flower"),
        Scene(5, "astronaut"),
        Scene(4, "coffee"),
    ),
    "gardening.mp4": (
        _slide("Growing tomatoes", ("A balcony is enough",), "Today we grow tomatoes at home."),
        _slide(
            "Choosing the soil",
            ("Loose, rich, slightly sour",),
            "The soil should be loose and rich in compost.",
        ),
        _slide(
            "Watering",
            ("In the morning, never on the leaves",),
            "Water the plants early in the morning and keep the leaves dry.",
            18,
        ),
        _slide(
            "Pests",
            ("Aphids and whiteflies", "Ladybirds help"),
            "Ladybirds eat the aphids, so you need no poison.",
        ),
        _slide("Harvest", ("Pick when fully red",), "Pick them when they are red all over."),
    ),
    "news.mp4": (
        Scene(6, "china", said="Visitors returned to the old palace this week."),
        Scene(6, "rocket", said="A rocket was launched from the coast on Tuesday."),
        Scene(6, "flower", said="The flower market reported record sales."),
        Scene(6, "rocket", said="A second launch is planned for the autumn."),
        Scene(6, "coffee", said="Coffee prices fell for the third month in a row."),
    ),
}
HELD_FILMS: dict[str, tuple[Scene, ...]] = {
    "holiday.mp4": (
        Scene(5, "flower"),
        Scene(5, "astronaut"),
        Scene(6, "coffee"),
        Scene(5, "flower"),
        Scene(6, "china"),
        Scene(5, "chelsea"),
        Scene(5, "flower"),
        Scene(5, "rocket"),
    ),
    "safety.mp4": (
        _slide("Safety in the workshop", ("Ten minutes",), "Welcome to the safety briefing."),
        _slide(
            "Ear protection", ("Above 85 decibels",),
            "Wear ear protection whenever the saw is running.",
        ),
        _slide(
            "Fire extinguishers", ("Red: water", "Black: carbon dioxide"),
            "There are two fire extinguishers, beside the door and beside the oven.", 20,
        ),
        _slide(
            "First aid box", ("In the corridor", "Checked every month"),
            "You find bandages and plasters in the green cabinet in the corridor.",
        ),
        _slide("Meeting point", ("The car park",), "In an alarm we all go to the car park."),
    ),
    "magazine.mp4": (
        Scene(6, "astronaut", said="She trained for four years before her first flight."),
        Scene(6, "chelsea", said="Animal shelters are looking for volunteers."),
        Scene(6, "china", said="The temple was restored with old tools."),
        Scene(6, "astronaut", said="In space she took care of the plants on board."),
        Scene(6, "flower", said="And this is how to dry flowers for the winter."),
    ),
}  # fmt: skip

Cue = tuple[float, str]
TUNING_TALK: dict[str, tuple[Cue, ...]] = {
    "committee.mp3": (
        (0, "Good morning everybody, let us begin with the minutes."),
        (8, "The minutes of the last session are approved."),
        (20, "First the budget. We have spent two thirds of the budget so far."),
        (32, "Maria asks whether the new roof is included."),
        (44, "The roof will be paid by the city, says Tom."),
        (58, "Then the summer party. It will take place on the twelfth of July."),
        (72, "We need volunteers for the bar."),
        (86, "Back to the budget for a moment, the printer has to be replaced."),
        (100, "The library asks for longer opening hours."),
        (114, "Anna will write to the library."),
        (128, "Before we close, please send budget questions to Tom."),
        (140, "Thank you, see you in September."),
    ),
}
HELD_TALK: dict[str, tuple[Cue, ...]] = {
    "team.mp3": (
        (0, "Welcome to the weekly meeting of the team."),
        (10, "The new website goes online on Friday."),
        (24, "Peter has fixed the bug in the login page."),
        (38, "Customers complain about slow delivery."),
        (52, "We will talk to the delivery company tomorrow."),
        (66, "Julia shows the new logo, everybody likes it."),
        (80, "The website still lacks a page about returns."),
        (94, "Lunch on Thursday is at the Italian restaurant."),
        (108, "One last thing, the website needs a privacy notice."),
        (122, "That is all, have a good week."),
    ),
}
TUNING_TEXT = {
    "bread.pdf": (
        "Bread at home. You need flour, water, salt and time.",
        "Kneading. Fold the dough every half hour until it is smooth.",
        "Proofing. Let the dough rest in the refrigerator over night.",
        "Baking. Heat the oven to 250 degrees and bake with steam for the first ten minutes.",
        "Storing. Keep the loaf in a linen bag; it freezes well.",
    ),
}
HELD_TEXT = {
    "bicycle.pdf": (
        "Caring for a bicycle. Half an hour a month is enough.",
        "Cleaning. Wash the frame with warm water and a soft sponge.",
        "The chain. Oil each link and wipe off what is left over.",
        "Brakes. Replace the pads before the grooves are gone.",
        "Winter. Store it dry and pump up the tyres every few weeks.",
    ),
}


def make(folder: Path, half: str) -> None:
    """Write the library of one half, `tuning` or `held`."""
    tuning = half == "tuning"
    folder.mkdir(parents=True, exist_ok=True)
    for name, scenes in (TUNING_FILMS if tuning else HELD_FILMS).items():
        _film(folder / name, scenes)
    for name, cues in (TUNING_TALK if tuning else HELD_TALK).items():
        _recording(folder / name, cues)
    for name, pages in (TUNING_TEXT if tuning else HELD_TEXT).items():
        _document(folder / name, pages)


def _film(path: Path, scenes: Sequence[Scene]) -> None:
    cues: list[tuple[float, float, str]] = []
    at = 0.0
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=FPS, options={"crf": "23"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        count = 0
        for scene in scenes:
            pixels = np.asarray(_picture(scene))
            for _ in range(round(scene.seconds * FPS)):
                frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
                frame.pts, frame.time_base = count, Fraction(1, FPS)
                count += 1
                out.mux(stream.encode(frame))
            if scene.said:
                cues.append((at + 0.5, at + min(scene.seconds, 6.0) - 0.5, scene.said))
            at += scene.seconds
        out.mux(stream.encode(None))
    if cues:
        path.with_suffix(".srt").write_text(_subtitles(cues), encoding="utf-8")


def _picture(scene: Scene) -> Image.Image:
    canvas = Image.new("RGB", SIZE, (250, 248, 240))
    if scene.picture:
        (file,) = PICTURES.glob(f"{scene.picture}.*")
        with Image.open(file) as opened:
            picture = opened.convert("RGB")
        picture.thumbnail(SIZE)
        left, top = (SIZE[0] - picture.width) // 2, (SIZE[1] - picture.height) // 2
        canvas.paste(picture, (left, top))
        return canvas
    draw = ImageDraw.Draw(canvas)
    draw.text((40, 50), scene.title, (20, 40, 90), ImageFont.load_default(40))
    for number, line in enumerate(scene.lines):
        draw.text((60, 150 + 50 * number), line, (30, 30, 30), ImageFont.load_default(26))
    return canvas


def _recording(path: Path, cues: Sequence[Cue]) -> None:
    rate, end = 16_000, cues[-1][0] + 6
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mp3", rate=rate, layout="mono")
        hum = 0.02 * np.sin(2 * np.pi * 120 * np.arange(int(end * rate)) / rate)
        for start in range(0, len(hum) - 1152, 1152):
            block = hum[None, start : start + 1152].astype(np.float32)
            frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = rate, start
            frame.time_base = Fraction(1, rate)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    spoken = [(at, at + 5.0, text) for at, text in cues]
    path.with_suffix(".srt").write_text(_subtitles(spoken), encoding="utf-8")


def _subtitles(cues: Sequence[tuple[float, float, str]]) -> str:
    def stamp(seconds: float) -> str:
        minutes, rest = divmod(round(seconds * 1000), 60_000)
        return f"00:{minutes:02}:{rest // 1000:02},{rest % 1000:03}"

    return "\n".join(
        f"{n}\n{stamp(start)} --> {stamp(end)}\n{text}\n"
        for n, (start, end, text) in enumerate(cues, 1)
    )


def _document(path: Path, pages: Sequence[str]) -> None:
    import pymupdf

    with pymupdf.open() as document:
        for text in pages:
            title, _, body = text.partition(". ")
            page = document.new_page()
            page.insert_text((60, 90), title, fontsize=24)
            page.insert_textbox((60, 130, 530, 700), body, fontsize=14)
        document.save(str(path))
