"""What a picture's file gives: segments and warnings."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from omni_core.media.service import MediaService
from omni_core.types import CutOptions, FileWarning, Segment, Source


@pytest.fixture
def pieces(svc: MediaService) -> Callable[[Path], tuple[list[Segment], list[str]]]:
    """Probe and decompose a file: (segments, warnings)."""

    def run(path: Path) -> tuple[list[Segment], list[str]]:
        info = svc.probe(str(path))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        source = Source(
            digest, str(path), info.title, info.modality, info.mime, 1, info.duration_s, info.pages
        )
        found = list(svc.decompose(str(path), source, CutOptions()))
        return (
            [piece for piece in found if isinstance(piece, Segment)],
            [piece.message for piece in found if isinstance(piece, FileWarning)],
        )

    return run
