"""Runs a client against the real server, over stdio or HTTP, with a library of its own."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import wave
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.clients.install import Client, install, python_of

REPO = Path(__file__).parents[2]
SAMPLES = REPO / "samples" / "library"
TRANSPORTS = ("stdio", "http")
SPEECH_S = float(os.environ.get("OMNI_CLIENTS_SPEECH_S", "120"))
"""Length of the spoken file: long enough that a client with a short time-out asks again."""
PATIENCE_S = 900.0
"""Longest ingest of one file."""
START_S = 120.0


@dataclass(frozen=True)
class Outcome:
    """What a client did over one transport: each step "ok" or what went wrong."""

    client: Client
    transport: str
    steps: dict[str, str]
    notes: dict[str, str]
    seconds: float

    @property
    def green(self) -> bool:
        """Whether every step succeeded."""
        return bool(self.steps) and set(self.steps.values()) == {"ok"}


def run(client: Client, transport: str, folder: Path) -> Outcome:
    """Drive an installed client through all steps. Raises UnavailableError where it cannot be had.

    `folder` gets the library, the media and the log of the server.
    """
    installed = install(client)
    started = time.monotonic()
    media = _media(folder)
    environment = {**_environment(), "OMNI_STORE": str(folder / "store")}
    serve = [sys.executable, "-m", "omni_server", "serve", "--root", str(media)]
    config: dict[str, Any] = {
        "transport": transport, "command": serve, "env": environment, "url": "", "token": "",
        "speech": str(media / "speech.wav"), "pdf": str(media / "report.pdf"),
        "speech_query": "sense and sensibility, a young man", "pdf_query": "Mount Sarn report",
        "patience_s": PATIENCE_S, "pictures": client.pictures,
    }  # fmt: skip
    if transport == "stdio":
        report = _drive(client, installed, folder, config)
    else:
        with _server(serve, environment, folder / "server.log") as (url, token):
            report = _drive(client, installed, folder, {**config, "url": url, "token": token})
    took = time.monotonic() - started
    return Outcome(client, transport, report["steps"], report["notes"], took)


def _environment() -> dict[str, str]:
    """What the server needs of this process's environment: where Python finds it, and settings."""
    kept = {k: v for k, v in os.environ.items() if k.startswith("OMNI_") or k in ("PATH", "HOME")}
    return {**kept, "PYTHONPATH": os.pathsep.join((str(REPO), str(REPO / "server")))}


def _media(folder: Path) -> Path:
    """A folder with a spoken file of SPEECH_S seconds and a PDF of five pages."""
    media = folder / "media"
    media.mkdir(parents=True)
    shutil.copy(SAMPLES / "field-trip" / "report.pdf", media)
    parts, rate = [], 0
    for path in sorted((SAMPLES / "audio").glob("*.wav")):
        with wave.open(str(path)) as sound:
            rate = sound.getframerate()
            parts.append(sound.readframes(sound.getnframes()))
    whole = b"".join(parts)
    wanted = int(SPEECH_S * rate) * 2
    with wave.open(str(media / "speech.wav"), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes((whole * (wanted // len(whole) + 1))[:wanted])
    return media


def _drive(client: Client, installed: Path, folder: Path, config: dict[str, Any]) -> dict[str, Any]:
    """The report of the driver: the last line that it prints."""
    given = folder / "config.json"
    given.write_text(json.dumps(config), encoding="utf-8")
    program = "node" if client.driver.suffix == ".mjs" else sys.executable
    if client.pip:
        program = str(python_of(installed))
    log = folder / "client.log"
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    with log.open("wb") as errors:
        try:
            done = subprocess.run(
                [program, str(client.driver), str(given), str(installed)], env=environment,
                stdout=subprocess.PIPE, stderr=errors, timeout=3 * PATIENCE_S,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return {"steps": {"list": "the client did not end"}, "notes": {}}
    lines = done.stdout.decode("utf-8", "replace").strip().splitlines()
    for line in reversed(lines):
        with suppress(json.JSONDecodeError):
            found = json.loads(line)
            if isinstance(found, dict) and "steps" in found:
                return found
    said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return {"steps": {"list": f"the driver ended without a report: {said[-1:]}"}, "notes": {}}


@contextmanager
def _server(serve: list[str], environment: dict[str, str], log: Path) -> Iterator[tuple[str, str]]:
    """A server over HTTP; its address and token."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_urlsafe(16)
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*serve, "--http", "--port", str(port)], stdout=out, stderr=out,
            env={**environment, "OMNI_TOKEN": token},
        )  # fmt: skip
        try:
            _wait(f"http://127.0.0.1:{port}/health", process)
            yield f"http://127.0.0.1:{port}/mcp", token
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError("the server ended before it answered")
        with suppress(urllib.error.URLError, OSError):
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310 - ours, on this machine
            return
        time.sleep(0.2)
    raise RuntimeError(f"the server did not answer in {START_S:.0f} s")
