"""The process of `omni-mcp worker`: what comes over HTTP is read in a sandbox.

The address is bound first. Then, on Linux, the process becomes a new one (exec) which enters the
sandbox before it imports anything that starts threads: with a child's environment, the rules of a
model worker, and no further socket but the connections that it takes. Elsewhere it just serves.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import pickle
import socket
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from omni_core import sandbox
from omni_core.errors import BadRequestError, OmniError, RefusedError
from omni_core.sandbox import Rules
from omni_core.sandbox.folders import TemporaryFolder
from omni_core.sandbox.kernel import LINUX, hide_memory
from omni_core.settings import MIN_TOKEN, Settings


def serve(
    settings: Settings,
    host: str,
    port: int,
    token: str,
    starting: Callable[[], None] = lambda: None,
) -> None:
    """Load the models of `settings` and answer on host:port until stopped. `starting` is called
    once the address is bound.

    Raises RefusedError before anything is loaded when the address can be reached from other
    machines and there is no token, BadRequestError for an address that cannot be bound.
    """
    may_listen(host, token)
    bound = _bound(host, port)
    starting()
    if LINUX and settings.sandbox != "off":
        _become(settings, token, bound)
    _run(settings, token, bound)


def may_listen(host: str, token: str) -> None:
    """Raise RefusedError for a token that can be guessed, and for none beyond loopback."""
    if token and len(token) < MIN_TOKEN:
        raise RefusedError(
            f"the worker's token has {len(token)} characters, which can be guessed: set "
            f"encoder_token (OMNI_ENCODER_TOKEN) to a random secret of {MIN_TOKEN} or more",
            code="BAD_ARGUMENT",
        )
    if not token and not _loopback(host):
        raise RefusedError(
            f"a worker on {host} can be reached by other machines: set a token "
            "(encoder_token, or OMNI_ENCODER_TOKEN) or listen on 127.0.0.1",
            code="BAD_ARGUMENT",
        )


def _bound(host: str, port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as e:
        bound.close()
        raise BadRequestError(
            f"the worker cannot listen on {host}:{port} ({e.strerror}): name another address"
        ) from e
    return bound


def _become(settings: Settings, token: str, bound: socket.socket) -> None:
    """Go on as a new process, with a child's environment; returns only by raising."""
    from omni_core.models.confinement import of_models  # imports NumPy

    rules = of_models(settings, serves=True)
    environment = sandbox.allowed(
        os.environ, models=True, network=rules.network, more=rules.variables
    )
    home = str(Path(sandbox.__file__).parents[2])
    environment["PYTHONPATH"] = os.pathsep.join([*sandbox.import_path(), home])
    reader, writer = os.pipe()
    os.set_inheritable(reader, True)
    bound.set_inheritable(True)
    with open(writer, "wb") as pipe:  # a few kB: it holds them until they are read
        pickle.dump((rules, settings, token, bound.fileno()), pipe)
    command = [sys.executable, "-P", "-m", "omni_core.models.serving.process", str(reader)]
    os.execve(sys.executable, command, environment)  # noqa: S606 - this very program


def _run(settings: Settings, token: str, bound: socket.socket) -> None:
    from omni_core.models.serving import app

    app.serve(settings, token, bound)


def _confine(rules: Rules) -> TemporaryFolder:
    """Enter the sandbox, with a folder of its own for temporary files: to be held as long as it is
    used. What the sandbox keeps from being removed, the next process that makes one removes."""
    hide_memory()
    folder = TemporaryFolder()
    os.environ |= dict.fromkeys(("TMPDIR", "TMP", "TEMP"), folder.path)
    tempfile.tempdir = None
    from omni_core.sandbox.entering import enter

    enter(rules)
    return folder


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def main(given: int) -> int:
    """Entry of the new process; `given`: the descriptor that its settings are read from."""
    with open(given, "rb") as pipe:
        rules, settings, token, descriptor = pickle.load(pipe)  # noqa: S301 - by `_become`
    logging.basicConfig(level=os.environ.get("OMNI_LOG", "WARNING").upper(), stream=sys.stderr)
    try:
        folder = _confine(rules)
        try:
            _run(settings, token, socket.socket(fileno=descriptor))
        finally:
            folder.remove()
    except OmniError as e:
        print(f"{e.code}: {e}", file=sys.stderr)  # noqa: T201 - a command's last line
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
