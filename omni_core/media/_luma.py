"""A tiny grey picture of a frame, read straight from the decoder's luma plane without conversion.

36 rows x 64 columns from every h/36-th row and about 256 columns: 10 KB touched of a frame of
2 MB, so that looking at every frame costs a few per cent of decoding it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Thumb = NDArray[np.uint8]
"""(36, 64) luma."""

ROWS, COLUMNS = 36, 64
_PLANAR = ("yuv", "nv12", "nv21", "nv16", "gray")


def luma(frame: Any) -> NDArray[np.uint8]:
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


def thumb(rows: NDArray[np.uint8]) -> Thumb:
    """The rows as (36, 64), each cell the mean of four samples."""
    step = max(1, rows.shape[1] // 256)
    cells = rows[:, ::step]
    four = cells.shape[1] // COLUMNS
    cells = cells[:, : four * COLUMNS].reshape(ROWS, COLUMNS, four)
    out: Thumb = cells.mean(axis=2, dtype=np.float32).astype(np.uint8)
    return out


def sharpness(rows: NDArray[np.uint8]) -> float:
    """Mean absolute change between neighbouring pixels of the sampled rows: blur lowers it."""
    return float(np.abs(np.diff(rows.astype(np.int16), axis=1)).mean())


def change(a: Thumb, b: Thumb) -> float:
    """How different two pictures are, 0 to about 200; a cut is over 14.

    Mean absolute change with the step of overall brightness taken out (flashes, fades), plus the
    distance of their 32-bin histograms (what stays put but has other tones).
    """
    step = int(a.mean()) - int(b.mean())
    moved = np.abs(a.astype(np.int16) - b - step).mean()
    bins = np.abs(_bins(a) - _bins(b)).sum()
    return float(moved + 40 * bins / a.size)


def _bins(a: Thumb) -> NDArray[np.int64]:
    return np.bincount(a.ravel() >> 3, minlength=32)
