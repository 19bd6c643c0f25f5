"""A track that nothing can decode costs that track; what is locked as a whole is called so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from omni_core.errors import UnreadableError
from omni_core.types import Channel, CutOptions, FileWarning, Modality, Segment, Source

PICTURES, SOUND = (b"V_MPEG4/ISO/AVC", b"V_QQQQQ/ISO/QQQ"), (b"A_AAC", b"A_QQQ")


@pytest.fixture
def named_otherwise(film: Any, tools: Any, tone: Any, tmp_path: Path) -> Any:
    """A film of four seconds with sound, of which these bytes are written as others."""

    def make(suffix: str, *changes: tuple[bytes, bytes]) -> Path:
        whole = film([tools.barcode(i) for i in range(100)], suffix=suffix, sound=tone(4))
        data = whole.read_bytes()
        for before, after in changes:
            assert before in data
            data = data.replace(before, after)
        path = tmp_path / f"film{suffix}"
        path.write_bytes(data)
        return path

    return make


@pytest.fixture
def items(svc: Any) -> Any:
    def run(path: Path) -> tuple[Modality, set[Channel], list[str]]:
        info = svc.probe(str(path))
        source = Source("0" * 64, str(path), "a", info.modality, info.mime, 1, info.duration_s)
        found = list(svc.decompose(str(path), source, CutOptions()))
        channels = {i.channel for i in found if isinstance(i, Segment)}
        return info.modality, channels, [i.message for i in found if isinstance(i, FileWarning)]

    return run


def test_the_sound_of_a_film_whose_pictures_nothing_decodes_is_heard(
    named_otherwise: Any, items: Any
) -> None:
    modality, channels, warnings = items(named_otherwise(".mkv", PICTURES))
    assert modality is Modality.AUDIO
    assert Channel.SOUND in channels
    assert warnings == ["pictures not seen: track 1 (in a codec that is not known)"]


def test_the_pictures_of_a_film_whose_sound_nothing_decodes_are_seen(
    named_otherwise: Any, items: Any
) -> None:
    modality, channels, warnings = items(named_otherwise(".mkv", SOUND))
    assert modality is Modality.VIDEO
    assert channels == {Channel.VISUAL}
    assert warnings == ["audio not heard: track 1 (in a codec that is not known)"]


def test_a_film_of_which_nothing_can_be_decoded_is_no_damaged_one(
    named_otherwise: Any, svc: Any
) -> None:
    with pytest.raises(UnreadableError, match="in a codec that is not known") as e:
        svc.probe(str(named_otherwise(".mkv", PICTURES, SOUND)))
    assert e.value.code == "UNSUPPORTED_TYPE"


def test_a_film_that_is_locked_is_called_encrypted(named_otherwise: Any, svc: Any) -> None:
    locked = named_otherwise(".mp4", (b"avc1\0\0\0\0", b"encv\0\0\0\0"), (b"mp4a\0", b"enca\0"))
    with pytest.raises(UnreadableError, match="protected against copying") as e:
        svc.probe(str(locked))
    assert e.value.code == "ENCRYPTED"


def test_a_film_of_which_one_track_is_locked_is_opened(named_otherwise: Any, items: Any) -> None:
    modality, channels, _ = items(named_otherwise(".mp4", (b"avc1\0\0\0\0", b"encv\0\0\0\0")))
    assert modality is not Modality.DOCUMENT
    assert Channel.SOUND in channels
