"""Claude Code: `mcp add`, `mcp list`. No model is asked."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import cli
import flow

settings = flow.config()
program = str(Path(sys.argv[2]) / "node_modules" / ".bin" / "claude")
command, *args = settings.command
entry = {"type": "stdio", "command": command, "args": args, "env": settings.env}
bearer = f"Authorization: Bearer {settings.token}"
cli.add_and_list(
    program,
    ["mcp", "add-json", "--scope", "user", "omni", json.dumps(entry)],
    [
        "mcp", "add", "--scope", "user", "--transport", "http", "omni", settings.url,
        "--header", bearer,
    ],
    "Connected",
)  # fmt: skip
