"""What Outlook wraps a message in: winmail.dat."""

from __future__ import annotations

import base64
import random
import struct
from pathlib import Path

import pytest

from omni_core.errors import UnreadableError
from omni_core.media.service import MediaService
from omni_core.media.text.mail import Mail, read_mail
from omni_core.media.text.mail_rtf import body_of
from omni_core.media.text.mail_tnef import SIGNATURE, unwrapped

SUBJECT, BODY, RTF, HTML, NAME, DATA, SENDER = 0x37, 0x1000, 0x1009, 0x1013, 0x3707, 0x3701, 0xC1A
PAGE = (
    rb"{\rtf1\ansi\ansicpg1252\fromhtml1 \deff0{\fonttbl{\f0\fswiss Arial;}}"
    rb"{\*\htmltag64 <p>}\htmlrtf {\htmlrtf0 The caf\'e9 opens {\*\htmltag84 <b>}\htmlrtf "
    rb"{\b\htmlrtf0 early{\*\htmltag92 </b>}\htmlrtf }\htmlrtf0 .{\*\htmltag72 </p>}\htmlrtf \par"
    rb"}\htmlrtf0 }"
)
PLAIN = (
    rb"{\rtf1\ansi\ansicpg1251\fromtext{\fonttbl{\f0\fcharset204 Arial;}{\f1\fcharset128 M;}}"
    rb"\f0 \'cf\'f0\'e8\'e2\'e5\'f2\par\f1 \'93\'fa\'96\'7b\par\f0\uc1\u8364?5\tab x}"
)


def _stored(rtf: bytes) -> bytes:
    """RTF in its container, not compressed."""
    return struct.pack("<IIII", len(rtf) + 12, len(rtf), 0x414C454D, 0) + rtf


def _properties(*values: tuple[int, int, bytes]) -> bytes:
    out = struct.pack("<I", len(values) + 2)
    out += struct.pack("<HHI", 3, 0x17, 1)  # a number
    out += struct.pack("<HH16sIIHxx", 0x1E, 0x8001, bytes(16), 1, 2, 0) + struct.pack("<II", 1, 0)
    for tag, kind, data in values:
        out += struct.pack("<HHII", kind, tag, 1, len(data)) + data + bytes(-len(data) % 4)
    return out


def _attribute(level: int, tag: int, data: bytes) -> bytes:
    return struct.pack("<BII", level, tag, len(data)) + data + struct.pack("<H", sum(data) % 65536)


def _wide(tag: int, text: str) -> tuple[int, int, bytes]:
    return tag, 0x1F, text.encode("utf-16-le") + b"\0\0"


def _tnef(*values: tuple[int, int, bytes], files: dict[str, bytes] | None = None) -> bytes:
    out = SIGNATURE + b"\1\0" + _attribute(1, 0x00069003, _properties(*values))
    for name, data in (files or {}).items():
        out += _attribute(2, 0x00069002, bytes(14)) + _attribute(2, 0x0006800F, data)
        out += _attribute(2, 0x00069005, _properties(_wide(NAME, name)))
    return out


def _mail(wrapped: bytes, body: str = "", kind: str = "application/ms-tnef") -> Mail:
    return read_mail(
        (
            "From: pat@example.org\nSubject: Plan\nDate: Wed, 6 Mar 2024 09:00:00 +0000\n"
            'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="b"\n\n'
            f"--b\nContent-Type: text/plain; charset=utf-8\n\n{body}\n"
            f'--b\nContent-Type: {kind}; name="winmail.dat"\n'
            'Content-Disposition: attachment; filename="winmail.dat"\n'
            f"Content-Transfer-Encoding: base64\n\n{base64.encodebytes(wrapped).decode()}\n--b--\n"
        ).encode()
    )


