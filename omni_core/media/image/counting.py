"""How many pictures a file holds, as far as they can be reached."""

from __future__ import annotations

from itertools import count

from PIL import Image, TiffImagePlugin

_SUBFILE, _REDUCED = 254, 1
"""The tag that says what a page is of the others, and its bit for a smaller copy."""
MAX_LOOKED_AT = 2_000
"""Pages of a TIFF that are looked at for copies."""
_ROUNDED = 4
"""Pixels by which an edge of a copy may differ."""
_LAYERED = ("PSD",)
"""Formats whose pictures are layers, of which the first one drawn is all."""


def counted(image: Image.Image) -> tuple[int, str]:
    """(frames or pages, "" or a line that says after which of them the file breaks off).

    A page that cannot be read counts where one after it can: it is missed by its number. The image
    stands at its first picture afterwards, if one of them cannot be read.
    """
    if image.format in _LAYERED:
        return 1, ""
    try:
        return int(getattr(image, "n_frames", 1)), ""
    except Exception:  # Pillow raises exceptions of any kind on damaged pages
        return _reached(image)


def whole_pages(image: Image.Image, pages: int) -> list[int]:
    """The numbers of the pages of a TIFF of which others are smaller copies, as slide scanners and
    maps have them; none where there are no such copies. The image stands at its first picture.

    A page that is called a copy is one where a page before it has its form and is larger: programs
    call pages of a fax so, and the label of a slide."""
    if not 2 <= pages <= MAX_LOOKED_AT or not isinstance(image, TiffImagePlugin.TiffImageFile):
        return []
    found: list[int] = []
    whole: set[tuple[int, int]] = set()
    try:
        for number in range(pages):
            image.seek(number)
            called_so = int(image.tag_v2.get(_SUBFILE, 0)) & _REDUCED
            if called_so and any(_is_smaller(image.size, size) for size in whole):
                continue
            found.append(number)
            whole.add(image.size)
    except Exception:  # Pillow raises exceptions of any kind on damaged pages
        found = []
    image.seek(0)
    return found if len(found) < pages else []


def _is_smaller(size: tuple[int, int], whole: tuple[int, int]) -> bool:
    """Whether a size is another one scaled down, but for what rounding makes of its edges."""
    scale = max(size[0] / whole[0], size[1] / whole[1])
    return scale < 1 and all(
        abs(edge - scale * of) <= _ROUNDED for edge, of in zip(size, whole, strict=True)
    )


def _reached(image: Image.Image) -> tuple[int, str]:
    image.seek(0)
    reached, lost = 1, False
    for number in count(1):
        try:
            image.seek(number)
        except EOFError:
            break
        except Exception:  # as above
            lost = True
            if image.tell() != number:  # nothing says where the next one is
                break
        else:
            reached, lost = number + 1, False
    image.seek(0)
    if not lost:
        return reached, ""
    return reached, (
        f"the file breaks off or is damaged after page {reached}: what follows was not read"
    )
