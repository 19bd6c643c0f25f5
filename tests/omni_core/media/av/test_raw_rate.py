"""Raw H.264 and HEVC are counted at the frame rate that the stream states."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import pytest

from omni_core.types import CutOptions, FileLength, Source


@pytest.mark.parametrize(("suffix", "codec"), [("h264", "libx264"), ("hevc", "libx265")])
@pytest.mark.parametrize("fps", [10, 1])
def test_a_raw_stream_lasts_as_long_as_its_own_rate_says(
    suffix: str, codec: str, fps: int, tmp_path: Path, svc: Any, tools: Any, read_barcode: Any
) -> None:
    path = tmp_path / f"raw.{suffix}"
    with av.open(str(path), "w", format=suffix) as c:
        stream = c.add_stream(codec, rate=fps)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        if codec == "libx265":
            stream.options = {"x265-params": "log-level=none"}
        for i in range(5 * fps):
            frame = av.VideoFrame.from_ndarray(tools.barcode(i), format="gray")
            c.mux(stream.encode(frame.reformat(format="yuv420p")))
        c.mux(stream.encode())
    info = svc.probe(str(path))
    assert info.duration_s == pytest.approx(5)
    source = Source("0" * 64, str(path), "", info.modality, info.mime, 1, info.duration_s)
    items = list(svc.decompose(str(path), source, CutOptions()))
    assert items[-1] == FileLength(5.0)
    ((at, pixels),) = svc.frames(str(path), [3.0], 160)
    assert at == pytest.approx(3)
    assert read_barcode(pixels) == 3 * fps
