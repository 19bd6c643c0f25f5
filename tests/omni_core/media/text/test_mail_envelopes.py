"""Signed, encrypted and encoded mail, and mail as programs keep it."""

from __future__ import annotations

import base64

import pytest

from omni_core.media.text.mail import read_mail
from omni_core.media.text.mail_start import looks_like_mail, messages_in
from omni_core.media.text.mail_yenc import without_yenc, yenc_names
from tests.omni_core.media.text.test_mail_forms import HEADS, PLAIN, mail, several

SAID = "The sluice opens at nine."
ARMOUR = "\n".join(["hQEMA0Yx9aXh2W7RAQfXkV1Qw3pRzT0oJ8mWqYB1Z5kD2cVxN7sLpUeGtHiIjK"] * 4)


def in_base64(data: bytes) -> str:
    return base64.encodebytes(data).decode()


def der(tag: int, *values: bytes) -> bytes:
    value = b"".join(values)
    return bytes((tag, 0x82)) + len(value).to_bytes(2, "big") + value


def envelope(content: bytes, kind: int = 2) -> bytes:
    """A signed message (kind 2) as a tree of ASN.1; 3 is an encrypted one."""
    names = [bytes.fromhex(f"06092a864886f70d0107{n:02}") for n in (kind, 1)]
    inner = der(0x30, names[1], der(0xA0, content))
    return der(0x30, names[0], der(0xA0, der(0x30, b"\2\1\1", der(0x31), inner)))


WHOLE = der(0x04, PLAIN.encode())
PIECES = b"\x24\x80" + der(0x04, PLAIN[:40].encode()) + der(0x04, PLAIN[40:].encode()) + b"\0\0"


@pytest.mark.parametrize("content", [WHOLE, PIECES])
def test_a_message_in_a_signed_envelope_is_read(content: bytes) -> None:
    head = "Content-Type: application/pkcs7-mime; name=smime.p7m\n"
    part = head + "Content-Transfer-Encoding: base64\n\n"
    found = mail(part + in_base64(envelope(content)))
    assert SAID in found.text
    assert not found.unread and not found.doubts


@pytest.mark.parametrize("data", [envelope(WHOLE, 3), envelope(b"")[:40], b"\0"])
def test_an_envelope_that_does_not_open_is_told_as_encrypted(data: bytes) -> None:
    head = "Content-Type: application/x-pkcs7-mime\nContent-Transfer-Encoding: base64\n\n"
    found = mail(head + in_base64(data))
    assert [doubt[:24] for doubt in found.doubts] == ["the message is encrypted"]
    assert "Subject: Harbour plan" in found.text


def test_a_message_encrypted_with_pgp_is_told_as_such_and_not_as_attachments() -> None:
    inner = f"Content-Type: application/octet-stream; name=encrypted.asc\n\n{ARMOUR}\n"
    found = mail(several("encrypted", "Content-Type: application/pgp-encrypted\n\nx\n", inner))
    assert [doubt[:24] for doubt in found.doubts] == ["the message is encrypted"]
    assert not found.unread


@pytest.mark.parametrize("kind", ["pkcs7-signature", "x-pkcs7-signature", "pgp-signature"])
def test_a_signature_holds_no_words_that_could_be_missed(kind: str) -> None:
    signature = f"Content-Type: application/{kind}; name=smime.p7s\n\n{ARMOUR}\n"
    found = mail(several("signed", PLAIN, signature))
    assert SAID in found.text and not found.unread and not found.doubts


def test_an_encrypted_passage_is_no_text_and_is_told() -> None:
    passage = f"-----BEGIN PGP MESSAGE-----\n\n{ARMOUR}\n-----END PGP MESSAGE-----\n"
    found = mail(f"{PLAIN}{passage}That is all.\n")
    assert SAID in found.text and "That is all." in found.text and "hQEMA" not in found.text
    assert [doubt[:29] for doubt in found.doubts] == ["a passage of the text is encr"]


def test_a_signed_text_is_read_without_the_numbers_of_its_signature() -> None:
    begin, end = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n", "SIGNATURE-----\n"
    signature = f"-----BEGIN PGP {end}\n{ARMOUR}\n-----END PGP {end}"
    found = mail(PLAIN.replace("The", f"{begin}- -- The") + signature)
    assert found.text.endswith("\n\n-- The sluice opens at nine.\n\n")
    assert "hQEMA" not in found.text and "Hash:" not in found.text and not found.doubts


def test_a_message_attached_in_base64_is_read() -> None:
    inner = in_base64((HEADS.replace("Harbour", "Inner") + PLAIN).encode())
    part = f"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n{inner}"
    found = mail(several("mixed", "Content-Type: text/plain\n\nSee below.\n", part)).text
    assert "Subject: Inner plan" in found and SAID in found


