"""`tools_schema/`: the tools as JSON files, for reviewers and for clients without MCP.

NAME.json               one tool as `tools/list` sends it
openai.json             all of them as strict functions of the Chat Completions API
openai_responses.json   the same of the Responses API
anthropic.json          as tools of the Messages API
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from omni_server import function_calling
from omni_server.app import all_tools

FORMS = {
    "openai.json": function_calling.openai,
    "openai_responses.json": function_calling.openai_responses,
    "anthropic.json": function_calling.anthropic,
}


def render_all() -> dict[str, str]:
    """File name -> JSON text, for every tool, including those that a setting enables."""
    files = {}
    tools = all_tools()
    for tool in tools:
        body = {
            "name": tool.name,
            "title": tool.title,
            "description": tool.description,
            "inputSchema": tool.parameters,
            "outputSchema": tool.output_schema,
            "annotations": tool.annotations
            and tool.annotations.model_dump(by_alias=True, exclude_none=True),
            "_meta": tool.meta,
        }
        body = {k: v for k, v in body.items() if v is not None}
        files[f"{tool.name}.json"] = _text(body)
    return files | {name: _text([form(t) for t in tools]) for name, form in FORMS.items()}


def _text(body: Any) -> str:
    return json.dumps(body, indent=2, ensure_ascii=False) + "\n"


def write(folder: str | Path) -> list[Path]:
    """Write `render_all` into `folder` and remove other JSON files there; returns the paths."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    files = render_all()
    for stale in target.glob("*.json"):
        if stale.name not in files:
            stale.unlink()
    for name, text in files.items():
        (target / name).write_text(text, encoding="utf-8")
    return [target / name for name in files]
