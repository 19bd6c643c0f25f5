"""Installs the packages of an extra into this Python, by the installer that is at hand."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys

from omni_core.errors import UnavailableError


def command(extra: str) -> list[str]:
    """The command that installs `omni-mcp[extra]` here: pip's, else uv's, else pip's to read."""
    wanted = f"omni-mcp[{extra}]"
    if importlib.util.find_spec("pip") is None and (uv := shutil.which("uv")):
        return [uv, "pip", "install", "--python", sys.executable, wanted]
    return [sys.executable, "-m", "pip", "install", wanted]


def install(extra: str) -> None:
    """Run the command; its output goes to this process's. Raises UnavailableError."""
    run = command(extra)
    try:
        done = subprocess.run(run, stdout=2, check=False)  # noqa: S603 - our own; to stderr
        code = done.returncode
    except OSError as e:
        raise UnavailableError(f"{run[0]} cannot be run: {e.strerror or e}") from e
    importlib.invalidate_caches()
    if code:
        raise UnavailableError(
            f"the packages could not be installed (exit code {code}); install them with "
            f"`{' '.join(run)}`, then run this again",
            code="MISSING_EXTRA",
        )