def test_a_file_in_the_bytes_of_yenc_is_named_instead_of_read() -> None:
    code = bytes(b for b in range(256) if b not in (0, 10, 13, 61))
    file = b"=ybegin line=128 size=600 name=quay.jpg\n" + code * 2 + b"\n=yend size=600\n"
    data = (HEADS + PLAIN).encode() + file + b"That is all.\n"
    found = read_mail(data)
    assert looks_like_mail(data[:4096], ".eml") and looks_like_mail(data[:4096], "")
    assert found.text.endswith("nine.\n\nThat is all.\n\n")
    assert found.unread == ["quay.jpg (yEnc)"] and not found.doubts


def test_files_in_yenc_are_taken_out_one_by_one_and_one_without_an_end_stays() -> None:
    file = b"=ybegin size=6 name=quay.jpg\r\nabc\r\n=yend size=6\r\n"
    data = b"One\n" + file + b"two\n" + file + b"=ybegin name=a\nlast\n"
    assert without_yenc(data) == b"One\n\r\ntwo\n\r\n=ybegin name=a\nlast\n"
    assert yenc_names(data) == [b"quay.jpg"] * 2


@pytest.mark.parametrize("text", [b"=ybegin name=a\n" * 100_000, b"=ybegin" + b" name=" * 100_000])
def test_a_long_text_of_beginnings_without_an_end_is_as_it_was(text: bytes) -> None:
    assert without_yenc(text + b"\rx") == text + b"\rx"
    assert yenc_names(text + b"\rx") == []


def test_a_line_of_times_and_years_without_headers_ends_no_message() -> None:
    times = b"11:11 2024 " * 40_000
    line = b"From ada@example.org Tue May 14 10:00:00 2024\n"
    first = (HEADS + PLAIN).encode() + b"\nFrom Mon " + times + b"\nplain words\n"
    second = (HEADS.replace("Harbour", "Second") + PLAIN).encode()
    assert messages_in(line + first + b"\n" + line + second) == [first + b"\n", second]
    assert messages_in(line + first + line + second) == [first, second]


def test_a_line_that_only_begins_like_one_between_messages_is_text() -> None:
    line = b"From ada@example.org Tue May 14 10:00:00 2024\n"
    for told in (b"From Mon to noon\nat: 2024\n", b"From 10:00 of 2024 on\nat: sea\n"):
        text = (HEADS + PLAIN).encode() + b"\n" + told
        assert messages_in(line + text) == [text]


def test_a_line_with_a_sender_and_no_date_divides_messages_before_a_header_of_mail() -> None:
    line = b"From 1844347792267117879@xxx\n"
    first, second = ((HEADS.replace("Harbour", w) + PLAIN).encode() for w in ("First", "Second"))
    assert messages_in(line + first + b"\n" + line + second) == [first + b"\n", second]
    for told in (b"From ada@example.org\nat: sea\n", b"From ada@example.org on\nSubject: sea\n"):
        assert messages_in(line + first + b"\n" + told) == [first + b"\n" + told]


def test_a_mail_that_is_quoted_in_a_mailbox_with_dates_divides_no_message() -> None:
    line = b"From ada@example.org Mon Jan  5 09:30:00 2024\n"
    mail = (HEADS + PLAIN).encode()
    quoted = b"It began so:\n\nFrom bo@example.org\nSubject: Tides\n\nAt noon.\n"
    assert messages_in(line + mail + quoted + b"\n" + line + mail) == [mail + quoted + b"\n", mail]


def test_a_message_that_apple_mail_keeps_is_read_without_its_notes() -> None:
    whole = (HEADS + PLAIN).encode()
    notes = b'<?xml version="1.0"?><plist version="1.0"><dict><key>flags</key></dict></plist>\n'
    data = str(len(whole)).encode() + b"       \n" + whole + notes
    assert looks_like_mail(data, ".emlx")
    found = read_mail(data)
    assert found.title == "Harbour plan" and SAID in found.text and "flags" not in found.text


def test_lines_that_a_mailbox_escapes_are_as_they_were_written() -> None:
    body = f"{PLAIN}>From the start it rained.\n>>From here on not.\n> From whom?\n"
    line = "From ada@example.org Tue May 14 10:00:00 2024\n"
    found = read_mail(f"{line}{HEADS}{body}".encode()).text
    assert "\nFrom the start it rained.\n>From here on not.\n> From whom?" in found
    assert "\n>From the start it rained." in read_mail((HEADS + body).encode()).text


def test_a_header_longer_than_what_is_looked_at_hides_no_mail() -> None:
    long = "References: " + "\n ".join(f"<{n}@example.org>" for n in range(400)) + "\n"
    assert looks_like_mail((long + HEADS + PLAIN).encode()[:4096], ".eml")
    assert not looks_like_mail(b"References: none\n\nSee the harbour plan.\n", ".eml")


def test_a_subject_without_end_costs_itself() -> None:
    subject = "harbour " * 100_000
    found = read_mail((HEADS.replace("Harbour plan", subject) + PLAIN).encode())
    assert SAID in found.text
    assert len(found.headings[0][1]) <= 200
