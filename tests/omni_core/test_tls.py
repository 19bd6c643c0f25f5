"""The certificates of a file, as operators have them."""

from __future__ import annotations

from pathlib import Path

import pytest

from omni_core import tls
from omni_core.errors import BadRequestError
from tests.omni_core.self_signed import certificate


def test_words_around_the_certificates_of_a_bundle_do_not_matter(tmp_path: Path) -> None:
    pem, _ = certificate(tmp_path)
    bundle = tmp_path / "bundle.pem"
    bundle.write_text(f"# Főtanúsítvány\n{pem.read_text()}\n# és még egy\n", encoding="utf-8")
    trusted = tls.trusting(tls.certificates(str(bundle), "some_ca"))
    assert len(trusted.get_ca_certs()) == 1


@pytest.mark.parametrize("held", [None, b"", b"\n", b"no certificate", b"\x30\x82\x01\xff\x00"])
def test_a_file_without_certificates_is_refused_by_the_name_of_its_setting(
    tmp_path: Path, held: bytes | None
) -> None:
    path = tmp_path / "ca.pem"
    if held is not None:
        path.write_bytes(held)
    with pytest.raises(BadRequestError, match=r"^some_ca: .*ca\.pem holds no certificates in PEM"):
        tls.certificates(str(path), "some_ca")


def test_the_home_of_a_user_that_there_is_not_is_refused_in_one_line() -> None:
    with pytest.raises(BadRequestError, match=r"^some_ca: ~nobody-here/ca\.pem holds no certif"):
        tls.certificates("~nobody-here/ca.pem", "some_ca")
