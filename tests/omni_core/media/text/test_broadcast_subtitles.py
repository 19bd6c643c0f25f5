"""Scenarist captions (EIA-608) and EBU STL, as broadcasters exchange them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from omni_core.media.text.subtitle_formats import detect_format, read_bytes_of, read_subtitles

POP, SHOW, ERASE, CLEAR, ROLL, RETURN = "9420", "942f", "942c", "94ae", "9425", "94ad"


def codes(text: str) -> str:
    data = text.encode("ascii") + b"\x00" * (len(text) % 2)
    return " ".join(data[n : n + 2].hex() for n in range(0, len(data), 2))


def scc(*lines: tuple[str, str]) -> str:
    return "Scenarist_SCC V1.0\n\n" + "\n\n".join(f"{at}\t{said}" for at, said in lines) + "\n"


def test_captions_that_pop_on_are_shown_from_their_command_to_the_next() -> None:
    text = scc(
        ("00:00:00;15", f"{CLEAR} {CLEAR} {POP} {POP} 9470 9470 {codes('Hello')}"),
        ("00:00:01;15", f"94f2 {codes('you')}"),
        ("00:00:02;00", f"{SHOW} {SHOW}"),
        ("00:00:03;00", f"{POP} {POP} {codes('Then gone')}"),
        ("00:00:05;00", f"{SHOW} {SHOW}"),
        ("00:00:06;00", f"{ERASE} {ERASE}"),
    )
    assert detect_format(text) == "scc"
    assert [(c.start, c.end, c.text) for c in read_subtitles(text).cues] == [
        (2.0, 5.0, "Hello\nyou"), (5.0, 6.0, "Then gone"),
    ]  # fmt: skip


def test_captions_that_roll_up_are_cues_line_by_line() -> None:
    text = scc(
        ("00:00:01;00", f"{ROLL} {ROLL} {RETURN} {RETURN} {codes('first line')}"),
        ("00:00:04;00", f"{ROLL} {ROLL} {RETURN} {RETURN} {codes('second line')}"),
        ("00:00:07;00", f"{ERASE} {ERASE}"),
    )
    found = [(round(c.start), round(c.end), c.text) for c in read_subtitles(text).cues]
    assert found == [(1, 4, "first line"), (4, 7, "second line")]


def test_characters_beyond_ascii_and_the_clock_without_dropped_frames() -> None:
    text = scc(
        ("00:16:40:00", f"{POP} {POP} {codes('caf')} 5c00 9137 9137 {codes('E')} 9221 9221"),
        ("00:33:20:00", f"{SHOW} {SHOW}"),
    )
    (cue,) = read_subtitles(text).cues
    assert cue.text == "café♪É"
    assert cue.start == pytest.approx(2002.0)


def stl(*rows: tuple[tuple[int, int, int, int], tuple[int, int, int, int], bytes],
        page: bytes = b"00", first: bytes = b"10000000") -> bytes:  # fmt: skip
    header = bytearray(b" " * 1024)
    header[0:11] = b"850STL25.01"
    header[12:14] = page
    header[256:264] = first
    out = bytes(header)
    for n, (start, end, words) in enumerate(rows):
        comment = words.startswith(b"#")
        block = bytes([0, n % 256, 0, 0xFF, 0, *start, *end, 20, 2, int(comment)])
        out += block + words.ljust(112, b"\x8f")
    return out


def test_stl_counts_from_the_programmes_start_and_has_accents_before_letters(
    tmp_path: Path, cut: Any, svc: Any
) -> None:
    data = stl(
        ((10, 0, 1, 0), (10, 0, 2, 0), b"\x0d\x0b\x0bA caf\xc2e\x8aopens"),
        ((10, 0, 2, 0), (10, 0, 3, 0), b"#not shown"),
        ((10, 0, 3, 5), (10, 0, 4, 0), b"\x80at nine\x81"),
    )
    assert [(c.start, c.end, c.text) for c in read_bytes_of(data).cues] == [
        (1.0, 2.0, "A café\nopens"), (3.2, 4.0, "at nine"),
    ]  # fmt: skip
    path = tmp_path / "a.stl"
    path.write_bytes(data)
    assert svc.probe(str(path)).mime == "application/x-ebu-stl"
    assert [s.text for s in cut(path)] == ["A café opens at nine"]


def test_stl_in_other_scripts_and_broken_off() -> None:
    words = "Привет".encode("iso8859-5")
    data = stl(((0, 0, 1, 0), (0, 0, 2, 0), words), page=b"01", first=b"00000000")
    found = read_bytes_of(data + b"\0" * 50)
    assert [(c.start, c.text) for c in found.cues] == [(1.0, "Привет")]
    assert found.warnings == ("the file breaks off in the middle of a subtitle",)


def test_a_solid_of_a_3d_printer_is_no_subtitle(tmp_path: Path) -> None:
    assert read_bytes_of(b"solid cube" + b"\0" * 200, ".stl").cues == []
