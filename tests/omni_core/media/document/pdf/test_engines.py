"""Two PDF engines: each steps in where the other fails, and each can be used alone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pymupdf
import pytest

from omni_core.errors import UnavailableError, UnreadableError
from omni_core.media.document.engines import opened
from omni_core.media.service import service
from omni_core.types import (
    Channel,
    CutOptions,
    FileWarning,
    ImageContent,
    PdfEngine,
    Segment,
    Source,
)


@pytest.fixture
def three_pages(tmp_path: Path) -> Path:
    """A PDF with words on each of three pages."""
    path = tmp_path / "a.pdf"
    with pymupdf.open() as doc:
        for n in range(3):
            doc.new_page().insert_text((50, 60), f"words of page {n + 1}")
        doc.save(path)
    return path


def _decompose(path: Path, svc: Any, **options: Any) -> list[Segment | FileWarning]:
    info = svc.probe(str(path))
    source = Source("0" * 64, str(path), "a", info.modality, info.mime, 1, None, info.pages)
    return list(svc.decompose(str(path), source, CutOptions(**options)))


@pytest.mark.parametrize("method", ["draw", "lines", "pictures"])
def test_what_one_engine_fails_at_the_other_does_without_a_warning(
    method: str, three_pages: Path, svc: Any, engine: PdfEngine, spoil: Callable[..., None]
) -> None:
    spoil(method, "page 2", engine)
    items = _decompose(three_pages, svc)
    assert not [item for item in items if isinstance(item, FileWarning)]
    segments = [item for item in items if isinstance(item, Segment)]
    assert [s.text for s in segments if s.channel is Channel.TEXT] == [
        "words of page 1", "words of page 2", "words of page 3",
    ]  # fmt: skip
    assert [s.span.start for s in segments if s.channel is Channel.VISUAL] == [1, 2, 3]


def test_a_page_that_hung_is_drawn_by_the_other_engine(
    three_pages: Path, svc: Any, engine: PdfEngine, spoil: Callable[..., None]
) -> None:
    spoil("draw", "page 2", engine)
    (page,) = [
        s.content for s in _decompose(three_pages, svc, hung=(2,), undrawn=(1, 3))
        if isinstance(s, Segment) and isinstance(s.content, ImageContent)
    ]  # fmt: skip
    assert page.pixels.min() < 100


def test_a_page_that_hung_is_not_drawn_without_another_engine(
    three_pages: Path, svc: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opened, "second", lambda name: None)
    items = _decompose(three_pages, svc, hung=(2,))
    (warned,) = [item for item in items if isinstance(item, FileWarning)]
    assert "picture of page 2" in warned.message


def test_both_engines_draw_the_same_page(three_pages: Path) -> None:
    with pymupdf.open(three_pages) as doc:
        doc[1].draw_rect((100, 200, 300, 500), color=(1, 0, 0), fill=(1, 0, 0))
        doc[1].set_rotation(90)
        doc[1].set_cropbox(pymupdf.Rect(20, 20, 500, 700))
        doc.saveIncr()
    for crop in (None, (0.1, 0.2, 0.6, 0.9)):
        a, b = (
            service(pdf=name).page(str(three_pages), 2, 600, crop).astype(int)
            for name in ("pymupdf", "pypdfium2")
        )
        assert np.abs(np.subtract(a.shape, b.shape)).max() <= 1
        height, width = min(a.shape[0], b.shape[0]), min(a.shape[1], b.shape[1])
        assert np.abs(a[:height, :width] - b[:height, :width]).mean() < 2


@pytest.mark.parametrize("missing", ["pymupdf", "pypdfium2"])
def test_each_engine_reads_without_the_other_and_a_missing_one_is_one_line(
    missing: str, three_pages: Path
) -> None:
    code = (
        "import sys\n"
        f"class Blocker:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.split('.')[0] in ({missing!r}, 'fitz'): raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Blocker())\n"
        "from omni_core.media.service import service\n"
        "for name in ('pymupdf', 'pypdfium2'):\n"
        "    try: print(name, service(pdf=name).probe(sys.argv[1]).pages)\n"
        "    except Exception as e: print(name, type(e).__name__, e)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(three_pages)], capture_output=True, text=True, timeout=120
    )
    lines = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    other = "pypdfium2" if missing == "pymupdf" else "pymupdf"
    assert lines[other] == "3"
    assert lines[missing].startswith(UnavailableError.__name__)
    assert f"OMNI_PDF={other}" in lines[missing]


def test_an_epub_without_mupdf_is_its_chapters(tmp_path: Path, cut: Any) -> None:
    from bench.fuzz_media import epub

    path = tmp_path / "a.epub"
    path.write_bytes(epub())
    svc = service(pdf="pypdfium2")
    info = svc.probe(str(path))
    assert (info.mime, info.pages) == ("application/epub+zip", None)
    assert svc.words(str(path), 1) == []
    (segment,) = [s for s in _decompose(path, svc) if isinstance(s, Segment)]
    assert "words to read" in segment.text


def test_an_xps_without_mupdf_says_which_setting_reads_it(tmp_path: Path) -> None:
    import zipfile

    path = tmp_path / "a.xps"
    with zipfile.ZipFile(path, "w") as z:
        z.writestr("FixedDocumentSequence.fdseq", "<FixedDocumentSequence/>")
    with pytest.raises(UnreadableError, match="OMNI_PDF=pymupdf") as e:
        service(pdf="pypdfium2").probe(str(path))
    assert e.value.code == "UNSUPPORTED_TYPE"


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_lines_of_a_turned_page_are_in_the_order_in_which_they_are_read(
    tmp_path: Path, cut: Any, turn: int
) -> None:
    with pymupdf.open() as doc:
        page = doc.new_page()
        for n, words in enumerate(("First line here", "Second line here", "Third line here")):
            page.insert_text((72, 100 + 20 * n), words)
        page.set_rotation(turn)
        page = doc.new_page()
        for n, words in enumerate(("First line here", "Second line here", "Third line here")):
            at = {90: (200 + 20 * n, 700), 180: (500, 700 - 20 * n), 270: (400 - 20 * n, 100)}
            page.insert_text(at[turn], words, rotate=turn)
        doc.save(tmp_path / "a.pdf")
    texts = [s.text.split("\n") for s in cut(tmp_path / "a.pdf") if s.text]
    assert texts == [["First line here", "Second line here", "Third line here"]] * 2
