"""Of a broadcast of several programmes one is read, whole and alone, and the others are named."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from omni_core.types import AudioContent, CutOptions, FileLength, FileWarning, Segment, Source

PACKET, SECONDS, FPS = 188, 6, 25
HEAD = 8
"""Packets of the first programme before the second begins: its tables."""
LATER_S = 5000
"""How far the second programme's clock is ahead."""


def checked(section: bytes) -> bytes:
    """The section with its checksum (ISO/IEC 13818-1, annex A)."""
    crc = 0xFFFFFFFF
    for byte in section:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ 0x04C11DB7 if crc & 0x80000000 else crc << 1) & 0xFFFFFFFF
    return section + crc.to_bytes(4, "big")


def table_of(programmes: dict[int, int]) -> bytes:
    body = b"".join(
        n.to_bytes(2, "big") + (0xE000 | pid).to_bytes(2, "big") for n, pid in programmes.items()
    )
    length = (0xB000 | (len(body) + 9)).to_bytes(2, "big")
    section = checked(b"\0" + length + b"\0\1\xc1\0\0" + body)
    return (b"G\x40\0\x10\0" + section).ljust(PACKET, b"\xff")


def packets_of(path: Path) -> Iterator[tuple[int, bytes]]:
    data = path.read_bytes()
    for at in range(0, len(data), PACKET):
        packet = data[at : at + PACKET]
        yield (packet[1] & 0x1F) << 8 | packet[2], packet


@pytest.fixture
def broadcast(film: Any, tools: Any, tone: Any, tmp_path: Path) -> Any:
    """Two programmes of six seconds, in turns; the second has other pictures, another tone and
    another clock. tables_only: a recorder has left the second one out."""

    def make(*, tables_only: bool = False) -> Path:
        made = []
        for n, (name, hz) in enumerate((("Harbour TV", 440), ("Volcano TV", 1500))):
            late = LATER_S * n
            frames = [tools.barcode(i + 1000 * n) for i in range(SECONDS * FPS)]
            path = film(
                frames, suffix=".ts", codec="mpeg2video", sound_codec="mp2",
                sound=tone(SECONDS, hz=hz), sound_at=float(late),
                at=[i + late * FPS for i in range(len(frames))],
                tags={"service_name": name, "service_provider": "Coast"},
                form={
                    "mpegts_start_pid": str(0x100 * (n + 1)), "mpegts_service_id": str(n + 1),
                    "mpegts_pmt_start_pid": str(0x1000 + 0x100 * n),
                },
            )  # fmt: skip
            made.append(list(packets_of(path)))
        pat = table_of({1: 0x1000, 2: 0x1100})
        second = iter(p for p in made[1] if p[0] and not (tables_only and p[0] < 0x1000))
        out = []
        for n, (pid, packet) in enumerate(made[0]):
            out.append(packet if pid else pat)
            out += [p for _, p in itertools.islice(second, 2 * (n > HEAD))]
        out += [p for _, p in second]
        path = tmp_path / "broadcast.ts"
        path.write_bytes(b"".join(out))
        return path

    return make


@pytest.fixture
def items(svc: Any) -> Any:
    def run(path: Path) -> list[Any]:
        info = svc.probe(str(path))
        source = Source("0" * 64, str(path), "a", info.modality, info.mime, 1, info.duration_s)
        return [info, *svc.decompose(str(path), source, CutOptions())]

    return run


def pitch(samples: Any) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * 16000 / len(samples))


def test_one_programme_is_read_alone_and_the_other_is_named(broadcast: Any, items: Any) -> None:
    info, *found = items(broadcast())
    assert [i.message for i in found if isinstance(i, FileWarning)] == [
        "programmes not read: Volcano TV; save each as a file of its own and ingest it"
    ]
    heard = [i.content for i in found if isinstance(i, Segment)]
    sound = [c.samples for c in heard if isinstance(c, AudioContent)]
    assert pitch(np.concatenate(sound)) == pytest.approx(440, abs=5)
    levels = np.abs(np.fft.rfft(np.concatenate(sound)))
    at = len(np.concatenate(sound)) * 1500 // 16000
    assert levels[at - 9 : at + 9].max() < 0.01 * levels.max()
    assert info.duration_s == pytest.approx(SECONDS, abs=0.1)


def test_the_clock_of_another_programme_counts_for_nothing(
    broadcast: Any, items: Any, svc: Any, read_barcode: Any
) -> None:
    path = broadcast()
    (length,) = (i for i in items(path) if isinstance(i, FileLength))
    assert length.seconds == pytest.approx(SECONDS, abs=0.1)
    ((_, pixels),) = svc.frames(str(path), [3.0], 640)
    assert read_barcode(pixels) == pytest.approx(3 * FPS, abs=1)
    assert pitch(svc.audio(str(path), 1.0, 4.0)) == pytest.approx(440, abs=5)


def test_a_programme_that_a_recorder_left_out_is_not_named(broadcast: Any, items: Any) -> None:
    found = items(broadcast(tables_only=True))
    assert not [i for i in found if isinstance(i, FileWarning)]
