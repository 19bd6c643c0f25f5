"""Mail in the forms that programs write: versions of a body, appointments, odd beginnings."""

from __future__ import annotations

import pytest

from omni_core.media.text.mail import Mail, read_mail
from omni_core.media.text.mail_start import looks_like_mail

HEADS = (
    "From: Ada <ada@example.org>\nTo: b@example.org\nSubject: Harbour plan\n"
    "Date: Tue, 14 May 2024 10:00:00 +0200\nMIME-Version: 1.0\n"
)
PLAIN = "Content-Type: text/plain\n\nThe sluice opens at nine.\n"
PAGE = "Content-Type: text/html; charset=utf-8\n\n<p>The sluice opens at nine.</p>\n"
PICTURE = (
    "Content-Type: image/png; name=logo.png\nContent-ID: <x>\n"
    "Content-Disposition: inline; filename=logo.png\nContent-Transfer-Encoding: base64\n\niVBO\n"
)
PLAN = (
    'Content-Type: application/pdf; name="plan.pdf"\n'
    'Content-Disposition: attachment; filename="plan.pdf"\n\nx\n'
)
NOTES = (
    "Content-Type: text/plain; name=notes.txt\n"
    "Content-Disposition: attachment; filename=notes.txt\n\ntwelve pilots\n"
)
APPOINTMENT = (
    "Content-Type: text/calendar; charset=utf-8; method=REQUEST\n\nBEGIN:VCALENDAR\n"
    "LOCATION:Room 12\\, the long gall\n ery\nDTSTART:20240601T090000Z\n"
    "DESCRIPTION:First\\nsecond\nEND:VCALENDAR\n"
)


def several(kind: str, *parts: str) -> str:
    mark = f"{kind}{len(parts)}"
    body = "".join(f"--{mark}\n{part}\n" for part in parts)
    return f'Content-Type: multipart/{kind}; boundary="{mark}"\n\n{body}--{mark}--\n'


def mail(content: str) -> Mail:
    return read_mail((HEADS + content).encode())


def test_what_hangs_at_a_version_that_is_not_read_is_read_or_named() -> None:
    found = mail(several("alternative", PLAIN, several("mixed", PAGE, PLAN, NOTES)))
    assert found.text.count("The sluice opens at nine.") == 1
    assert "Attachment notes.txt:\ntwelve pilots" in found.text
    assert found.unread == ["plan.pdf (application/pdf)"]


def test_a_picture_of_a_page_that_is_not_read_is_named() -> None:
    found = mail(several("alternative", PLAIN, several("related", PAGE, PICTURE)))
    assert found.unread == ["logo.png (image/png)"]


def test_a_page_with_its_pictures_is_read_where_the_plain_text_says_nothing() -> None:
    none = "Content-Type: text/plain\n\nYour program shows no HTML.\n"
    page = PAGE.replace("nine", "nine, the weir at ten and the lock at noon")
    found = mail(several("alternative", none, several("related", page, PICTURE)))
    assert "the weir at ten" in found.text
    assert "shows no HTML" not in found.text


def test_a_page_is_read_for_the_table_that_its_plain_text_lacks() -> None:
    page = PAGE.replace("</p>", "</p><table><tr><td>Berth<td>4711</table>")
    found = mail(several("alternative", PLAIN, page))
    assert "Berth | 4711" in found.text
    assert found.text.count("The sluice opens at nine.") == 1


def test_plain_text_is_read_where_the_page_says_the_same_in_other_lines() -> None:
    plain = PLAIN.replace("at nine", "at\nnine <https://example.org/sluice>")
    found = mail(several("alternative", plain, PAGE))
    assert "at\nnine <https://example.org/sluice>." in found.text


def test_a_page_is_read_where_the_plain_text_is_empty_and_an_appointment_follows() -> None:
    found = mail(several("alternative", "Content-Type: text/plain\n\n \n", PAGE, APPOINTMENT))
    assert "The sluice opens at nine." in found.text
    assert "DTSTART:20240601T090000Z" in found.text


def test_an_appointment_is_read_once_unfolded_beside_the_body() -> None:
    invitation = several("alternative", PLAIN, PAGE, APPOINTMENT)
    copy = APPOINTMENT.replace("text/calendar", "application/ics; name=invite.ics")
    found = mail(several("mixed", invitation, copy))
    assert found.text.count("LOCATION:Room 12, the long gallery\n") == 1
    assert "DESCRIPTION:First\nsecond" in found.text
    assert found.unread == []


def test_a_version_of_another_kind_is_named() -> None:
    sound = "Content-Type: audio/ogg\n\nx\n"
    assert mail(several("alternative", PLAIN, sound)).unread == ["without a name (audio/ogg)"]


