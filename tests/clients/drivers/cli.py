"""Clients that are programs: they add the server to their configuration and list it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import flow

WAIT_S = 180


def add_and_list(program: str, add_stdio: list[str], add_http: list[str], good: str) -> None:
    """Add the server, list the servers, and look for the word that says it is connected."""
    settings = flow.config()
    home = Path(sys.argv[1]).parent / "home"
    home.mkdir(exist_ok=True)
    env = {
        **os.environ, **settings.env, "HOME": str(home), "CI": "1",
        "GEMINI_CLI_TRUST_WORKSPACE": "true", "DISABLE_AUTOUPDATER": "1",
    }  # fmt: skip

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [program, *arguments], env=env, cwd=home, capture_output=True, text=True,
            timeout=WAIT_S, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        return done.stdout + done.stderr

    added = run(*(add_stdio if settings.stdio else add_http))
    said = run("mcp", "list")
    lines = [line.strip() for line in said.splitlines() if "omni" in line]
    connected = any(good in line and "Dis" not in line for line in lines)
    shown = "; ".join(lines) or said.strip()[-200:] or added.strip()[-200:]
    steps = {"list": "ok" if connected else shown[:300]}
    sys.stdout.write("\n" + json.dumps({"steps": steps, "notes": {}}) + "\n")
