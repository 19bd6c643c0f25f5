"""Plain text and Markdown: windows of text with headings, spans in characters."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence

from omni_core.errors import TooLargeError
from omni_core.media.dates import from_file
from omni_core.media.text import unread_subtitles
from omni_core.media.text.cards import is_cards, readable_cards, whole_letters
from omni_core.media.text.ldif import SUFFIXES as LDIF
from omni_core.media.text.ldif import readable_ldif
from omni_core.media.text.markdown import SUFFIXES
from omni_core.media.text.outlines import outline_of
from omni_core.media.text.readable import with_letters
from omni_core.media.text.tex_letters import SUFFIXES as TEX
from omni_core.media.text.tex_letters import with_tex_letters
from omni_core.media.text_pictures import is_text_picture
from omni_core.media.titles import title
from omni_core.protocols import Medium
from omni_core.text.charset import Decoded, decoded, is_text
from omni_core.text.headings import BETWEEN, paths
from omni_core.text.windows import text_windows
from omni_core.types import (
    Channel,
    CutOptions,
    FileWarning,
    MediaInfo,
    Modality,
    Segment,
    Source,
    Span,
    TextContent,
)

MAX_MB = 64
_MARKUP = (b"{\\rtf", b"%!PS", b"#EXTM3U", b"ffconcat version")
"""First bytes of text files that are not prose: RTF, PostScript, playlists."""
_SOURCES = (
    ".js", ".mjs", ".cjs", ".ts", ".json", ".jsonc", ".json5", ".jsonl", ".properties", ".toml",
    ".py", ".java", ".kt", ".cs", ".go", ".dart", ".arb",
)  # fmt: skip
"""Files of which a program reads `\\uXXXX` as a letter."""
_YAML = (".yaml", ".yml")
"""Files of which it reads `\\xXX` so as well."""
_EMBEDDED = re.compile(
    r"data:(?:[\w.+-]+/[\w.+-]+;base64,[A-Za-z0-9+/=]{64,}|image/svg\+xml[;,][^\s()<>\"']{64,})"
)
_PDF_SOURCE = re.compile(rb"\A\s*%PDF-\d|^%PDF-\d\.\d\s[\s\S]{0,200}?^\d+ \d+ obj", re.M)
"""A PDF file of nothing but text: a damaged one is no prose either."""


class PlainTextMedium(Medium):
    """Any text. It has no magic number, so this medium is matched last."""

    rank = 9
    kinds = "text (TXT, Markdown)"

    def matches(self, head: bytes, suffix: str) -> bool:
        """Text by its bytes; the suffix only chooses between plain text and Markdown."""
        if head.startswith(_MARKUP) or _PDF_SOURCE.search(head) or is_text_picture(head):
            return False
        if unread_subtitles.kind_of(head, suffix):
            return False
        return is_text(head)

    def probe(self, path: str, password: str | None = None) -> MediaInfo:
        """Raises TooLargeError over 64 MB, since text is held whole."""
        markdown = path.lower().endswith(SUFFIXES)
        text = read_decoded(path)
        found = outline_of(path, _written(path, _without_embedded(text.text)[0]))
        heading = found.headings[0][1] if found.headings else ""
        when, origin = (found.date, "container") if found.date else from_file(path)
        return MediaInfo(
            modality=Modality.DOCUMENT,
            mime="text/markdown" if markdown else "text/plain",
            title=title(path, found.title or heading),
            recorded_at=when,
            recorded_at_from=origin,
            warnings=text.warnings,
        )

    def decompose(
        self, path: str, source: Source, options: CutOptions
    ) -> Iterator[Segment | FileWarning]:
        """Windows of text; files embedded in it are left out, with a warning."""
        text, embedded = _without_embedded(read(path))
        text = _written(path, text)
        if is_cards(text):
            text, pictures = readable_cards(text)
            embedded += pictures
        if path.lower().endswith(LDIF):
            text, values = readable_ldif(text)
            embedded += values
        if embedded:
            what = "files" if embedded > 1 else "file"
            yield FileWarning(
                f"{embedded} embedded {what} not read: ingest such files by themselves"
            )
        found = outline_of(path, text)
        yield from segments(text, source, options, found.headings, levels=found.levels)


def _written(path: str, text: str) -> str:
    """A source text with the letters for which its language has escapes or commands."""
    suffix = os.path.splitext(path)[1].lower()
    if suffix in _SOURCES or suffix in _YAML:
        return with_letters(text, short=suffix in _YAML)
    return with_tex_letters(text, braces=suffix == ".bib") if suffix in TEX else text


def _without_embedded(text: str) -> tuple[str, int]:
    """The text without the files written into it (`![](data:image/png;base64,...)`), and how many
    there were."""
    return _EMBEDDED.subn("", text) if "data:" in text else (text, 0)


def read(path: str, *, markup: bool = False) -> str:
    """The text of `read_decoded`."""
    return read_decoded(path, markup=markup).text


def read_decoded(path: str, *, markup: bool = False) -> Decoded:
    """The file's text, whatever its encoding; `markup`: HTML or XML, which may declare it.

    Raises TooLargeError over 64 MB.
    """
    return decoded(whole_letters(read_bytes(path)), markup=markup)


def read_bytes(path: str) -> bytes:
    """The file's bytes. Raises TooLargeError over 64 MB."""
    size = os.path.getsize(path)
    if size > MAX_MB << 20:
        raise TooLargeError(
            f"{os.path.basename(path)!r} is {size >> 20} MB of text, over the limit of {MAX_MB} "
            "MB; split it"
        )
    with open(path, "rb") as f:
        return f.read()


def segments(
    text: str,
    source: Source,
    options: CutOptions,
    headings: list[tuple[int, str]],
    origin: str = "text",
    levels: Sequence[int] = (),
) -> Iterator[Segment]:
    """Windows of a text as segments with spans in characters; `levels`: of the headings, from 1,
    where they are known."""
    named = (
        paths((at, level, name) for (at, name), level in zip(headings, levels, strict=True))
        if levels
        else headings
    )
    for w in text_windows(text, options, named):
        above, _, heading = w.heading.rpartition(BETWEEN)
        extra = {"heading": heading} if heading else {}
        extra |= {"above": above} if above else {}
        yield Segment(
            source.id,
            Modality.DOCUMENT,
            Channel.TEXT,
            Span("char", w.start, w.end),
            TextContent(w.text),
            w.text,
            origin,
            extra=extra,
        )
