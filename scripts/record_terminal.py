"""The README's terminal recording: runs commands on samples/ and draws what they print.

    python scripts/record_terminal.py --out docs/images/terminal.svg

The output is that of the commands, cut at the width of the terminal and shortened in the middle
where it is long; only the time is made up (typing, and at most `LONGEST_S` of waiting). An SVG
with CSS animation: GitHub shows it, it weighs a few KB, and it stands still for people who asked
for less motion.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from html import escape
from pathlib import Path

REPO = Path(__file__).parents[1]
COMMANDS = {
    "omni-mcp ingest samples/library": 5,
    'omni-mcp search "how fast does lava flow" --limit 2': 10,
    'omni-mcp show "[Mount Sarn field report p.2]" --save evidence/': 8,
}
"""Each with the most lines that are shown of its output."""
COLUMNS = 98
TYPING_S, LONGEST_S, READING_S = 0.045, 2.5, 2.6
CHARACTER, LINE, PAD = 8.43, 21, 20
STYLE = """
text { font: 14px ui-monospace, SFMono-Regular, Menlo, "DejaVu Sans Mono", monospace;
       white-space: pre; fill: #e8e6df; }
.prompt { fill: #7bd3c6; font-weight: 600; } .quiet { fill: #9a988f; }
.in { opacity: 0; animation: 1ms linear forwards in; }
@keyframes in { to { opacity: 1; } }
.typed { animation: linear forwards typed; }
@keyframes typed { from { width: 0; } }
@media (prefers-reduced-motion: reduce) { .in, .typed { animation-delay: 0s !important;
  animation-duration: 1ms !important; } }
"""


@dataclass(frozen=True)
class Run:
    """A command, what it printed, and how long it took."""

    command: str
    lines: list[str]
    seconds: float


def record(store: Path, folder: Path) -> list[Run]:
    """Run the commands one after another on a new library."""
    environment = os.environ | {"OMNI_STORE": str(store), "COLUMNS": str(COLUMNS)}
    (folder / "samples").symlink_to(REPO / "samples")
    runs = []
    for command in COMMANDS:
        words = [sys.executable, "-m", "omni_server", *shlex.split(command)[1:]]
        began = time.monotonic()
        done = subprocess.run(
            words, env=environment, cwd=folder, text=True, timeout=900,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        if done.returncode:
            raise SystemExit(f"{command}: exit {done.returncode}\n{done.stdout}")
        runs.append(Run(command, done.stdout.splitlines(), time.monotonic() - began))
        print(f"{command}: {runs[-1].seconds:.1f} s, {len(runs[-1].lines)} lines")
    return runs


def draw(runs: list[Run]) -> str:
    """The recording as one SVG."""
    parts, clips = [], []
    at, y = 0.6, PAD + 34
    for number, run in enumerate(runs):
        typing = len(run.command) * TYPING_S
        x = PAD + 2 * CHARACTER
        parts.append(_line("$", PAD, y, at, "prompt"))
        clips.append(
            f'<clipPath id="c{number}"><rect class="typed" x="{x:.0f}" y="{y - 16}" height="24" '
            f'width="{len(run.command) * CHARACTER + 4:.0f}" '
            f'style="animation-duration:{typing:.2f}s;'
            f"animation-delay:{at:.2f}s;animation-timing-function:steps({len(run.command)});"
            f'animation-fill-mode:both"/></clipPath>'
        )
        parts.append(f'<g clip-path="url(#c{number})">{_line(run.command, x, y, at)}</g>')
        at += typing + min(run.seconds, LONGEST_S)
        for line in _shown(run.lines, COMMANDS[run.command]):
            y += LINE
            style = "quiet" if line.startswith(("…", "    ", "sha256")) else ""
            parts.append(_line(line, PAD, y, at, style))
            at += 0.05
        at += READING_S
        y += int(1.6 * LINE)
    width, height = int(2 * PAD + COLUMNS * CHARACTER), y - LINE // 2
    dots = "".join(
        f'<circle cx="{PAD + 4 + 18 * i}" cy="{PAD}" r="5.5" fill="{colour}"/>'
        for i, colour in enumerate(("#d9695f", "#e0b04b", "#67b26f"))
    )
    spoken = "; ".join(run.command for run in runs)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img"><title>A terminal: {escape(spoken)}</title>'
        f"<style>{STYLE}</style><defs>{''.join(clips)}</defs>"
        f'<rect width="{width}" height="{height}" rx="12" fill="#161815"/>{dots}'
        f"{''.join(parts)}</svg>\n"
    )


def _shown(lines: list[str], rows: int) -> list[str]:
    """At most `rows` lines within the width; the middle of more is left out, and said so."""
    cut = [x if len(x) <= COLUMNS else x[: COLUMNS - 1] + "…" for x in lines if x.strip()]
    if len(cut) <= rows:
        return cut
    head = rows // 2
    tail = rows - head - 1
    return [*cut[:head], f"… {len(cut) - head - tail} more lines", *cut[-tail:]]


def _line(text: str, x: float, y: float, at: float, style: str = "") -> str:
    return (
        f'<text class="in {style}" x="{x:.0f}" y="{y}" style="animation-delay:{at:.2f}s">'
        f"{escape(text)}</text>"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--out", type=Path, default=Path("docs/images/terminal.svg"))
    out = parser.parse_args().out
    with tempfile.TemporaryDirectory() as temporary:
        base = Path(temporary)
        (base / "work").mkdir()
        svg = draw(record(base / "store", base / "work"))
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(svg, encoding="utf-8")
    print(f"{out}: {len(svg) / 1024:.1f} KB")
