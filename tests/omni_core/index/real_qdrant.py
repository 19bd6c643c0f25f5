"""Real Qdrant servers for tests: one that is running, or one that is started from its executable.

    QDRANT_TEST_URL=http://localhost:6333 QDRANT_TEST_API_KEY=...    a server that is running
    QDRANT_TEST_BINARY=/path/to/qdrant                               started here, on loopback

With the executable the tests of a cluster run too: it is three processes. Without either the tests
are skipped. A server that is running needs its gRPC port one above that of its address.
"""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from omni_core.settings import Settings

URL, KEY, BINARY = "QDRANT_TEST_URL", "QDRANT_TEST_API_KEY", "QDRANT_TEST_BINARY"
START_S = 60.0
UNCHECKED = ssl._create_unverified_context()  # noqa: S323 - only to ask whether it is ready
OWN_KEY, OWN_READ_KEY = "writes-and-reads", "only-reads"


@dataclass
class Server:
    """One server, or the nodes of a cluster."""

    url: str
    """Its address; those of the nodes with commas."""
    key: str
    read_key: str = ""
    """A key that may only read; "" where the tests did not start the server."""
    nodes: list[Node] = field(default_factory=list)
    """The processes; none where the tests did not start the server."""

    def settings(self, name: str, **more: Any) -> Settings:
        """Settings of a library on this server."""
        return Settings(
            **{
                "index": "server", "qdrant_url": self.url, "qdrant_api_key": self.key,
                "qdrant_collection": name, **more,
            }
        )  # fmt: skip


class Node:
    """One process of Qdrant, which can be killed and started again on the same folder."""

    def __init__(self, folder: Path, bootstrap: str = "", *, cluster: bool = False) -> None:
        self.folder, self._cluster = folder, cluster
        self._bootstrap = bootstrap
        self.port = _free_ports()
        self.url = f"http://127.0.0.1:{self.port}"
        self.peer = f"http://127.0.0.1:{self.port + 2}"
        self.process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    def start(self, **environment: str) -> None:
        """Start it and wait until it is ready; a failure shows the end of its log."""
        settings = {
            "SERVICE__HOST": "127.0.0.1",
            "SERVICE__HTTP_PORT": str(self.port),
            "SERVICE__GRPC_PORT": str(self.port + 1),
            "SERVICE__API_KEY": OWN_KEY,
            "SERVICE__READ_ONLY_API_KEY": OWN_READ_KEY,
            "SERVICE__ENABLE_STATIC_CONTENT": "false",
            "STORAGE__STORAGE_PATH": str(self.folder / "storage"),
            "STORAGE__SNAPSHOTS_PATH": str(self.folder / "snapshots"),
            "STORAGE__TEMP_PATH": str(self.folder / "temp"),
            "STORAGE__PERFORMANCE__MAX_SEARCH_THREADS": "2",
            "CLUSTER__ENABLED": "true" if self._cluster else "false",
            "CLUSTER__P2P__PORT": str(self.port + 2),
            "TELEMETRY_DISABLED": "true",
            "LOG_LEVEL": "INFO",
        } | environment
        command = [os.environ[BINARY], "--disable-telemetry"]
        if self._cluster:
            command += ["--uri", self.peer]
            command += ["--bootstrap", self._bootstrap] if self._bootstrap else []
        with (self.folder / "log.txt").open("ab") as log:
            self.process = subprocess.Popen(  # the executable that the tester named
                command, cwd=self.folder, stdout=log, stderr=log,
                env={**os.environ, **{f"QDRANT__{k}": v for k, v in settings.items()}},
            )  # fmt: skip
        self.wait_until_ready("https" if settings.get("SERVICE__ENABLE_TLS") == "true" else "http")

    def wait_until_ready(self, scheme: str = "http") -> None:
        """Returns when `/readyz` says so: a node of a cluster has then caught up."""
        assert self.process is not None
        give_up = time.monotonic() + START_S
        while not _answers(f"{scheme}://127.0.0.1:{self.port}/readyz"):
            if self.process.poll() is not None or time.monotonic() > give_up:
                self.kill()
                pytest.fail(f"Qdrant did not start in {self.folder}:\n{self.log()}")
            time.sleep(0.05)

    def log(self) -> str:
        """The end of what it wrote."""
        return (self.folder / "log.txt").read_text(encoding="utf-8", errors="replace")[-3000:]

    def kill(self, how: int = signal.SIGKILL) -> None:
        """End the process at once, by default as a power cut would."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(timeout=60)
            self.process = None


@contextmanager
def server(folder: Path) -> Iterator[Server]:
    """A real server; skips the test where there is none."""
    if url := os.environ.get(URL):
        yield Server(url, os.environ.get(KEY, ""))
        return
    with processes(folder, 1) as started:
        yield started


@contextmanager
def processes(folder: Path, n: int, **environment: str) -> Iterator[Server]:
    """Servers that the tests start, several as a cluster; skips the test without an executable."""
    if not os.environ.get(BINARY):
        pytest.skip(f"no Qdrant server: set {BINARY} to its executable, or {URL}")
    with ExitStack() as stack:
        nodes: list[Node] = []
        for i in range(n):
            node = Node(folder / f"node{i}", nodes[0].peer if nodes else "", cluster=n > 1)
            stack.callback(node.kill)
            node.start(**environment)
            nodes.append(node)
        yield Server(",".join(node.url for node in nodes), OWN_KEY, OWN_READ_KEY, nodes)


async def drop(index: Any) -> None:
    """Delete the collection of a ServerIndex from its server."""
    if index._nodes is not None:
        await index._nodes.call("delete_collection", index.collection)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2, context=UNCHECKED) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _free_ports() -> int:
    """The first of three ports in a row that nobody listens on: REST, gRPC, and between nodes."""
    while True:
        with ExitStack() as stack:
            first = stack.enter_context(socket.socket())
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            try:
                for following in (port + 1, port + 2):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", following))
            except (OSError, OverflowError):
                continue
            return port
