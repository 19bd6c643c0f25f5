"""Mail is read as people read it: headers, the body once, attached texts; the rest is named."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from omni_core.media.text.mail import read_mail
from omni_core.media.text.mail_files import MailMedium
from omni_core.media.text.mail_start import looks_like_mail
from omni_core.types import CutOptions, FileWarning, Limits, Modality, Segment, Source

NOISE = (b"base64", b"Content-Transfer", b"boundary")


def message(**headers: str) -> EmailMessage:
    mail = EmailMessage()
    fields = {"Subject": "Grüße aus Köln", "From": "Ada <ada@example.org>", "To": "b@example.org",
              "Date": "Tue, 14 May 2024 09:30:00 +0200"} | headers  # fmt: skip
    for name, value in fields.items():
        mail[name] = value
    return mail


def full() -> EmailMessage:
    mail = message()
    mail.set_content("Der Kühlwagen kommt am Freitag.\n", cte="base64")
    mail.add_alternative("<p>Der <b>Kühlwagen</b> kommt am Freitag.</p>", subtype="html")
    mail.add_attachment("12 detonations\n", filename="plan.txt")
    mail.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename="fee.pdf")
    return mail


def test_headers_body_and_attached_texts_are_read_and_the_rest_is_named() -> None:
    mail = read_mail(full().as_bytes())
    assert mail.title == "Grüße aus Köln"
    assert mail.date == datetime(2024, 5, 14, 7, 30, tzinfo=UTC)
    assert mail.text.startswith("Subject: Grüße aus Köln\nFrom: Ada <ada@example.org>\n")
    assert mail.text.count("Der Kühlwagen kommt am Freitag.") == 1
    assert "Attachment plan.txt:\n12 detonations" in mail.text
    assert mail.unread == ["fee.pdf (application/pdf)"]
    assert not any(word.decode() in mail.text for word in NOISE)


def test_a_body_of_html_alone_is_its_visible_text() -> None:
    mail = message()
    mail.set_content("<style>p {}</style><p>Renewal: 4,250&nbsp;euro</p>", subtype="html")
    assert "Renewal: 4,250 euro" in read_mail(mail.as_bytes()).text.replace("\xa0", " ")


def test_a_forwarded_message_is_read_within_the_first() -> None:
    inner, outer = message(Subject="Inner"), message(Subject="Outer")
    inner.set_content("the spillway opened")
    outer.set_content("see below")
    outer.add_attachment(inner)
    text = read_mail(outer.as_bytes()).text
    assert text.index("see below") < text.index("Subject: Inner") < text.index("the spillway")


@pytest.mark.parametrize(
    ("page", "declared"), [("koi8-r", ""), ("cp1251", "windows-1251"), ("cp1251", "")]
)
def test_headers_written_as_plain_bytes_are_read_with_the_encoding_of_the_mail(
    page: str, declared: str
) -> None:
    body = "Выдра живёт под мостом, вода в реке сегодня очень высокая.\n"
    charset = f"; charset={declared}" if declared else ""
    raw = (
        "Subject: Привет с реки\nFrom: Иван <i@example.org>\n"
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n"
        f"Content-Type: text/plain{charset}\n\n{body}--b\n"
        'Content-Type: image/x-own; name="Отчёт.own"\n\nx\n--b--\n'
    )
    mail = read_mail(raw.encode(page))
    assert mail.title == "Привет с реки"
    assert "From: Иван <i@example.org>" in mail.text and body.strip() in mail.text
    assert mail.unread == ["Отчёт.own (image/x-own)"]


@pytest.mark.parametrize("beside", ["привет", "café", "日本 C:\\users", "🙂 x"])
def test_plain_letters_beside_an_encoded_word_are_read(beside: str) -> None:
    mail = read_mail(f"Subject: =?utf-8?q?H=C3=A9llo?= {beside}\n\nbody".encode())
    assert mail.title == f"Héllo {beside}"


def test_a_type_written_in_plain_bytes_is_named_in_letters() -> None:
    mail = read_mail(b"Subject: a\nContent-Type: image/p\xe9ng; name=q.png\n\nzz")
    assert "".join(mail.unread).encode() == "q.png (image/péng)".encode()


def test_what_a_mail_server_reports_is_read() -> None:
    mail = read_mail(
        b"Subject: Undelivered\nFrom: a@b\nMIME-Version: 1.0\n"
        b"Content-Type: multipart/report; boundary=q\n\n--q\n\nCould not deliver.\n--q\n"
        b"Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.org\n\n"
        b"Final-Recipient: rfc822; heron@example.org\nStatus: 5.1.1\n--q--\n"
    )
    assert "Could not deliver." in mail.text
    assert "Final-Recipient: rfc822; heron@example.org\nStatus: 5.1.1" in mail.text


def test_marked_up_text_that_is_not_read_and_pictures_of_a_page_are_named() -> None:
    mail = read_mail(
        b"Subject: x\nFrom: a@b\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=q\n\n"
        b"--q\n\nBody\n--q\nContent-Type: text/rtf; name=n.rtf\n\n{\\rtf1 words}\n"
        b"--q\nContent-Type: image/png\nContent-Location: https://x/img/a.png?v=2\n\nxx\n--q--\n"
    )
    assert "rtf1" not in mail.text
    assert mail.unread == ["n.rtf (text/rtf)", "a.png (image/png)"]


def test_messages_nested_without_end_are_cut_with_a_word() -> None:
    mail = message()
    mail.set_content("deepest")
    for _ in range(30):
        outer = message()
        outer.set_content("shell")
        outer.add_attachment(mail)
        mail = outer
    found = read_mail(mail.as_bytes())
    assert "deepest" not in found.text
    assert any("nested too deep" in name for name in found.unread)


def test_every_message_of_a_mailbox_is_read_under_its_subject() -> None:
    one, two = message(Subject="First"), message(Subject="Second")
    one.set_content("alpha")
    two.set_content("beta")
    line = b"From ada@example.org Tue May 14 09:30:00 2024\n"
    found = read_mail(line + one.as_bytes() + b"\n" + line + two.as_bytes())
    assert [name for _, name in found.headings] == ["First", "Second"]
    assert all(found.text[at:].startswith(f"Subject: {name}") for at, name in found.headings)
    assert "alpha" in found.text
    assert "beta" in found.text


@pytest.mark.parametrize(
    "raw",
    [
        b"Subject: =?utf-8?b?broken\nFrom: \xe4da\nDate: yesterday\nTo: x\n\nbody words",
        b"From: a\nTo: b\nSubject: c\nContent-Type: text/plain; charset=no-such\n\nbody words",
        b"From: a\nTo: b\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\nbody words\n",
        b"From: a\nTo: b\nContent-Type: text/plain; charset=\"\n\nbody words",
        b"From: a\nDate: Mon, 99 Foo 99999 99:99:99 +9999\n\nbody words",
        b"From: a\nTo: b\nContent-Type: text/plain\nContent-Disposition: attachment; "
        b"filename*=bad''%zz\n\nbody words",
    ],
)  # fmt: skip
def test_a_broken_header_costs_itself(raw: bytes) -> None:
    assert "body words" in read_mail(raw).text


def test_prose_and_logs_are_no_mail() -> None:
    assert not looks_like_mail(b"Note: the subject: is\nFrom: here\n\nwords", ".txt")
    assert not looks_like_mail(b"From the hill we saw\n", ".txt")
    assert looks_like_mail(full().as_bytes(), "")
    assert looks_like_mail(b"From: a\nTo: b\n\nwords", ".eml")


def test_a_saved_page_has_the_title_of_the_page(tmp_path: Path) -> None:
    page = "<html><head><title>Ferry times</title></head><body>At nine.</body></html>"
    path = tmp_path / "saved.mht"
    path.write_bytes(
        b"From: <Saved by a browser>\nMIME-Version: 1.0\n"
        b'Content-Type: multipart/related; boundary="x"\n\n--x\nContent-Type: text/html\n'
        b"Content-Transfer-Encoding: base64\n\n" + base64.encodebytes(page.encode())
        + b"--x\nContent-Type: text/css\n\nbody{}\n--x\nContent-Type: image/png\n\nxx\n--x--\n"
    )  # fmt: skip
    medium = MailMedium(Limits())
    assert medium.matches(path.read_bytes()[:4096], ".mht")
    info = medium.probe(str(path))
    assert (info.title, info.mime) == ("Ferry times", "multipart/related")
    source = Source("0" * 64, str(path), "", Modality.DOCUMENT, info.mime, 1)
    items: list[Any] = list(medium.decompose(str(path), source, CutOptions()))
    assert [type(item) for item in items] == [FileWarning, Segment]
    assert "image/png" in items[0].message
    assert "At nine." in items[1].text
    assert "body{}" not in items[1].text


def test_a_page_that_word_saved_is_read_under_whatever_name(tmp_path: Path, svc: Any) -> None:
    path = tmp_path / "a.doc"
    path.write_text(
        'MIME-Version: 1.0\nContent-Type: multipart/related; boundary="B"\n\nA page.\n\n--B\n'
        "Content-Location: file:///C:/x.htm\nContent-Type: text/html\n\n"
        "<title>Quay plan</title><p>Pilots</p>\n\n--B--\n"
    )
    assert svc.probe(str(path)).title == "Quay plan"
