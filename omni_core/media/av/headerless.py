"""Sound without any header, as telephone systems write it, and JPEGs one after the other, as
cameras do: only the name of such a file tells."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

from omni_core.media.av.g726 import is_right_justified
from omni_core.text.charset import decode, is_text

_GSM_FRAME, _GSM_MARK = 33, 0xD0


@dataclass(frozen=True, slots=True)
class Headerless:
    """How FFmpeg calls the format, its samples a second where it has to be told, its type, and the
    bits of a sample where these have to be told too."""

    form: str
    rate: int
    mime: str
    bits: int = 0

    @property
    def options(self) -> dict[str, str]:
        """What FFmpeg has to be told."""
        told = {"sample_rate": self.rate, "code_size": self.bits}
        return {name: str(value) for name, value in told.items() if value}


_MULAW = Headerless("mulaw", 8000, "audio/basic")
_ALAW = Headerless("alaw", 8000, "audio/x-alaw-basic")
KINDS = {
    ".ulaw": _MULAW, ".ul": _MULAW, ".mulaw": _MULAW, ".pcmu": _MULAW, ".alaw": _ALAW,
    ".al": _ALAW, ".pcma": _ALAW, ".sln": Headerless("s16le", 8000, "audio/L16"),
    ".gsm": Headerless("gsm", 0, "audio/x-gsm"), ".g722": Headerless("g722", 0, "audio/G722"),
    ".g726": Headerless("g726", 8000, "audio/x-g726", 4),
    **{
        f".g726-{8 * bits}": Headerless("g726", 8000, "audio/x-g726", bits)
        for bits in (2, 3, 4, 5)
    },
}  # fmt: skip
MOTION_JPEG = (".mjpeg", ".mjpg")
_MJPEG = Headerless("mjpeg", 0, "video/x-motion-jpeg")
_JPEG = b"\xff\xd8\xff"
_HEAD = 4096
_HEADERS = (b"RIFF", b"RIFX", b"FORM", b"OggS", b"fLaC", b"ID3", b".snd", b"caff")
FORMS = {kind.form: kind for kind in reversed(KINDS.values())}


def headerless(path: str) -> Headerless | None:
    """The kind that the file's name says; None for others, for a text, and for one that has a
    header."""
    suffix = os.path.splitext(path)[1].lower()
    if suffix not in KINDS and suffix not in MOTION_JPEG:
        return None
    with open(path, "rb") as f:
        head = f.read(_HEAD)
    if suffix in MOTION_JPEG:
        return _MJPEG if is_motion_jpeg(head, suffix) else None
    has_header = head.startswith(_HEADERS) or head[4:8] == b"ftyp"
    if has_header or _is_text(head):
        return None
    kind = KINDS[suffix]
    return (
        replace(kind, form="g726le") if kind.bits and is_right_justified(head, kind.bits) else kind
    )


def is_motion_jpeg(head: bytes, suffix: str) -> bool:
    """Whether a file of this name begins with a JPEG; an AVI may have the name as well."""
    return suffix in MOTION_JPEG and head.startswith(_JPEG)


def is_headerless(head: bytes, suffix: str) -> bool:
    """Whether a file of this name may be headerless sound. Frames of GSM have a mark each."""
    if suffix == ".gsm":
        marks = head[::_GSM_FRAME][:8]
        return len(marks) > 1 and all(mark & 0xF0 == _GSM_MARK for mark in marks)
    return suffix in KINDS and not _is_text(head)


def _is_text(head: bytes) -> bool:
    """Whether the first bytes are a text of words and lines. Those of silence and of quiet sound
    may be letters all of them, without a space or a line end."""
    if not is_text(head):
        return False
    text = decode(head)
    return " " in text and "\n" in text
