"""Features of a frame for shot detection, read from the decoder's luma plane without conversion.

A (36, 64) thumbnail from every h/36-th row and about 256 columns reads 10 KB of a frame of 2 MB,
so that comparing every frame costs a few per cent of decoding it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

Luma = NDArray[np.uint8]
"""(36, width): rows of a frame, evenly spaced, at full width."""
Thumbnails = NDArray[np.uint8]
"""(n, 36, 64) luma."""
Values = NDArray[np.float32]

ROWS, COLUMNS = 36, 64
CELLS = ROWS * COLUMNS
_SIDE = 4
_ACROSS = np.kron(np.eye(COLUMNS // _SIDE), np.full((_SIDE, 1), 1 / _SIDE)).astype(np.float32)
_DOWN = np.kron(np.eye(ROWS // _SIDE), np.full((1, _SIDE), 1 / _SIDE)).astype(np.float32)
_PLANAR = ("yuv", "nv12", "nv21", "nv16", "gray")


def luma(frame: Any) -> Luma:
    """(36, width) uint8: the frame's luma in evenly spaced rows."""
    width, height = frame.width, frame.height
    depth = _luma_depth(frame.format.name)
    if not depth or height < ROWS or width < COLUMNS:
        small: NDArray[np.uint8] = frame.reformat(256, ROWS, "gray8", threads=1).to_ndarray()
        return small
    plane = frame.planes[0]
    step = height // ROWS
    if depth > 8:
        wide = np.frombuffer(plane, np.uint16)[: height * (plane.line_size // 2)]
        rows = wide.reshape(height, -1)[step // 2 :: step, :width][:ROWS]
        eight: NDArray[np.uint8] = (rows >> (depth - 8)).astype(np.uint8)
        return eight
    flat = np.frombuffer(plane, np.uint8)[: height * plane.line_size]
    return flat.reshape(height, -1)[step // 2 :: step, :width][:ROWS]


@cache
def _luma_depth(pixel_format: str) -> int:
    """Bits of a sample of the first plane; 0 where that is not luma alone."""
    if not pixel_format.startswith(_PLANAR):
        return 0
    return int(av.VideoFormat(pixel_format).components[0].bits)


class FrameFeatures:
    """A frame's thumbnail, luma and 32-bin histogram, and what transitions are told by."""

    __slots__ = ("cells", "contrast", "detail", "histogram", "mean", "thumbnail", "tones", "total")

    def __init__(
        self,
        thumbnail: NDArray[np.int16],
        total: int,
        histogram: NDArray[np.intp],
        cells: Values,
        contrast: float,
        detail: float,
        tones: Values,
    ) -> None:
        self.thumbnail = thumbnail
        self.total = total
        """The sum of the thumbnail's luma ..."""
        self.mean = total // thumbnail.size
        """... and its mean, rounded down."""
        self.histogram = histogram
        self.cells = cells
        """(144,): mean-free luma in cells of 4 x 4 of the thumbnail's."""
        self.contrast = contrast
        """Standard deviation of luma."""
        self.detail = detail
        """Root of the mean squared differences of neighbours in the thumbnail."""
        self.tones = tones
        """(32,): the histogram, each bin blurred into its neighbours', in shares of the picture."""

    def mean_free(self) -> Values:
        """(2304,) luma less its mean."""
        flat = self.thumbnail.astype(np.float32).ravel()
        flat -= np.float32(self.total / flat.size)
        return flat


def features_of(samples: Sequence[Luma]) -> list[FrameFeatures]:
    """Features of frames by what `sampled` took of each: of several in one go at a third of the
    cost."""
    if any(some.shape != samples[0].shape for some in samples):  # the film changes its size
        return [one for some in samples for one in features_of((some,))]
    return features_of_thumbnails(_thumbnails(np.stack(samples)))


def features_of_thumbnails(thumbnails: Thumbnails) -> list[FrameFeatures]:
    """Features of (n, 36, 64) luma."""
    count = len(thumbnails)
    wide = thumbnails.astype(np.int16)
    luma = thumbnails.astype(np.float32)
    totals = thumbnails.reshape(count, -1).sum(1, dtype=np.int64)
    bins = (thumbnails >> 3).reshape(count, -1) + 32 * np.arange(count)[:, None]
    histograms = np.bincount(bins.ravel(), minlength=32 * count).reshape(count, 32)
    across, down = luma[:, :, 1:] - luma[:, :, :-1], luma[:, 1:] - luma[:, :-1]
    details = np.sqrt(_mean_squares(across) + _mean_squares(down))
    luma -= (totals / CELLS).astype(np.float32)[:, None, None]
    contrasts = np.sqrt(_mean_squares(luma))
    cells = (_DOWN @ luma @ _ACROSS).reshape(count, -1)
    of_each = zip(
        wide, totals.tolist(), histograms, cells, contrasts.tolist(), details.tolist(),
        _tones(histograms), strict=True,
    )  # fmt: skip
    return [FrameFeatures(*values) for values in of_each]


def sampled(rows: Luma) -> Luma:
    """A copy of about 256 columns of the rows that `luma` returns."""
    step = max(1, rows.shape[1] // 256)
    return rows[:, : rows.shape[1] // step // COLUMNS * COLUMNS * step : step].copy()


def _thumbnails(samples: NDArray[np.uint8]) -> Thumbnails:
    """(n, 36, 64): each cell the mean of the four or more samples in it."""
    many = samples.shape[2] // COLUMNS
    if many == 4:
        return _mean_of_four(samples)
    total = samples[..., ::many].astype(np.uint16)
    for i in range(1, many):  # adding whole columns is four times as fast as a sum over an axis
        total += samples[..., i::many]
    return np.asarray(total // many, np.uint8)


def _mean_of_four(samples: NDArray[np.uint8]) -> Thumbnails:
    """Each four neighbours as one, added within 32-bit words: 20 us instead of 60."""
    word = samples.view(np.uint32)
    pairs = word & np.uint32(0x00FF00FF)
    word = word >> np.uint32(8)
    word &= np.uint32(0x00FF00FF)
    pairs += word
    np.right_shift(pairs, 16, out=word)
    pairs += word
    pairs &= 0xFFFF
    pairs >>= 2
    return pairs.astype(np.uint8)


def _mean_squares(values: Values) -> Values:
    """(n,) of (n, height, width)."""
    flat = values.reshape(len(values), -1)
    return np.asarray(np.einsum("ni,ni->n", flat, flat) / np.float32(flat.shape[1]))


def _tones(histograms: NDArray[np.intp]) -> Values:
    count = histograms.astype(np.float32)
    blurred = 2 * count
    blurred[:, 1:] += count[:, :-1]
    blurred[:, :-1] += count[:, 1:]
    blurred[:, 0] += count[:, 0]
    blurred[:, -1] += count[:, -1]
    return blurred / np.float32(4 * CELLS)


def sharpness(rows: Luma) -> float:
    """Mean absolute change between neighbouring pixels of the sampled rows: blur lowers it."""
    left, right = rows[:, :-1], rows[:, 1:]
    change = np.maximum(left, right)
    change -= np.minimum(left, right)
    return int(change.sum(dtype=np.uint32)) / change.size


def difference(a: FrameFeatures, b: FrameFeatures) -> float:
    """How different two frames are, 0 to about 200; a hard cut is over 14.

    Mean absolute difference of the thumbnails after removing the change of mean luma (flashes,
    fades), plus 40 times the L1 distance of their histograms per cell.
    """
    return differences((a,), (b,))[0]


def differences(some: Sequence[FrameFeatures], others: Sequence[FrameFeatures]) -> list[float]:
    """The difference of each of some frames from the one at the same place among others."""
    change = np.stack([f.thumbnail for f in some]) - np.stack([f.thumbnail for f in others])
    lighter = [a.mean - b.mean for a, b in zip(some, others, strict=True)]
    change -= np.array(lighter, np.int16)[:, None, None]
    moved = np.abs(change, out=change).reshape(len(change), -1).sum(1, dtype=np.int32)
    counted = np.abs(
        np.stack([f.histogram for f in some]) - np.stack([f.histogram for f in others])
    ).sum(1)
    different: list[float] = ((moved + 40 * counted) / CELLS).tolist()
    return different


def tones(a: FrameFeatures, b: FrameFeatures) -> float:
    """How different the tones of two frames are, wherever they are: 0 to 2, the L1 distance of
    their histograms."""
    return float(np.abs(a.histogram - b.histogram).sum()) / CELLS
