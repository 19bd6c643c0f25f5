"""Real clients at their default settings: list, ingest, search, open, similar."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clients.install import Client, UnavailableError, clients
from tests.clients.matrix import TRANSPORTS, run


@pytest.mark.clients
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("client", clients(), ids=lambda c: c.name)
def test_a_real_client_does_everything_at_its_default_settings(
    client: Client, transport: str, tmp_path: Path
) -> None:
    try:
        outcome = run(client, transport, tmp_path)
    except UnavailableError as e:
        pytest.skip(str(e))
    assert outcome.green, outcome.steps
