"""Two real voices told apart: at ingest, and afterwards. Wants the weights."""

from __future__ import annotations

import asyncio
import os
import wave
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from omni_core import Engine, IngestRequest, plugins, weights
from omni_core.errors import BadRequestError, UnavailableError
from omni_core.readers.speakers import SpeakerReader
from omni_core.settings import Settings

pytestmark = pytest.mark.timeout(300)

LIBRARY = Path(__file__).parents[4] / "samples" / "library"
AUSTEN = [
    LIBRARY / "audio" / f"sense_and_sensibility_01_austen_64kb-{n}.wav" for n in ("0870", "0890")
]
SPANISH = LIBRARY / "field-trip" / "message-es.ogg"
CUE = "{0} --> {1}\nThese are the words of part {2}.\n"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    folder = os.environ.get("OMNI_WEIGHTS_DIR", "")
    settings = Settings(
        store=str(tmp_path / "store"), weights_dir=folder, encoder="hashing", speech="off",
        screen_text="off", timezone="UTC",
    )  # fmt: skip
    try:
        weights.find("speakers", settings)
    except UnavailableError as e:
        pytest.skip(f"set OMNI_WEIGHTS_DIR to a folder with speakers/pretrained.pt: {e}")
    if SpeakerReader not in plugins.load_all(plugins.READERS).classes:
        pytest.skip("the installed omni-mcp has no reader of speakers: install this one")
    return settings


def sound(path: Path) -> NDArray[np.float32]:
    resampler = av.AudioResampler(format="flt", layout="mono", rate=16000)
    with av.open(str(path)) as c:
        blocks = [r.to_ndarray()[0] for f in c.decode(audio=0) for r in resampler.resample(f)]
    samples = np.concatenate(blocks)
    found: NDArray[np.float32] = samples * (0.05 / np.sqrt(np.mean(np.square(samples))))
    return found


def talk(folder: Path) -> Path:
    """The reader, the other voice, the reader; with subtitles that name nobody."""
    parts = [sound(p) for p in (AUSTEN[0], SPANISH, AUSTEN[1])]
    cues, at = ["WEBVTT\n"], 0.0
    for number, part in enumerate(parts):
        end = at + len(part) / 16000
        cues.append(CUE.format(f"00:{at:06.3f}", f"00:{end:06.3f}", number))
        at = end
    with wave.open(str(folder / "talk.wav"), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16000)
        out.writeframes((np.clip(np.concatenate(parts), -1, 1) * 32000).astype("<i2").tobytes())
    (folder / "talk.vtt").write_text("\n".join(cues))
    return folder / "talk.wav"


async def test_speakers_are_told_apart_at_ingest_and_found_again(
    engine: Engine, tmp_path: Path
) -> None:
    path = await asyncio.to_thread(talk, tmp_path)
    async with asyncio.timeout(200):
        status = await engine.ingest(IngestRequest(str(path)))
        assert status.state == "ready" and "speakers" in status.timings
        (first,) = await engine.speakers(status.source_id)
        assert [s.letter for s in first.speakers] == ["A", "B"]
        lines = (await engine.read(status.source_id)).lines
        assert [x.speaker for x in lines] == ["speaker A", "speaker B", "speaker A"]
        await engine.name_speaker(status.source_id, "A", "Emma")
        again = await engine.find_speakers(status.source_id)
    assert [s.name for s in again.speakers] == ["Emma", ""]
    assert [s.turns for s in again.speakers] == [s.turns for s in first.speakers]


async def test_a_picture_has_no_speakers(engine: Engine, media: Path) -> None:
    async with asyncio.timeout(60):
        status = await engine.ingest(IngestRequest(str(media / "lake.jpg")))
    with pytest.raises(BadRequestError, match="no sound"):
        await engine.find_speakers(status.source_id)
