"""Pictures on a page with a text layer that may hold words of their own: a pasted scan, a
screenshot, a photographed receipt. What is read of such a page is only what its fonts say."""

from __future__ import annotations

from collections.abc import Sequence

from omni_core.media.document.engines.base import Box, Line, Page
from omni_core.types import Crop

LEAST_SHARE = 0.05
"""Share of the page from which a picture is read; logos and signatures have less."""
LEAST_TEXT = 0.03
"""Share of a picture that lines of the text layer cover, from which they are taken for its words:
those of a searchable scan, or of a page whose ground is a picture."""
LEAST_WORDS = 8
"""Words of a page's layer with fewer of which the whole page is read."""
MAX_PICTURES = 8
"""Pictures of one page that are read, the largest ones."""
MAX_PIECES = 400
"""Pieces of pictures that are put together."""
_TOUCHING = 2.0
"""Points between two pieces of one picture."""


def covered_share(page: Page) -> float:
    """Share of the page that its largest picture covers."""
    areas = [_area(_on_page(page, box)) for box in _whole(page.pictures())]
    return max(areas, default=0.0) / (page.width * page.height)


def wordy_pictures(page: Page, lines: Sequence[Line]) -> list[Crop]:
    """Where the pictures lie whose words may not be among `lines`, those of the text layer."""
    if sum(len(line.text.split()) for line in lines) < LEAST_WORDS:
        return []
    if not page.may_have_pictures():
        return []
    size = page.width * page.height
    boxes = [_on_page(page, box) for box in _whole(page.pictures())]
    found = [
        box
        for box in boxes
        if _area(box) >= LEAST_SHARE * size and _written(box, lines) < LEAST_TEXT * _area(box)
    ]
    largest = sorted(found, key=_area, reverse=True)[:MAX_PICTURES]
    wide, high = page.width, page.height
    return [
        (round(x0 / wide, 4), round(y0 / high, 4), round(x1 / wide, 4), round(y1 / high, 4))
        for x0, y0, x1, y1 in sorted(largest, key=lambda box: (box[1], box[0]))
    ]


def _written(box: Box, lines: Sequence[Line]) -> float:
    """Area of the lines whose middle lies in a box."""
    return sum(
        _area(line.box)
        for line in lines
        if box[0] <= (line.box[0] + line.box[2]) / 2 <= box[2]
        and box[1] <= (line.box[1] + line.box[3]) / 2 <= box[3]
    )


def _whole(pieces: Sequence[Box]) -> list[Box]:
    """Pictures as they are seen: strips and tiles, as scanners write them, put together."""
    if len(pieces) > MAX_PIECES:
        return list(pieces)
    columns = _stacked(sorted(pieces, key=lambda b: (round(b[0]), round(b[2]), b[1])), 1)
    return _stacked(sorted(columns, key=lambda b: (round(b[1]), round(b[3]), b[0])), 0)


def _stacked(pieces: Sequence[Box], axis: int) -> list[Box]:
    """Pieces that follow one another along an axis (0 across, 1 down) and are equally wide."""
    out: list[Box] = []
    for box in pieces:
        last = out[-1] if out else None
        if (
            last is not None
            and abs(last[1 - axis] - box[1 - axis]) <= _TOUCHING
            and abs(last[3 - axis] - box[3 - axis]) <= _TOUCHING
            and abs(box[axis] - last[axis + 2]) <= _TOUCHING
        ):
            out[-1] = (
                min(last[0], box[0]), min(last[1], box[1]),
                max(last[2], box[2]), max(last[3], box[3]),
            )  # fmt: skip
        else:
            out.append(box)
    return out


def _on_page(page: Page, box: Box) -> Box:
    return max(0.0, box[0]), max(0.0, box[1]), min(page.width, box[2]), min(page.height, box[3])


def _area(box: Box) -> float:
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])
