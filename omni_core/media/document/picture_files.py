"""The files of an archive of pictures, ZIP or TAR: which of them are pages, and in which order."""

from __future__ import annotations

import os
import re
import tarfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import IO, Protocol

from omni_core.errors import TooLargeError
from omni_core.media.archives import is_tar
from omni_core.media.document.comic_info import INFO
from omni_core.media.document.unread import CUT_OFF, LINKS, Unread
from omni_core.media.document.zipped_xml import MAX_PARTS, package
from omni_core.text.charset import decode

COMICS = {".cbz": "application/vnd.comicbook+zip", ".cbt": "application/x-cbt"}
_PICTURES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".avif", ".gif", ".bmp", ".tif", ".tiff",
    ".heic", ".heif", ".jp2", ".jxl", ".tga", ".psd", ".qoi",
)  # fmt: skip
_OF_SYSTEMS = ("thumbs.db", "desktop.ini", "folder.htt", "ehthumbs.db")
"""What systems leave in folders for themselves."""
_ABOUT = (".json", ".xmp", ".aae")
_NUMBER = re.compile(r"(\d{1,1000})")


class Archive(Protocol):
    """What a ZIP and a TAR have alike: the `names` of their files, each of which opens, and what of
    it is `unread`."""

    unread: Unread

    @property
    def names(self) -> Collection[str]:
        """Names, with slashes between folders."""

    def open(self, part: str, /) -> IO[bytes]:
        """A file by its name."""


class _Tar:
    """The regular files of a TAR, those too that it holds under a second name."""

    def __init__(self, name: str, packed: tarfile.TarFile) -> None:
        self._packed, self._members, self.unread = packed, dict[str, tarfile.TarInfo](), Unread()
        try:
            for member in packed:
                shown = _shown(member.name).removeprefix("./")
                if member.isfile() or member.islnk():
                    self._members[shown] = member
                elif member.issym():
                    self.unread.add(LINKS, shown)
                if len(self._members) > MAX_PARTS:
                    raise TooLargeError(f"{name!r} holds too many files")
            whole = self._is_whole()
        except tarfile.ReadError:
            whole = False
        if not whole:
            self.unread.add(CUT_OFF, name)

    def _is_whole(self) -> bool:
        """Whether what follows the last file is the end: a damaged header is passed in silence."""
        file = self._packed.fileobj
        if file is None:
            return True
        file.seek(self._packed.offset)
        return not file.read(tarfile.BLOCKSIZE).strip(b"\0")

    @property
    def names(self) -> Collection[str]:
        """Their names."""
        return self._members

    def open(self, part: str, /) -> IO[bytes]:
        """One of them."""
        found = self._packed.extractfile(self._members[part])
        if found is None:
            raise KeyError(part)
        return found


def _shown(name: str) -> str:
    """A name in a TAR; one that is no UTF-8 is decoded by what it looks like."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return decode(name.encode("utf-8", "surrogateescape"))
    return name


@contextmanager
def archive(path: str) -> Iterator[Archive]:
    """An open archive. Raises UnreadableError (ENCRYPTED), TooLargeError."""
    if is_tar_file(path):
        with tarfile.open(path, "r:") as packed:
            yield _Tar(os.path.basename(path), packed)
    else:
        with package(path) as p:
            yield p


def is_pictures(path: str, names: Collection[str]) -> bool:
    """Whether an archive of these files is one of pictures: there are some, and nothing beside
    them, or it is a comic by its name or by what is said of it."""
    shown = [name for name in names if not _is_of_system(name)]
    pictures = {name for name in shown if _is_picture(name)}
    if suffix_of(path) in COMICS or any(is_info(name) for name in shown):
        return bool(pictures)
    known = pictures | {os.path.splitext(name)[0] for name in pictures}
    return bool(pictures) and all(name in pictures or _is_about(name, known) for name in shown)


def _is_about(name: str, known: Collection[str]) -> bool:
    """Whether a file says something of a picture, by its name (`a.jpg.json`, `a.xmp`), or of its
    folder, as exports of photo services have them."""
    stem, suffix = os.path.splitext(name)
    if suffix.lower() not in _ABOUT:
        return False
    return stem in known or os.path.splitext(stem)[0] in known or stem.endswith("metadata")


def pages_of(files: Archive) -> list[str]:
    """The pictures, folder by folder, `page 2` before `page 10`."""
    return sorted((n for n in files.names if _is_picture(n) and not _is_of_system(n)), key=_natural)


def others_of(files: Archive) -> list[str]:
    """The files that are no pictures, without those of systems."""
    return sorted(
        name
        for name in files.names
        if not (_is_picture(name) or _is_of_system(name) or is_info(name))
    )


def is_info(name: str) -> bool:
    """Whether a file says what a comic is."""
    return name.rpartition("/")[2].lower() == INFO


def _is_picture(name: str) -> bool:
    return name.lower().endswith(_PICTURES)


def _is_of_system(name: str) -> bool:
    folders, _, base = name.rpartition("/")
    return (
        not base
        or base.startswith(".")
        or base.lower() in _OF_SYSTEMS
        or "__MACOSX" in folders.split("/")
    )


def _natural(name: str) -> list[list[tuple[int, int, str]]]:
    """A key by which numbers in names count as numbers, and folders come before what follows."""
    return [
        [
            (0, int(s), s) if s.isdecimal() else (1, 0, s.casefold())
            for s in _NUMBER.split(step)
            if s
        ]
        for step in name.split("/")
    ]


def is_tar_file(path: str) -> bool:
    """Whether a file begins as a TAR."""
    with open(path, "rb") as f:
        return is_tar(f.read(512))


def suffix_of(path: str) -> str:
    """The suffix in lower case."""
    return os.path.splitext(path)[1].lower()