@pytest.mark.parametrize(
    "before", ["\ufeff", "\n", "\r\n\r\n", ">From ada@example.org Tue May 14 10:00:00 2024\n"]
)
def test_what_stands_before_the_headers_hides_no_mail(before: str) -> None:
    data = (before + HEADS + PLAIN.replace("nine", "nine, Möwe")).encode()
    assert looks_like_mail(data, "")
    found = read_mail(data)
    assert found.title == "Harbour plan"
    assert "opens at nine, Möwe." in found.text


def test_lines_may_end_with_carriage_returns_alone() -> None:
    data = (HEADS + PLAIN).replace("\n", "\r").encode()
    assert looks_like_mail(data, ".eml")
    assert read_mail(data).title == "Harbour plan"
    assert "The sluice opens at nine." in read_mail(data).text


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_parts_without_an_address_are_read_as_mail_where_their_boundary_follows(ends: str) -> None:
    parts = several("mixed", PLAIN, NOTES)
    kept = parts.replace("; boundary", ";\n\tboundary").replace("\n", ends).encode()
    assert looks_like_mail(kept, "")
    assert "The sluice opens at nine." in read_mail(kept).text
    assert "Content-Type" not in read_mail(kept).text
    assert not looks_like_mail(parts.partition("\n\n")[0].encode(), "")
    assert not looks_like_mail(parts.replace("--mixed2", "-- mixed").encode(), "")


def test_lines_that_flow_are_joined_within_their_quotation() -> None:
    found = mail(
        "Content-Type: text/plain; format=flowed; delsp=yes\n\nThe hydro \nelectric station is "
        "con \nserved.\n> quoted  \n> words\n>> deeper\n-- \nAda \nBryn\n"
    )
    assert "The hydroelectric station is conserved.\n> quoted words\n>> deeper" in found.text
    assert found.text.rstrip().endswith("-- \nAdaBryn")
    kept = mail("Content-Type: text/plain; format=flowed\n\nThe old \nweir\n stuffed\n")
    assert "The old weir\nstuffed" in kept.text


def test_a_file_encoded_in_the_text_is_named_instead_of_read() -> None:
    lines = "MM86)CM86)CM86)CM86)CM86)CM86)CM86)CM86)CM86)CM86)CM86)CM86)C\n" * 3
    found = mail(
        f"Content-Type: text/plain\n\nSee the file\n\nbegin 644 plan.dwg\n{lines}`\nend\nbye\n"
    )
    assert "See the file" in found.text and "bye" in found.text
    assert "M86" not in found.text
    assert found.unread == ["plan.dwg (uuencoded)"]
    prose = mail("Content-Type: text/plain\n\nbegin 644 words\nof prose\nend\n")
    assert "begin 644 words\nof prose\nend" in prose.text


def test_a_sentence_of_a_mailbox_that_begins_like_a_separator_stays() -> None:
    line = "From ada@example.org Tue May 14 10:00:00 2024\n"
    said = "We say:\nFrom now on at 10:00 in 2024 the gate is shut.\nIn May.\n"
    other = "\nFrom the quay at 10:00 in 2024 we sail.\n"
    one = line + HEADS + "\n" + said + other
    found = read_mail((one + "\n" + line + HEADS + "\nsecond\n" + line + HEADS).encode())
    assert said in found.text and other in found.text
    assert [name for _, name in found.headings] == ["Harbour plan"] * 3


def test_parts_without_the_boundary_that_their_header_names_are_read() -> None:
    assert "The sluice" in mail("Content-Type: multipart/mixed\n\nThe sluice opens.\n").text
    lost = several("mixed", PLAIN, PLAN).replace('boundary="mixed2"', "boundary=other")
    found = mail(lost)
    assert "The sluice opens at nine." in found.text and "--mixed2" not in found.text
    assert found.unread == ["plan.pdf (application/pdf)"]


def test_pictures_written_into_a_page_are_one_warning() -> None:
    picture = f'<img src="data:image/png;base64,{"iVBORw0KGgo" * 40}">'
    found = mail(PAGE.replace("</p>", f"</p>{picture}{picture}"))
    assert [line for line in found.doubts if "pictures" in line] == list(found.doubts)
    assert len(found.doubts) == 1
    beside = mail(several("alternative", PLAIN, PAGE.replace("</p>", f"</p>{picture}")))
    assert beside.doubts == found.doubts


