"""Links, folders and files are swapped at every stage: nothing outside is read, and every source's
words are of its hash.

Each swap is made at an exact stage of the ingest or the opening of a file (`bench.swaps`); beside
them a thread swaps as fast as it can while the same file is ingested again and again.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import tempfile
import threading
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from bench import swaps
from bench.swaps import COLOURS, LEVELS, PARAGRAPHS, SECONDS, SECRET, Hand
from bench.trust_table import Line
from omni_core import Engine, IngestRequest, IngestStatus, OpenRequest, Settings, SourceRow
from omni_core.engine.results import Show
from omni_core.errors import OmniError
from omni_server.access import Access

RACES = 60
ROUND_S = 60.0


class Library:
    """An engine with one root, and what was seen of it."""

    def __init__(self, engine: Engine, top: Path) -> None:
        self.engine, self.top = engine, top
        self.root, self.outside = top / "root", top / "outside"
        self.access = Access(Settings(store=str(top / "store"), roots=(str(self.root),)))
        self.outside_read: list[str] = []
        self.wrong: list[str] = []
        self.ended: dict[str, int] = {}
        self.known: dict[str, str] = {}
        """The word of each version of a file, by its sha256."""

    def place(self, name: str, make: Callable[[Path, str], object]) -> Hand:
        """A new file in a folder of the root; another version of it; one of its name outside."""
        folder, other = swaps.emptied(self.root / "sub"), swaps.emptied(self.outside / "sub")
        made = {}
        for path, word in ((folder / name, "old"), (other / name, SECRET), (other / "n", "new")):
            aside = path.with_suffix(Path(name).suffix)
            make(aside, word)
            made[word] = aside.read_bytes()
            self.known[hashlib.sha256(made[word]).hexdigest()] = word
        return Hand(folder / name, made["new"], other / name)

    async def ingest(self, path: Path, transcript: Path | None = None) -> IngestStatus | OmniError:
        """As the server does it: checked, then read without following a link."""
        try:
            file = await asyncio.to_thread(self.access.file, str(path))
            words = None
            if transcript is not None:
                words = str(await asyncio.to_thread(self.access.file, str(transcript)))
            request = IngestRequest(str(file), transcript=words, links=False)
            return await asyncio.wait_for(self.engine.ingest(request), ROUND_S)
        except OmniError as e:
            return e

    async def look(self, what: str, said: IngestStatus | OmniError, *, whole: bool = True) -> None:
        """Compare every source with the version that has its hash; then forget all.

        `whole`: whether the words are of the file, and not of subtitles beside it.
        """
        if isinstance(said, IngestStatus):
            outcome = said.failure.code if said.failure else said.state
        else:
            outcome = said.code
        self.ended[outcome] = self.ended.get(outcome, 0) + 1
        for row in (await self.engine.sources(limit=50)).sources:
            words = await self._words(row)
            if SECRET in words:
                self.outside_read.append(what)
            if whole:
                self._compare(what, row, words)
            await self.engine.forget(row.id)

    def _compare(self, what: str, row: SourceRow, words: str) -> None:
        word = self.known.get(row.sha256)
        others = {"old", "new", SECRET} - {word}
        if word is None:  # cut short or grown: never complete under the hash of another
            self.wrong += [what] * any(row.size == len(swaps.text(w)) for w in others)
        elif any(f" {other} " in words for other in others):
            self.wrong.append(what)
        elif row.state == "ready" and f"Paragraph {PARAGRAPHS - 1}." not in words:
            self.wrong.append(f"{what}: not whole")

    async def _words(self, row: SourceRow) -> str:
        found, cursor = "", ""
        while True:
            page = await self.engine.read(row.id, cursor=cursor)
            found += " ".join(line.text for line in page.lines) + " "
            cursor = page.next_cursor
            if not cursor:
                return found


async def measure(small: bool) -> list[Line]:
    """The figures of swaps during ingest, of subtitles, during opening, and of races."""
    with tempfile.TemporaryDirectory(prefix="omni-swaps-") as folder:
        top = await asyncio.to_thread(Path(folder).resolve)
        settings = Settings(
            store=str(top / "store"), encoder="hashing", index="memory", speech="off",
            screen_text="off",
        )  # fmt: skip
        async with await Engine.open(settings) as engine:
            library = Library(engine, top)
            moves = swaps.MOVES[::3] if small else swaps.MOVES
            return [
                await _documents(library, moves, swaps.INGEST_STAGES[:: 3 if small else 1]),
                await _subtitles(library, moves, ("cut", "next 2", "finish")),
                await _openings(library, moves, swaps.OPEN_STAGES),
                await _races(library, 6 if small else RACES),
            ]


def _line(what: str, tried: int, library: Library) -> Line:
    outside, wrong = library.outside_read, library.wrong
    ended = ", ".join(f"{n} {name}" for name, n in sorted(library.ended.items()))
    seen = "; ".join(sorted({*outside, *wrong})[:3])
    figure = f"{len(outside)} outside, {len(wrong)} of other bytes ({ended})"
    figure += f": {seen}" if seen else ""
    library.outside_read, library.wrong, library.ended = [], [], {}
    return Line(what, tried, figure, "0 outside, 0 of other bytes", not outside and not wrong)


async def _documents(library: Library, moves: tuple[str, ...], stages: tuple[str, ...]) -> Line:
    def make(path: Path, word: str) -> None:
        path.write_bytes(swaps.text(word))

    tried = 0
    for stage in stages:
        for move in moves:
            hand = library.place("report.md", make)
            with swaps.at(stage, getattr(hand, move), hand.undo):
                said = await library.ingest(hand.path)
            hand.undo()
            await library.look(f"{move} at {stage}", said)
            tried += 1
    return _line("a document, during its ingest", tried, library)


async def _subtitles(library: Library, moves: tuple[str, ...], stages: tuple[str, ...]) -> Line:
    def make(path: Path, word: str) -> None:
        path.write_bytes(swaps.subtitles(word))

    tried = 0
    for named in (False, True):
        for stage in stages:
            for move in moves:
                hand = library.place("said.srt" if named else "talk.srt", make)
                film = hand.path.with_name("talk.wav")
                swaps.write_sound(film, "old")
                with swaps.at(stage, getattr(hand, move), hand.undo):
                    said = await library.ingest(film, hand.path if named else None)
                hand.undo()
                await library.look(f"subtitles {move} at {stage}", said, whole=False)
                tried += 1
    return _line("subtitles: beside a recording, and named", tried, library)


async def _openings(library: Library, moves: tuple[str, ...], stages: tuple[str, ...]) -> Line:
    tried = 0
    kinds: tuple[tuple[str, Callable[[Path, str], None], Show], ...] = (
        ("view.png", swaps.write_picture, "frame"),
        ("hum.wav", swaps.write_sound, "audio"),
        ("hum.wav", swaps.write_sound, "clip"),
    )
    for name, make, show in kinds:
        for stage in stages:
            for move in moves:
                hand = library.place(name, make)
                said = await library.ingest(hand.path)
                if not isinstance(said, IngestStatus):
                    raise said
                with swaps.at(stage, getattr(hand, move), hand.undo):
                    await _open(library, said.source_id, show, f"{show} {move} at {stage}")
                hand.undo()
                await library.engine.forget(said.source_id)
                tried += 1
    return _line("a picture, a sound and a clip, while they are opened", tried, library)


async def _open(library: Library, source: str, show: Show, what: str) -> None:
    span = "" if show == "frame" else f"@0-{SECONDS}"
    try:
        opened = await library.engine.open_ref(OpenRequest(source + span, (show,)))
    except OmniError as e:
        library.ended[e.code] = library.ended.get(e.code, 0) + 1
        return
    shown = [_of_picture(p.jpeg) for p in opened.pictures]
    shown += [_of_sound(opened.audio_wav)] if opened.audio_wav else []
    shown += [_of_clip(Path(c.path)) for c in opened.clips]
    state = "shown" if shown else "words only"
    library.ended[state] = library.ended.get(state, 0) + 1
    library.outside_read += [what] * (SECRET in shown)
    library.wrong += [what] * any(word != "old" for word in shown)


def _of_picture(jpeg: bytes) -> str:
    with Image.open(io.BytesIO(jpeg)) as image:
        mean = np.asarray(image.convert("RGB")).mean((0, 1))
    return min(COLOURS, key=lambda word: float(np.abs(mean - COLOURS[word]).sum()))


def _of_sound(wav: bytes) -> str:
    with wave.open(io.BytesIO(wav)) as sound:
        samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2")
    top = float(np.abs(samples[: len(samples) // 3].astype(np.int32)).max())
    return min(LEVELS, key=lambda word: abs(top - LEVELS[word]))


def _of_clip(path: Path) -> str:
    import av

    with av.open(str(path)) as clip:
        frames = [f.to_ndarray().astype(np.float64) for f in clip.decode(audio=0)]
        scale = 1.0 if clip.streams.audio[0].format.name.startswith("s16") else 32768.0
    top = float(np.median([np.abs(f).max() for f in frames])) * scale
    return min(LEVELS, key=lambda word: abs(top - LEVELS[word]))


async def _races(library: Library, rounds: int) -> Line:
    def make(path: Path, word: str) -> None:
        path.write_bytes(swaps.text(word))

    for n in range(rounds):
        hand = library.place("report.md", make)
        done = threading.Event()

        def race(hand: Hand = hand, done: threading.Event = done) -> None:
            while not done.is_set():
                for move in (hand.linked_out, hand.renamed, hand.linked_in):
                    move()
                hand.there_and_back()
                hand.undo()

        thread = threading.Thread(target=race, daemon=True)
        thread.start()
        said = await library.ingest(hand.path)
        done.set()
        await asyncio.to_thread(thread.join)
        hand.undo()
        await library.look(f"race {n}", said)
    return _line("a thread that swaps while a document is ingested", rounds, library)
