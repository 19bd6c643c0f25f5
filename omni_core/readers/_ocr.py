"""PP-OCRv6 through RapidOCR: pixels to lines of words. The only file that imports it."""

from __future__ import annotations

import logging
import math
from pathlib import Path
from typing import Any

import numpy as np

from omni_core.readers._layout import Line
from omni_core.types import Pixels

LOOK_EDGE = 640
"""Long edge of the first look, pixels."""
READ_EDGE = 1280
"""Long edge at which words are found; they are read at full size."""
MIN_SCORE = 0.6


class Ocr:
    """Detector, direction classifier and recogniser on ONNX Runtime, from local files."""

    def __init__(self, detect: Path, recognise: Path, direction: Path, *, threads: int = 0) -> None:
        """Load the three models; raises when one is broken."""
        from rapidocr import RapidOCR

        # with explicit paths nothing is downloaded and nothing is written beside the package
        self._engine: Any = RapidOCR(
            params={
                "Global.log_level": "critical",
                "Global.max_side_len": 100_000,
                "Global.use_cls": False,
                "Global.text_score": MIN_SCORE,
                "EngineConfig.onnxruntime.intra_op_num_threads": threads or -1,
                "Det.model_path": str(detect),
                "Det.limit_type": "max",
                "Det.limit_side_len": READ_EDGE,
                "Cls.model_path": str(direction),
                "Rec.model_path": str(recognise),
            }
        )
        logging.getLogger("RapidOCR").setLevel(logging.CRITICAL)
        self._engine._load_det_model()
        self._engine._load_rec_model()

    def read(self, pixels: Pixels, *, look_first: bool = True) -> list[Line]:
        """The lines of words in a picture, unordered; empty where there are none."""
        picture = np.ascontiguousarray(pixels[:, :, ::-1])
        if look_first and not self._look(picture):
            return []
        result = self._engine(picture, use_det=True, use_cls=False, use_rec=True)
        if result.boxes is None or result.txts is None:
            return []
        return [
            _line(text, float(score), box)
            for text, score, box in zip(result.txts, result.scores, result.boxes, strict=True)
        ]

    def _look(self, picture: Pixels) -> bool:
        """Whether a small copy shows anything like words."""
        step = math.ceil(max(picture.shape[:2]) / LOOK_EDGE)
        if step < 2:
            return True
        import cv2

        height, width = picture.shape[0] // step, picture.shape[1] // step
        small = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
        found = self._engine(small, use_det=True, use_cls=False, use_rec=False)
        return found.boxes is not None and len(found.boxes) > 0


def _line(text: str, score: float, box: Any) -> Line:
    left, top = (float(v) for v in box.min(axis=0))
    right, bottom = (float(v) for v in box.max(axis=0))
    return Line(text, score, left, top, right, bottom)
