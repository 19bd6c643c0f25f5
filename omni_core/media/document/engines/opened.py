"""A document open in the engine of choice, and in the other one where the first fails.

Each engine draws and mends what the other does not; what both fail at is damaged.
"""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from omni_core.errors import UnavailableError
from omni_core.media.document.engines.base import FAILURES, Document, Engine, Kind
from omni_core.types import PdfEngine

log = logging.getLogger(__name__)

T = TypeVar("T")


def engine(name: PdfEngine) -> Engine:
    """Raises UnavailableError when its package is not installed."""
    if not _installed(name):
        other = "pypdfium2" if name == "pymupdf" else "pymupdf"
        use = f", or set OMNI_PDF={other}" if _installed(other) else ""
        raise UnavailableError(f"PDF files are read by {name}, which is not installed: pip install "
                               f"{name}{use}")  # fmt: skip
    if name == "pymupdf":
        from omni_core.media.document.engines.mupdf import MuPdf

        return MuPdf()
    from omni_core.media.document.engines.pdfium import Pdfium

    return Pdfium()


def _installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):  # an import that is blocked
        return False


def second(name: PdfEngine) -> Engine | None:
    """The engine that is tried where `name` fails; None when its package is not installed."""
    other: PdfEngine = "pypdfium2" if name == "pymupdf" else "pymupdf"
    return engine(other) if _installed(other) else None


class Opened:
    """A document in up to two engines."""

    def __init__(self, path: str, kind: Kind, password: str | None, name: PdfEngine) -> None:
        """Raises UnreadableError (ENCRYPTED), or what the first engine raises when both fail."""
        self._args = (path, kind, password)
        first = engine(name)
        self._name = name
        self._spare: Document | None = None
        self._spare_tried = False
        self.document: Document
        """Of the first engine that opens the file."""
        try:
            self.document = first.open(*self._args)
        except FAILURES as e:
            document = self._other()
            if document is None:
                raise
            log.debug("%s: %s, read by the second engine", path, e)
            self.document, self._spare = document, None
        else:
            self._prefer_the_better()

    def attempt(self, do: Callable[[Document], T], *, second: bool = False) -> T:
        """What `do` gives with the document, or else with that of the other engine.

        second: the other engine is asked first, for what the first one hangs at. Raises what the
        first one raised when both fail.
        """
        if second and (spare := self._other()) is not None:
            return do(spare)
        try:
            return do(self.document)
        except FAILURES:
            spare = self._other()
            if spare is None:
                raise
            try:
                return do(spare)
            except FAILURES as e:
                log.debug("the second engine fails as well: %s", e)
            raise

    @property
    def has_second(self) -> bool:
        """Whether the other engine opens the file too."""
        return self._other() is not None

    def close(self) -> None:
        """Release the file."""
        for document in (self.document, self._spare):
            if document is not None:
                document.close()

    def _prefer_the_better(self) -> None:
        """Where the structure is damaged, take the engine that finds all or more of the pages."""
        mine = self.document
        if mine.kind != "pdf" or (mine.pages and mine.whole and not mine.repaired):
            return
        spare = self._other()
        if spare is None:
            return
        if (spare.whole, spare.pages) > (mine.whole, mine.pages):
            self.document, self._spare = spare, mine

    def _other(self) -> Document | None:
        """Opens the file in the other engine, once."""
        if self._spare_tried:
            return self._spare
        self._spare_tried = True
        path, kind, password = self._args
        other = second(self._name)
        if other is None or kind not in other.kinds:
            return None
        try:
            spare = other.open(path, kind, password)
        except FAILURES as e:
            log.debug("%s: the second engine cannot open it: %s", path, e)
            return None
        self._spare = spare
        return spare


@contextmanager
def opened(path: str, kind: Kind, password: str | None, name: PdfEngine) -> Iterator[Opened]:
    """An open document, closed at the end; raises as `Opened` does."""
    document = Opened(path, kind, password, name)
    try:
        yield document
    finally:
        document.close()
