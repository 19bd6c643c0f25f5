"""Small files that would take a decoder for ever, beside those of the tests: one function each."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from tests.omni_core.media.test_hostile import BOMBS as OF_THE_TESTS

WORDS = "the lantern of the harbour is lit at dusk and put out at dawn"


def _clock(n: int, comma: str) -> str:
    return f"{n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}{comma}000"


def _cues(comma: str, head: str) -> Callable[[Path], object]:
    def write(path: Path) -> None:
        with path.open("w") as out:
            out.write(head)
            for n in range(250_000):
                out.write(f"{n}\n{_clock(n * 4, comma)} --> {_clock(n * 4 + 3, comma)}\n{n}.\n\n")

    return write


def _repeated(head: str, line: str, times: int, tail: str = "") -> Callable[[Path], object]:
    def write(path: Path) -> None:
        with path.open("w") as out:
            out.write(head)
            for at in range(0, times, 1000):
                out.write(line * min(1000, times - at))
            out.write(tail)

    return write


def _zipped(member: str, head: str, line: str, times: int, tail: str) -> Callable[[Path], object]:
    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z, z.open(member, "w") as out:
            out.write(head.encode())
            for _ in range(times):
                out.write(line.encode())
            out.write(tail.encode())

    return write


def _sheet(path: Path) -> None:
    cells = f"<c t='inlineStr'><is><t>{WORDS}</t></is></c>" * 20
    row = _zipped(
        "xl/worksheets/sheet1.xml", "<worksheet><sheetData>", f"<row>{cells}</row>", 40_000,
        "</sheetData></worksheet>",
    )  # fmt: skip
    row(path)
    with zipfile.ZipFile(path, "a") as z:
        z.writestr("xl/workbook.xml", "<workbook/>")


def _frames(path: Path) -> None:
    frames = [Image.new("P", (16, 16), n % 250) for n in range(6000)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=100, optimize=False)


def _notebook(path: Path) -> None:
    cell = {"cell_type": "markdown", "metadata": {}, "source": WORDS * 12}
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "cells": [cell] * 15_000}))


_MAIL = "Subject: Hi\nFrom: a@b.c\nTo: d@e.f\nMIME-Version: 1.0\n"
_PART = f"--x\nContent-Type: text/plain\n\n{WORDS}\n"
OWN: dict[str, tuple[str, Callable[[Path], object]]] = {
    "277 hours of cues": ("long.srt", _cues(",", "")),
    "277 hours of WebVTT": ("long.vtt", _cues(".", "WEBVTT\n\n")),
    "a million lyrics": ("long.lrc", _repeated("[ti:A]\n", "[00:01.00]la\n", 1_000_000)),
    "a line of 60 MB": ("words.txt", _repeated("", WORDS + " ", 980_000)),
    "a row of 8,000,000 cells": ("row.csv", _repeated("", "1,", 8_000_000)),
    "a column's name of a MB": ("name.csv", _repeated("a" * (1 << 20) + ",b\n", "1,2\n", 100_000)),
    "a million rows": ("rows.tsv", _repeated("a\tb\n", f"1\t{WORDS}\n", 900_000)),
    "half a million headings": ("heads.md", _repeated("", "# A\n\nb\n\n", 500_000)),
    "JSON a million deep": ("deep.json", _repeated("[", '{"a":[', 1_000_000)),
    "a million lines of JSON": ("lines.jsonl", _repeated("", f'{{"a":"{WORDS}"}}\n', 700_000)),
    "a notebook of 15,000 cells": ("cells.ipynb", _notebook),
    "a page of 800,000 paragraphs": ("page.html", _repeated("<body>", f"<p>{WORDS}", 800_000)),
    "a mail of 100,000 parts": (
        "parts.eml",
        _repeated(_MAIL + 'Content-Type: multipart/mixed; boundary="x"\n\n', _PART, 100_000),
    ),
    "800,000 rows in a workbook": ("rows.xlsx", _sheet),
    "a document of 300,000 paragraphs": (
        "long.docx",
        _zipped("word/document.xml", "<d>", f"<p><t>{WORDS}</t></p>", 300_000, "</d>"),
    ),
    "RTF a million groups deep": ("deep.rtf", _repeated("{\\rtf1 ", "{\\b a", 1_000_000)),
    "6,000 frames": ("frames.gif", _frames),
}
"""What is in the file, its name, what writes it."""


def make(folder: Path, small: bool) -> dict[str, Path]:
    """Write the bombs; `small`: those of our own only that take no minute to write."""
    made = {}
    for what, (name, write) in list(OWN.items())[: 6 if small else None]:
        write(folder / name)
        made[what] = folder / name
    for name, (bomb, _, _) in list(OF_THE_TESTS.items())[: 4 if small else None]:
        made[name] = bomb(folder)
    return made
