"""A server of the store that restarts while a library is moved, exported, imported, or embedded
again: the work waits for it, and goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from omni_core.encoders import hashing
from omni_core.engine import MigrationStatus, ReindexStatus, migrate, outages, reindex
from omni_core.engine.results import VectorsStatus
from omni_core.errors import StoreError
from omni_core.index.qdrant import nodes
from omni_core.settings import Settings
from omni_core.types import EncoderInfo
from tests.omni_core.engine.moving.test_migrating import points_of
from tests.omni_core.index.qdrant_standin import StandIn

pytestmark = pytest.mark.timeout(200)
ALWAYS = [0] * 100_000
"""The answers of a server that is gone."""


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "PAUSES_S", (0.01, 0.01, 0.01))
    monkeypatch.setattr(outages, "FIRST_S", 0.05)


class Away:
    """Takes the server away at the first status of `stage`, and back when the work waits for it."""

    def __init__(self, server: StandIn, monkeypatch: pytest.MonkeyPatch, *, back: bool) -> None:
        self._server, self.waited = server, 0
        answers = outages.answers

        async def seen(ask: Callable[[], Any]) -> bool:
            self.waited += 1
            if back:
                server.failures = []
            return await answers(ask)

        monkeypatch.setattr(outages, "answers", seen)

    async def at(self, done: int) -> None:
        if done == 1 and not self.waited:
            self._server.failures = list(ALWAYS)


async def test_a_migration_waits_for_a_server_that_restarts_and_goes_on(
    filled: Settings, there: Settings, server: StandIn, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    away = Away(server, monkeypatch, back=True)

    async def see(status: MigrationStatus) -> None:
        await away.at(status.sources_done)

    done = await migrate(filled, there, see)
    assert (done.sources_done, away.waited) == (4, 1)
    assert (await points_of(there)).keys() == (await points_of(filled)).keys()
    assert caplog.text.count("the migration waits for it, at most 60 s") == 1
    assert "it answers again: the migration goes on" in caplog.text


async def test_a_migration_to_a_server_that_stays_away_ends_and_is_resumed_by_the_same_command(
    filled: Settings, there: Settings, server: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outages, "WAIT_S", 0.3)
    away = Away(server, monkeypatch, back=False)

    async def see(status: MigrationStatus) -> None:
        await away.at(status.sources_done)

    with pytest.raises(StoreError) as told:
        await migrate(filled, there, see)
    assert told.value.code == "INDEX_UNREACHABLE" and away.waited
    server.failures = []
    again = await migrate(filled, there)
    assert again.sources_done == 4 and again.written < again.segments


async def test_an_import_waits_for_a_server_that_restarts_and_loses_and_doubles_nothing(
    filled: Settings, there: Settings, server: StandIn, monkeypatch: pytest.MonkeyPatch,
    opened: Callable[..., Any], tmp_path: Path, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    async with opened(filled) as engine:
        await engine.export_vectors(str(tmp_path / "export"))
    away = Away(server, monkeypatch, back=True)

    async def see(status: VectorsStatus) -> None:
        await away.at(status.sources_done)

    elsewhere = replace(there, store=str(tmp_path / "other"))
    async with opened(elsewhere) as engine:
        done = await engine.import_vectors(str(tmp_path / "export"), progress=see)
        assert {s.state for s in (await engine.sources()).sources} == {"ready"}
    assert (done.sources_done, done.already, away.waited) == (4, 0, 1)
    assert (await points_of(there)).keys() == (await points_of(filled)).keys()
    assert caplog.text.count("the import waits for it, at most 60 s") == 1


async def test_an_import_to_a_server_that_stays_away_waits_once_and_is_resumed(
    filled: Settings, there: Settings, server: StandIn, monkeypatch: pytest.MonkeyPatch,
    opened: Callable[..., Any], tmp_path: Path, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    async with opened(filled) as engine:
        await engine.export_vectors(str(tmp_path / "export"))
    monkeypatch.setattr(outages, "WAIT_S", 0.3)
    away = Away(server, monkeypatch, back=False)

    async def see(status: VectorsStatus) -> None:
        await away.at(status.sources_done)

    async with opened(replace(there, store=str(tmp_path / "other"))) as engine:
        with pytest.raises(StoreError) as told:
            await engine.import_vectors(str(tmp_path / "export"), progress=see)
        assert told.value.code == "INDEX_UNREACHABLE"
        assert caplog.text.count("the import waits for it") == 1
        server.failures = []
        done = await engine.import_vectors(str(tmp_path / "export"))
        assert done.sources_done == 4
        assert {s.state for s in (await engine.sources()).sources} == {"ready"}
    assert (await points_of(there)).keys() == (await points_of(filled)).keys()


async def test_an_export_waits_for_a_server_that_restarts(
    filled: Settings, there: Settings, server: StandIn, monkeypatch: pytest.MonkeyPatch,
    opened: Callable[..., Any], tmp_path: Path,
) -> None:  # fmt: skip
    await migrate(filled, there)
    away = Away(server, monkeypatch, back=True)

    async def see(status: VectorsStatus) -> None:
        await away.at(status.sources_done)

    async with opened(there) as engine:
        await engine._context.opened_index()
        done = await engine.export_vectors(str(tmp_path / "export"), progress=see)
    assert (done.sources_done, away.waited) == (4, 1)


async def test_a_reindex_waits_for_a_server_that_restarts_and_goes_on(
    filled: Settings, there: Settings, server: StandIn, monkeypatch: pytest.MonkeyPatch,
    opened: Callable[..., Any],
) -> None:  # fmt: skip
    await migrate(filled, there)
    before = hashing.HashingEncoder.describe

    def newer(settings: Settings) -> EncoderInfo:
        return replace(before(settings), revision="2")

    monkeypatch.setattr(hashing.HashingEncoder, "describe", newer)
    away = Away(server, monkeypatch, back=True)

    async def see(status: ReindexStatus) -> None:
        await away.at(status.sources_done)

    async with asyncio.timeout(150):
        done = await reindex(there, "hashing", see)
    assert (done.state, done.failed, away.waited) == ("swapped", (), 1)
    async with opened(there) as engine:
        assert {s.state for s in (await engine.sources()).sources} == {"ready"}
