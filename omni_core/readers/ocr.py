"""PP-OCRv6 through RapidOCR: pixels to lines of text. The only file that imports it.

RapidOCR's detector, classifier and recogniser are used without its pipeline: sessions are made
here, so that nothing is downloaded or written beside the package, and ONNX Runtime's threads do not
spin-wait (on busy cores 40 % of the time of an image).

The recogniser reads Latin letters, Chinese and Japanese, and Greek without accents. Lines in other
scripts (Cyrillic, Arabic, Hangul, Devanagari) score below `MIN_SCORE` and are left out.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from omni_core.readers.layout import Line
from omni_core.text.places import Place
from omni_core.types import Pixels, Rect

Boxes = NDArray[np.float32]
"""(boxes, 4, 2): corners clockwise from the top left, in pixels."""

FIRST_EDGE = 640
"""Long edge of the copy for the first detection, which still finds letters of 13 pixels on an
image of 1280."""
MIN_SCORE = 0.6
"""Of the recogniser, 0 to 1; lines below are left out."""
UPSIDE_DOWN_SCORE = 0.9
"""Classifier score from which a line counts as upside down."""
MAX_VOTES = 8
"""Number of lines, the longest, that vote on the orientation."""
BATCH_SIZE = 6
TALL = 1.5
"""Ratio of height to width from which a line's crop is turned to be read, as in RapidOCR."""


