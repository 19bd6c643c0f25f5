"""The service of the decoder process: every registered medium behind one interface.

Imported in the decoder process only (`Worker("decoder", "omni_core.media.service:service")`), so
that a decoder that hangs or crashes never affects the server.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from omni_core import plugins
from omni_core.errors import NotFoundError, TooLargeError, UnreadableError
from omni_core.media import archives, choosing, other_files
from omni_core.media.guard import guarded
from omni_core.media.held import File, Holder
from omni_core.media.limiting import limited
from omni_core.originals import CHANGED
from omni_core.protocols import Medium
from omni_core.types import (
    Crop,
    CutOptions,
    FileLength,
    FileWarning,
    Limits,
    MediaInfo,
    Pixels,
    PlacedWord,
    Samples,
    Segment,
    Source,
)

log = logging.getLogger(__name__)

_TEXTS = "omni_core.media.text."
"""Where the media are that may take other files for text."""
MAX_KNOWN = 32
"""Files whose medium is remembered from one call to the next."""


def service(**limits: float | str) -> MediaService:
    """The factory that `Worker` calls in its child process; `limits`: the fields of `Limits`."""
    return MediaService(Limits(**limits))  # type: ignore[arg-type]


class MediaService:
    """Passes each call to the file's medium; methods raise only errors of `omni_core.errors`.

    Each call opens its file once and holds it. Where it is an `Original`, any other file that
    stands there now, or a change meanwhile, is UnreadableError SOURCE_CHANGED.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        found = plugins.load_all(plugins.MEDIA)
        self._media = [kind(limits) for kind in sorted(found.classes, key=lambda kind: kind.rank)]
        self._broken = [part.label for part in found.broken]
        self._holder = Holder()
        self._known: dict[str, tuple[tuple[int, int], Medium]] = {}
        """The medium of files that were opened, with their size and time of change then."""

    def close(self) -> None:
        """Remove what was made for files that were held."""
        self._holder.close()

    def probe(self, file: File, password: str | None = None) -> MediaInfo:
        """Kind, title, length, date; opens the file once."""
        with self._holder.hold(file) as held:
            medium, info = choosing.probe(held.path, self._able(held.path), password)
            self._remember(held.path, medium)
            return info

    def decompose(
        self, file: File, source: Source, options: CutOptions
    ) -> Iterator[Segment | FileWarning | FileLength]:
        """Segments as they are cut, up to the limits of one file (`limiting`); memory does not
        grow with the length of the file. Each is of the file as it was asked for: it is looked at
        again before each."""
        with self._holder.hold(file) as held:
            able = self._able(held.path)
            chosen = able.index(self._medium(held.path, options.password))
            items = choosing.decompose(held.path, able[chosen:], source, options)
            for item in limited(items, source, self._limits):
                held.check()
                yield item

    def frames(self, file: File, times: Sequence[float], edge: int) -> list[tuple[float, Pixels]]:
        """(second at which it appears, pixels) of the frame on screen at each of `times`."""
        with self._opened(file) as path:
            return self._medium(path).frames(path, times, edge)

    def image(self, file: File, edge: int, crop: Crop | None = None, frame: int = 0) -> Pixels:
        """An image, or one frame of an animation; crop: left, top, right, bottom, 0 to 1."""
        with self._opened(file) as path:
            return self._medium(path).image(path, edge, crop, frame)

    def page(
        self,
        file: File,
        number: int,
        edge: int,
        crop: Crop | None = None,
        password: str | None = None,
    ) -> Pixels:
        """Page `number` (from 1); a crop is rendered at full resolution."""
        with self._opened(file) as path:
            return self._medium(path, password).page(path, number, edge, crop, password)

    def words(self, file: File, number: int, password: str | None = None) -> list[PlacedWord]:
        """Words of page `number` (from 1), with their places on its image."""
        with self._opened(file) as path:
            return self._medium(path, password).words(path, number, password)

    def clip(self, file: File, start: float, end: float, out_path: str) -> tuple[str, float, float]:
        """Cut [start, end) seconds into `out_path`: (MIME type, true start, true end). Where the
        file changes meanwhile, nothing is left there."""
        try:
            with self._opened(file) as path:
                return self._medium(path).clip(path, start, end, out_path)
        except UnreadableError as e:
            if e.code == CHANGED and os.path.exists(out_path):
                os.unlink(out_path)
            raise

    def audio(self, file: File, start: float, end: float) -> Samples:
        """Mono 16 kHz samples of [start, end) seconds."""
        with self._opened(file) as path:
            return self._medium(path).audio(path, start, end)

    @contextmanager
    def _opened(self, file: File) -> Iterator[str]:
        """The name by which the file is opened within the block; see `Holder.hold`, `guarded`."""
        with self._holder.hold(file) as held, guarded(held.path):
            yield held.path

    def _medium(self, path: str, password: str | None = None) -> Medium:
        """The medium that reads the file: the only one that claims it, else the first that opens
        it. Raises as `_able` does, or what opening it raised."""
        known = self._known.get(path)
        if known is not None and known[0] == _state(path):
            return known[1]
        able = self._able(path)
        medium = able[0] if len(able) == 1 else choosing.probe(path, able, password)[0]
        self._remember(path, medium)
        return medium

    def _remember(self, path: str, medium: Medium) -> None:
        self._known[path] = _state(path), medium
        if len(self._known) > MAX_KNOWN:
            del self._known[next(iter(self._known))]

    def _able(self, path: str) -> list[Medium]:
        """The media that may read the file, by rank.

        Raises NotFoundError, TooLargeError, or UnreadableError (UNSUPPORTED_TYPE).
        """
        name = os.path.basename(path)
        try:
            size = os.path.getsize(path)
            with open(path, "rb") as f:
                head = f.read(4096)
        except OSError as e:
            raise NotFoundError(f"{name!r} cannot be read: {e.strerror or 'no such file'}") from e
        if size == 0:
            raise UnreadableError(f"{name!r} is empty", code="CORRUPT_MEDIA")
        if size > self._limits.max_file_mb << 20:
            raise TooLargeError(
                f"{name!r} is {size >> 20} MB, over the limit of {self._limits.max_file_mb} MB; "
                "cut it or raise max_file_mb"
            )
        suffix = os.path.splitext(path)[1].lower()
        claiming = [medium for medium in self._media if _matches(medium, head, suffix)]
        if all(type(medium).__module__.startswith(_TEXTS) for medium in claiming):
            other_files.refuse(name, head, suffix)
        if claiming:
            return choosing.able(path, claiming)
        if refusal := archives.refusal(name, head, suffix):
            raise UnreadableError(refusal, code="UNSUPPORTED_TYPE")
        supported = "; ".join(m.kinds for m in self._media if m.kinds)
        broken = f". Not loaded (see omni-mcp doctor): {', '.join(self._broken)}"
        raise UnreadableError(
            f"{name!r} is of no kind that can be searched. Supported: {supported}"
            f"{broken if self._broken else ''}",
            code="UNSUPPORTED_TYPE",
        )


def _state(path: str) -> tuple[int, int]:
    try:
        stat = os.stat(path)
    except OSError:
        return 0, 0
    return stat.st_size, stat.st_mtime_ns


def _matches(medium: Medium, head: bytes, suffix: str) -> bool:
    """Whether the medium claims the file; False, and logged, for one whose `matches` raises."""
    try:
        return medium.matches(head, suffix)
    except Exception:
        log.exception("%s cannot tell whether a file is its own", type(medium).__name__)
        return False
