"""What an answer says of what was asked: units, what does not fit, what changed, who is meant."""

from __future__ import annotations

import asyncio
import os
import wave
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from omni_core import BadRequestError, Engine, IngestRequest, NotFoundError, OpenRequest
from omni_core.errors import AmbiguousError
from omni_core.settings import Settings


def _media(folder: Path) -> None:
    with wave.open(str(folder / "tone.wav"), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16_000)
        out.writeframes(os.urandom(16_000 * 2 * 4))


@pytest.fixture
async def library(opened: Any, settings: Settings, media: Path) -> Any:
    """One source of each kind; `library[kind]` is its id."""
    await asyncio.to_thread(_media, media)
    pdf = Path(__file__).parents[3] / "samples"
    pages = next(iter(sorted(pdf.rglob("*.pdf"))))
    async with opened(replace(settings, index="memory")) as engine:
        ids = {}
        for kind, path in (
            ("video", media / "colours.mp4"), ("audio", media / "tone.wav"),
            ("image", media / "lake.jpg"), ("text", media / "notes.md"), ("pages", pages),
        ):  # fmt: skip
            done = await engine.ingest(IngestRequest(str(path)))
            assert done.state == "ready", done
            ids[kind] = done.source_id
        yield engine, ids


KINDS = {
    "video": ({"frame", "sheet", "audio", "clip", "text"}, "a video"),
    "audio": ({"audio", "clip", "text"}, "an audio file"),
    "image": ({"frame", "page", "text"}, "an image"),
    "pages": ({"frame", "page", "text"}, "a document"),
    "text": ({"text"}, "a document without pages"),
}


async def test_a_show_that_does_not_fit_says_so_in_one_line_and_gives_what_fits(
    library: Any,
) -> None:
    engine, ids = library
    for kind, (possible, name) in KINDS.items():
        for show in ("frame", "sheet", "page", "audio", "clip", "text"):
            opened = await engine.open_ref(OpenRequest(ids[kind], show=(show,)))
            said = [w for w in opened.warnings if w.startswith("NO_VISUAL")]
            if show in possible:
                assert said == [], (kind, show)
                continue
            (line,) = said
            assert "\n" not in line and f"{name} has no {show}; shown: " in line
            pictures = kind in ("video", "image", "pages")
            assert len(opened.pictures) == (1 if pictures else 0), (kind, show)
            assert not opened.clips and not opened.audio_wav


async def test_what_fits_is_shown_beside_what_does_not(library: Any) -> None:
    engine, ids = library
    both = await engine.open_ref(OpenRequest(ids["video"] + "@5-9", show=("page", "clip")))
    assert len(both.pictures) == len(both.clips) == 1
    assert both.warnings[0] == (
        "NO_VISUAL: a video has no page; shown: clip and frame; also possible: audio, "
        "closeup, marked, sheet, text"
    )
    plain = await engine.open_ref(OpenRequest(ids["text"]))
    assert plain.warnings == (), "nothing was asked for that it does not have"


RANGES: list[tuple[str, float, float | None, str]] = [
    ("video", 21, 30, "seconds 21 to 30 of 60"),
    ("video", 21, None, "seconds 21 to 60 of 60"),
    ("video", 21, 999, "seconds 21 to 60 of 60"),
    ("pages", 1, 1, "pages 1 to 1 of"),
    ("pages", 0, 1, "pages 1 to 1 of"),
    ("text", 10, 60, "characters 10 to 60 of"),
]
NOT_THERE: list[tuple[str, float | None, float | None, str]] = [
    ("video", 61, None, "has 60 seconds, 61 is past it; it is a video"),
    ("audio", 5, None, "has 4 seconds, 5 is past it; it is an audio file"),
    ("pages", 999, None, "pages, 999 is past it; it is a document"),
    ("text", 90_000, None, "characters, 90000 is past it; it is a document without pages"),
    ("video", 30, 20, "start 30 lies after end 20; swap them"),
    ("image", 1, None, "no seconds and no pages: it is an image"),
    ("image", None, 3, "no seconds and no pages: it is an image"),
]


async def test_reading_a_part_says_which_part_and_in_which_unit(library: Any) -> None:
    engine, ids = library
    for kind, start, end, shown in RANGES:
        page = await engine.read(ids[kind], start=start, end=end)
        assert page.range.startswith(shown)
        assert page.lines
        assert ("no seconds" in page.range) == (kind == "text")
        assert (await engine.read(ids[kind])).range == ""
    for kind, first, end, line in NOT_THERE:
        with pytest.raises((BadRequestError, NotFoundError), match=line):
            await engine.read(ids[kind], start=first, end=end)


async def test_a_reference_of_the_wrong_unit_names_the_kind(library: Any) -> None:
    engine, ids = library
    for kind, where, line in (
        ("text", "@5", "has no seconds: it is a document without pages"),
        ("image", "@5", "has no seconds: it is an image"),
        ("video", "#p2", "has no pages: it is a video; use .*@0"),
        ("text", "#p2", "has no pages: it is a document without pages"),
    ):
        with pytest.raises(NotFoundError, match=line):
            await engine.open_ref(OpenRequest(ids[kind] + where))


async def test_a_clip_of_a_sound_has_a_sounds_name_and_type(
    opened: Any, settings: Settings, media: Path
) -> None:
    """A container of films that holds only sound too, and one that clips are not written in."""
    await asyncio.to_thread(_sounds, media)
    async with opened(replace(settings, index="memory")) as engine:
        for name, suffix, mime in (
            ("tone.wav", ".wav", "audio/wav"), ("tone.mp4", ".m4a", "audio/mp4"),
            ("tone.mkv", ".m4a", "audio/mp4"), ("tone.aiff", ".m4a", "audio/mp4"),
        ):  # fmt: skip
            done = await engine.ingest(IngestRequest(str(media / name)))
            assert done.modality == "audio", done
            opened_ = await engine.open_ref(OpenRequest(f"{done.source_id}@1-2", show=("clip",)))
            (clip,) = opened_.clips
            assert (Path(clip.path).suffix, clip.mime) == (suffix, mime), name


