"""Three ways of asking, for clients that show prompts to people."""

from __future__ import annotations

from typing import Annotated, Any

from mcp.server import MCPServer
from pydantic import Field

from omni_server.text import fenced, quoted

_CITE = (
    "Use only the omni tools. Paste each moment's `cite` behind the claim it supports, quote words "
    "exactly, and say plainly what the library does not show."
)


def add(server: MCPServer[Any]) -> None:
    """Register the prompts."""

    @server.prompt(title="Answer with citations")
    def cite_evidence(
        question: Annotated[str, Field(description="What to find out")],
    ) -> str:
        """Answer a question from the library, each claim cited to the second or page."""
        return (
            f"Question: {question}\n\nSearch for it in several wordings, open the best moments "
            f"with get_segment, then answer. {_CITE}"
        )

    @server.prompt(title="Timeline")
    def timeline(topic: Annotated[str, Field(description="What the timeline is about")]) -> str:
        """Everything in the library about a topic, in order of time."""
        return (
            f"Topic: {topic}\n\nSearch with order=oldest and a larger limit, follow next_cursor, "
            "and look into promising sources with read_source. Give a table: date, time or page, "
            f"what happens, cite. Mark dates that come from the file's time as uncertain. {_CITE}"
        )

    @server.prompt(title="Compare two sources")
    def compare(
        source_a: Annotated[str, Field(description="Id or part of the title")],
        source_b: Annotated[str, Field(description="Id or part of the title")],
    ) -> str:
        """What two sources share and where they differ."""
        named = f"Sources: {quoted(source_a, 200)} and {quoted(source_b, 200)}"
        return (
            f"{fenced(named)}\n\nRead both with read_source, open the moments "
            "that matter with get_segment, and compare: what both say or show, what only one "
            f"does, where they contradict each other. {_CITE}"
        )
