from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from omni_core.errors import UnavailableError
from omni_core.settings import Settings
from omni_core.weights import cache, onnx_sessions


def of(path: Path) -> Settings:
    return Settings(store=str(path / "store"), cache_dir=str(path / "cache"))


def test_libraries_of_a_user_share_one_folder_that_only_the_user_may_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    one, two = (cache.folder(Settings(store=str(tmp_path / name))) for name in "ab")
    assert one == two == tmp_path / "caches" / "omni-mcp"
    if os.name == "posix":
        assert one.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.name != "posix", reason="permission bits are of POSIX")
def test_a_folder_that_others_may_write_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "omni-mcp").mkdir()
    (tmp_path / "omni-mcp").chmod(0o777)
    store = tmp_path / "store"
    assert cache.folder(Settings(store=str(store))) == store / "cache"
    with pytest.raises(UnavailableError, match="other users may write there"):
        cache.folder(Settings(cache_dir=str(tmp_path / "omni-mcp")))


def test_a_folder_that_cannot_be_made_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    (tmp_path / "file").write_text("a file where the folder should be")
    store = tmp_path / "store"
    assert cache.folder(Settings(store=str(store))) == store / "cache"


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_the_folder_is_where_the_system_keeps_caches(platform: str) -> None:
    given = {"XDG_CACHE_HOME": "/caches", "LOCALAPPDATA": "/local"}
    wanted = {
        "linux": Path("/caches/omni-mcp"),
        "darwin": Path.home() / "Library" / "Caches" / "omni-mcp",
        "win32": Path("/local/omni-mcp/cache"),
    }
    assert cache.usual_folder(given, platform) == wanted[platform]


def test_a_relative_cache_home_is_ignored_as_its_rules_ask() -> None:
    assert cache.usual_folder({"XDG_CACHE_HOME": "here"}, "linux").is_relative_to(Path.home())


@pytest.mark.parametrize("damage", ["same size and time", "half", "nothing", "no hash"])
def test_a_damaged_graph_is_built_again_and_a_whole_one_is_not(tmp_path: Path, damage: str) -> None:
    pytest.importorskip("onnx")
    settings, built = of(tmp_path), []

    def build() -> Any:
        graph = onnx_sessions.Graph()
        built.append(graph)
        graph.op("Identity", "x", output="y")
        return graph.model("g", {"x": (np.float32, ["n"])}, {"y": ["n"]})

    path = onnx_sessions.cached(settings, "g", build)
    whole = path.read_bytes()
    assert onnx_sessions.cached(settings, "g", build) == path
    assert len(built) == 1
    assert cache.damaged(cache.folder(settings)) == []
    before = path.stat()
    if damage == "no hash":
        path.with_name(path.name + cache.NOTE).unlink()
    else:
        wrong = {"same size and time": whole[:-1] + b"~", "half": whole[:9], "nothing": b""}
        path.write_bytes(wrong[damage])
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert cache.damaged(cache.folder(settings)) == [path]
    onnx_sessions.cached(settings, "g", build)
    assert (len(built), path.read_bytes()) == (2, whole)
