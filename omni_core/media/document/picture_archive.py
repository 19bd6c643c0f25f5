"""Archives of pictures, comics (CBZ, CBT) most of all: one picture a page, in the order in which
people number them. ZIP and TAR; whoever holds other files too is told to unpack them.
"""

from __future__ import annotations

import os
import re
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from omni_core.errors import NotFoundError, OmniError, TooLargeError, UnreadableError
from omni_core.media.archives import is_tar, refusal
from omni_core.media.dates import from_file
from omni_core.media.document.comic_info import Comic, comic_of
from omni_core.media.document.office_pages import text_segment
from omni_core.media.document.picture_files import (
    COMICS,
    Archive,
    archive,
    is_info,
    is_pictures,
    is_tar_file,
    others_of,
    pages_of,
    suffix_of,
)
from omni_core.media.document.zipped_xml import MAX_PART_BYTES
from omni_core.media.guard import is_out_of_memory, unreadable
from omni_core.media.image import animation
from omni_core.media.image.description import Descriptions
from omni_core.media.image.opening import opened
from omni_core.media.image.picture import Picture
from omni_core.media.titles import title
from omni_core.protocols import Medium
from omni_core.text.windows import text_windows
from omni_core.types import (
    Channel,
    Crop,
    CutOptions,
    FileWarning,
    ImageContent,
    MediaInfo,
    Modality,
    Pixels,
    Segment,
    Source,
    Span,
)

_NAMED = 5
"""Files that a warning names."""
_ODD = re.compile(r"[^\w .()-]")
_LONGEST = 60
"""Characters of a picture's name, and those that no file system has in names."""


