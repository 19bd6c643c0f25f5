"""An agent without MCP: a model that calls functions, the schemas of tools_schema/, the tools.

    python examples/agent-loop/agent_loop.py --root samples/library "how fast does lava run"

runs offline with a scripted stand-in for the model. With --model NAME it asks a real one over
the Chat Completions API at OPENAI_BASE_URL (OpenAI, vLLM, Ollama, llama.cpp ...), with the key in
OPENAI_API_KEY.

The tools run in this process: same arguments, same checks, same text as over MCP.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import httpx2
from mcp import Client
from mcp.types import TextContent

from omni_core.settings import load
from omni_server.app import INSTRUCTIONS, create

SCHEMAS = Path(__file__).resolve().parents[2] / "tools_schema" / "openai.json"
Message = dict[str, Any]
"""A message of the Chat Completions API."""


class Model(Protocol):
    """The model that the loop calls."""

    async def reply(self, messages: Sequence[Message], tools: Sequence[Message]) -> Message:
        """The assistant's next message: text, or `tool_calls`."""


class ChatCompletions:
    """A model behind any server that speaks the Chat Completions API."""

    def __init__(self, name: str, url: str, key: str = "") -> None:
        self._name = name
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx2.AsyncClient(
            base_url=url.rstrip("/") + "/", headers=headers, timeout=120
        )

    async def reply(self, messages: Sequence[Message], tools: Sequence[Message]) -> Message:
        """See Model."""
        body = {"model": self._name, "messages": list(messages), "tools": list(tools)}
        answer = await self._http.post("chat/completions", json=body)
        answer.raise_for_status()
        message: Message = answer.json()["choices"][0]["message"]
        return message


class Scripted:
    """Plays the model: ingests the folder, searches, opens the best hit, quotes it.

    It reads results as a model does, from their text, and fills every argument as in strict mode.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder

    async def reply(self, messages: Sequence[Message], tools: Sequence[Message]) -> Message:
        """See Model."""
        question = next(m["content"] for m in messages if m["role"] == "user")
        done = [m for m in messages if m["role"] == "tool"]
        last = str(done[-1]["content"]) if done else ""
        segment = re.search(r"seg_[a-z2-7]{26}", last)
        cite = re.search(r"^cite: (\[.+\])$", last, re.M)
        if not done or last.startswith("processing"):
            return _call(tools, "ingest_media", source=self._folder, wait_s=45)
        if done[-1]["name"] == "ingest_media":
            return _call(tools, "search", query=question)
        if done[-1]["name"] == "search" and segment:
            return _call(tools, "get_segment", ref=segment.group())
        if done[-1]["name"] == "get_segment" and cite:
            return {"role": "assistant", "content": f"It is told here: {cite.group(1)}"}
        return {"role": "assistant", "content": f"I found nothing about that. {last}"}


def _call(tools: Sequence[Message], name: str, **arguments: Any) -> Message:
    """A message that calls `name`, its other arguments null."""
    (schema,) = (t["function"]["parameters"] for t in tools if t["function"]["name"] == name)
    filled = dict.fromkeys(schema["required"]) | arguments
    function = {"name": name, "arguments": json.dumps(filled)}
    call = {"id": f"call_{name}", "type": "function", "function": function}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


async def run(question: str, model: Model, server: Client, *, turns: int = 12) -> list[Message]:
    """The whole conversation; its last message is the answer."""
    offered = {tool.name for tool in (await server.list_tools()).tools}
    functions = json.loads(SCHEMAS.read_text(encoding="utf-8"))
    tools = [f for f in functions if f["function"]["name"] in offered]
    messages: list[Message] = [
        {"role": "system", "content": INSTRUCTIONS},
        {"role": "user", "content": question},
    ]
    for _ in range(turns):
        messages.append(await model.reply(messages, tools))
        calls = messages[-1].get("tool_calls") or ()
        if not calls:
            return messages
        for call in calls:
            name = call["function"]["name"]
            text = await _result(server, name, call["function"]["arguments"])
            messages.append(
                {"role": "tool", "tool_call_id": call["id"], "name": name, "content": text}
            )
    raise RuntimeError(f"no answer after {turns} turns")


async def _result(server: Client, name: str, arguments: str) -> str:
    """A tool's text, also of an error, which lets the model correct the call."""
    try:
        given = json.loads(arguments or "{}")
    except ValueError as e:
        return f"BAD_ARGUMENT: the arguments are not JSON: {e}"
    if not isinstance(given, Mapping):
        return "BAD_ARGUMENT: the arguments are not an object"
    result = await server.call_tool(name, dict(given))
    words = [block.text for block in result.content if isinstance(block, TextContent)]
    other = len(result.content) - len(words)
    return "\n".join(words) + (f"\n({other} images or links are left out here)" if other else "")


def _print(messages: Sequence[Message]) -> None:
    for message in messages[1:]:
        for call in message.get("tool_calls") or ():
            arguments = json.loads(call["function"]["arguments"])
            shown = ", ".join(f"{k}={v!r}" for k, v in arguments.items() if v is not None)
            sys.stdout.write(f"> {call['function']['name']}({shown})\n")
        if message.get("content"):
            text = str(message["content"])
            sys.stdout.write(f"{message['role']}: {text[:600]}{'…' if len(text) > 600 else ''}\n")


def main() -> None:
    """Read the command line, run the loop, print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("question")
    parser.add_argument("--root", required=True, help="folder that the agent may read")
    parser.add_argument("--store", help="folder of the library (~/.omni-mcp)")
    parser.add_argument("--model", help="name of a real model; a scripted one without it")
    args = parser.parse_args()
    root = str(Path(args.root).expanduser().resolve())
    settings = load({"roots": [root], "store": args.store})
    url = os.environ.get("OPENAI_BASE_URL", "https://api.openai.com/v1")
    model: Model = Scripted(root)
    if args.model:
        model = ChatCompletions(args.model, url, os.environ.get("OPENAI_API_KEY", ""))

    async def ask() -> None:
        async with Client(create(settings), read_timeout_seconds=120) as server:
            _print(await run(args.question, model, server))

    asyncio.run(ask())


if __name__ == "__main__":
    main()
