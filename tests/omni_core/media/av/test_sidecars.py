"""Of the subtitle files beside a film one of each language is read, and the others are named."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from omni_core.engine.ingest.jobs import without_subtitle_files
from omni_core.errors import NotFoundError
from omni_core.text.suffixes import SUBTITLE_SUFFIXES
from omni_core.types import CutOptions, FileWarning, Segment, Source

CUE = "1\n00:00:01,000 --> 00:00:02,000\n{}\n"
Seen = Callable[..., tuple[list[str], list[str]]]


@pytest.fixture
def seen(film: Any, tools: Any, tmp_path: Path, svc: Any) -> Seen:
    """Lay files beside a film of 10 s; what is spoken in it, and its warnings."""

    def run(**beside: str | bytes) -> tuple[list[str], list[str]]:
        path = tmp_path / "talk.mp4"
        path.write_bytes(film([tools.barcode(n) for n in range(50)], fps=5).read_bytes())
        for name, words in beside.items():
            data = words if isinstance(words, bytes) else CUE.format(words).encode()
            (tmp_path / f"talk.{name.replace('_', '.')}").write_bytes(data)
        info = svc.probe(str(path))
        source = Source("0" * 64, str(path), "", info.modality, info.mime, 1, info.duration_s)
        items = list(svc.decompose(str(path), source, CutOptions()))
        said = [i.text for i in items if isinstance(i, Segment) and i.channel == "speech"]
        return said, [i.message for i in items if isinstance(i, FileWarning)]

    return run


def test_sidecars_in_other_languages_are_read_and_forced_ones_are_named(seen: Seen) -> None:
    said, warned = seen(en_srt="Hello.", fr_srt="Bonjour.", de_forced_srt="Ein Schild.")
    assert said == ["Hello.", "Bonjour."]
    assert warned == ["subtitles not read: talk.de.forced.srt"]


def test_a_second_sidecar_of_one_language_or_of_none_is_named(seen: Seen) -> None:
    said, warned = seen(en_srt="Hello.", en_sdh_srt="(bell) Hello.", fr_srt="Bonjour.")
    assert said == ["Hello.", "Bonjour."]
    assert warned == ["subtitles not read: talk.en.sdh.srt"]
    said, warned = seen(srt="Hello.", en_srt="Hello.")
    assert said == ["Hello."]


def test_four_languages_beside_a_film_are_read_and_the_others_named(seen: Seen) -> None:
    words = {f"{code}_srt": f"Line {code}." for code in ("de", "en", "es", "fr", "it")}
    said, warned = seen(**words)
    assert said == ["Line de.", "Line en.", "Line es.", "Line fr."]
    assert warned == ["subtitles not read: talk.it.srt"]


def test_a_film_with_one_sidecar_has_nothing_to_name(seen: Seen) -> None:
    assert seen(srt="Hello.") == (["Hello."], [])


def test_a_sidecar_without_cues_is_named_and_the_next_one_is_read(seen: Seen) -> None:
    said, warned = seen(en_srt=b"", fr_srt="Bonjour.")
    assert said == ["Bonjour."]
    assert warned == ["subtitles not read: talk.en.srt (no cues)"]


def test_a_sidecar_of_pictures_is_named(seen: Seen) -> None:
    said, warned = seen(sub=b"\0\0\1\xba" + bytes(range(256)) * 20)
    assert not said
    assert warned == ["subtitles not read: talk.sub (pictures)"]


def test_the_two_files_of_unread_subtitles_are_named_once_beside_those_that_are_read(
    seen: Seen,
) -> None:
    said, warned = seen(
        srt="Hello.", idx=b"# VobSub index file, v7\nid: en, index: 0\n", sub=b"\0\0\1\xba" * 9,
        de_sup=b"PG" + bytes(20),
    )  # fmt: skip
    assert said == ["Hello."]
    assert warned == ["subtitles not read: talk.sub (pictures), talk.de.sup (pictures)"]


def test_a_sidecar_that_may_not_be_opened_is_named(
    seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = os.open

    def refusing(name: Any, *args: Any, **kwargs: Any) -> int:  # root may read everything
        if str(name).endswith(".en.srt"):
            raise PermissionError(errno.EACCES, "Permission denied", name)
        return really(name, *args, **kwargs)

    monkeypatch.setattr(os, "open", refusing)
    said, warned = seen(en_srt="Hello.", fr_srt="Bonjour.")
    assert said == ["Bonjour."]
    assert warned == ["subtitles not read: talk.en.srt (cannot be opened)"]


def test_a_sidecar_that_leads_out_of_the_folder_is_named(
    seen: Seen, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    secret = tmp_path_factory.mktemp("other") / "secret.srt"
    secret.write_text(CUE.format("Secret."))
    os.symlink(secret, tmp_path / "talk.srt")
    assert seen(en_srt="Hello.") == (["Hello."], ["subtitles not read: talk.srt (a link)"])


def test_a_folder_of_many_sidecars_is_named_in_one_line(seen: Seen) -> None:
    said, (warned,) = seen(**{f"{n:02}_srt": "Hello." for n in range(40)})
    assert said == ["Hello."]
    assert warned.endswith("talk.12.srt and 27 more")


def test_lyrics_beside_a_recording_end_with_it(
    film: Any, tools: Any, tmp_path: Path, cut: Any
) -> None:
    path = film([tools.barcode(n) for n in range(50)], fps=5).rename(tmp_path / "song.mp4")
    (tmp_path / "song.lrc").write_text("[00:01.00]Down by the water\n[00:08.50]the wheel\n")
    said = [s for s in cut(path) if s.channel == "speech"]
    assert max(s.span.end for s in said) == pytest.approx(10.0, abs=0.1)


def test_mpl2_beside_a_film_is_its_transcript(
    film: Any, tools: Any, tmp_path: Path, cut: Any
) -> None:
    path = film([tools.barcode(n) for n in range(50)], fps=5).rename(tmp_path / "a.mp4")
    (tmp_path / "a.mpl").write_text("[10][20]Hello.\n[25][40]/And|again.\n")
    (found,) = [s for s in cut(path) if s.channel == "speech"]
    assert (found.text, found.span.start, found.span.end) == ("Hello. And again.", 1.0, 4.0)


def test_a_sidecar_in_a_legacy_encoding_is_the_transcript(film: Any, cut: Any, tools: Any) -> None:
    path = film([tools.barcode(n) for n in range(50)])
    beside = path.with_suffix(".srt")
    words = "Капитан поднимается на мостик и смотрит на маяк."
    beside.write_bytes(f"1\n00:00:00,500 --> 00:00:01,500\n{words}\n".encode("cp1251"))
    try:
        assert words in [s.text for s in cut(path)]
    finally:
        beside.unlink()


def test_a_sidecar_that_may_not_be_read_costs_itself_and_not_the_film(
    film: Any, cut: Any, tools: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = film([tools.barcode(n) for n in range(50)])
    beside = path.with_suffix(".srt")
    beside.write_text("1\n00:00:00,500 --> 00:00:01,500\nHello bees.\n")
    really = os.open

    def refusing(name: Any, *args: Any, **kwargs: Any) -> int:  # root may read everything
        if str(name).endswith(".srt"):
            raise PermissionError(errno.EACCES, "Permission denied", name)
        return really(name, *args, **kwargs)

    monkeypatch.setattr(os, "open", refusing)
    try:
        found = cut(path)
        with pytest.raises(NotFoundError, match="srt' cannot be read"):
            cut(path, transcript=str(beside))
    finally:
        beside.unlink()
    assert found and "Hello bees." not in [s.text for s in found]


@pytest.mark.parametrize("suffix", SUBTITLE_SUFFIXES)
def test_subtitles_beside_a_video_are_read_with_it_and_not_by_themselves(
    suffix: str, film: Any, cut: Any, tools: Any
) -> None:
    path = film([tools.barcode(n) for n in range(50)])
    beside = path.with_suffix(suffix)
    beside.write_text("1\n00:00:00,500 --> 00:00:01,500\nHello bees.\n")
    try:
        assert "Hello bees." in [s.text for s in cut(path)]
        assert without_subtitle_files([str(path), str(beside)]) == [str(path)]
    finally:
        beside.unlink()


@pytest.mark.parametrize(
    "name",
    ["{}.en.sdh.srt", "{}.en.hi.vtt", "{}_en.srt", "Subs/{}.srt", "Subs/2_English.srt",
     "Subs/{}/2_English.ass", "{}_hr.srt", "{}_en_US.srt", "{}_pt-BR.vtt", "{}_eng(1).srt",
     "Night Train.srt", "NIGHT TRAIN.EN.SRT"],
)  # fmt: skip
def test_a_sidecar_is_found_under_the_names_that_people_give(
    name: str, film: Any, cut: Any, tools: Any, tmp_path: Path
) -> None:
    path = film([tools.barcode(n) for n in range(50)]).rename(tmp_path / "night train.mp4")
    beside = tmp_path / name.format("night train")
    beside.parent.mkdir(parents=True, exist_ok=True)
    beside.write_text("1\n00:00:00,500 --> 00:00:01,500\nHello bees.\n")
    found = [s for s in cut(path) if s.text == "Hello bees."]
    assert [s.origin for s in found] == [f"sidecar {beside.name}"]


def test_a_whole_sidecar_is_preferred_to_a_forced_one(
    film: Any, cut: Any, tools: Any, tmp_path: Path
) -> None:
    path = film([tools.barcode(n) for n in range(50)]).rename(tmp_path / "a.mp4")
    for name, words in (("a.forced.srt", "A sign."), ("a.en.sdh.srt", "All that is said.")):
        (tmp_path / name).write_text(f"1\n00:00:00,500 --> 00:00:01,500\n{words}\n")
    assert [s.text for s in cut(path) if s.channel == "speech"] == ["All that is said."]


def test_a_sidecar_in_frames_is_counted_as_the_film_is(
    film: Any, cut: Any, tools: Any, tmp_path: Path
) -> None:
    path = film([tools.barcode(n) for n in range(50)], fps=25).rename(tmp_path / "a.mp4")
    (tmp_path / "a.sub").write_text("{10}{20}Hello.\n{25}{45}And again.\n")
    (found,) = [s for s in cut(path) if s.channel == "speech"]
    assert (found.span.start, found.span.end) == (0.4, 1.8)


def test_a_picture_subtitle_file_beside_a_film_is_no_text(
    film: Any, cut: Any, tools: Any, tmp_path: Path
) -> None:
    path = film([tools.barcode(n) for n in range(50)]).rename(tmp_path / "a.mp4")
    (tmp_path / "a.sub").write_bytes(b"\0\0\1\xba" + bytes(range(256)) * 20)
    assert [s for s in cut(path) if s.channel == "speech"] == []


def test_a_sidecar_of_another_film_is_not_read(
    film: Any, cut: Any, tools: Any, tmp_path: Path
) -> None:
    made = film([tools.barcode(n) for n in range(50)]).read_bytes()
    for name in ("talk.mp4", "talk.2.mp4", "talk_it.mp4"):
        (tmp_path / name).write_bytes(made)
        (tmp_path / name).with_suffix(".srt").write_text(CUE.format(name))
    for name in ("talk.mp4", "talk.2.mp4", "talk_it.mp4"):
        assert [s.text for s in cut(tmp_path / name) if s.channel == "speech"] == [name]


@pytest.mark.parametrize(("spoken", "expected"), [("eng", "Hello."), ("de", "Hallo.")])
def test_of_several_languages_the_one_that_is_spoken_comes_first(
    spoken: str, expected: str, tmp_path: Path, svc: Any, cut: Any
) -> None:
    path = tmp_path / "talk.mka"
    with av.open(str(path), "w", format="matroska") as c:
        stream = c.add_stream("flac", rate=16000, layout="mono")
        stream.metadata["language"] = spoken
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16000 * 4), np.int16), "s16", "mono")
        frame.sample_rate, frame.pts = 16000, 0
        c.mux([*stream.encode(frame), *stream.encode()])
    for name, words in (("de", "Hallo."), ("en.hi", "Hello."), ("zh-Hans", "x")):
        (tmp_path / f"talk.{name}.srt").write_text(CUE.format(words))
    assert next(s.text for s in cut(path) if s.channel == "speech") == expected
