"""Any folder through the decoder: what opened, what was refused, what died, and what it cost.

    python bench/corpus.py FOLDER [--json RESULTS] [--compare OLD] [--jobs N] [--limit N]
                           [--only .pdf] [--no-references]

Each file goes through the server's own decoder process, with its limits: probed, cut, and one
picture, page or clip of it shown, as an ingest and `open_ref` do. No models are needed. Printed
are, for each format, the outcomes, warnings, segments, time and memory; the files that died, were
late or empty; and the differences from pdftotext, ffprobe, exiftool, mutagen, python-docx,
python-pptx, openpyxl and pysubs2, those of them that are installed.

To judge a newer library: run with --json before.jsonl, install it, then run again with
--json after.jsonl --compare before.jsonl.

With --json each file's result is written as soon as it is known, a line each; the same command
goes on where it was interrupted, and tries again only files that changed since (--again: all).
Settings are the product's (OMNI_MEMORY_MB, OMNI_DECODE_STALL_S ...).

Exit status: 0; 1 when a decoder died, was late, or gave an error outside the tree, or when a file
is worse than in OLD; 2 for a wrong argument, or where the decoder cannot start; 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import sys
from pathlib import Path
from typing import TextIO

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.corpus_files import Result
from bench.corpus_reference import TOOLS
from bench.corpus_report import comparison, report
from bench.corpus_run import run
from omni_core.errors import OmniError
from omni_core.settings import load


def files(folder: Path, only: tuple[str, ...] = (), limit: int | None = None) -> list[Path]:
    """The files below a folder, in order of their names, without hidden ones and links."""
    found = [
        p
        for p in sorted(folder.rglob("*"))
        if p.is_file()
        and not p.is_symlink()
        and not any(part.startswith(".") for part in p.relative_to(folder).parts)
        and (not only or p.suffix.lower() in only)
    ]
    return found[:limit]


def read_results(path: Path) -> list[Result]:
    """The results in a file, the last one of each path; a broken last line is left out."""
    results: dict[str, Result] = {}
    with contextlib.suppress(FileNotFoundError):
        for line in path.read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(ValueError, TypeError):
                result = Result.of_line(line)
                results[result.path] = result
    return list(results.values())


def _results_file(path: Path) -> TextIO:
    """Open for appending, after a whole line."""
    whole = not path.exists() or path.read_bytes()[-1:] in (b"", b"\n")
    file = path.open("a", encoding="utf-8")
    file.write("" if whole else "\n")
    return file


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    about, _, more = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        description=about,
        epilog=more,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("folder", type=Path, metavar="FOLDER", help="read with everything below it")
    add("--json", type=Path, metavar="RESULTS", help="write results here, a line of JSON a file")
    add("--compare", type=Path, metavar="OLD", help="results of an earlier run: print what changed")
    add("--jobs", type=int, default=1, help="decoders at a time (default 1)")
    add("--limit", type=int, help="files, at most")
    add("--only", action="append", default=[], metavar=".SUFFIX", help="only these; repeatable")
    add("--file-s", type=float, default=600.0, help="seconds a file may take (default 600)")
    add("--again", action="store_true", help="try files again that RESULTS has")
    add("--no-references", action="store_true", help="compare with no other tools")
    a = parser.parse_args(argv)
    if not a.folder.is_dir():
        parser.error(f"{a.folder} is not a folder")
    if a.jobs < 1 or a.file_s <= 0 or (a.limit is not None and a.limit < 1):
        parser.error("--jobs, --limit and --file-s are at least 1")
    if a.compare is not None and not a.compare.is_file():
        parser.error(f"{a.compare} is no results file; make one with --json")
    if a.again and a.json is not None:
        a.json.unlink(missing_ok=True)
    return a


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit status."""
    a = _arguments(argv)
    only = tuple(f".{s.lower().lstrip('.')}" for s in a.only)
    paths = files(a.folder, only, a.limit)
    if not paths:
        print(f"no files in {a.folder}", file=sys.stderr)
        return 2
    old = read_results(a.compare) if a.compare is not None else None
    tools = () if a.no_references else tuple(t for t in TOOLS if t.installed)
    missing = [] if a.no_references else [t.name for t in TOOLS if not t.installed]
    known = {r.path: r for r in read_results(a.json)} if a.json is not None else {}
    wanted = {p.relative_to(a.folder).as_posix() for p in paths}
    done = {name: r for name, r in known.items() if name in wanted}
    stopped = False
    with contextlib.ExitStack() as stack:
        out = stack.enter_context(_results_file(a.json)) if a.json else None
        screen = stack.enter_context(os.fdopen(os.dup(2), "w"))
        try:
            asyncio.run(run(
                a.folder, paths, done, load(), jobs=a.jobs, file_s=a.file_s, tools=tools, out=out,
                screen=screen,
            ))  # fmt: skip
        except KeyboardInterrupt:
            stopped = True
        except OmniError as e:
            print(f"the decoder cannot start: {e}", file=sys.stderr)
            return 2
    results = [done[name] for name in sorted(done)]
    print(report(results, missing))
    worse = 0
    if old is not None:
        text, worse = comparison(old, results)
        print(f"\nsince {a.compare}:\n{text}")
    if stopped:
        rest = f"; the same command goes on with {a.json}" if a.json else ""
        print(f"\nstopped after {len(results)} of {len(paths)} files{rest}", file=sys.stderr)
        return 130
    return int(worse > 0 or any(r.outcome in ("died", "deadline", "outside") for r in results))


if __name__ == "__main__":
    sys.exit(main())
