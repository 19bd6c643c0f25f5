"""Servers on a free port of loopback, and the settings that reach them."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
import uvicorn

from omni_core import encoders
from omni_core.models.serving import app as serving
from omni_core.settings import Settings
from omni_core.types import Content

DEAF: dict[str, Any] = {
    "encoder": "hashing", "speech": "off", "screen_text": "off", "sound_tags": "off",
}  # fmt: skip
TOKEN = "a-token-of-this-test"  # noqa: S105


@contextmanager
def running(application: Any, port: int = 0, **more: Any) -> Iterator[str]:
    """The application on loopback, on a free port or this one: its address. `more`: settings of
    uvicorn."""
    listener = socket.create_server(("127.0.0.1", port))
    config = uvicorn.Config(application, log_level="error", lifespan="off", **more)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


def loaded(url: str) -> str:
    """The address of the worker, when its models are loaded: before that it refuses work (BUSY)."""
    give_up = time.monotonic() + 30
    while (answer := httpx2.get(f"{url}/ready", timeout=30)).status_code != 200:
        assert time.monotonic() < give_up, answer.text
        time.sleep(0.05)
    return url


@pytest.fixture(scope="session", name="running")
def _running() -> Any:
    """`running(application)`: a context manager that serves it and gives its address."""
    return running


@pytest.fixture(scope="session")
def token() -> str:
    return TOKEN


@pytest.fixture(scope="session")
def settings() -> Callable[..., Settings]:
    """`settings(url)`: those that reach the worker or server at the address."""

    def make(url: str, **more: Any) -> Settings:
        return Settings(**{"encoder_url": url, "encoder_token": TOKEN, **more})

    return make


@pytest.fixture(scope="module")
def worker() -> Iterator[str]:
    """The address of a worker that runs the hashing encoder, and no reader."""
    with running(serving.worker_app(Settings(**DEAF), TOKEN)) as url:
        yield loaded(url)


@pytest.fixture
def everything(media: dict[str, Content]) -> list[Content]:
    return list(media.values())


@pytest.fixture
def opened() -> Iterator[Callable[[Settings], Any]]:
    """`encoders.load`, closed again after the test."""
    made: list[Any] = []

    def load(wanted: Settings) -> Any:
        made.append(
            encoders.load(wanted) if not wanted.reranker else encoders.load_reranker(wanted)
        )
        return made[-1]

    yield load
    for one in made:
        one.close()
