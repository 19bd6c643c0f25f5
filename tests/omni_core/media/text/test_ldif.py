"""Address books and directories as LDIF."""

from __future__ import annotations

import base64

from omni_core.media.text.ldif import readable_ldif


def _coded(value: bytes) -> str:
    return base64.b64encode(value).decode()


def test_values_are_read_and_pictures_left_out() -> None:
    photo = _coded(bytes(range(256)))
    text, left_out = readable_ldif(
        f"dn:: {_coded('cn=Jörg Müller'.encode())}\ndescription: knows ropes and kno\n ts\n"
        f"jpegPhoto:: {photo[:70]}\n {photo[70:140]}\n {photo[140:]}\nmail: joerg@x.org\n"
    )

    assert text.split("\n") == [
        "dn: cn=Jörg Müller", "description: knows ropes and knots", "jpegPhoto:",
        "mail: joerg@x.org", "",
    ]  # fmt: skip
    assert left_out == 1


def test_what_is_no_base64_is_counted_and_named_by_its_name() -> None:
    assert readable_ldif("cn:: a=b\n") == ("cn:\n", 1)
