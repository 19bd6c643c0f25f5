"""The stores under test: in memory, embedded, on a Qdrant server's stand-in and on a real one."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from omni_core.index.edge import EdgeIndex
from omni_core.index.memory import MemoryIndex
from omni_core.index.server import ServerIndex
from omni_core.points import Point
from omni_core.types import Channel, EncoderInfo
from tests.omni_core.index import real_qdrant
from tests.omni_core.index.qdrant_standin import StandIn

INFO = EncoderInfo("tests/tiny", "r1", 32, frozenset(Channel))
LATE = EncoderInfo("tests/tiny-late", "r1", 32, frozenset(Channel), multi_vector=True)

Opener = Callable[..., Awaitable[Any]]
KINDS = ["memory", "edge", "edge, settled", "server", "real server", "real server, gRPC"]


class Settled(EdgeIndex):
    """The embedded index after its vacuum: whatever is put in is settled at once."""

    async def upsert(self, points: Sequence[Point]) -> None:
        """Then settle it."""
        await super().upsert(points)
        await self.optimize()  # False where another task writes meanwhile


@pytest.fixture(params=KINDS)
async def open_index(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Opener]:
    """`await open_index(late=True)`: an empty index of each kind; all are closed at the end.

    `open_index.kind` names it; asked twice, it opens the same store again.
    """
    kind = request.param
    opened: list[Any] = []
    name = f"test-{uuid.uuid4().hex[:12]}"
    if kind == "server":
        settings = request.getfixturevalue("qdrant").settings()
    elif kind.startswith("real"):
        settings = request.getfixturevalue("real").settings(name, qdrant_grpc="gRPC" in kind)

    async def opener(*, late: bool = False) -> Any:
        info = LATE if late else INFO
        index: Any
        if kind == "memory":
            index = MemoryIndex(info)
        elif kind == "edge":
            index = EdgeIndex(tmp_path, info)
        elif kind == "edge, settled":
            index = Settled(tmp_path, info, grown=1)
        else:
            index = ServerIndex(settings, info)
        await index.open()
        opened.append(index)
        return index

    opener.kind = kind  # type: ignore[attr-defined]
    yield opener
    for index in opened:
        if kind.startswith("real"):
            await real_qdrant.drop(index)
        await index.close()
    if kind == "server":
        assert request.getfixturevalue("qdrant").violations == []


@pytest.fixture
def qdrant() -> Iterator[StandIn]:
    """A stand-in on a free port; `violations` lists requests that Qdrant's OpenAPI forbids."""
    standin = StandIn()
    yield standin
    standin.close()


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[real_qdrant.Server]:
    """A real Qdrant server; the test is skipped where there is none."""
    with real_qdrant.server(tmp_path_factory.mktemp("qdrant")) as server:
        yield server