def _sounds(folder: Path) -> None:
    import av
    import numpy as np

    _media(folder)
    for n, (suffix, codec) in enumerate(((".mp4", "aac"), (".mkv", "aac"), (".aiff", "pcm_s16be"))):
        with av.open(str(folder / f"tone{suffix}"), "w") as out:
            stream = out.add_stream(codec, rate=16_000, layout="mono")
            for i in range(60):
                t = np.arange(i * 1024, (i + 1) * 1024) / 16_000
                wave_ = (np.sin(t * (440 + 100 * n) * 2 * np.pi) * 8000).astype(np.int16)
                frame = av.AudioFrame.from_ndarray(wave_[None], format="s16", layout="mono")
                frame.sample_rate, frame.pts = 16_000, i * 1024
                out.mux(stream.encode(frame))
            out.mux(stream.encode(None))


async def test_an_ambiguous_name_lists_what_tells_the_sources_apart(
    engine: Engine, tmp_path: Path
) -> None:
    for n, collection in enumerate(("default", "Trips")):
        path = tmp_path / f"{n}.md"
        await asyncio.to_thread(path.write_text, f"# Field report\n\nNumber {n} is here.\n")
        await engine.ingest(IngestRequest(str(path), collection=collection))
    with pytest.raises(AmbiguousError) as caught:
        await engine.open_ref(OpenRequest("[Field report chars 3-9]"))
    error = caught.value
    assert error.given == "[Field report chars 3-9]"
    assert {c.title for c in error.choices} == {"Field report"}
    assert [c.ref.split(" ", 1)[1] for c in error.choices] == ["chars 3-9"] * 2
    facts = [c.facts for c in error.choices]
    assert all(f.startswith("document, ") and "(file time)" in f for f in facts)
    assert facts[0].endswith("'trips'"), "newest first; the default collection goes without saying"
    assert str(error).count("src_") == 2 and "\n" not in str(error)
    for choice in error.choices:
        assert (await engine.open_ref(OpenRequest(choice.ref))).source.title == "Field report"


async def test_a_known_file_says_what_was_changed_and_tells_the_listeners(
    engine: Engine, media: Path
) -> None:
    told: list[str] = []

    async def listener(source_id: str) -> None:
        told.append(source_id)

    notes = str(media / "notes.md")
    first = await engine.ingest(IngestRequest(notes))
    assert not first.already and first.changed == ()
    engine.on_change(listener)
    again = await engine.ingest(IngestRequest(notes))
    assert again.already and again.changed == () and told == []
    added = await engine.ingest(IngestRequest(notes, collection="Trips"))
    assert added.already and added.changed == ("collection",)
    assert told == [first.source_id]
    same = await engine.ingest(IngestRequest(notes, collection=" TRIPS "))
    assert same.changed == () and len(told) == 1
    both = await engine.ingest(IngestRequest(notes, title="Volcano", collection="work"))
    assert both.changed == ("title", "collection") and len(told) == 2
    page = await engine.sources()
    assert page.collections == {"default": 1, "trips": 1, "work": 1}


async def test_every_spelling_of_a_collection_finds_the_same_sources(
    engine: Engine, media: Path
) -> None:
    from omni_core import SearchRequest

    await engine.ingest(IngestRequest(str(media / "notes.md"), collection="Trips 2026"))
    await engine.ingest_folder([str(media / "lake.jpg")], collection=" ")
    for spelling in ("trips 2026", " TRIPS  2026 ", "Ｔrips 2026"):
        found = await engine.search(SearchRequest("magma chamber", collection=spelling))
        assert found.searched_sources == 1 and found.hits
        assert (await engine.sources(collection=spelling)).total == 1
    assert (await engine.sources(collection="")).total == 2
    assert (await engine.sources(collection="DEFAULT")).total == 1
    for ask in (
        engine.sources(collection="none such"),
        engine.search(SearchRequest("x", collection="none such")),
    ):
        with pytest.raises(NotFoundError, match="there are: 'default', 'trips 2026'") as caught:
            await ask
        assert caught.value.code == "UNKNOWN_COLLECTION"


async def test_cursors_are_short_and_lead_through_every_source_once(
    engine: Engine, tmp_path: Path
) -> None:
    for n in range(7):
        path = tmp_path / f"{n}.md"
        await asyncio.to_thread(path.write_text, f"# Note {n}\n\nWords of number {n}.\n")
        await engine.ingest(IngestRequest(str(path)))
    seen, cursor = [], ""
    while True:
        page = await engine.sources(limit=2, cursor=cursor)
        seen += [row.title for row in page.sources]
        assert bool(page.collections) == (cursor == ""), "named on the first page only"
        cursor = page.next_cursor
        assert len(cursor) <= 40
        if not cursor:
            break
    assert seen == [f"Note {n}" for n in reversed(range(7))]


async def test_a_source_is_found_by_the_beginning_of_its_id(engine: Engine, media: Path) -> None:
    done = await engine.ingest(IngestRequest(str(media / "notes.md")))
    await engine.ingest(IngestRequest(str(media / "lake.jpg")))
    for match in (done.source_id, done.source_id[:9], f"volcano {done.source_id[:8]}"):
        assert [r.id for r in (await engine.sources(match=match)).sources] == [done.source_id]
    assert (await engine.sources(match="src_")).total == 2
    assert (await engine.sources(match="src")).total == 0, "a word, not an id"
