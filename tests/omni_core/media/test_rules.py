"""Two rules over every registered medium: nothing unread is ready in silence, and one bad part
costs that part. A new medium needs a case here, or the first test fails."""

from __future__ import annotations

import base64
import io
import json
import re
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
import pymupdf
import pytest
from PIL import Image

from omni_core import plugins
from omni_core.types import CutOptions, FileWarning, Segment, Source

pytestmark = pytest.mark.timeout(120)

FIRST = "The otters of the lower river were counted at dawn."
LAST = "A ferry leaves the harbour of Bergen every evening."


class Case(NamedTuple):
    """A file with one bad part."""

    name: str
    make: Callable[[Path], None]
    words: tuple[str, ...] = (FIRST, LAST)
    """What must be read all the same."""
    warns: str = ""
    """What the warning says; "" where everything is read, without a warning."""


def data(content: bytes) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        path.write_bytes(content)

    return make


def text(content: str) -> Callable[[Path], None]:
    return data(content.encode())


def zipped(parts: dict[str, str]) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in parts.items():
                archive.writestr(name, content)

    return make


def two_languages(path: Path) -> None:
    """A recording whose second track is in another language: it is not heard."""
    with av.open(str(path), "w") as c:
        tracks = [c.add_stream("flac", rate=16_000, layout="mono") for _ in range(2)]
        for track, language in zip(tracks, ("eng", "deu"), strict=True):
            track.metadata["language"] = language
        for n in range(30):
            t = np.arange(n * 1600, (n + 1) * 1600) / 16_000
            for track, hz in zip(tracks, (440, 660), strict=True):
                block = (np.sin(2 * np.pi * hz * t) * 9000).astype("<i2")[None, :]
                frame = av.AudioFrame.from_ndarray(block, format="s16", layout="mono")
                frame.sample_rate, frame.pts = 16_000, n * 1600
                c.mux(track.encode(frame))
        for track in tracks:
            c.mux(track.encode())


def torn_film(path: Path) -> None:
    whole = path.with_name("whole.mkv")
    with av.open(str(whole), "w") as c:
        v = c.add_stream("libx264", rate=25)
        v.width, v.height, v.pix_fmt = 160, 120, "yuv420p"
        for n in range(250):
            picture = np.full((120, 160, 3), (n * 5) % 256, np.uint8)
            c.mux(v.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        c.mux(v.encode())
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])


def damaged_exif(path: Path) -> None:
    made = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "words"
    Image.new("RGB", (320, 240), (20, 40, 220)).save(made, "JPEG", exif=exif)
    found = made.getvalue()
    at = found.index(b"Exif\0\0") + 10
    path.write_bytes(found[:at] + b"\xff\xfe\xfd\xfc" + found[at + 4 :])


def page_without_content(path: Path) -> None:
    with pymupdf.open() as document:
        for words in (FIRST, "lost", LAST):
            document.new_page().insert_text((72, 72), words)
        (broken,) = document[1].get_contents()
        document.update_stream(broken, b"q BT /F0 12 Tf (lost")
        document.save(str(path))


WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def docx(body: str) -> Callable[[Path], None]:
    return zipped(
        {
            "[Content_Types].xml": "<Types/>",
            "word/document.xml": f'<w:document xmlns:w="{WORD}"><w:body>{body}</w:body>'
            "</w:document>",
        }
    )


def paragraph(words: str) -> str:
    return f"<w:p><w:r><w:t>{words}</w:t></w:r></w:p>"


def cell(content: str) -> str:
    return f"<w:tbl><w:tr><w:tc>{content}</w:tc></w:tr></w:tbl>"


ENCODED = base64.encodebytes(f"{FIRST}\n{'More words here. ' * 30}\n{LAST}".encode()).decode()
BAD_LINE = "\n".join(
    "!" + line[1:] if n == 4 else line for n, line in enumerate(ENCODED.splitlines())
)
MAIL = "Subject: otters\nFrom: a@example.org\nDate: today\nMIME-Version: 1.0\n"
CUES = (
    f"1\n00:00:01,000 --> 00:00:03,000\n{FIRST}\n\n2\n00:00:0x,y00 --> zz\nlost\n\n"
    f"3\n00:00:05,000 --> 00:00:08,000\n{LAST}\n"
)

