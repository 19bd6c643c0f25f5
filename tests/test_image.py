"""The image, built and run: opt-in, since it takes minutes and 1.6 GB.

    OMNI_TEST_IMAGE=1 python -m pytest tests/test_image.py

Needs buildah and the base image that the Dockerfile names (or one tagged like it, where no registry
can be reached).
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parent.parent
NAME = "localhost/omni-mcp-test"
TOKEN = "a-token-of-the-image-test"  # noqa: S105

pytestmark = [
    pytest.mark.skipif(not os.environ.get("OMNI_TEST_IMAGE"), reason="opt-in: OMNI_TEST_IMAGE=1"),
    pytest.mark.skipif(shutil.which("buildah") is None, reason="needs buildah"),
    pytest.mark.timeout(1800),
]


def buildah(*arguments: str) -> str:
    env = {"BUILDAH_ISOLATION": "chroot", **os.environ}
    done = subprocess.run(
        ["buildah", *arguments], cwd=REPO, env=env, capture_output=True, text=True, timeout=1700
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


@pytest.fixture(scope="module")
def container() -> Iterator[str]:
    buildah("build", "--layers", "-f", "docker/Dockerfile", "-t", NAME, ".")
    name = buildah("from", "--pull-never", NAME)
    yield name
    buildah("rm", name)


def test_the_image_runs_as_a_user_without_rights(container: str) -> None:
    assert buildah("run", container, "--", "id", "-u") == "10001"


def test_the_server_in_the_image_becomes_ready(container: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    serve = ("omni-mcp", "serve", "--http", "--port", port)
    running = subprocess.Popen(
        ["buildah", "run", "--env", f"OMNI_TOKEN={TOKEN}", container, "--", *serve],
        env={"BUILDAH_ISOLATION": "chroot", **os.environ},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert running.stderr is not None
        for line in running.stderr:  # ends when the server ends
            if "MCP at" in line:
                break
        for _ in range(60):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=10) as r:
                    assert json.load(r) == {"ready": True, "why": ""}
                    return
            except (urllib.error.HTTPError, urllib.error.URLError, ConnectionError) as e:
                assert getattr(e, "code", 503) == 503  # or not listening yet
                _wait_for_a_second(running)
        pytest.fail("not ready within a minute")
    finally:
        os.killpg(running.pid, signal.SIGTERM)
        running.wait(30)


def _wait_for_a_second(running: subprocess.Popen[str]) -> None:
    try:
        running.wait(1)
    except subprocess.TimeoutExpired:
        return
    pytest.fail("the server ended")
