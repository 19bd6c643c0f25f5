"""A PostgreSQL server for the tests: the one of OMNI_TEST_POSTGRES, or one that is started here."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

USERS = ("postgres", "nobody")
"""Of whom one runs the server where the tests run as root, which it refuses to."""


def why_not() -> str:
    """Why there is no server; "" where there is one."""
    try:
        import psycopg  # noqa: F401
        import psycopg_pool  # noqa: F401
    except ImportError:
        return "needs the extra [postgres]"
    if os.environ.get("OMNI_TEST_POSTGRES") or _binaries() is not None:
        return ""
    return "no PostgreSQL here: install it, or set OMNI_TEST_POSTGRES to the URL of a database"


def _binaries() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


def _user() -> str | None:
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(user for user in USERS if user in names)


@contextmanager
def server() -> Iterator[str]:
    """The URL of a database on it."""
    given = os.environ.get("OMNI_TEST_POSTGRES")
    if given:
        yield given
        return
    binaries, user = _binaries(), _user()
    assert binaries is not None
    folder = Path(tempfile.mkdtemp(prefix="omni-postgres-"))
    try:
        if user is not None:
            shutil.chown(folder, user)
        data = folder / "data"

        def run(*command: str) -> None:
            subprocess.run(
                command, check=True, user=user, cwd=folder, stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120,
            )  # fmt: skip

        run(str(binaries / "initdb"), "-D", str(data), "-U", "omni", "-A", "trust", "-E", "UTF8",
            "--no-locale", "-N")  # fmt: skip
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        options = f"-p {port} -h 127.0.0.1 -k {folder} -c fsync=off -c full_page_writes=off"
        control = str(binaries / "pg_ctl")
        run(control, "-D", str(data), "-o", options, "-w", "-l", str(folder / "log"), "start")
        try:
            yield f"postgresql://omni@127.0.0.1:{port}/postgres"
        finally:
            run(control, "-D", str(data), "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
