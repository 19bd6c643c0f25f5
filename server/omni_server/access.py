"""Access control: checks every path that a caller names before it is opened.

A path is allowed when, with all symbolic links resolved, it is a regular file (or a folder) under
a configured root. The answer does not depend on whether a forbidden file exists. The paths that are
returned hold no link, and the engine follows none in them (`IngestRequest.links`): a link that is
put there between this check and the reading is not followed.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from omni_core.errors import BadRequestError, NotFoundError, RefusedError, TooLargeError
from omni_core.file_calls import go_on
from omni_core.libraries import in_library, is_library
from omni_core.limits import PATH
from omni_core.settings import Settings
from omni_server.globs import Glob
from omni_server.near_names import near_names
from omni_server.text import one_line
from omni_server.uploads.records import Records

MAX_FILES = 10_000
"""Most files of one folder or glob."""
UPLOAD = re.compile(r"upload_[a-z2-7]{26}")

_PROTOCOLS = re.compile(
    r"async|cache|concatf?|crypto|data|fd|ffrtmphttp|file|ftp|gophers?|hls(\+\w+)?|https?|httpproxy"
    r"|ip[fn]s|md5|mms[ht]|pipe|prompeg|rtmp\w*|rtp|sctp|sftp|smb|srtp|subfile|tcp|tee|tls|udp"
    r"|udplite|unix|zmq",
    re.IGNORECASE,
)
"""Prefixes before the first `:` or `,` that a media library takes for a protocol."""

_SYSTEM = ("/proc", "/sys", "/dev")
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(\..*)?", re.I)
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_GLOB = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class Allowed:
    """The files that a caller's `source` names; every path is resolved and a regular file."""

    files: tuple[Path, ...]
    many: bool
    """True for a folder or a glob; `files` are then in order of name, and may be none."""