def test_a_sentence_with_a_day_and_a_time_begins_no_message() -> None:
    line = "From Monday to Friday, 10:00 until May 2024, it is shut.\n\n"
    box = f"From ada Tue May 14 10:00:00 2024\n{HEADS}Content-Type: text/plain\n\n{line}Bye.\n"
    found = read_mail(box.encode())
    assert "From Monday to Friday, 10:00 until May 2024" in found.text and "Bye." in found.text
    assert len(read_mail((box + "\n" + box).encode()).headings) == 2


def test_what_word_saves_for_itself_is_no_text_and_other_data_is_read() -> None:
    head = "Content-Type: text/xml\nContent-Location: file:///C:/a/"
    ours = f'{head}filelist.xml\n\n<xml xmlns:o="x"><o:File HRef="a.htm"/></xml>\n'
    other = f"{head}bill.xml\n\n<bill><ship>Valborg</ship><fee>4250</fee></bill>\n"
    found = mail(several("related", PAGE, ours, other))
    assert "HRef" not in found.text and not found.unread
    assert "Valborg\n4250" in found.text and "<fee>" not in found.text


@pytest.mark.parametrize(
    ("name", "said"),
    [("notes.md", "words of turbines"), ("page.html", "<p>words of turbines</p>"),
     ("data.json", '{"a": "words of turbines"}'), ("old.eml", "From: c@d\n\nwords of turbines")],
)  # fmt: skip
def test_a_text_that_is_attached_as_data_is_read(name: str, said: str) -> None:
    file = (
        f'Content-Type: application/octet-stream; name="{name}"\n'
        f'Content-Disposition: attachment; filename="{name}"\n\n{said}\n'
    )
    found = mail(several("mixed", PLAIN, file))
    assert "words of turbines" in found.text
    assert "<p>" not in found.text
    assert found.unread == []


def test_data_under_the_name_of_text_is_named() -> None:
    file = (
        'Content-Type: application/octet-stream; name="x.txt"\nContent-Transfer-Encoding: base64\n'
        'Content-Disposition: attachment; filename="x.txt"\n\nAAECAwQFBgcICQAAAQIDBAUGBwgJ\n'
    )
    found = mail(several("mixed", PLAIN, file))
    assert found.unread == ["x.txt (application/octet-stream)"]


def test_a_subject_in_a_wrong_encoding_is_put_right_and_said() -> None:
    found = read_mail("From: a@b\nSubject: Café à Noël\nTo: c@d\n\nx\n".replace(
        "é", "Ã©").replace("à", "Ã\u00a0").replace("ë", "Ã«").encode())  # fmt: skip
    assert found.title == "Café à Noël"
    assert any("were put right" in line for line in found.doubts)


@pytest.mark.parametrize("kind", ["text/x-vcard", "text/vcard", "application/octet-stream"])
def test_an_attached_card_is_read_without_its_picture(kind: str) -> None:
    photo = "PHOTO;ENCODING=b;TYPE=JPEG:" + "/9j/4AAQSkZJRgABAQ" * 20
    card = (
        f"Content-Type: {kind}; name=ann.vcf\nContent-Disposition: attachment; filename=ann.vcf\n\n"
        f"BEGIN:VCARD\nFN:Ann Lee\nNOTE:Likes\\, as it\n  were\\, tea\n{photo}\nEND:VCARD\n"
    )
    found = mail(several("mixed", PLAIN, card))
    assert "NOTE:Likes, as it were, tea" in found.text and "/9j/" not in found.text


def test_a_line_goes_on_where_spaces_follow_its_end() -> None:
    body = (
        "Content-Transfer-Encoding: quoted-printable\nContent-Type: text/plain; charset=utf-8\n\n"
    )
    found = mail(f"{body}The sluice opens=20= \nat ni=\t\nne, Gr=C3=BC=C3=9Fe =\n=3D =ZZ\n")
    assert "The sluice opens at nine, Grüße = =ZZ" in found.text


def test_letters_that_nothing_encodes_stay_where_spaces_follow_the_end_of_a_line() -> None:
    body = (
        "Content-Transfer-Encoding: quoted-printable\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "\r\nThe sluice opens=20= \r\nat nine — œuvre, Gr=C3=BC=C3=9Fe\r\n"
    )
    assert "The sluice opens at nine — œuvre, Grüße" in mail(body).text


@pytest.mark.parametrize("encoding", ["quoted-printable", "7bit"])
def test_a_name_that_can_be_no_encoding_costs_nothing(encoding: str) -> None:
    body = (
        f'Content-Transfer-Encoding: {encoding}\nContent-Type: text/plain; charset="a\\0b"\n\n'
        "The sluice — opens\n"
    )
    assert "The sluice — opens" in mail(body).text
