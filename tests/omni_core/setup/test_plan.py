"""What suits a machine, what a choice takes, and that the table of choices is whole."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from omni_core import weights
from omni_core.config import edit
from omni_core.downloads import Hub, Pin, Transfer
from omni_core.encoders.transformer.catalogue import find_model
from omni_core.errors import BadRequestError, UnavailableError
from omni_core.settings import Settings
from omni_core.setup import machine, packages, plan
from omni_core.setup.choices import Choices, choices
from omni_core.setup.machine import Gpu, Machine
from omni_core.setup.plan import Choice, Plan
from tests.hub import COMMIT, StandIn, stand_in

LAPTOP = Machine("Linux x86_64", 8, 16.0, 9.0, None, "/", 200.0)
BIG_GPU = replace(LAPTOP, gpu=Gpu("H100", 85.0))
SMALL_GPU = replace(LAPTOP, gpu=Gpu("RTX", 12.0))


@pytest.fixture
def hub() -> Iterator[StandIn]:
    with stand_in() as held:
        yield held


@pytest.fixture
def transfer() -> Iterator[Transfer]:
    with Transfer(wait=lambda _: None) as opened:
        yield opened


@pytest.fixture
def every() -> Choices:
    return choices()


def choose(every: Choices, profile: str = "embedded", listening: str = "base") -> Choice:
    return Choice(every.profiles[profile], every.listening[listening])


def test_every_download_is_pinned_and_has_a_licence(every: Choices) -> None:
    found = [p.download for p in every.profiles.values()]
    found += [h.download for h in every.listening.values()]
    found += [e.download for e in every.extras.values()]
    downloads = [d for d in found if d is not None]
    assert len(downloads) >= 10
    for download in downloads:
        assert download.licence
        assert download.size > 1_000_000
        assert download.wheel or re.fullmatch(r"[0-9a-f]{40}|main", download.revision)
        assert all(re.fullmatch(r"[0-9a-f]{64}", f.sha256) for f in download.files)
        assert download.files or download.patterns


def test_what_a_wheel_is_fetched_for_is_the_file_that_is_looked_for(every: Choices) -> None:
    for extra in every.extras.values():
        (payload,) = (p for p in weights.PAYLOADS if p.setup == f"--{extra.name}")
        wanted = [(f.name, f.size, f.sha256) for f in payload.files]
        assert [(f.path, f.size, f.sha256) for f in extra.download.files] == wanted
        assert extra.download.folder == payload.name


def test_what_is_downloaded_for_the_laptop_is_on_record_here(every: Choices) -> None:
    download = every.profiles["laptop"].download
    assert download is not None
    assert re.fullmatch(r"[0-9a-f]{40}", download.revision)
    assert download.exact
    assert 800e6 < download.size < 1e9


def test_what_is_downloaded_for_the_laptop_is_what_its_encoder_opens(every: Choices) -> None:
    opened = pytest.importorskip("omni_core.encoders.gemma.files")
    download = every.profiles["laptop"].download
    assert download is not None
    assert (download.repo, download.revision) == (opened.HUB_ID, opened.REVISION)
    wanted = {(f.path, f.size, f.sha256) for f in opened.required()}
    assert {(f.path, f.size, f.sha256) for f in download.files} == wanted


@pytest.mark.parametrize("name", ["turbo", "large"])
def test_what_is_downloaded_for_listening_is_what_the_reader_checks(
    every: Choices, name: str
) -> None:
    download = every.listening[name].download
    assert download is not None
    payload = weights.payload(f"speech-{name}")
    assert payload.get == f"omni-mcp setup --listening {name}"
    assert download.folder == payload.name
    assert {f.path: f.sha256 for f in download.files} == {f.name: f.sha256 for f in payload.files}


@pytest.mark.parametrize(
    ("found", "reachable", "name"),
    [
        (LAPTOP, True, "laptop"),
        (LAPTOP, False, "embedded"),
        (replace(LAPTOP, cores=2), True, "embedded"),
        (replace(LAPTOP, memory_gb=2.0), True, "embedded"),
        (BIG_GPU, True, "e5-omni-7b"),
        (SMALL_GPU, True, "qwen3-vl-embedding-2b"),
        (replace(LAPTOP, gpu=Gpu("old", 4.0)), True, "laptop"),
    ],
)
def test_what_suits_depends_on_the_machine(
    every: Choices, tmp_path: Path, found: Machine, reachable: bool, name: str
) -> None:
    assert plan.recommended(every, found, reachable=reachable, root=tmp_path).name == name


def test_terms_that_forbid_some_use_are_never_recommended(every: Choices, tmp_path: Path) -> None:
    for gb in range(1, 100):
        found = replace(LAPTOP, gpu=Gpu("some", float(gb)))
        assert not plan.recommended(every, found, reachable=True, root=tmp_path).warning


def test_a_model_without_its_gpu_is_refused_where_it_cannot_run(every: Choices) -> None:
    profile = every.profiles["e5-omni-7b"]
    assert re.search(r"needs a GPU of 22 GB.*choose another", plan.why_not(profile, LAPTOP))
    assert plan.why_not(profile, BIG_GPU) == ""
    assert plan.why_not(profile, replace(LAPTOP, memory_gb=64.0)) == ""  # slow, but it runs
    assert plan.why_not(every.profiles["laptop"], LAPTOP) == ""


def make(
    every: Choices, tmp_path: Path, transfer: Transfer, choice: Choice, hub: Hub | None = None
) -> Plan:
    settings = Settings(store=str(tmp_path / "store"))
    return plan.make(choice, settings, tmp_path / "models", None, hub, transfer)


def test_the_default_needs_nothing(every: Choices, tmp_path: Path, transfer: Transfer) -> None:
    made = make(every, tmp_path, transfer, choose(every))
    assert made.nothing_to_do
    assert (made.missing, dict(made.settings)) == (0, {})


def test_the_settings_are_those_that_differ(
    every: Choices, tmp_path: Path, transfer: Transfer
) -> None:
    made = make(every, tmp_path, transfer, choose(every, "laptop", "turbo"))
    assert dict(made.settings) == {
        "encoder": "embeddinggemma-2",
        "speech": "turbo",
        "weights_dir": str(tmp_path / "models"),
    }
    assert made.asks_hub
    assert made.missing == sum(s.download.size for s in made.steps)


def test_without_room_nothing_begins(every: Choices, tmp_path: Path, transfer: Transfer) -> None:
    made = make(every, tmp_path, transfer, choose(every, "laptop"))
    replace(made, free=made.missing + plan.SPARE).check_room()
    with pytest.raises(UnavailableError, match=r"this takes 0.9 GB.*--weights DIR"):
        replace(made, free=made.missing + plan.SPARE - 1).check_room()


def test_a_gpu_model_takes_only_the_files_that_are_loaded(
    every: Choices, tmp_path: Path, transfer: Transfer, hub: StandIn
) -> None:
    profile = every.profiles["e5-omni-7b"]
    assert profile.download is not None
    hub.repos[profile.download.repo] = dict.fromkeys(
        (
            "model-00001-of-00002.safetensors", "config.json", "1_Pooling/config.json",
            "chat_template.jinja", "LICENSE", "onnx/model.onnx", "onnx/model.onnx_data",
            "pytorch_model.bin", "openvino/model.bin", "model.gguf", "assets/film.mp4",
            "tf_model.h5",
        ),
        b"x" * 300,
    )  # fmt: skip
    made = make(every, tmp_path, transfer, choose(every, "e5-omni-7b"), Hub(hub.url))
    (step,) = made.steps
    assert {f.path for f in step.download.files} == {
        "model-00001-of-00002.safetensors", "config.json", "1_Pooling/config.json",
        "chat_template.jinja", "LICENSE",
    }  # fmt: skip
    assert step.download.revision == profile.download.revision
    assert step.path == tmp_path / "models" / profile.download.repo


def test_without_a_hub_the_size_is_an_estimate(
    every: Choices, tmp_path: Path, transfer: Transfer
) -> None:
    (step,) = make(every, tmp_path, transfer, choose(every, "e5-omni-7b")).steps
    assert not step.download.exact
    assert 17e9 < step.missing < 19e9


def test_a_branch_becomes_the_commit_that_the_hub_names(
    every: Choices, tmp_path: Path, transfer: Transfer, hub: StandIn
) -> None:
    download = every.profiles["e5-omni-7b"].download
    assert download is not None
    hub.repos[download.repo] = {"config.json": b"{}"}
    whole = plan.resolved(tmp_path, replace(download, revision="main"), Hub(hub.url), transfer)
    assert whole.revision == COMMIT


def test_a_downloaded_model_is_the_hubs_commit_until_it_is_touched(
    every: Choices, tmp_path: Path, transfer: Transfer, hub: StandIn
) -> None:
    download = every.profiles["e5-omni-7b"].download
    assert download is not None
    hub.repos[download.repo] = {"config.json": b"{}", "model.safetensors": b"x" * 400}
    (step,) = make(every, tmp_path, transfer, choose(every, "e5-omni-7b"), Hub(hub.url)).steps
    whole = step.download

    def bring(pin: Pin, target: Path) -> None:
        source = Hub(hub.url).source(whole.repo, whole.revision, pin.path)
        transfer.fetch(source, target, pin, lambda _: None)

    plan.folder_of(tmp_path / "models", whole).build(whole.files, bring, lambda _: None)
    found = find_model("e5-omni-7b", weights_dir=str(tmp_path / "models"))
    assert (found.folder, found.revision) == (str(step.path), download.revision)
    (step.path / "model.safetensors").write_bytes(b"mine")
    assert find_model("e5-omni-7b", weights_dir=str(tmp_path / "models")).revision != found.revision


# ---- the machine


def test_memory_is_what_the_container_allows(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemTotal: 32000000 kB\nMemAvailable: 9000000 kB\n")
    assert machine.memory_gb(tmp_path) == (32.768, 9.216)
    limits = tmp_path / "sys/fs/cgroup"
    limits.mkdir(parents=True)
    (limits / "memory.max").write_text("4000000000\n")
    assert machine.memory_gb(tmp_path) == (4.0, 4.0)
    (limits / "memory.max").write_text("max\n")
    assert machine.memory_gb(tmp_path)[0] == 32.768


@pytest.mark.skipif(sys.platform == "darwin", reason="Apple's GPU needs no driver's tool")
def test_the_largest_gpu_is_the_one_that_counts() -> None:
    def run(command: object, timeout_s: float) -> str:
        return "NVIDIA T4, 15360\nNVIDIA H100 80GB HBM3, 81559\n"

    found = machine.gpu(16.0, run)
    assert found is not None
    assert (found.name, round(found.memory_gb)) == ("NVIDIA H100 80GB HBM3", 86)
    assert machine.gpu(16.0, lambda *_: "") is None
    assert machine.gpu(16.0, lambda c, _: '\n[["Radeon", 24.5]]\n' if "-c" in c else "") == Gpu(
        "Radeon", 24.5
    )


def test_packages_are_installed_into_this_python() -> None:
    command = packages.command("omni")
    assert command[-1] == "omni-mcp[omni]"
    assert sys.executable in command


# ---- the settings file


def test_settings_are_written_beside_what_is_there() -> None:
    text = '# mine\nencoder = "embedded" # small\n\n[other]\nx = 1\n'
    assert edit.changed(text, {"encoder": "embeddinggemma-2", "speech": "turbo"}) == (
        '# mine\nencoder = "embeddinggemma-2" # small\nspeech = "turbo"\n\n[other]\nx = 1\n'
    )
    assert edit.changed("", {"speech": "turbo"}) == 'speech = "turbo"\n'
    assert edit.changed("\ufeffa = 1\n", {"a": 2}) == "\ufeffa = 2\n"


def test_a_file_that_is_no_toml_is_refused() -> None:
    with pytest.raises(BadRequestError, match="not TOML"):
        edit.changed("encoder = \n", {"speech": "turbo"})
