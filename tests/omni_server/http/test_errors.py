"""The status of plain HTTP routes says whether the same request may succeed later."""

from __future__ import annotations

import pytest

from omni_core.engine.outages import NAMES
from omni_core.errors import StoreError
from omni_server.http.errors import RETRY_S, refusal


@pytest.mark.parametrize("code", NAMES)
def test_a_server_of_the_store_that_is_away_is_no_fault_of_the_client(code: str) -> None:
    """A client of tus gives an upload up at 400."""
    answer = refusal(StoreError("it does not answer", code=code))
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == str(RETRY_S)
    assert bytes(answer.body) == f"{code}: it does not answer\n".encode()
