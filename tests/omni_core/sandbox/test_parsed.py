"""What child processes answer is parsed: no pickle of theirs is loaded, and nothing else passes."""

from __future__ import annotations

import ast
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from omni_core.codec import Codec, MalformedError, codec, frames
from omni_core.decoder import ANSWERS
from omni_core.models import answers
from omni_core.types import (
    Channel,
    Encoded,
    FileLength,
    FileWarning,
    ImageContent,
    Modality,
    Pixels,
    PlacedWord,
    Samples,
    Segment,
    Span,
    TextContent,
    Turn,
    VideoContent,
    Voices,
)

ROOT = Path(__file__).parents[3]
LOADS_PICKLES = {
    "omni_core/worker_child.py",  # in the child, what its parent sends
    "omni_core/models/serving/process.py",  # in the process that wrote it, before it became new
    "omni_core/weights/checkpoints.py",  # three names only, of files that are checked by their hash
    "omni_core/encoders/embedded/face_nets.py",  # joblib, of a file that is checked by its hash
}


def test_pickles_are_loaded_in_children_alone_and_of_checked_files() -> None:
    found = set()
    for path in (*ROOT.glob("omni_core/**/*.py"), *ROOT.glob("server/omni_server/**/*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            named = ast.unparse(node) if isinstance(node, ast.Attribute) else ""
            if named in ("pickle.loads", "pickle.load", "pickle.Unpickler", "joblib.load"):
                found.add(path.relative_to(ROOT).as_posix())
    assert found == LOADS_PICKLES


PICTURE = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
SEGMENT = Segment("src_a", Modality.DOCUMENT, Channel.TEXT, Span("page", 1, 2), None, "words")
ITEM = Segment | FileWarning | FileLength
VALUES: list[tuple[Any, Any]] = [
    (Pixels, PICTURE),
    (Samples, np.zeros(0, np.float32)),
    (list[tuple[float, Pixels]], [(0.5, PICTURE), (1.0, PICTURE)]),
    (list[PlacedWord], [PlacedWord("Ärger \U0001f600", 0.0, 0.1, 0.2, 0.3)]),
    (ITEM, SEGMENT),
    (ITEM, FileWarning("cut short")),
    (ITEM, FileLength(12.5)),
    (answers.Processed, answers.Processed((Encoded(SEGMENT, np.ones(3, np.float32)),), {"a": 0.1})),
    (answers.SavedReaders, answers.SavedReaders(b"\0state", answers.Processed(()))),
    (answers.ModelStatus, answers.ModelStatus("ready", "loading")),
    (Voices | None, Voices((Turn(0.0, 1.0, 0),), (np.ones(4, np.float32),))),
]


def _sent(hint: Any, value: Any) -> tuple[Codec, bytes]:
    how = codec(hint)
    return how, b"".join(frames.pack(how, value))


def _same(one: Any, other: Any) -> bool:
    return bool(str(_plain(one)) == str(_plain(other)) and type(one) is type(other))


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.dtype, value.shape, value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    fields = getattr(value, "__dataclass_fields__", None)
    return {f: _plain(getattr(value, f)) for f in fields} if fields else repr(value)


@pytest.mark.parametrize(("hint", "value"), VALUES, ids=str)
def test_every_kind_of_answer_arrives_as_it_was_sent(hint: Any, value: Any) -> None:
    how, message = _sent(hint, value)
    assert _same(frames.unpack(how, memoryview(bytearray(message))), value)


def test_half_a_character_arrives_as_the_sign_for_a_lost_one() -> None:
    how = codec(str)
    text = "dam \ud83c\udf0a level \udb62 high"  # a pair in halves, and a lone half
    message = memoryview(bytearray(b"".join(frames.pack(how, text))))
    arrived = frames.unpack(how, message)
    assert arrived == "dam \U0001f30a level \ufffd high"
    assert arrived.encode().decode() == arrived


def test_a_shot_with_its_frames_arrives_whole_and_shares_the_memory_of_the_message() -> None:
    clip = np.arange(2 * 4 * 6 * 3, dtype=np.uint8).reshape(2, 4, 6, 3)
    sound = np.linspace(-1, 1, 99, dtype=np.float32)
    content = VideoContent(clip[:, ::-1], (0.0, 1.5), 0.5, PICTURE, sound)  # not contiguous
    shot = Segment("src_a", Modality.VIDEO, Channel.VISUAL, Span("second", 0, 3), content)
    how, message = _sent(ITEM, shot)
    buffer = bytearray(message)
    arrived = frames.unpack(how, memoryview(buffer))
    assert _same(arrived.content, content)
    assert np.shares_memory(arrived.content.frames, np.frombuffer(buffer, np.uint8))
    assert arrived.content.audio.flags.aligned


@pytest.mark.parametrize(("hint", "value"), VALUES, ids=str)
def test_damaged_answers_are_refused_or_are_values_of_their_type(hint: Any, value: Any) -> None:
    how, message = _sent(hint, value)
    dice = random.Random(1)  # noqa: S311 - damage, no secret
    for _ in range(300):
        bad = bytearray(message)
        for _ in range(dice.choice((1, 1, 4))):
            bad[dice.randrange(len(bad))] = dice.randrange(256)
        if dice.random() < 0.2:
            del bad[dice.randrange(len(bad)) :]
        try:
            arrived = frames.unpack(how, memoryview(bad))
        except MalformedError:
            continue
        frames.pack(how, arrived)  # raises for what is no value of the type


@pytest.mark.parametrize(
    ("hint", "text", "blobs"),
    [
        (Pixels, b"[0,[2,2,3]]", [bytes(11)]),
        (Pixels, b"[0,[2,2,4]]", [bytes(16)]),
        (Pixels, b"[0,[4,3]]", [bytes(12)]),
        (Pixels, b"[0,[-1,-4,3]]", [bytes(12)]),
        (Pixels, b"[0,[true,4,3]]", [bytes(12)]),
        (Pixels, b"[1,[1,4,3]]", [bytes(12)]),
        (Pixels, b"[-1,[1,4,3]]", [bytes(12)]),
        (Pixels, b"[0,[9999999999999999999,0,3]]", [b""]),
        (Pixels, b"null", []),
        (float, b"NaN", []),
        (float, b"1e999999" + b"9" * 5000, []),
        (int, b"9" * 5000, []),
        (float, b"9" * 30, []),
        (answers.ModelStatus, b"[" * 100_000, []),
        (Span, b'{"axis":"second","start":0}', []),
        (Span, b'{"axis":"second","start":0,"end":1,"more":2}', []),
        (Span, b'{"axis":"third","start":0,"end":1}', []),
        (Span, b'{"axis":["second"],"start":0,"end":1}', []),
        (ITEM, b"[3,{}]", []),
        (ITEM, b"[true,{}]", []),
        (list[PlacedWord], b'{"0":1}', []),
    ],
)  # fmt: skip
def test_what_is_no_value_of_the_type_is_refused(hint: Any, text: bytes, blobs: list[Any]) -> None:
    with pytest.raises(MalformedError):
        frames.decoded(codec(hint), text, blobs)


def test_a_number_that_is_none_is_not_sent() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        frames.pack(codec(float), float("nan"))


def test_a_value_of_another_type_is_not_sent() -> None:
    for hint, value in (
        (Pixels, np.zeros((2, 2), np.uint8)),
        (Pixels, np.zeros((2, 2, 3), np.float32)),
        (ITEM, TextContent("x")),
        (ImageContent, TextContent("x")),
    ):
        with pytest.raises(TypeError):
            frames.pack(codec(hint), value)


def test_every_answer_of_a_decoder_and_of_the_models_has_a_codec() -> None:
    from omni_core.codec import codecs
    from omni_core.models.service import ModelService

    assert {"probe", "decompose", "frames", "image", "page", "words", "clip", "audio"} <= set(
        codecs(ANSWERS)
    )
    returning = {
        name
        for name, method in vars(ModelService).items()
        if not name.startswith("_") and callable(method)
        and method.__annotations__.get("return") not in ("None", None)
    }  # fmt: skip
    assert returning - {"lane_of"} == set(codecs(answers.ANSWERS))
