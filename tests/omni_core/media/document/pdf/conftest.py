"""PDF through each engine: every test that uses these fixtures runs once with each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from omni_core.media.document.engines.base import Page
from omni_core.media.document.engines.mupdf import MuPdfPage
from omni_core.media.document.engines.pdfium import PdfiumPage
from omni_core.media.service import MediaService, service
from omni_core.types import PdfEngine

PAGES: dict[PdfEngine, type[Page]] = {"pymupdf": MuPdfPage, "pypdfium2": PdfiumPage}


@pytest.fixture(params=list(PAGES))
def engine(request: pytest.FixtureRequest) -> PdfEngine:
    """Each PDF engine in turn."""
    chosen: PdfEngine = request.param
    return chosen


@pytest.fixture
def svc(engine: PdfEngine) -> MediaService:
    """The decoder with this engine."""
    return service(pdf=engine)


@pytest.fixture
def spoil(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Make `method` fail, in these engines or in both, for pages that say `words`."""

    def run(method: str, words: str, *engines: PdfEngine) -> None:
        for name in engines or PAGES:
            _spoil(monkeypatch, PAGES[name], method, words)

    return run


def _spoil(monkeypatch: pytest.MonkeyPatch, page: type[Page], method: str, words: str) -> None:
    true, lines = getattr(page, method), page.lines

    def failing(self: Page, *args: Any, **more: Any) -> Any:
        if any(words in line.text for line in lines(self)):
            raise MemoryError("no room")
        return true(self, *args, **more)

    monkeypatch.setattr(page, method, failing)
