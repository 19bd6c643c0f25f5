"""Real media through the real engine, as an agent sees it: hashing encoder, exact index."""

from __future__ import annotations

import asyncio
import base64
import io
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from mcp import Client
from mcp.types import AudioContent, ImageContent, ResourceLink, TextContent
from PIL import Image, ImageDraw

from omni_core.settings import Settings
from omni_server.app import create

RED, BLUE = (200, 20, 20), (20, 20, 200)


def film(path: Path) -> None:
    """Twelve seconds of red, twelve of blue, with a tone, at 2 frames a second."""
    with av.open(str(path), "w") as out:
        picture = out.add_stream("mpeg4", rate=2)
        picture.width, picture.height, picture.pix_fmt = 320, 180, "yuv420p"
        sound = out.add_stream("aac", rate=16_000)
        for i in range(48):
            pixels = np.full((180, 320, 3), RED if i < 24 else BLUE, np.uint8)
            pixels[i % 150 : i % 150 + 20, 40:80] = 255  # something moves
            frame = av.VideoFrame.from_ndarray(pixels)
            frame.pts, frame.time_base = i, Fraction(1, 2)
            out.mux(picture.encode(frame))
        tone = np.sin(np.arange(24 * 16_000) * 440 * 2 * np.pi / 16_000).astype(np.float32) / 4
        for i in range(0, len(tone), 1024):
            chunk = av.AudioFrame.from_ndarray(tone[None, i : i + 1024], "fltp", "mono")
            chunk.sample_rate, chunk.pts = 16_000, i
            out.mux(sound.encode(chunk))
        out.mux(picture.encode(None))
        out.mux(sound.encode(None))


