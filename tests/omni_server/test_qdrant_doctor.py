"""What the doctor says of a Qdrant server, and what --adopt does."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from omni_core import Engine, IngestRequest
from omni_core.engine.checking.looking import look
from omni_core.settings import Settings
from omni_server import doctor
from omni_server.cli import main
from tests.omni_core.index.qdrant_standin import StandIn
from tests.omni_server.doctor_findings import found


@pytest.fixture
def qdrant() -> Iterator[StandIn]:
    standin = StandIn()
    yield standin
    standin.close()


@pytest.fixture
def there(qdrant: StandIn, tmp_path: Path) -> Settings:
    return replace(
        qdrant.settings(), encoder="hashing", speech="off", store=str(tmp_path / "store")
    )


@pytest.fixture
def fill(tmp_path: Path) -> Callable[[Settings], None]:
    """Ingest one file into a library."""
    file = tmp_path / "diary.md"
    file.write_text("# Monday\n\nThe ferry to Corfu left at dawn.\n")

    async def ingest(settings: Settings) -> None:
        async with await Engine.open(settings) as engine:
            await engine.ingest(IngestRequest(str(file)))

    return lambda settings: asyncio.run(ingest(settings))


def test_server_collection_copies_and_key_are_named(
    there: Settings, fill: Callable[[Settings], None], qdrant: StandIn
) -> None:
    assert found(there)["Qdrant collection"].state == "absent"
    fill(there)
    seen = found(there)
    assert (seen["Qdrant"].state, "is Qdrant 1.20.0, REST" in seen["Qdrant"].detail) == ("ok", True)
    assert "2 segments, codes turbo, green, this library's" in seen["Qdrant collection"].detail
    assert seen["Qdrant copies"].detail == "1 shards, 1 copies, all in use"
    assert seen["Qdrant key"].detail == "may read and write"
    assert qdrant.count("evidence") == 2  # looking changed nothing
    reading = found(replace(there, qdrant_api_key=qdrant.read_only_key))
    assert reading["Qdrant key"].detail == "may read: searches, no ingest"
    assert qdrant.violations == []


def test_copies_are_named_also_where_the_collection_cannot_be_asked(
    there: Settings, fill: Callable[[Settings], None], qdrant: StandIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    fill(there)
    answer = qdrant.answer

    def dead(verb: str, path: str, body: Any) -> Any:
        parts = path.split("/")
        if verb == "GET" and parts[1] == "collections" and len(parts) == 3:
            raise ValueError("0 of 0 read operations failed")  # no copy of a shard is in use
        return answer(verb, path, body)

    monkeypatch.setattr(qdrant, "answer", dead)
    seen = found(there)
    assert seen["Qdrant copies"].detail == "1 shards, 1 copies, all in use"
    assert seen["Qdrant collection"].state == "missing"
    assert "0 of 0 read operations failed" in str(seen["Qdrant collection"])


def test_what_is_wrong_comes_with_what_to_do(
    there: Settings, fill: Callable[[Settings], None], qdrant: StandIn, tmp_path: Path
) -> None:
    fill(there)
    foreign = found(replace(there, store=str(tmp_path / "another")))["Qdrant collection"]
    assert foreign.state == "missing" and "another library" in foreign.detail
    assert "--adopt" in foreign.get
    wrong = found(replace(there, qdrant_api_key="hunter2"))["Qdrant"]
    assert wrong.state == "missing" and "refused the API key" in wrong.detail
    assert "hunter2" not in str(wrong)
    qdrant.version = "1.18.3"
    old = found(there)["Qdrant"]
    assert old.state == "warning" and "more than one minor version ahead" in old.detail
    qdrant.version = "1.99.0"
    newer = found(there)["Qdrant"]
    assert newer.state == "warning" and "ahead of the client" in newer.detail
    qdrant.version = "1.16.0"
    assert found(there)["Qdrant"].state == "missing"
    assert found(replace(there, qdrant_url="ftp://q"))["Qdrant"].state == "missing"


def test_an_index_that_is_elsewhere_is_no_damage_and_a_look_makes_none(
    there: Settings, fill: Callable[[Settings], None], qdrant: StandIn, tmp_path: Path
) -> None:
    fill(there)
    mistyped = replace(there, qdrant_collection="evidense")
    (gone,) = asyncio.run(look(mistyped)).faults
    assert "'evidense' is not there" in gone.detail and "OMNI_QDRANT_COLLECTION" in gone.get
    assert asyncio.run(look(replace(mistyped, store=str(tmp_path / "new")))).faults == ()
    assert not [name for name in qdrant.created if name.startswith("evidense")]
    fill(replace(there, store=str(tmp_path / "another"), qdrant_collection="team"))
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        down = replace(there, qdrant_url=f"http://127.0.0.1:{s.getsockname()[1]}")
        foreign = replace(there, qdrant_collection="team")
        for elsewhere, why in ((down, "cannot reach"), (foreign, "another library")):
            seen = asyncio.run(look(elsewhere))
            assert seen.faults == () and why in seen.notes[0], seen
    assert asyncio.run(look(there)).faults == ()


def test_a_node_that_is_down_is_a_warning_while_another_answers(
    there: Settings, qdrant: StandIn
) -> None:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        down = f"http://127.0.0.1:{s.getsockname()[1]}"
        lines = [f for f in doctor._places(replace(there, qdrant_url=f"{down},{qdrant.url}"))
                 if f.name == "Qdrant"]  # fmt: skip
    assert [f.state for f in lines] == ["warning", "ok"]
    assert down in lines[0].detail


def test_adopt_takes_the_collection_for_this_store(
    there: Settings, fill: Callable[[Settings], None], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    fill(there)
    monkeypatch.setenv("OMNI_QDRANT_API_KEY", there.qdrant_api_key)
    monkeypatch.setenv("OMNI_ENCODER", "hashing")
    new = str(tmp_path / "new")
    assert main(["doctor", "--adopt", "--store", new, "--qdrant", there.qdrant_url]) == 0
    assert "is now that of the library" in capsys.readouterr().out
    again = ["doctor", "--adopt", "--json", "--store", new, "--qdrant", there.qdrant_url]
    assert main(again) == 0
    assert "that of the library" in json.loads(capsys.readouterr().out)["adopted"]
    assert found(replace(there, store=new))["Qdrant collection"].state == "ok"
    assert found(there)["Qdrant collection"].state == "missing"