MESSAGE = zlib.decompress(base64.b64decode(
    "eNrtVrtOwzAUvekLKjEAAwOTJcTCUCV0YEFIIGAFIfYoBaepVCVVkhb6OXwCXwKfUD6EhmPHFaFQGtOhAnKi6/g61z72Sa"
    "6d56eN0cPj9gtN4YjKNE7qVMu0GbDSxFlPfWHjJElEUxWWFPhVoAVxQTEuTiFFP+p/TR56Mwoy4wjPRRmrZ134d/IZg3Vo"
    "oOppm4i4QUSffDnCLXwHNYaagxifGt/w9zC6I2N6iHe15797eXq+iH6+XDnHqhu438P0cMxcHoZD1uXOgEcs9jjznLAV9E"
    "MWuOyEh23uMz7gCEHpd/z2RzVE7gorZ+pZowJ/Glf4/gKZLWcyf0IaavXfoqox2UsMnY7qILFx9cAaoBTZHCO/RTbYKssj"
    "+AFmZiE/zC+GMakk+Uvq7MlLz+idP8Le0UIZU1vx2DCTmnQg7xbNTvE9xV/W4Bc6rc3htySzmZu/osEvtHIz/I7cex3sot"
    "4M3W3aycwnvVIckiH5V9T5r4tZ60+1z69/TWP9lfT3JQe/pWx/Lr/OeVpVc1hEf2tKf4HVJepf19BfvKvNJeovvtVmsfV/"
    "Ov8ryn8tfov/Dd4Ab2WUQg=="
))  # fmt: skip
"""An Outlook message that says `FIRST`; `notes.txt`, which says `LAST`, and a PDF are attached."""
ODF = "urn:oasis:names:tc:opendocument:xmlns:"


def odf(body: str, root: str = "document-content") -> str:
    return (
        f'<office:{root} xmlns:office="{ODF}office:1.0" xmlns:text="{ODF}text:1.0"><office:body>'
        f"<office:text>{body}</office:text></office:body></office:{root}>"
    )


