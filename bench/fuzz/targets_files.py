"""Whole files through the decoder's own service, in this process: every kind whose container or
text is parsed by us. (Those of FFmpeg, Pillow and MuPDF: `bench/fuzz_media.py`.)"""

# ruff: noqa: E501 - seeds are lines of their formats

from __future__ import annotations

import functools
import io
import itertools
import tempfile
import zipfile
from pathlib import Path

from bench.fuzz.table import Target
from bench.fuzz.targets_formats import MAIL
from bench.fuzz_media import epub
from omni_core.media.service import MediaService
from omni_core.types import CutOptions, Limits, Source

MOST = 40
"""Segments that are read of a file."""
_ODF = 'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
_ODF += 'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
_ODF += 'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
_ODF += 'xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0"'
_MIME = "application/vnd.oasis.opendocument."


def _zip(parts: dict[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:  # stored: damage reaches the XML
        for name, data in parts.items():
            z.writestr(name, data)
    return out.getvalue()


def _odf(kind: str, body: str) -> bytes:
    content = f"<office:document-content {_ODF}><office:body>{body}</office:body>"
    return _zip({"mimetype": _MIME + kind, "content.xml": content + "</office:document-content>"})


def _link(name: str, target: str) -> str:
    return f'<R><Relationship Id="{name}" Target="{target}"/></R>'


SEEDS: dict[str, bytes] = {
    ".rtf": rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 A;}}{\info{\title T}}\f0 Hi \'e4 \u1234? \b x\b0"
    rb"\par{\trowd\cellx10 a\cell b\cell\row}{\*\x y}}",
    ".docx": _zip({"word/document.xml": '<document xmlns:w="w"><body><p><pPr><pStyle val="Heading1"/>'
        "</pPr><r><t>Hi</t></r></p><tbl><tr><tc><p><r><t>a</t></r></p></tc></tr></tbl></body></document>"}),
    ".xlsx": _zip({
        "xl/workbook.xml": '<workbook xmlns:r="r"><sheets><sheet name="S" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": _link("r1", "worksheets/sheet1.xml"),
        "xl/sharedStrings.xml": "<sst><si><t>x</t></si></sst>",
        "xl/worksheets/sheet1.xml": '<worksheet><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c>'
        '<c r="B1"><f>A1</f><v>1.5</v></c></row></sheetData></worksheet>'}),
    ".pptx": _zip({
        "ppt/presentation.xml": '<presentation xmlns:r="r"><sldId id="256" r:id="r1"/></presentation>',
        "ppt/_rels/presentation.xml.rels": _link("r1", "slides/slide1.xml"),
        "ppt/slides/slide1.xml": "<sld><sp><p><t>Hello</t></p></sp></sld>"}),
    ".odt": _odf("text", '<office:text><text:h text:outline-level="1">T</text:h><text:p>a<text:s '
                 'text:c="3"/>b</text:p><table:table><table:table-row><table:table-cell><text:p>c'
                 "</text:p></table:table-cell></table:table-row></table:table></office:text>"),
    ".ods": _odf("spreadsheet", '<office:spreadsheet><table:table table:name="S"><table:table-row>'
                 '<table:table-cell table:number-columns-repeated="2"><text:p>1</text:p>'
                 "</table:table-cell></table:table-row></table:table></office:spreadsheet>"),
    ".odp": _odf("presentation", '<office:presentation><draw:page draw:name="p"><draw:frame>'
                 "<draw:text-box><text:p>Hi</text:p></draw:text-box></draw:frame></draw:page>"
                 "</office:presentation>"),
    ".epub": epub(),
    ".eml": MAIL,
    ".mbox": b"From a@b Tue Mar  5 10:00:00 2024\n" + MAIL + b"\nFrom c@d x\n" + MAIL,
    ".csv": b"name;born\nAda;1815\n\"Al;an\";1912\n" * 4,
    ".tsv": b"name\tborn\nAda\t1815\n" * 4,
    ".json": b'{"title": "T", "items": [{"text": "words", "n": 1.5e3, "x": null}]}',
    ".jsonl": b'{"a": "words"}\n{"a": "more"}\n',
    ".ipynb": b'{"cells": [{"cell_type": "markdown", "source": ["# T\\n", "x"]}, {"cell_type": "code",'
    b' "source": "1+1", "outputs": [{"text": ["2"]}]}], "nbformat": 4, "metadata": {}}',
    ".html": b"<!doctype html><html><head><title>T</title></head><body><h1>H</h1><p>w<b>x</b></p>"
    b"<table><tr><td>a<td>b</table><script>x</script></body></html>",
    ".md": b"# Title\n\nSome *words*.\n\n## More\n\n| a | b |\n|---|---|\n| 1 | 2 |\n",
    ".txt": b"Chapter I\n\nWords in a row, and so on.\n" * 3,
    ".xml": b'<?xml version="1.0" encoding="utf-8"?><r><a b="c">words</a><!-- x --></r>',
    ".srt": b"1\n00:00:01,000 --> 00:00:02,000\nHello\n\n" * 3,
}  # fmt: skip


@functools.cache
def _service() -> MediaService:
    return MediaService(Limits(max_pixels=4_000_000, max_pages=50, max_duration_s=3600))


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="omni-fuzz-")


def _decode(suffix: str, data: bytes) -> None:
    path = Path(_folder().name, f"in{suffix}")
    path.write_bytes(data)
    service = _service()
    info = service.probe(str(path))
    source = Source("0" * 64, str(path), info.title, info.modality, info.mime, len(data))
    for _ in itertools.islice(service.decompose(str(path), source, CutOptions()), MOST):
        pass


def targets() -> list[Target]:
    """The targets of this table."""
    return [
        Target(f"file {suffix}", functools.partial(_decode, suffix), (seed,))
        for suffix, seed in SEEDS.items()
    ]
