"""What every client is asked to do, and the report of it. Runs in the client's own environment.

Standard library only. A driver hands over the tools of its framework as `list_tools` and `call`;
the report is one line of JSON, the last one on stdout.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

STEPS = ("list", "ingest speech", "ingest pdf", "search", "open", "similar")
PAUSE_S = 1.0
REF = re.compile(r"\b(seg_[a-z2-7]{26})\b")


@dataclass
class Answer:
    """What a framework hands to its model: words and pictures."""

    text: str
    pictures: int = 0
    error: bool = False


ListTools = Callable[[], Awaitable[Sequence[str]]]
Call = Callable[[str, dict[str, Any]], Awaitable[Answer]]


@dataclass
class Config:
    """What to connect to, and the files to ingest."""

    transport: str
    command: list[str]
    env: dict[str, str]
    url: str
    token: str
    speech: str
    pdf: str
    speech_query: str
    pdf_query: str
    patience_s: float
    pictures: bool

    @property
    def headers(self) -> dict[str, str]:
        """What the HTTP transport needs."""
        return {"Authorization": f"Bearer {self.token}"}

    @property
    def stdio(self) -> bool:
        """Whether the client starts the server itself."""
        return self.transport == "stdio"


def config() -> Config:
    """The configuration that the matrix wrote for this driver."""
    return Config(**json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))


@dataclass
class Report:
    """Each step: "ok", or what went wrong; and how many calls and time-outs it took."""

    steps: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)

    def print(self) -> None:
        """The line that the matrix reads."""
        steps = {name: self.steps.get(name, "not reached") for name in STEPS}
        sys.stdout.write("\n" + json.dumps({"steps": steps, "notes": self.notes}) + "\n")
        sys.stdout.flush()


async def run(list_tools: ListTools, call: Call, settings: Config, report: Report) -> None:
    """All steps in order; the first one that fails ends it."""
    names = await list_tools()
    wanted = {"ingest_media", "search", "get_segment", "similar_to", "list_sources", "read_source"}
    missing = sorted(w for w in wanted if not any(n.endswith(w) for n in names))
    if missing:
        report.steps["list"] = f"missing: {', '.join(missing)}"
        return
    report.steps["list"] = "ok"

    for step, path in (("ingest speech", settings.speech), ("ingest pdf", settings.pdf)):
        if not await _ingest(call, path, settings.patience_s, step, report):
            return
    refs = []
    for query, kind in ((settings.speech_query, "audio"), (settings.pdf_query, "document")):
        found = await _patient(
            call, "search", {"query": query, "modality": [kind]}, "search", report
        )
        ref = REF.search(found.text)
        if ref is None:
            report.steps["search"] = f"no hit for {query!r}: {found.text[:200]}"
            return
        refs.append(ref[1])
    report.steps["search"] = "ok"

    opened = await _patient(call, "get_segment", {"ref": refs[1]}, "open", report)
    if "[" not in opened.text or (settings.pictures and not opened.pictures):
        report.steps["open"] = f"{opened.pictures} pictures: {opened.text[:200]}"
        return
    report.steps["open"] = "ok"
    late = report.notes.get("open")
    shown = f"{opened.pictures} picture" if opened.pictures else "words only"
    report.notes["open"] = f"{shown}, {late}" if late else shown

    similar = await _patient(
        call, "similar_to", {"ref": refs[1], "same_source": True}, "similar", report
    )
    hits = '"hits"' in similar.text or "'hits'" in similar.text or "moment" in similar.text
    report.steps["similar"] = "ok" if hits and not similar.error else similar.text[:200]


async def _ingest(call: Call, path: str, patience_s: float, step: str, report: Report) -> bool:
    """Ask again, as an agent does, until the file is ready."""
    started, calls, late = time.monotonic(), 0, 0
    said = ""
    while time.monotonic() - started < patience_s:
        calls += 1
        try:
            answer = await call("ingest_media", {"source": path})
        except Exception as e:
            if not _is_time_out(e):
                raise
            late += 1
            continue
        said = answer.text
        if _is_time_out(said):
            late += 1
        elif re.search(r"\bready\b", said):
            report.steps[step] = "ok"
            out = f", {late} timed out" if late else ""
            report.notes[step] = f"{calls} calls{out}, {time.monotonic() - started:.0f} s"
            return True
        elif not re.search(r"processing|queued|CANCELLED|NOT_READY", said):
            report.steps[step] = said[:300]
            return False
        await asyncio.sleep(PAUSE_S)
    report.steps[step] = (
        f"not ready in {patience_s:.0f} s: {calls} calls, {late} timed out; {said[:200]}"
    )
    return False


async def _patient(
    call: Call, name: str, arguments: dict[str, Any], step: str, report: Report
) -> Answer:
    """The answer of a call; a client that times out asks twice more, as an agent does."""
    for late in (1, 2):
        try:
            answer = await call(name, arguments)
        except Exception as e:
            if not _is_time_out(e):
                raise
        else:
            if not _is_time_out(answer.text):
                return answer
        report.notes[step] = f"{late} timed out"
    return await call(name, arguments)


def _is_time_out(what: object) -> bool:
    """Whether a client gave up waiting. openai-agents then tells its model to try again."""
    said = f"{type(what).__name__} {what}"
    return bool(re.search(r"timed? ?out|timeout|running the tool. Please try again", said, re.I))


def main(drive: Callable[[Config, Report], Awaitable[None]]) -> None:
    """Run a driver and print its report, whatever happens to it."""
    report = Report()

    async def all_steps() -> None:
        try:
            await drive(config(), report)
        except Exception as e:
            step = next((s for s in STEPS if s not in report.steps), None)
            if step is None:
                report.notes["end"] = f"{type(e).__name__}: {e}"[:300]
            else:
                report.steps[step] = f"{type(e).__name__}: {e}"[:400]

    try:
        asyncio.run(all_steps())
    finally:
        report.print()


def blocks(content: Sequence[Any], *, error: bool = False) -> Answer:
    """MCP content blocks, as objects or as dictionaries, as an answer."""
    text, pictures = [], 0
    for block in content:
        data = block if isinstance(block, dict) else block.model_dump(by_alias=True)
        text += [data["text"]] if data.get("type") == "text" else []
        pictures += data.get("type") == "image"
    return Answer("\n".join(text), pictures, error)