class PictureArchiveMedium(Medium):
    """One page for each picture. `OfficeMedium` claims the files and passes them on."""

    never_text = True

    def matches(self, head: bytes, suffix: str) -> bool:
        """Any ZIP and TAR; the names in it tell."""
        return head[:4] == b"PK\3\4" or is_tar(head)

    def probe(self, path: str, password: str | None = None) -> MediaInfo:
        """Title and date of a comic. Raises TooLargeError over max_pages."""
        with archive(path) as files:
            if not is_pictures(path, files.names):
                raise self._refusal(path)
            pages = pages_of(files)
            if len(pages) > self.limits.max_pages:
                raise TooLargeError(
                    f"{os.path.basename(path)!r} has {len(pages)} pictures, over the limit of "
                    f"{self.limits.max_pages}; split it or raise max_pages"
                )
            comic = _comic(files)
        when, origin = (comic.date, "container") if comic.date else from_file(path)
        plain = "application/x-tar" if is_tar_file(path) else "application/zip"
        return MediaInfo(
            Modality.DOCUMENT,
            COMICS.get(suffix_of(path), plain),
            title(path, comic.title),
            pages=len(pages),
            recorded_at=when,
            recorded_at_from=origin,
        )

    def decompose(
        self, path: str, source: Source, options: CutOptions
    ) -> Iterator[Segment | FileWarning]:
        """What is said of a comic, then its pages, a long one followed by its tiles; of each what
        people wrote into it. A picture that cannot be read costs itself."""
        with archive(path) as files:
            pages, lost, notes = pages_of(files), list[str](), dict[str, list[str]]()
            comic, span = _comic(files), Span("page", 1, 2)
            windows = list(text_windows("\n".join(comic.lines), options))
            for part, window in enumerate(windows):
                yield text_segment(source, span, window.text, "about this comic", part)
            for number, name in enumerate(pages, 1):
                if number in options.undrawn:
                    continue
                heading = comic.headings.get(number, "")
                begin = len(windows) if number == 1 else 0
                try:
                    yield from self._page(
                        files, name, number, source, options, heading, begin, notes
                    )
                except Exception as e:  # Pillow raises exceptions of any kind on damaged files
                    if is_out_of_memory(e):
                        raise
                    if isinstance(e, OmniError):
                        lost.append(f"page {number}: {e}")
                    else:
                        lost.append(f"page {number}: {name!r} is damaged ({type(e).__name__})")
            if lost and len(lost) == len(pages):
                raise unreadable(path)
            yield from map(FileWarning, (*comic.warnings, *_warnings(files, lost, notes)))

    def page(
        self, path: str, number: int, edge: int, crop: Crop | None, password: str | None
    ) -> Pixels:
        """Raises NotFoundError (OUT_OF_RANGE) for one that is not there."""
        with archive(path) as files:
            pages = pages_of(files)
            if not 1 <= number <= len(pages):
                raise NotFoundError(
                    f"there is no page {number} of {len(pages)}", code="OUT_OF_RANGE"
                )
            with self._picture(files, pages[number - 1]) as (picture, _):
                return picture.pixels(edge, crop)

    def _refusal(self, path: str) -> UnreadableError:
        with open(path, "rb") as f:
            line = refusal(os.path.basename(path), f.read(512), suffix_of(path))
        return UnreadableError(line, code="UNSUPPORTED_TYPE")

    def _page(
        self, files: Archive, name: str, number: int, source: Source, options: CutOptions,
        heading: str, begin: int, notes: dict[str, list[str]],
    ) -> Iterator[Segment]:  # fmt: skip
        """The picture, its tiles, and its texts, whose parts are counted from `begin`; what could
        not be read goes to `notes`, with the page."""
        span = Span("page", number, number + 1)
        extra = {"heading": heading} if heading else {}
        with self._picture(files, name) as (picture, path):
            whole = picture.pixels(options.image_edge)
            tiles = picture.tiles(options.image_edge)
            for part, tile in enumerate(tiles, 1):
                yield Segment(
                    source.id, Modality.DOCUMENT, Channel.VISUAL, span,
                    ImageContent(picture.pixels(options.image_edge, tile)), part=part,
                    extra={**extra, "picture": 1, "crop": list(tile)},
                )  # fmt: skip
            yield Segment(
                source.id, Modality.DOCUMENT, Channel.VISUAL, span, ImageContent(whole),
                extra={**extra, "picture": 1, **({"tiles": len(tiles)} if tiles else {})},
            )  # fmt: skip
            for text in Descriptions(picture, source, options).of(0, span):
                yield replace(text, part=text.part + begin)
            if picture.pages > 1 or animation.seconds(picture.image, path):
                picture.warnings.append("only the first picture of the file is seen")
            for line in picture.warnings:
                notes.setdefault(line, []).append(f"page {number}, {name}")

    @contextmanager
    def _picture(self, files: Archive, name: str) -> Iterator[tuple[Picture, str]]:
        """A picture as a file of its own, which libraries open by its name, and that file."""
        with tempfile.TemporaryDirectory(prefix="omni-page-") as folder:
            base = name.rpartition("/")[2][-_LONGEST:]
            path = os.path.join(folder, _ODD.sub("_", base))
            with files.open(name) as packed, open(path, "wb") as f:
                left = MAX_PART_BYTES
                while chunk := packed.read(1 << 20):
                    left -= len(chunk)
                    if left < 0:
                        raise UnreadableError(f"{base!r} has more than {MAX_PART_BYTES >> 20} MB")
                    f.write(chunk)
            with opened(path, self.limits) as found:
                yield Picture(found, self.limits), path


def _warnings(files: Archive, lost: list[str], notes: dict[str, list[str]]) -> Iterator[str]:
    if lost:
        yield f"pictures that cannot be read: {_listed(lost)}"
    for line, where in notes.items():
        yield f"{_listed(where)}: {line}"
    if others := others_of(files):
        yield f"files in the archive are not read: {_listed(others)}; unpack it and ingest them"
    yield from files.unread.lines()


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _comic(files: Archive) -> Comic:
    name = next(filter(is_info, files.names), None)
    if name is None:
        return Comic()
    try:
        with files.open(name) as f:
            return comic_of(f.read(MAX_PART_BYTES))
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError) as e:
        return Comic(warnings=[f"{name} is damaged and not read ({type(e).__name__})"])
