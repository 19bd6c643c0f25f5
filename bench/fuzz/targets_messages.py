"""What other processes and machines send: children, a shared engine, a model server, uploads."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bench.fuzz.table import Target, of_text
from omni_core.codec import Codec, MalformedError, codecs, frames
from omni_core.decoder import ANSWERS
from omni_core.encoders.remote import wire as remote
from omni_core.encoders.remote.description import pack_info, unpack_info
from omni_core.errors import OmniError
from omni_core.index import wire
from omni_core.models import answers
from omni_core.payload import StoredSegment
from omni_core.points import Point
from omni_core.readers import state
from omni_core.sharing.link import from_bytes, to_bytes
from omni_core.types import (
    Channel,
    Encoded,
    EncoderInfo,
    ImageContent,
    MediaInfo,
    Modality,
    PlacedWord,
    Segment,
    Span,
    Sparse,
    TextContent,
)
from omni_server.http import tus
from omni_server.links import Links

PICTURE = np.zeros((2, 3, 3), np.uint8)
SEGMENT = Segment(
    "src_pymajtlc4gnb3nbd", Modality.DOCUMENT, Channel.TEXT, Span("page", 1, 2),
    TextContent("words"), "words", extra={"heading": "A"},
)  # fmt: skip
PROCESSED = answers.Processed((Encoded(SEGMENT, np.ones(3, np.float32)),), {"embed": 0.5})
POINT = Point(
    "5f1f3b0e-0b1e-4f6e-8d0a-7f3f6d1a2b3c", np.ones(4, np.float32), Sparse((1,), (0.5,)),
    StoredSegment({"text": "words"}),
)  # fmt: skip
FOUND = wire.Found([POINT.id], [b'{"text":"x"}'], [True], [([0], [0.5])])
INFO = EncoderInfo("a", "1", 3, frozenset({Channel.TEXT}))
VALUES: dict[str, Any] = {
    "probe": MediaInfo(Modality.VIDEO, "video/mp4", "A", 12.5),
    "decompose": SEGMENT,
    "frames": [(0.5, PICTURE)],
    "image": PICTURE,
    "words": [PlacedWord("a", 0.0, 0.1, 0.2, 0.3)],
    "clip": ("video/mp4", 0.0, 1.0),
    "audio": np.zeros(5, np.float32),
    "process": PROCESSED,
    "save": answers.SavedReaders(b"state", PROCESSED),
    "status": answers.ModelStatus("ready", "loading"),
    "encode_questions": [np.ones(3, np.float32), None],
}


def _answer(how: Codec, data: bytes) -> None:
    """A value that comes out is one of the type: it can be sent again."""
    frames.pack(how, frames.unpack(how, memoryview(bytearray(data))))


def _answers() -> list[Target]:
    known = {**codecs(ANSWERS), **codecs(answers.ANSWERS)}
    return [
        Target(
            f"answer {name}", functools.partial(_answer, known[name]),
            (b"".join(frames.pack(known[name], value)),), (MalformedError,),
        )
        for name, value in VALUES.items()
    ]  # fmt: skip


def _link(data: bytes) -> None:
    head = int.from_bytes(data[:4], "big")
    after = int.from_bytes(data[4:8], "big")
    if head + after > len(data):
        raise MalformedError("cut short")
    from_bytes(data[8 : 8 + head], data[8 + head : 8 + head + after])


def _state(data: bytes) -> None:
    values, _ = state.unpack(data)
    if "segment" in values:
        state.segment_of(values["segment"])


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="omni-fuzz-")  # removed at the end of the process


@functools.cache
def _links() -> Links:
    return Links(Path(_folder().name))


def _token() -> bytes:
    path = Path(_folder().name, "a.jpg")
    path.write_bytes(b"x")
    return _links().path(str(path)).rpartition("/")[2].encode()


def _link_of(token: str) -> None:
    file, _ = _links().opened(token)
    file.close()


def _info(data: bytes) -> None:
    import json

    try:
        described = json.loads(data)
    except (ValueError, RecursionError) as e:
        raise MalformedError(str(e)) from None
    unpack_info(described)


def targets() -> list[Target]:
    """The targets of this table."""
    import json

    bodies: list[tuple[str, Callable[[bytes], object], bytes]] = [
        ("index rankings", wire.rankings_of, wire.pack_found(FOUND)),
        ("index vectors", wire.vectors_of, wire.pack_vectors({0: np.ones(4, np.float32)})),
        ("index points", wire.points_of, wire.pack_points([POINT], "next")),
        ("remote contents", remote.unpack,
         remote.pack([TextContent("a"), ImageContent(PICTURE)], purpose="x")),
        ("remote vectors", remote.unpack_vectors,
         remote.pack_vectors([np.ones(3, np.float32), None])),
    ]  # fmt: skip
    shared = to_bytes({"call": 1, "method": "search", "a": [1, "x"], "b": 0}, [b"abc"])
    return [
        *_answers(),
        *(Target(f"message {name}", call, (seed,)) for name, call, seed in bodies),
        Target("message remote info", _info, (json.dumps(pack_info(INFO)).encode(),),
               (OmniError, MalformedError)),
        Target("message shared engine", _link, (shared,), (MalformedError,)),
        Target("message reader state", _state,
               (state.pack({"segment": state.segment_values(SEGMENT)}, {"a": np.ones(3)}),),
               (Exception,)),  # ours, from the catalog; the model worker makes any error a line
        Target("http link", of_text(_link_of), (_token(),)),
        Target("http upload", of_text(tus._metadata), (
            b"filename w4Rnc3QubXA0,sha256 YWJj,empty", b"name YQ==")),
        Target("http upload length", of_text(lambda t: tus._number({"a": t}, "a")), (b"12345678",)),
    ]  # fmt: skip
