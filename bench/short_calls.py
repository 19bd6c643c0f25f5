"""Clients that do not wait: does a long talk become ready, in how many calls, with no work lost?

    python bench/short_calls.py [--minutes 10] [--encoder embedded] [--speech FOLDER]

Makes a talk of so many minutes from recorded speech (the sample library, or the audio files of
`--speech`) and ingests it three times, each into a fresh store:

1. `timeouts`: one connection whose calls time out after 5 s, are cancelled and repeated at once,
   as openai-agents does with its defaults;
2. `impatient`: the same, timing out after 2 s, so that nearly every call is cancelled;
3. `processes`: a process for each call (start, one call, close stdin, SIGTERM after 2 s, SIGKILL
   2 s later), as llama-index and the Inspector's command line do.

Prints for each the calls until `ready`, the progress at each answer, and whether it ever fell;
then how long after an explicit stop the ingest was quiet.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import sys
import tempfile
import time
import wave
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import av
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "server")]

from mcp import Client  # noqa: E402
from mcp.client.stdio import StdioServerParameters, stdio_client  # noqa: E402
from mcp.shared.exceptions import MCPError  # noqa: E402

RATE = 16_000
MAX_CALLS = 400


def make_talk(path: Path, folder: Path, minutes: float) -> None:
    """The speech in `folder`, one file after another with pauses, looped to its length."""
    parts = []
    for file in sorted(p for p in folder.iterdir() if p.suffix in (".wav", ".mp3", ".ogg")):
        with av.open(str(file)) as source:
            resampler = av.AudioResampler("s16", "mono", RATE)
            frames = [r for f in source.decode(audio=0) for r in resampler.resample(f)]
        parts += [np.concatenate([f.to_ndarray().ravel() for f in frames]), np.zeros(RATE // 2)]
    whole = np.concatenate(parts).astype(np.int16)
    size = int(minutes * 60 * RATE)
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(np.tile(whole, size // len(whole) + 1)[:size].tobytes())


def command(talk: Path, store: Path, encoder: str) -> StdioServerParameters:
    """The server over the talk's folder, as a client starts it."""
    paths = [str(ROOT), str(ROOT / "server")]
    return StdioServerParameters(
        command=sys.executable,
        args=["-m", "omni_server", "serve", "--root", str(talk.parent), "--store", str(store)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths), "OMNI_ENCODER": encoder},
    )


async def ask(client: Client, talk: Path, timeout_s: float | None) -> dict[str, Any] | None:
    """One call of ingest_media; None when it timed out (and was cancelled)."""
    try:
        result = await client.call_tool(
            "ingest_media", {"source": talk.name}, read_timeout_seconds=timeout_s
        )
    except MCPError:
        return None
    if result.is_error:
        print("   ", result.content[0].text, file=sys.stderr)  # type: ignore[union-attr]
    answer: dict[str, Any] | None = result.structured_content
    return answer


async def timeouts(talk: Path, store: Path, encoder: str, timeout_s: float) -> dict[str, Any]:
    """One connection, short time-outs, asked again at once."""
    began, calls, cancelled, seen = time.perf_counter(), 0, 0, [0.0]
    async with Client(stdio_client(command(talk, store, encoder))) as client:
        while calls < MAX_CALLS:
            calls += 1
            answer = await ask(client, talk, timeout_s)
            cancelled += answer is None
            if answer:
                seen.append(answer["progress"])
                if answer["state"] == "ready":
                    break
    return _report(calls, seen, began) | {"cancelled": cancelled}


@asynccontextmanager
async def one_call(parameters: StdioServerParameters) -> AsyncIterator[Client]:
    """A client of a process of its own, which the SDK ends as the specification says."""
    async with Client(stdio_client(parameters)) as client:
        yield client


async def processes(talk: Path, store: Path, encoder: str) -> dict[str, Any]:
    """A process for each call."""
    began, calls, seen, lives = time.perf_counter(), 0, [0.0], []
    while calls < MAX_CALLS:
        calls += 1
        started = time.perf_counter()
        async with one_call(command(talk, store, encoder)) as client:
            answer = await ask(client, talk, None)
        lives.append(time.perf_counter() - started)
        if answer:
            seen.append(answer["progress"])
            if answer["state"] == "ready":
                break
    return _report(calls, seen, began) | {"life_s": round(sum(lives) / len(lives), 1)}


def _report(calls: int, seen: list[float], began: float) -> dict[str, Any]:
    return {
        "calls": calls,
        "ready": seen[-1] == 1.0,
        "seconds": round(time.perf_counter() - began, 1),
        "progress": [round(p, 2) for p in seen[1:]],
        "fell": any(b < a - 0.001 for a, b in itertools.pairwise(seen)),
    }


async def stop(talk: Path, store: Path, encoder: str) -> dict[str, Any]:
    """Seconds from `stop` to its answer, and to the last change of the list."""
    async with Client(stdio_client(command(talk, store, encoder))) as client:
        while not (await ask(client, talk, None) or {}).get("segments"):
            pass
        began = time.perf_counter()
        answer = await client.call_tool("ingest_media", {"source": talk.name, "stop": True})
        quiet = time.perf_counter() - began
        listed = await client.call_tool("list_sources", {"state": "processing"})
    rows = (listed.structured_content or {}).get("sources")
    return {"answer": answer.content[0].text, "seconds": round(quiet, 2), "listed": rows}  # type: ignore[union-attr]


async def run(args: argparse.Namespace) -> None:
    """All of it, each as one line of JSON."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "media"
        folder.mkdir()
        talk = folder / "talk.wav"
        make_talk(talk, args.speech, args.minutes)
        chosen: dict[str, Callable[[Path], Awaitable[dict[str, Any]]]] = {
            "timeouts": lambda s: timeouts(talk, s, args.encoder, 5.0),
            "impatient": lambda s: timeouts(talk, s, args.encoder, 2.0),
            "processes": lambda s: processes(talk, s, args.encoder),
            "stop": lambda s: stop(talk, s, args.encoder),
        }
        for kind, measure in chosen.items():
            if not args.only or kind in args.only:
                result = await measure(Path(name) / f"store-{kind}")
                print(json.dumps({kind: result}), flush=True)


def main() -> None:
    """Parse the options and run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--encoder", default="embedded")
    parser.add_argument("--speech", type=Path, default=ROOT / "samples" / "library" / "audio")
    parser.add_argument("--only", nargs="*", help="timeouts, impatient, processes, stop")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
