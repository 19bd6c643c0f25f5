"""Containers of subtitles alone are read as subtitles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import pytest

from omni_core.errors import UnreadableError
from omni_core.types import Channel, CutOptions, FileWarning, Modality, Segment, Source

CUES = [(0.5, 2.0, "The lock keeper opens the sluice."), (3.0, 5.5, "Then the boat goes up.")]


def write(path: Path, tracks: int = 1) -> Path:
    """A file with the cues in `tracks` tracks, written packet by packet: PyAV has no encoder."""
    srt = path.with_suffix(".srt")

    def clock(second: float) -> str:
        return f"00:00:{second:06.3f}".replace(".", ",")

    lines = [f"{n}\n{clock(a)} --> {clock(b)}\n{text}\n" for n, (a, b, text) in enumerate(CUES, 1)]
    srt.write_text("\n".join(lines))
    with av.open(str(srt)) as source, av.open(str(path), "w", format="matroska") as c:
        packets = list(source.demux(source.streams.subtitles[0]))
        streams = [c.add_stream_from_template(source.streams.subtitles[0]) for _ in range(tracks)]
        for n, stream in enumerate(streams):
            stream.metadata["language"] = ("eng", "deu", "fra", "deu")[n]
        for packet in packets:
            if packet.size:
                for stream in streams:
                    packet.stream = stream
                    c.mux(packet)
    srt.unlink()
    return path


@pytest.fixture
def mks(tmp_path: Path) -> Path:
    return write(tmp_path / "boat.mks")


def test_a_matroska_subtitle_file_is_a_document_with_times(mks: Path, svc: Any, cut: Any) -> None:
    info = svc.probe(str(mks))
    assert info.modality is Modality.DOCUMENT
    assert info.duration_s == pytest.approx(5.5, abs=0.01)
    segments = cut(mks)
    assert {s.channel for s in segments} == {Channel.SPEECH}
    assert " ".join(s.text for s in segments) == " ".join(text for _, _, text in CUES)
    assert segments[0].span.start == pytest.approx(0.5, abs=0.01)
    assert segments[0].origin == "subtitle track eng"


def test_each_language_is_read_and_a_second_track_of_one_is_named(tmp_path: Path, svc: Any) -> None:
    path = write(tmp_path / "boat.mks", tracks=4)
    info = svc.probe(str(path))
    source = Source("0" * 64, str(path), "", info.modality, info.mime, 1, info.duration_s)
    items = list(svc.decompose(str(path), source, CutOptions()))
    read = {i.origin: i.text for i in items if isinstance(i, Segment)}
    assert [*read] == [f"subtitle track {code}" for code in ("eng", "deu", "fra")]
    assert len({*read.values()}) == 1
    warned = [i.message for i in items if isinstance(i, FileWarning)]
    assert warned == ["subtitles not read: track 4 deu"]


def test_a_container_with_nothing_says_so(tmp_path: Path, svc: Any) -> None:
    path = tmp_path / "empty.mkv"
    path.write_bytes(bytes.fromhex("1a45dfa3") + bytes(4000))
    with pytest.raises(UnreadableError):
        svc.probe(str(path))