class Access:
    """Checks paths against the configured roots and the uploads folder."""

    def __init__(self, settings: Settings) -> None:
        self.roots = settings.root_paths
        self.uploads = settings.store_path / "uploads"
        self._store = Path(os.path.realpath(settings.store_path))
        self._owner: str | None = None
        """Whose uploads may be named; None for anybody's, by whoever knows their ids."""
        self._urls = settings.allow_urls
        self._reads = True
        """Whether files under the roots may be named."""

    def of_sender(self, owner: str, *, reads: bool) -> Access:
        """The same for a caller whose uploads are those that `owner` sent, and no others. Whoever
        does not read the roots learns of no file whether it is there, and of no name."""
        own = copy(self)
        own._owner, own._reads = owner, reads
        return own

    def check(self, source: str) -> Allowed:
        """The files that `source` names: a path, a file:// URL, a folder, a glob, an upload id.

        Raises RefusedError (PATH_NOT_ALLOWED, NO_ROOTS), NotFoundError, BadRequestError.
        """
        if UPLOAD.fullmatch(source):
            return Allowed((self._upload(source),), many=False)
        path = self._under_root(source)
        if os.path.isdir(path):
            return Allowed(tuple(self._walk(path, "**")), many=True)
        if _GLOB.search(str(path)) and not os.path.exists(path):
            return Allowed(self._glob(path), many=True)
        return Allowed((self._readable(path),), many=False)

    def file(self, source: str) -> Path:
        """The one regular file that `source` names. Raises as `check` does."""
        if UPLOAD.fullmatch(source):
            return self._upload(source)
        return self._readable(self._under_root(source))

    def original(self, path: str) -> Path | None:
        """The file of a source, when it lies under a root or was uploaded; None for any other."""
        uploaded = Path(path).resolve()
        if uploaded.is_relative_to(self.uploads.resolve()):
            return uploaded if _regular(uploaded) else None
        try:
            return self.file(path)
        except (RefusedError, NotFoundError, BadRequestError):
            return None

    def holds(self, source: str) -> bool:
        """Whether `source` names a file that may be read, and not a reference."""
        try:
            self.file(source)
        except (RefusedError, NotFoundError, BadRequestError):
            return False
        return True

    def _under_root(self, source: str) -> Path:
        """The resolved absolute path, which is under a root; it may not exist."""
        if not self._reads:
            raise RefusedError(
                "this caller names no files of the server: give a segment's or a source's id, or a "
                "citation in brackets",
                code="FORBIDDEN",
            )
        text = self._path_text(source)
        if not self.roots:
            raise RefusedError(
                "no folder may be read yet: start the server with --root FOLDER "
                "(or set OMNI_ROOTS) for each folder with media",
                code="NO_ROOTS",
            )
        given = Path(text)
        candidates = [given] if given.is_absolute() else [root / given for root in self.roots]
        inside = [path for c in candidates if (path := self._resolved(c)) is not None]
        if not inside:
            raise self._refused()
        return next((path for path in inside if os.path.exists(path)), inside[0])

    def _resolved(self, path: Path, *, named: bool = True) -> Path | None:
        """The path with symbolic links resolved; None outside the roots, for hidden files, and for
        those of libraries. Not `named`: where a walk through a root led, past those."""
        try:
            real = Path(os.path.realpath(path))
        except (OSError, ValueError):  # a name that the system cannot hold
            return None
        if str(real).startswith(tuple(f"{s}/" for s in _SYSTEM)):
            return None
        for root in self.roots:
            if real == root:
                return real
            if root in self._store.parents and real.is_relative_to(self._store):
                return None  # what others sent, and the library itself
            if real.is_relative_to(root):
                if named and in_library(str(real), str(root)):
                    continue  # another library's, unless the next root lies in that
                hidden = any(part.startswith(".") for part in real.relative_to(root).parts)
                if not hidden:  # hidden folders hold keys and tokens, not media
                    return real
        return None

    def _path_text(self, source: str) -> str:
        """The path in `source`; refuses other protocols, NUL and Windows devices."""
        if not source.strip() or len(source) > PATH:
            raise BadRequestError(f"give the path of a file, at most {PATH} characters")
        if "\0" in source:
            raise self._refused()
        text = source
        scheme = re.match(r"([A-Za-z][A-Za-z0-9+.\-]*)(:|,,)", source)
        if scheme and source[: scheme.end() + 2].lower().startswith("file://"):
            text = _from_file_uri(source)
        elif is_url(source):
            raise RefusedError(
                "links are not read here: download the file into a root"
                + ("" if self._urls else ", or start the server with OMNI_ALLOW_URLS=1"),
                code="URL_DISABLED",
            )
        elif scheme and (_PROTOCOLS.fullmatch(scheme[1]) or source.startswith("//", scheme.end())):
            raise RefusedError(
                f"{one_line(scheme[1], 20)!r} links are not read: "
                f"give a path under {self._root_names()}"
            )
        if "\0" in text or (os.name == "nt" and windows_path_problem(text)):
            raise self._refused()
        return os.path.expanduser(text) if text.startswith(("~/", "~\\")) or text == "~" else text

    def _readable(self, path: Path) -> Path:
        """The path, if it is a regular file that can be opened; a FIFO is never opened."""
        name = repr(one_line(path.name, 80))
        try:
            if os.path.isdir(path):
                raise RefusedError(f"{name} is a folder; name one file in it")
            if not _regular(path):
                if not os.path.lexists(path):
                    raise self._not_found(path)
                raise RefusedError(f"{name} is not a regular file")
            handle = os.open(path, os.O_RDONLY | _NO_FOLLOW)
        except PermissionError:
            raise RefusedError(
                f"{name} cannot be read: give the server's user permission"
            ) from None
        except OSError:
            raise self._not_found(path) from None
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):  # replaced since the check above
                raise RefusedError(f"{name} is not a regular file")
        finally:
            os.close(handle)
        return path

    def _upload(self, token: str) -> Path:
        folder = self.uploads / token
        try:
            names = sorted(e.name for e in os.scandir(folder) if e.is_file(follow_symlinks=False))
        except OSError:
            names = []
        if not names or not self._is_own(token):
            raise NotFoundError(f"no upload {token}: send the file to POST /upload again")
        return Path(os.path.realpath(folder)) / names[0]

    def _is_own(self, token: str) -> bool:
        """Whether the caller sent it, where that is asked."""
        if self._owner is None:
            return True
        try:
            return Records(self.uploads).get(token).record.owner == self._owner
        except NotFoundError:  # from before there were records
            return False

    def _walk(self, folder: Path, pattern: str) -> Iterator[Path]:
        """Regular files under `folder` whose relative path matches, in order; no hidden ones.

        Symbolic links to folders are not followed; a link to a file counts if it leads into a root.
        """
        seen: set[Path] = set()
        glob = Glob(pattern)
        for at, folders, names in os.walk(folder, followlinks=False):
            go_on()
            if at != str(folder) and is_library(at, (*folders, *names)):
                folders.clear()
                continue
            folders[:] = sorted(d for d in folders if not d.startswith("."))
            for name in sorted(names):
                go_on()
                path = Path(at, name)
                if name.startswith(".") or not glob.matches(path.relative_to(folder).parts):
                    continue
                real = self._resolved(path, named=path.is_symlink())
                if real is None or real in seen or not _regular(real):
                    continue
                seen.add(real)
                if len(seen) > MAX_FILES:
                    raise TooLargeError(
                        f"more than {MAX_FILES:,} files: name a smaller folder or a narrower glob"
                    )
                yield real

    def _glob(self, path: Path) -> tuple[Path, ...]:
        parts = path.parts
        first = next(  # a folder may be called `talks [2024]`
            i
            for i, part in enumerate(parts)
            if _GLOB.search(part) and not os.path.exists(Path(*parts[: i + 1]))
        )
        base = Path(*parts[:first])
        if self._resolved(base) is None:
            raise self._refused()
        found = tuple(self._walk(base, "/".join(parts[first:])))
        if not found:
            raise NotFoundError("no file fits that pattern; `folder/**/*.mp4` finds in subfolders")
        return found

    def _root_names(self) -> str:
        return ", ".join(one_line(str(r), 120) for r in self.roots) or "a root (--root FOLDER)"

    def _refused(self) -> RefusedError:
        return RefusedError(
            f"that path is outside the allowed folders ({self._root_names()}): "
            "use a file inside them, or restart with --root FOLDER"
        )

    def _not_found(self, path: Path) -> NotFoundError:
        near = self._similar_names(path)
        hint = f"did you mean {near}?" if near else f"allowed folders: {self._root_names()}"
        return NotFoundError(f"no file {one_line(path.name, 80)!r} there; {hint}")

    def _similar_names(self, path: Path) -> str:
        """Up to three similar file names in the same root, for the message; "" without any."""
        root = next((r for r in self.roots if path.is_relative_to(r)), None)
        if root is None:
            return ""
        return ", ".join(
            repr(one_line(name, 120)) for name in near_names(root, path.name, self._store)
        )


