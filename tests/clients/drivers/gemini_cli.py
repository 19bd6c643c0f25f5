"""Gemini CLI: `mcp add`, `mcp list`. No model is asked."""

from __future__ import annotations

import sys
from pathlib import Path

import cli
import flow

settings = flow.config()
program = str(Path(sys.argv[2]) / "node_modules" / ".bin" / "gemini")
# It refuses to set PYTHONPATH for a server; an installed omni-mcp needs none, this checkout does.
tree = f"PYTHONPATH={settings.env['PYTHONPATH']}"
others = {k: v for k, v in settings.env.items() if k != "PYTHONPATH"}
environment = [part for k, v in others.items() for part in ("-e", f"{k}={v}")]
bearer = f"Authorization: Bearer {settings.token}"
cli.add_and_list(
    program,
    ["mcp", "add", "--scope", "user", *environment, "omni", "env", tree, *settings.command],
    [
        "mcp", "add", "--scope", "user", "--transport", "http", "--header", bearer, "omni",
        settings.url,
    ],
    "Connected",
)  # fmt: skip
