"""What people wrote into the pictures of a file, as segments of text."""

from __future__ import annotations

from collections.abc import Iterator

from omni_core.media.image import caption, xmp
from omni_core.media.image.picture import Picture
from omni_core.text.windows import text_windows
from omni_core.types import Channel, CutOptions, Segment, Source, Span, TextContent

MAX_CHARACTERS = 200_000
"""Characters that are written in one picture; a letter that was transcribed has fewer."""
ORIGIN = "image description"


class Descriptions:
    """The texts of one file's pictures; a line that stands in several is given of the first."""

    def __init__(self, picture: Picture, source: Source, options: CutOptions) -> None:
        self._picture, self._source, self._options = picture, source, options
        self._said: set[str] = set()

    def of(self, number: int, span: Span) -> Iterator[Segment]:
        """What is written in picture `number` (from 0), at its span; a long text in parts.

        What is beyond MAX_CHARACTERS is left out, with a line among the picture's warnings; a
        picture whose metadata cannot be reached has no text.
        """
        text = "\n".join(self._new(number))
        if len(text) > MAX_CHARACTERS:
            where = f"page {number + 1}" if self._picture.pages > 1 else "the picture"
            self._picture.warnings.append(
                f"of the {len(text):,} characters written in {where} the first "
                f"{MAX_CHARACTERS:,} can be searched"
            )
        for part, window in enumerate(text_windows(text[:MAX_CHARACTERS], self._options)):
            yield Segment(
                self._source.id, self._source.modality, Channel.TEXT, span,
                TextContent(window.text), window.text, ORIGIN, part,
            )  # fmt: skip

    def _new(self, number: int) -> Iterator[str]:
        try:
            image, tags = self._picture.written(number)
        except Exception:  # Pillow raises exceptions of any kind; the page was named as unread
            return
        if line := xmp.unread(image):
            self._picture.warnings.append(line)
        for line in caption.lines(image, tags):
            if line.casefold() not in self._said:
                self._said.add(line.casefold())
                yield line