@pytest.mark.parametrize("kind", ["application/ms-tnef", "application/octet-stream"])
def test_files_that_outlook_wraps_are_read_or_named(kind: str) -> None:
    files = {"notes.txt": b"twelve pilots", "plan.dwg": b"\1\2\3\0", "mail.eml": b"From: a@b\n\nHi"}
    found = _mail(_tnef(files=files), "See below.", kind)

    assert "twelve pilots" in found.text
    assert "Hi" in found.text
    assert [name.partition(" (")[0] for name in found.unread] == ["plan.dwg"]


@pytest.mark.parametrize(
    "body",
    [(RTF, 0x102, _stored(PAGE)), (HTML, 0x102, "<p>The café opens <b>early</b>.</p>".encode()),
     _wide(BODY, "The café opens early.")],
)  # fmt: skip
def test_a_body_that_only_outlook_could_read_is_read_once(body: tuple[int, int, bytes]) -> None:
    assert _mail(_tnef(body)).text.count("The café opens early.") == 1
    assert _mail(_tnef(body), "The café opens early.").text.count("The café opens early.") == 1


def test_a_message_within_one_is_read() -> None:
    inner = _tnef(_wide(SUBJECT, "Inner"), _wide(BODY, "Far within."))
    outer = SIGNATURE + b"\1\0" + _attribute(2, 0x00069002, bytes(14))
    outer += _attribute(2, 0x00069005, _properties((DATA, 0x0D, bytes(16) + inner)))
    found = _mail(outer)

    assert "Subject: Inner" in found.text
    assert "Far within." in found.text


def test_the_file_alone_is_a_mail(svc: MediaService, tmp_path: Path) -> None:
    path = tmp_path / "winmail.dat"
    path.write_bytes(
        _tnef(
            _wide(SUBJECT, "Harbour plan"), _wide(SENDER, "Ada"), (RTF, 0x102, _stored(PLAIN)),
            (0x39, 0x40, b""),
        )
    )  # fmt: skip

    assert svc.probe(str(path)).title == "Harbour plan"
    with pytest.raises(UnreadableError):
        path.write_bytes(SIGNATURE + bytes(40))
        svc.probe(str(path))


def test_a_receipt_without_text_is_no_damage(svc: MediaService, tmp_path: Path) -> None:
    receipt = _tnef((0x70, 0x1E, b"Harbour plan\0"), (0x1042, 0x1E, b"id\0"))
    path = tmp_path / "winmail.dat"
    path.write_bytes(receipt + b"\x8f<\n")
    assert svc.probe(str(path)).title == "Harbour plan"
    assert _mail(receipt, "Read.").unread == []
    assert _mail(receipt[:-9], "Read.").unread == ["winmail.dat (damaged)"]
    report = _mail(_tnef((0x1001, 0x1E, b"Read on Monday.\0")))
    assert "Read on Monday." in report.text
    assert _mail(_tnef((RTF, 0x102, _stored(b"{\\rtf1 }"))), "Read.").unread == []
    for junk in (bytes(range(40)), _stored(PAGE)[:12]):
        assert _mail(_tnef((RTF, 0x102, junk)), "Read.").unread == ["winmail.dat (damaged)"]


def test_rtf_of_mail_is_read_in_its_code_pages() -> None:
    assert body_of(PLAIN) == ("Привет\n日本\n€5\tx", False)
    assert body_of(PAGE) == ("<p>The café opens <b>early</b>.</p>", True)


def test_a_damaged_file_is_named_and_costs_nothing_else() -> None:
    whole = _tnef((RTF, 0x102, _stored(PAGE)), files={"a.txt": b"words"})
    draw = random.Random(7)  # noqa: S311
    for _ in range(300):
        damaged = bytearray(whole[: draw.randrange(6, len(whole) + 1)])
        for _ in range(draw.randrange(6)):
            damaged[draw.randrange(len(damaged))] = draw.randrange(256)
        unwrapped(bytes(damaged))
    found = _mail(SIGNATURE + b"\1\0", "Before it.")

    assert "Before it." in found.text
    assert found.unread == ["winmail.dat (damaged)"]