def is_url(source: str) -> bool:
    """Whether `source` is an http or https URL."""
    return source.lower().startswith(("https://", "http://"))


def _regular(path: Path) -> bool:
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except (OSError, ValueError):
        return False


def _from_file_uri(uri: str) -> str:
    parts = urlsplit(uri)
    if parts.netloc not in ("", "localhost"):
        raise RefusedError("file:// links to other machines are not read")
    path = unquote(parts.path)
    return path[1:] if re.match(r"/[A-Za-z]:[\\/]", path) else path


def windows_path_problem(text: str) -> str:
    """Why Windows would not open a regular file by this name; "" when it would.

    Devices (`NUL`, `com1.mp4`), streams (`a.mp4:hidden`), network and device paths, a drive
    without a folder, names that end in a dot or space (Windows drops it).
    """
    path = text.replace("/", "\\")
    if path.startswith("\\\\"):
        return "a network or device path"
    drive, rest = re.match(r"([A-Za-z]:)?(.*)", path, re.S).groups()  # type: ignore[union-attr]
    if drive and not rest.startswith("\\"):
        return "a drive without a folder"
    if ":" in rest:
        return "an alternate stream"
    for part in rest.split("\\"):
        if part not in ("", ".", "..") and part != part.rstrip(". "):
            return "a name that ends in a dot or a space"
        if _RESERVED.fullmatch(part):
            return "a device"
    return ""