@pytest.fixture
def library(root: Path) -> Path:
    film(root / "colours.mp4")
    (root / "colours.srt").write_text(
        "1\n00:00:01,000 --> 00:00:03,000\nthe curtain is red\n\n"
        "2\n00:00:16,000 --> 00:00:18,000\nnow the curtain turned blue\n"
    )
    page = Image.new("RGB", (2000, 1500), "white")
    ImageDraw.Draw(page).rectangle((100, 100, 900, 700), fill=RED)
    page.save(root / "square.png")
    (root / "notes.md").write_text("# Harbour\n\nThe ferry leaves at seven from pier nine.\n")
    (root / "tool.exe").write_bytes(b"MZ\x90\0" + bytes(range(256)))
    (root / "broken.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + b"\0" * 50)
    (root / "empty.mp4").write_bytes(b"")
    return root


@pytest.fixture(params=["auto", "legacy"])
def agent(request: pytest.FixtureRequest, settings: Settings) -> Any:
    """An agent's connection to a server over a real engine."""

    @asynccontextmanager
    async def connect() -> AsyncIterator[Client]:
        server = create(
            Settings(
                store=settings.store, roots=settings.roots, encoder="hashing", index="memory",
                speech="off", screen_text="off", allow_delete=True,
            )
        )  # fmt: skip
        async with Client(server, mode=request.param) as client:
            yield client

    return connect


async def test_an_agent_finds_opens_and_cites_evidence(agent: Any, library: Path) -> None:
    async with agent() as client:
        folder = await client.call_tool("ingest_media", {"source": str(library), "wait_s": 45})
        assert folder.structured_content["state"] == "partial", folder
        assert folder.structured_content["skipped"] == 1
        failed = {f["file"]: f["error"] for f in folder.structured_content["failed"]}
        assert set(failed) == {"broken.mp4", "empty.mp4"}
        assert all("\n" not in error and str(library) not in error for error in failed.values())

        found = await client.call_tool("search", {"query": "the curtain turned blue"})
        hit = found.structured_content["hits"][0]
        assert "turned blue" in hit["text"]
        assert 12.0 <= hit["start_s"] <= 16.0 < hit["end_s"] <= 24.1
        assert hit["cite"] in found.content[0].text

        opened = await client.call_tool("get_segment", {"ref": hit["cite"]})
        assert "now the curtain turned blue" in opened.content[0].text
        blue = picture(opened)
        assert max(blue.size) <= 768
        assert np.asarray(blue)[blue.height // 2, blue.width * 3 // 4, 2] > 150

        before = await client.call_tool("get_segment", {"ref": hit["cite"], "step": -1})
        red = picture(before)
        assert np.asarray(red)[red.height // 2, red.width * 3 // 4, 0] > 150

        clip = await client.call_tool("get_segment", {"ref": hit["id"], "show": ["clip", "audio"]})
        link = next(b for b in clip.content if isinstance(b, ResourceLink))
        sound = next(b for b in clip.content if isinstance(b, AudioContent))
        assert base64.b64decode(sound.data)[:4] == b"RIFF"
        read = await client.read_resource(link.uri)
        assert len(base64.b64decode(read.contents[0].blob)) == link.size

        page = await client.call_tool("get_segment", {"ref": "[square]", "size": "large"})
        assert max(picture(page).size) == 1280
        cropped = await client.call_tool(
            "get_segment", {"ref": "[square]", "crop": [0.06, 0.08, 0.4, 0.4]}
        )
        colour = np.asarray(picture(cropped).resize((1, 1)))[0, 0]
        assert colour[0] > 180 > 60 > colour[1]

        like = await client.call_tool("similar_to", {"ref": str(library / "square.png")})
        assert not like.is_error
        words = await client.call_tool("read_source", {"source": "colours", "start": "0:14"})
        assert "0:16 now the curtain turned blue" in words.content[0].text
        assert "is red" not in words.content[0].text


def picture(result: Any) -> Image.Image:
    (block,) = [b for b in result.content if isinstance(b, ImageContent)]
    raw = base64.b64decode(block.data)
    assert len(raw) <= 150_000
    return Image.open(io.BytesIO(raw)).convert("RGB")


@pytest.mark.parametrize(
    ("tool", "arguments", "code"),
    [
        ("search", {"query": "x", "source": "nothing"}, "UNKNOWN_SOURCE"),
        ("search", {"query": "x", "when": "blursday"}, "BAD_WHEN"),
        ("search", {"query": "x", "collection": "none"}, "UNKNOWN_COLLECTION"),
        ("search", {"query": "x", "cursor": "nonsense"}, "BAD_CURSOR"),
        ("get_segment", {"ref": "seg_" + "a" * 26}, "UNKNOWN_REF"),
        ("get_segment", {"ref": "src_" + "a" * 16}, "UNKNOWN_REF"),
        ("get_segment", {"ref": "[square @ 0:10]"}, "OUT_OF_RANGE"),
        ("read_source", {"source": "square", "start": 5}, "BAD_ARGUMENT"),
        ("list_sources", {"collection": "none"}, "UNKNOWN_COLLECTION"),
        ("similar_to", {"ref": "seg_" + "a" * 26}, "UNKNOWN_REF"),
        ("read_source", {"source": "nothing"}, "UNKNOWN_SOURCE"),
        ("read_source", {"source": "square", "cursor": "nonsense"}, "BAD_CURSOR"),
        ("list_sources", {"when": "blursday"}, "BAD_WHEN"),
        ("list_sources", {"cursor": "nonsense"}, "BAD_CURSOR"),
        ("delete_source", {"source": "src_" + "a" * 16}, "UNKNOWN_SOURCE"),
        ("ingest_media", {"source": "empty.mp4"}, "CORRUPT_MEDIA"),
    ],
)
async def test_what_goes_wrong_is_one_line_with_its_code(
    settings: Settings, root: Path, tool: str, arguments: dict[str, Any], code: str
) -> None:
    Image.new("RGB", (64, 64), RED).save(root / "square.png")
    (root / "empty.mp4").write_bytes(b"")
    plain = Settings(
        store=settings.store, roots=settings.roots, encoder="hashing", index="memory",
        speech="off", screen_text="off", allow_delete=True,
    )  # fmt: skip
    async with Client(create(plain)) as client:
        await client.call_tool("ingest_media", {"source": "square.png", "wait_s": 45})
        result = await client.call_tool(tool, arguments)
        library = await client.call_tool("list_sources", {})
    told = result.content[0]
    assert isinstance(told, TextContent)
    assert result.is_error
    assert told.text.startswith(f"{code}: ")
    _, *names = told.text.split("\n")
    assert not names or names[0].startswith("Between <media-"), "one line, and names in a fence"
    assert library.structured_content["total"] == 1


async def test_the_event_loop_stays_free_while_media_are_ingested(
    settings: Settings, library: Path
) -> None:
    """The loop answers throughout; what blocks is in children or threads."""
    gaps: list[float] = []

    async def watch() -> None:
        while True:
            at = time.perf_counter()
            await asyncio.sleep(0.005)
            gaps.append(time.perf_counter() - at)

    plain = Settings(
        store=settings.store, roots=settings.roots, encoder="hashing", index="memory",
        speech="off", screen_text="off",
    )  # fmt: skip
    async with Client(create(plain)) as client:
        await client.call_tool("list_sources", {})  # the engine is open
        watching = asyncio.create_task(watch())
        listed = 0
        ingest = asyncio.create_task(
            client.call_tool("ingest_media", {"source": str(library), "wait_s": 45})
        )
        while not ingest.done():
            await client.list_tools()
            listed += 1
        watching.cancel()
    assert not ingest.result().is_error
    assert listed > 20
    assert len(gaps) > 20
