"""A worker behind TLS with a certificate of an authority of one's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from omni_core import encoders
from omni_core.errors import BadRequestError, UnavailableError
from omni_core.models.confinement import of_models
from omni_core.models.remote.look import findings
from omni_core.models.service import service
from omni_core.models.serving import app as serving
from omni_core.settings import Settings
from omni_core.types import TextContent
from tests.omni_core.encoders.remote.conftest import DEAF, TOKEN, running
from tests.omni_core.self_signed import certificate

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    return certificate(tmp_path)[0]


@pytest.fixture
def safe(pem: Path) -> Iterator[str]:
    """The address of a worker that speaks TLS."""
    files: dict[str, Any] = {"ssl_certfile": pem, "ssl_keyfile": pem.with_name("key.pem")}
    with running(serving.worker_app(Settings(**DEAF), TOKEN), 0, **files) as url:
        yield url.replace("http://", "https://")


def test_a_worker_is_trusted_by_the_ca_file_and_by_no_other(
    safe: str, pem: Path, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other, _ = certificate(tmp_path / "other")
    chosen: dict[str, Any] = {"encoder_url": safe, "encoder_token": TOKEN, **DEAF}
    for untrusted in ("", str(other)):
        with pytest.raises(UnavailableError, match=r"certificate that is not trusted .*_CA") as e:
            encoders.load(Settings(**chosen, encoder_ca=untrusted))
        assert "\n" not in str(e.value)
    chosen["encoder_url"] = safe.replace("https", "HTTPS") + "/"
    known = Settings(**chosen, encoder_ca=str(pem))
    here = service(Settings(**DEAF))
    there = service(known)
    question = [TextContent("how deep is it")]
    for one, two in zip(
        here.encode_questions(question), there.encode_questions(question), strict=True
    ):
        assert one is not None
        assert two is not None
        np.testing.assert_array_equal(one, two)
    assert findings(known)[0].state == "ok"
    for made in (here, there):
        made.close()


def test_a_ca_file_that_holds_none_is_said_before_anything_is_sent(tmp_path: Path) -> None:
    for scheme in ("https", "vllm+https"):
        wrong = Settings(
            encoder_url=f"{scheme}://127.0.0.1:1", encoder_ca=str(tmp_path / "absent.pem"),
            encoder="e5-omni-7b",
        )  # fmt: skip
        with pytest.raises(BadRequestError, match=r"^encoder_ca: .* no certificates in PEM"):
            encoders.load(wrong)
        (seen,) = findings(wrong) if scheme == "https" else [None]
        assert seen is None or (seen.state, seen.get) == ("missing", "correct that setting")


def test_the_process_of_the_models_may_read_the_ca_file(pem: Path) -> None:
    assert str(pem) in (of_models(Settings(encoder_ca=str(pem))).reads or ())
