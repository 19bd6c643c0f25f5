"""Features of a frame, read straight from the decoder's luma plane without conversion.

36 rows x 64 columns from every h/36-th row and about 256 columns: 10 KB touched of a frame of
2 MB, so that comparing every frame costs a few per cent of decoding it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Luma = NDArray[np.uint8]
"""Some rows of a frame at full width: (36, width)."""
Thumbnail = NDArray[np.uint8]
"""(36, 64) luma."""

ROWS, COLUMNS = 36, 64
_PLANAR = ("yuv", "nv12", "nv21", "nv16", "gray")


def luma(frame: Any) -> Luma:
    """The frame's brightness as 36 strided rows at full width: (36, width) uint8."""
    fmt = frame.format.name
    if not fmt.startswith(_PLANAR) or frame.height < ROWS or frame.width < COLUMNS:
        small: NDArray[np.uint8] = frame.reformat(256, ROWS, "gray8", threads=1).to_ndarray()
        return small
    plane = frame.planes[0]
    depth = frame.format.components[0].bits
    step = frame.height // ROWS
    if depth > 8:
        wide = np.frombuffer(plane, np.uint16)[: frame.height * (plane.line_size // 2)]
        rows = wide.reshape(frame.height, -1)[step // 2 :: step, : frame.width][:ROWS]
        eight: NDArray[np.uint8] = (rows >> (depth - 8)).astype(np.uint8)
        return eight
    flat = np.frombuffer(plane, np.uint8)[: frame.height * plane.line_size]
    return flat.reshape(frame.height, -1)[step // 2 :: step, : frame.width][:ROWS]


class FrameFeatures:
    """A frame's thumbnail, mean luma and 32-bin histogram, made once and compared often."""

    __slots__ = ("histogram", "mean", "thumbnail")

    def __init__(self, thumbnail: Thumbnail) -> None:
        self.thumbnail = thumbnail.astype(np.int16)
        self.mean = int(self.thumbnail.sum(dtype=np.int64)) // thumbnail.size
        self.histogram = np.bincount(thumbnail.ravel() >> 3, minlength=32)


def features(rows: Luma) -> FrameFeatures:
    """Features of a frame whose rows `luma` gave: a cell of the thumbnail is the mean of four
    samples."""
    step = max(1, rows.shape[1] // 256)
    four = rows.shape[1] // step // COLUMNS
    wide = rows[:, : COLUMNS * four * step]
    total = wide[:, :: four * step].astype(np.uint16)
    for i in range(1, four):  # adding whole columns is four times as fast as a sum over an axis
        total += wide[:, i * step :: four * step]
    return FrameFeatures((total // four).astype(np.uint8))


def sharpness(rows: Luma) -> float:
    """Mean absolute change between neighbouring pixels of the sampled rows: blur lowers it."""
    return float(np.abs(np.diff(rows.astype(np.int16), axis=1)).mean())


def difference(a: FrameFeatures, b: FrameFeatures) -> float:
    """How different two frames are, 0 to about 200; a hard cut is over 14.

    Mean absolute change with the step of overall brightness taken out (flashes, fades), plus the
    distance of their 32-bin histograms (what stays put but has other tones).
    """
    moved = np.abs(a.thumbnail - b.thumbnail - (a.mean - b.mean)).sum()
    tones = np.abs(a.histogram - b.histogram).sum()
    return float(moved + 40 * tones) / a.thumbnail.size