class Ocr:
    """Detector, direction classifier and recogniser on ONNX Runtime, from local files."""

    def __init__(self, detect: Path, recognise: Path, direction: Path, *, threads: int = 0) -> None:
        """Load the three models; raises what ONNX Runtime raises when one is broken."""
        logging.getLogger("RapidOCR").setLevel(logging.CRITICAL)
        from rapidocr.ch_ppocr_cls import TextClassifier
        from rapidocr.ch_ppocr_det import TextDetector
        from rapidocr.ch_ppocr_rec import TextRecognizer
        from rapidocr.utils.log import logger
        from rapidocr.utils.typings import OCRVersion

        logger.setLevel(logging.CRITICAL)  # its import has set it to INFO
        self._detector: Any = TextDetector(
            _config(
                detect,
                threads,
                limit_type="max",
                limit_side_len=FIRST_EDGE,
                thresh=0.3,
                box_thresh=0.5,
                unclip_ratio=1.6,
            )
        )
        self._recogniser: Any = TextRecognizer(
            _config(
                recognise,
                threads,
                lang_type="ch",
                rec_batch_num=BATCH_SIZE,
                rec_img_shape=[3, 48, 320],
                font_path=None,
            )
        )
        self._classifier: Any = TextClassifier(
            _config(
                direction,
                threads,
                ocr_version=OCRVersion.PPOCRV4,
                cls_batch_num=MAX_VOTES,
                cls_thresh=UPSIDE_DOWN_SCORE,
                label_list=["0", "180"],
            )
        )

    def read(self, pixels: Pixels, *, edge: int, detect_first: bool = True) -> list[Line]:
        """The lines of text in an image, unordered; empty where there are none.

        Text is detected on a copy whose long edge is at most `edge`, and recognised at full size.
        With `detect_first` an image is skipped if detection on a much smaller copy finds nothing.
        """
        image = np.ascontiguousarray(pixels[:, :, ::-1])
        if detect_first and not self._has_text(image):
            return []
        boxes = self._detect(image, edge)
        quarters = 0
        if _sideways(boxes):
            image = np.ascontiguousarray(np.rot90(image))
            boxes = self._detect(image, edge)
            quarters = 1
        if self._upside_down(image, boxes):
            quarters += 2
            image = np.ascontiguousarray(image[::-1, ::-1])
            height, width = image.shape[:2]
            # after the half turn the first corner is the bottom right one: start at the top left
            boxes = np.roll(np.array([width, height], np.float32) - boxes, 2, axis=1)
        if not len(boxes):
            return []
        read = self._recognise(_crops(image, boxes))
        size = image.shape[1], image.shape[0]
        return [
            _line(found, box, size, quarters)
            for found, box in zip(read, boxes, strict=True)
            if found.score >= MIN_SCORE
        ]

    def _has_text(self, image: Pixels) -> bool:
        """Whether text is detected on a small copy."""
        step = math.ceil(max(image.shape[:2]) / FIRST_EDGE)
        if step < 2:
            return True
        import cv2

        # an integer factor keeps thin strokes even
        size = max(1, image.shape[1] // step), max(1, image.shape[0] // step)
        small: Any = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        return len(self._detect(small)) > 0

    def _detect(self, image: Pixels, edge: int = FIRST_EDGE) -> Boxes:
        nothing = np.zeros((0, 4, 2), np.float32)
        if min(image.shape[:2]) < 16:
            return nothing
        self._detector.limit_side_len = edge
        found: Any = self._detector(image).boxes
        return nothing if found is None else np.asarray(found, np.float32)

    def _upside_down(self, image: Pixels, boxes: Boxes) -> bool:
        """Whether the longest lines are classified as turned, and recognised better turned."""
        if len(boxes) < 2:
            return False
        widths, _ = _sizes(boxes)
        longest = _crops(image, boxes[np.argsort(-widths)[:MAX_VOTES]])
        votes = self._classifier(longest).cls_res
        if sum(label == "180" and score > UPSIDE_DOWN_SCORE for label, score in votes) * 2 < len(
            votes
        ):
            return False
        # the classifier squeezes long lines and is wrong on small print: read three both ways
        tried = longest[:3]
        as_is, turned = self._recognise(tried), self._recognise([c[::-1, ::-1] for c in tried])
        return sum(read.score for read in turned) > sum(read.score for read in as_is)

    def _recognise(self, crops: list[Pixels]) -> list[_Read]:
        """What each crop says, and where."""
        from rapidocr.ch_ppocr_rec.typings import TextRecInput

        found = self._recogniser(TextRecInput(img=crops, return_word_box=True))
        return [
            _Read(str(text), float(score), _columns(said))
            for text, score, said in zip(found.txts, found.scores, found.word_results, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class _Read:
    """A recognised line: its text, its score (0 to 1), and for each of its characters but spaces
    how far along the line the recogniser saw it, 0 to 1."""

    text: str
    score: float
    columns: list[float]


def _columns(said: Any) -> list[float]:
    """From RapidOCR's columns of the recogniser's output, of which one is 8 pixels."""
    if not said or not said.line_txt_len:
        return []
    return [(column + 0.5) / said.line_txt_len for word in said.word_cols for column in word]


def _config(model: Path, threads: int, **options: Any) -> Any:
    """Configuration of a RapidOCR component, with an ONNX Runtime session made here."""
    import onnxruntime
    from omegaconf import OmegaConf
    from rapidocr.utils.typings import EngineType

    session_options = onnxruntime.SessionOptions()
    session_options.intra_op_num_threads = threads
    session_options.log_severity_level = 4
    session_options.enable_cpu_mem_arena = False  # it would never free the largest page's memory
    session_options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(
        str(model), session_options, providers=["CPUExecutionProvider"]
    )
    return OmegaConf.create(
        {"engine_type": EngineType.ONNXRUNTIME, "session": session, **options},
        flags={"allow_objects": True},
    )


def _crops(image: Pixels, boxes: Boxes) -> list[Pixels]:
    from rapidocr.utils.process_img import get_rotate_crop_image

    return [get_rotate_crop_image(image, box.copy()) for box in boxes]


def _sizes(boxes: Boxes) -> tuple[Boxes, Boxes]:
    """(widths, heights) of the boxes, along and across the text."""
    return (
        np.linalg.norm(boxes[:, 0] - boxes[:, 1], axis=1),
        np.linalg.norm(boxes[:, 0] - boxes[:, 3], axis=1),
    )


def _sideways(boxes: Boxes) -> bool:
    """Whether most of the text is rotated by 90 degrees."""
    if len(boxes) < 3:
        return False
    widths, heights = _sizes(boxes)
    tall = heights > 1.5 * widths
    return bool(heights[tall].sum() > 2 * widths[~tall].sum())


def _line(read: _Read, box: Boxes, size: tuple[int, int], quarters: int) -> Line:
    """A line of an image of `size` that was turned so many quarters anticlockwise."""
    text = " ".join(read.text.split())
    left, top = (float(v) for v in box.min(axis=0))
    right, bottom = (float(v) for v in box.max(axis=0))
    turn = (90 * quarters + 90 * _is_tall(box)) % 360
    places = tuple(
        Place(start, end, _turned_back(_between(box, a, b), size, quarters), turn)
        for start, end, a, b in _shares(text, read.columns)
    )
    return Line(text, read.score, left, top, right, bottom, places, not quarters)


def _shares(text: str, columns: list[float]) -> Iterator[tuple[int, int, float, float]]:
    """(start, end, left, right) of each word: its characters, and where it is along the line. All
    of the text as one piece where the columns are not those of its characters."""
    words = [m.span() for m in re.finditer(r"\S+", text)]
    letters = sum(end - start for start, end in words)
    if letters != len(columns) or letters < 2:
        if text:
            yield 0, len(text), 0.0, 1.0
        return
    # half a letter, as letters are seen at their middles, and a little of the space beside it
    half = 0.6 * (columns[-1] - columns[0]) / (len(text) - 1)
    at = 0
    for start, end in words:
        first, last = columns[at], columns[at + end - start - 1]
        left = 0.0 if start == 0 else max(0.0, first - half)
        right = 1.0 if end == len(text) else min(1.0, last + half)
        yield start, end, min(left, right), max(left, right)
        at += end - start


def _is_tall(box: Boxes) -> bool:
    """Whether a line is read from the top down."""
    return bool(np.linalg.norm(box[0] - box[3]) >= TALL * np.linalg.norm(box[0] - box[1]))


def _between(box: Boxes, left: float, right: float) -> Boxes:
    """The part of a line's box from `left` to `right`, shares of its length."""
    a, b, c, d = box
    if _is_tall(box):
        return np.stack([a + (d - a) * left, b + (c - b) * left,
                         b + (c - b) * right, a + (d - a) * right])  # fmt: skip
    return np.stack([a + (b - a) * left, a + (b - a) * right,
                     d + (c - d) * right, d + (c - d) * left])  # fmt: skip


def _turned_back(box: Boxes, size: tuple[int, int], quarters: int) -> Rect:
    """A box of an image that was turned so many quarters anticlockwise, in fractions of the image
    as it was before."""
    at = np.clip(box / np.array(size, np.float32), 0.0, 1.0)
    for _ in range(quarters):
        at = np.stack([1.0 - at[:, 1], at[:, 0]], axis=1)
    left, top = (float(v) for v in at.min(axis=0))
    right, bottom = (float(v) for v in at.max(axis=0))
    return left, top, right, bottom
