"""Packages that other people might have written, installed for the length of one test."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from bench import priority
from omni_core import plugins
from omni_core.pipes import child

PIXELS = 89_478_485
"""Pillow's own limit."""


def _policy() -> int:
    return os.sched_getscheduler(0) if hasattr(os, "sched_getscheduler") else 0


ORDINARY = _policy()
HERE = Path(__file__).parent
STARTED = [
    HERE / "omni_core" / name
    for name in ("test_worker.py", "pipes", "sandbox", "engine/test_open_close.py")
]
"""Tests of how children start, or of whose children they are: these are not forked."""


@pytest.fixture(autouse=True, scope="session")
def _cache_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Models are joined and built once for all tests, and not in the folder of the user."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("caches")))
        yield


@pytest.fixture(autouse=True)
def _limit_of_pictures() -> Iterator[None]:
    """Pillow's limit of pixels is one for the process: opening a picture sets it, and a test of low
    limits must not leave its own to the next."""
    yield
    image: Any = sys.modules.get("PIL.Image")
    if image is not None:
        image.MAX_IMAGE_PIXELS = PIXELS


@pytest.fixture(autouse=True)
def _priority_is_ordinary() -> Iterator[None]:
    """What runs in real time, as SVT-AV1 makes it, starves all tests beside and after it; so would
    its children."""
    with priority.kept():
        yield
        assert _policy() == ORDINARY, "encode within bench.priority.kept"


@pytest.fixture(scope="session")
def forks() -> Iterator[Callable[..., Any] | None]:
    """Starts children for all tests of a process, where the system has what it takes."""
    if sys.platform != "linux":
        yield None
        return
    from tests.forking.children import Forks  # needs what Linux alone has

    parent = Forks()
    yield parent.start
    parent.close()


@pytest.fixture(autouse=True)
def _children_are_forked(
    request: pytest.FixtureRequest, forks: Callable[..., Any] | None
) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        if forks is not None and not any(map(request.path.is_relative_to, STARTED)):
            patch.setattr(child, "_started", forks)
        yield


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Install a package of one module: its name, its code, its entry points by group.

    What an installer leaves behind is a module and a `*.dist-info` on `sys.path`; children find
    them there as well.
    """
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    installed: list[str] = []

    def _install(name: str, code: str, points: Mapping[str, str]) -> None:
        module = name.replace("-", "_")
        installed.append(module)
        (site / f"{module}.py").write_text(code)
        info = site / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        lines = [f"[omni_mcp.{group}]\n{line}\n" for group, line in points.items()]
        (info / "entry_points.txt").write_text("\n".join(lines))
        importlib.invalidate_caches()  # a folder that changed twice within one tick of its clock
        plugins.reload_entry_points()

    yield _install
    monkeypatch.undo()
    for module in installed:
        sys.modules.pop(module, None)
    importlib.invalidate_caches()
    plugins.reload_entry_points()
