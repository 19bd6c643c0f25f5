"""Media: kinds of files, which are recognised, cut into segments, and rendered."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar

from omni_core.errors import BadRequestError
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


class Medium(ABC):
    """A kind of file: recognised by its bytes, probed, cut into segments, rendered.

    Registered in the group `omni_mcp.media`; one object of every registered class is made in each
    decoder process, which is killed when it passes the limits of memory or time. Calls come one
    at a time; keep no file open between them. `path` is a name of the file for this call, with its
    own name and suffix, but not in its own folder: what stands at its path may be swapped.

    Every method may raise UnreadableError for a damaged file, TooLargeError over `limits`,
    NotFoundError (OUT_OF_RANGE) for a place that the file does not have. Whatever else it raises
    becomes an UnreadableError that names the file. Where `probe` says that the file is damaged
    (CORRUPT_MEDIA) or none of its own (UNSUPPORTED_TYPE), the next medium that matches is tried.

        class Notes(Medium):
            rank = 4
            kinds = "notes (NTS)"

            def matches(self, head, suffix):
                return head.startswith(b"NOTES1")

            def probe(self, path, password=None):
                return MediaInfo(Modality.DOCUMENT, "text/x-notes")

            def decompose(self, path, source, options):
                for n, words in enumerate(notes_of(path), 1):
                    yield Segment(source.id, source.modality, Channel.TEXT, Span("page", n, n + 1),
                                  TextContent(words), words, origin="notes")

    `examples/omni-mcp-example` holds a complete one.
    """

    rank: ClassVar[int] = 0
    """Order of `matches`, lower first. Built-in: formats with a magic number 0 to 3, text formats
    5 and 6, plain text, which accepts any text, 9."""
    never_text: ClassVar[bool] = False
    """Whether a file that is text to its end is none of its own, however it begins."""
    kinds: ClassVar[str] = ""
    """The formats it opens, for the message that lists the supported ones: `audio (WAV, MP3)`."""

    def __init__(self, limits: Limits) -> None:
        """Nothing is opened yet."""
        self.limits = limits

    @abstractmethod
    def matches(self, head: bytes, suffix: str) -> bool:
        """Whether a file is of this medium, by its first 4 KiB.

        `suffix` (lower case, with the dot) decides only between formats that have no magic
        number. Must not raise: a medium that does is skipped.
        """

    @abstractmethod
    def probe(self, path: str, password: str | None = None) -> MediaInfo:
        """Modality, title, length and date, without decoding the content.

        Raises UnreadableError (ENCRYPTED) where the password is missing or wrong.
        """

    @abstractmethod
    def decompose(
        self, path: str, source: Source, options: CutOptions
    ) -> Iterator[Segment | FileWarning | FileLength]:
        """Segments in order of time or page, streamed: never a whole file in memory.

        On Linux `path` is a private name of the open file; `os.path.realpath(path)` is where it
        lies, for files beside it.

        The same file and options give the same segments in the same order: ids are derived from
        channel, span and part, and an interrupted ingest skips the ids that are stored already.
        The image of a page and its text follow each other. The consumer may stop early. A
        warning about the file as a whole is yielded as a `FileWarning`, and the length that was
        found in decoding, where the header may be wrong, last as a `FileLength`.
        """

    def frames(self, path: str, times: Sequence[float], edge: int) -> list[tuple[float, Pixels]]:
        """The frames that a player shows at these seconds, each with the second of its start.

        In the order of `times`, turned upright, the long edge at most `edge` pixels. Optional: for
        media with the modality video, and animated images.
        """
        raise BadRequestError("this source has no video", code="NO_VISUAL")

    def image(self, path: str, edge: int, crop: Crop | None, frame: int) -> Pixels:
        """The image, turned upright, its long edge at most `edge` pixels.

        A crop is taken at full resolution and then scaled down. `frame` (from 0)
        chooses one of an animation. Optional: for media with the modality image.
        """
        raise BadRequestError("this source has no image", code="NO_VISUAL")

    def page(
        self, path: str, number: int, edge: int, crop: Crop | None, password: str | None
    ) -> Pixels:
        """Page `number` (from 1) as an image; a crop is rendered at full resolution.

        Optional: for documents that have a layout; their text is in the index anyway.
        """
        raise BadRequestError("this source has no pages to show", code="NO_VISUAL")

    def words(self, path: str, number: int, password: str | None) -> list[PlacedWord]:
        """The words of page `number` (from 1) in reading order, with their places on its image.

        Optional: none where the file does not hold places.
        """
        return []

    def clip(self, path: str, start: float, end: float, out: str) -> tuple[str, float, float]:
        """Write [start, end) seconds as a playable file to `out`.

        Returns the MIME type, and start and end of what was written in seconds: it may begin at
        an earlier keyframe. The suffix of `out` chooses the container. Optional: for video
        and audio.
        """
        raise BadRequestError("only video and audio can be cut into clips", code="BAD_ARGUMENT")

    def audio(self, path: str, start: float, end: float) -> Samples:
        """Mono 16 kHz samples of [start, end) seconds; silence where the track has none.

        Optional: for video and audio.
        """
        raise BadRequestError("this source has no audio", code="BAD_ARGUMENT")
