"""`tools_schema/`: the tools as JSON files, for reviewers and for clients without MCP."""

from __future__ import annotations

import json
from pathlib import Path

from omni_server.app import all_tools


def render_all() -> dict[str, str]:
    """File name -> JSON text, for every tool, the ones behind a flag included."""
    files = {}
    for tool in all_tools():
        body = {
            "name": tool.name,
            "title": tool.title,
            "description": tool.description,
            "inputSchema": tool.parameters,
            "outputSchema": tool.output_schema,
            "annotations": tool.annotations
            and tool.annotations.model_dump(by_alias=True, exclude_none=True),
        }
        body = {k: v for k, v in body.items() if v is not None}
        files[f"{tool.name}.json"] = json.dumps(body, indent=2, ensure_ascii=False) + "\n"
    return files


def write(folder: str | Path) -> list[Path]:
    """Write `render_all` into `folder`, which becomes exactly that; returns the paths."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    files = render_all()
    for stale in target.glob("*.json"):
        if stale.name not in files:
            stale.unlink()
    for name, text in files.items():
        (target / name).write_text(text, encoding="utf-8")
    return [target / name for name in files]
