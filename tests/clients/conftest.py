"""The clients are installed from npm and PyPI, so this group runs only when it is asked for."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "clients" in config.getoption("-m"):
        return
    skip = pytest.mark.skip(reason="opt-in: pytest -m clients tests/clients, or ./scripts/clients")
    for item in items:
        if item.get_closest_marker("clients"):
            item.add_marker(skip)