CASES: dict[str, list[Case]] = {
    "text": [
        Case(
            "a.txt", data(f"{FIRST}\n".encode() + b"\xff\n" + LAST.encode()), warns="is a guess"
        ),
        Case("utf8.txt", data(f"{FIRST} größer \n".encode() + b"\xff\n" + LAST.encode()),
             warns="1 character is damaged"),
        Case("control.txt", data(f"{FIRST}\x02\n{LAST}".encode() * 9)),
        Case("open.md", text(f"# {FIRST}\n\n```\nnever closed\n\n{LAST}\n")),
        Case("legacy.txt", data(f"{FIRST} größer {LAST}".encode("cp1252")), warns="is a guess"),
    ],
    "html": [
        Case("tag.html", text(f"<p>{FIRST}</p><div <b><p>{LAST}</p>")),
        Case("deep.html", text(f"<p>{FIRST}</p>{'<div>' * 3000}{LAST}")),
        Case("comment.html", text(f"<p>{FIRST}<p>{LAST}<!-- never closed")),
        Case("byte.html", data(f"<p>{FIRST} größer ".encode() + b"\xfe " + f"{LAST}</p>".encode()),
             warns="1 character"),
    ],
    "json": [
        Case("line.jsonl", text(f'{{"a": "{FIRST}"}}\n{{"a": "tor\n{{"a": "{LAST}"}}\n'),
             warns="line 2"),
        Case("cut.json", text(f'{{"a": "{FIRST}", "b": ["{LAST}"'), warns="no valid JSON"),
        Case("deep.json",
             text(f'{{"a": "{FIRST}", "b": {"[" * 80}{{"x": "deep"}}{"]" * 80}, "c": "{LAST}"}}'),
             warns="levels deep"),
        Case("cell.ipynb", text(json.dumps({"nbformat": 4, "cells": [
            {"cell_type": "markdown", "source": [FIRST]}, "no cell",
            {"cell_type": "code", "source": 7, "outputs": "none"},
            {"cell_type": "markdown", "source": LAST}]})), warns="cell 2"),
        Case("picture.ipynb", text(json.dumps({"nbformat": 4, "cells": [
            {"cell_type": "markdown", "source": FIRST, "attachments": {"a.png": {}}},
            {"cell_type": "markdown", "source": LAST}]})), warns="1 embedded picture"),
    ],
    "table": [
        Case("quote.csv", text(f'name,said\nAda,"{FIRST}"\nBob,"{LAST}\n')),
        Case("ragged.csv", text(f"a,b,c\n1,2,{FIRST}\n1\n1,2,3,4,5,6,{LAST}\n1,2,3\n")),
        Case("byte.csv",
             data(f"a,b\ngrößer,{FIRST}\n2,".encode() + b"\xff\n" + f"3,{LAST}\n".encode()),
             warns="1 character"),
        Case("wide.csv", text(",".join("abcdefgh") * 40 + f"\n{FIRST}{',x' * 270},{LAST}\n")),
    ],
    "mail": [
        Case("line.eml",
             text(f"{MAIL}Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n"
                  f"{BAD_LINE}\n"), warns="1 damaged line of base64 in the body"),
        Case("attached.eml", text(
            f"{MAIL}Content-Type: multipart/mixed; boundary=B\n\n--B\nContent-Type: text/plain\n\n"
            f"{FIRST}\n--B\nContent-Type: image/png\nContent-Disposition: attachment; "
            f"filename=plan.png\n\nxx\n--B\nContent-Type: text/plain\n\n{LAST}\n"),
            warns=r"not read: plan\.png"),
        Case("page.eml", text(
            f"{MAIL}Content-Type: multipart/alternative; boundary=B\n\n--B\nContent-Type: "
            "text/plain\n\nThis is a page.\n--B\nContent-Type: text/html\n\n"
            f"<p>{FIRST}</p><p>{LAST}</p>\n--B--\n")),
    ],
    "subtitles": [
        Case("cue.srt", text(CUES)),
        Case("lines.srt", text(f"1\n00:00:01,000 --> 00:00:08,000\n{FIRST}\n\n{LAST}\n")),
    ],
    "office": [
        Case("a.docx", docx(paragraph(FIRST) + "<w:p><w:strange/></w:p>" + paragraph(LAST))),
        Case("table.docx", docx(paragraph(FIRST) + cell(cell(paragraph(LAST))))),
    ],
    "odf": [
        Case("flat.fodt", text(odf(f"<text:p>{FIRST}</text:p><text:p>{LAST}</text:p><text:p",
                                   "document")), warns="read only in part"),
        Case("styles.odt", zipped({"content.xml": odf(f"<text:p>{FIRST}</text:p><x/><text:h/>"
                                                      f"<text:p>{LAST}</text:p>"),
                                   "styles.xml": "<office"}), warns=r"in part: styles\.xml"),
    ],
    "rtf": [
        Case("cut.rtf", text(f"{{\\rtf1\\ansi {FIRST}\\par {{\\b {LAST}"), warns="cut short"),
        Case("odd.rtf", text(f"{{\\rtf1\\ansi {FIRST}\\par \\'zz \\strange9 {{\\*\\x y}}{LAST}}}")),
    ],
    "ole": [Case("a.msg", data(MESSAGE), warns=r"not read: plan\.pdf")],
    "document": [Case("page.pdf", page_without_content)],
    "image": [Case("exif.jpg", damaged_exif, words=())],
    "audio": [Case("two.mka", two_languages, words=(), warns="not heard: track 2 deu")],
    "video": [Case("torn.mkv", torn_film, words=(), warns="breaks off")],
}  # fmt: skip


def test_every_medium_has_a_case() -> None:
    registered = set(plugins.names(plugins.MEDIA))
    assert registered == set(CASES)


@pytest.mark.parametrize(
    ("medium", "case"),
    [(medium, case) for medium, cases in CASES.items() for case in cases],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_one_bad_part_costs_that_part_and_is_named(
    medium: str, case: Case, tmp_path: Path, svc: Any
) -> None:
    path = tmp_path / case.name
    case.make(path)
    info = svc.probe(str(path))
    source = Source(
        "0" * 64, str(path), info.title, info.modality, info.mime, 1, info.duration_s, info.pages
    )
    items = list(svc.decompose(str(path), source, CutOptions()))
    segments = [item for item in items if isinstance(item, Segment)]
    warnings = [*info.warnings, *(i.message for i in items if isinstance(i, FileWarning))]
    assert segments
    words = " ".join(" ".join(segment.text for segment in segments).split())
    assert [part for part in case.words if part not in words] == []
    if case.warns:
        assert any(re.search(case.warns, line) for line in warnings)
        assert all("\n" not in line and str(tmp_path) not in line for line in warnings)
    else:
        assert warnings == []
