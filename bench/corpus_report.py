"""Tables of a corpus run, and what changed between two runs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from statistics import mean

from bench.corpus_files import Outcome, Result

OUTCOMES: tuple[Outcome, ...] = ("opened", "empty", "refused", "died", "deadline", "outside")
LISTED = 20
"""Files listed in a section, at most."""
LOW = 0.9
"""Share of a tool's words or cues below which a file is listed."""
MIN_WORDS = 5
"""Words that a tool reads of a file, below which a share of them says little."""
OFF_S = 0.05
"""Difference from a tool's length, seconds, above which a file is listed."""
FEWER = 0.98
"""Share of the words of an earlier run below which a file has fewer."""
SLOWER, SLOWER_S = 2.0, 1.0
"""A file takes longer than before at this factor and this many seconds."""


def report(results: Sequence[Result], missing: Iterable[str] = ()) -> str:
    """All tables as text; `missing`: reference tools that are not installed."""
    parts = [
        _table(results),
        *_section("died", results, lambda r: r.outcome == "died", _why),
        *_section("past their deadline", results, lambda r: r.outcome == "deadline", _why),
        *_section("errors outside the tree", results, lambda r: r.outcome == "outside", _why),
        *_section("tracebacks printed", results, lambda r: bool(r.stderr), lambda r: r.stderr[-1]),
        *_section("opened empty", results, lambda r: r.outcome == "empty", _empty),
        *_section("cannot be shown again", results, lambda r: bool(r.reopened), _reopened),
        _refusals(results),
        _outliers(results),
        *_references(results),
    ]
    if absent := ", ".join(missing):
        parts.append(f"not installed, so not compared: {absent}")
    return "\n\n".join(filter(None, parts))


def comparison(before: Sequence[Result], after: Sequence[Result]) -> tuple[str, int]:
    """What changed, file by file, as text; and how many files are worse."""
    old = {r.path: r for r in before}
    pairs = [(old[r.path], r) for r in after if r.path in old]
    worse: list[tuple[str, Callable[[Result, Result], bool]]] = [
        ("newly died, late or outside the tree", lambda a, b: _bad(b) and not _bad(a)),
        ("newly refused", lambda a, b: b.outcome == "refused" and a.outcome in ("opened", "empty")),
        ("newly empty", lambda a, b: b.outcome == "empty" and a.outcome == "opened"),
        ("fewer words", lambda a, b: b.segments > 0 and b.words < FEWER * a.words),
        ("newly not shown again", lambda a, b: bool(b.reopened) and not a.reopened),
        ("another length", lambda a, b: _differ(a.duration_s, b.duration_s)),
        ("fewer pages", lambda a, b: (b.pages or 0) < (a.pages or 0)),
    ]
    other: list[tuple[str, Callable[[Result, Result], bool]]] = [
        ("longer", lambda a, b: b.seconds > max(SLOWER * a.seconds, a.seconds + SLOWER_S)),
        ("another code", lambda a, b: a.outcome == b.outcome == "refused" and a.code != b.code),
        ("newly opened", lambda a, b: b.outcome == "opened" and a.outcome != "opened"),
        ("more words", lambda a, b: b.words * FEWER > a.words and a.outcome == "opened"),
        ("newly warned", lambda a, b: bool(b.warnings) and not a.warnings),
    ]
    lines = [
        f"{len(pairs)} files in both runs, {len(after) - len(pairs)} only in this one, "
        f"{len(old) - len(pairs)} only in the old one"
    ]
    files_worse: set[str] = set()
    for name, test in worse + other:
        changed = [(a, b) for a, b in pairs if test(a, b)]
        if (name, test) in worse:
            files_worse |= {b.path for _, b in changed}
        lines += _listed(name, [f"{b.path}: {_brief(a)} -> {_brief(b)}" for a, b in changed])
    return "\n".join(lines), len(files_worse)


def _bad(r: Result) -> bool:
    return r.outcome in ("died", "deadline", "outside")


def _differ(a: float | None, b: float | None) -> bool:
    return a is not None and b is not None and abs(a - b) > OFF_S


def _brief(r: Result) -> str:
    if r.outcome == "refused":
        return r.code
    if r.outcome != "opened":
        return r.outcome
    length = f", {r.duration_s:.2f} s" if r.duration_s is not None else ""
    pages = f", {r.pages} pages" if r.pages else ""
    return f"{r.segments} segments, {r.words} words{pages}{length} in {r.seconds:.1f} s"


def _table(results: Sequence[Result]) -> str:
    formats: dict[str, list[Result]] = defaultdict(list)
    for r in results:
        formats[r.format].append(r)
    head = ["format", "files", *OUTCOMES, "warned", "segments", "words", "cues", "s", "peak MB"]
    rows = [_row(name, found) for name, found in sorted(formats.items())]
    rows.append(_row("all", results))
    widths = [max(len(row[n]) for row in [head, *rows]) for n in range(len(head))]
    return "\n".join(
        "  ".join(c.ljust(w) if not n else c.rjust(w) for n, (c, w) in enumerate(zip(
            row, widths, strict=True))).rstrip()
        for row in [head, *rows]
    )  # fmt: skip


def _row(name: str, found: Sequence[Result]) -> list[str]:
    outcomes = Counter(r.outcome for r in found)
    return [
        name,
        str(len(found)),
        *(str(outcomes[o]) for o in OUTCOMES),
        str(sum(bool(r.warnings) for r in found)),
        str(sum(r.segments for r in found)),
        str(sum(r.words for r in found)),
        str(sum(r.cues for r in found)),
        f"{sum(r.seconds for r in found):.1f}",
        str(max((r.peak_mb for r in found), default=0)),
    ]


def _listed(name: str, lines: list[str]) -> Iterator[str]:
    if lines:
        yield f"{name}: {len(lines)}"
        yield from (f"  {line}" for line in lines[:LISTED])
        if len(lines) > LISTED:
            yield f"  and {len(lines) - LISTED} more, in the results file"


def _section(
    name: str,
    results: Sequence[Result],
    test: Callable[[Result], bool],
    say: Callable[[Result], str],
) -> Iterator[str]:
    lines = [f"{r.path}: {say(r)}" for r in results if test(r)]
    if lines:
        yield "\n".join(_listed(name, lines))


def _why(r: Result) -> str:
    return f"{r.code} {r.message}".strip()


def _empty(r: Result) -> str:
    return f"{r.mime}; {r.warnings[0]}" if r.warnings else f"{r.mime}, without a warning"


def _reopened(r: Result) -> str:
    return r.reopened


def _refusals(results: Sequence[Result]) -> str:
    said = Counter((r.code, _without_name(r)) for r in results if r.outcome == "refused")
    return "\n".join(
        _listed("refused, by code", [f"{n} x {code}: {m}" for (code, m), n in said.most_common()])
    )


def _without_name(r: Result) -> str:
    """The beginning of its message without the file's name, with or without suffix."""
    name = r.path.rsplit("/", 1)[-1]
    for part in filter(None, (name, r.title, name.rpartition(".")[0])):
        if len(part) > 2:
            rest = r.message.removeprefix(part)
            if rest != r.message:
                return f"...{rest[:110]}"
    return r.message[:110]


def _outliers(results: Sequence[Result]) -> str:
    slow = sorted(results, key=lambda r: -r.seconds)[:5]
    large = sorted(results, key=lambda r: -r.peak_mb)[:5]
    return "\n".join([
        "slowest:", *(f"  {r.seconds:.1f} s  {r.path}" for r in slow),
        "most memory:", *(f"  {r.peak_mb} MB  {r.path}" for r in large if r.peak_mb),
    ])  # fmt: skip


def _references(results: Sequence[Result]) -> Iterator[str]:
    for tool in sorted({name for r in results for name in r.references}):
        said = [(r, r.references[tool]) for r in results if tool in r.references]
        lines: list[str] = []
        lines += _shares("words", said, MIN_WORDS)
        lines += _shares("cues", said, 1)
        lengths = [(float(s["seconds"]), r.path) for r, s in said if "seconds" in s]
        if lengths:
            off = sorted((x for x in lengths if abs(x[0]) > OFF_S), key=lambda x: -abs(x[0]))
            lines.append(f"lengths of {len(lengths)} files: {len(off)} off by more than {OFF_S} s")
            lines += [f"  {by:+.2f} s  {path}" for by, path in off[:LISTED]]
        dates = [(r, s["date"]) for r, s in said if "date" in s]
        if dates:
            lines.append(f"dates: {len(dates)} are not the tool's")
            lines += [f"  {r.recorded_at or 'none'}, not {d}  {r.path}" for r, d in dates[:LISTED]]
        failed = sum("failed" in s for _, s in said)
        if failed:
            lines.append(f"{failed} files it could not read")
        yield "\n".join([f"against {tool} ({len(said)} files):", *(f"  {line}" for line in lines)])


def _shares(
    kind: str, said: Sequence[tuple[Result, dict[str, float | str]]], least: int
) -> list[str]:
    """How much of a tool's words or cues was found, and the files where it was little."""
    enough = [(r, s) for r, s in said if kind in s and float(s["of"]) >= least]
    unread = [r for r, _ in enough if kind == "words" and r.pictures and not r.words]
    shares = [(float(s[kind]), r.path, s["of"]) for r, s in enough if r not in unread]
    lines: list[str] = []
    if shares:
        low = sorted(s for s in shares if s[0] < LOW)
        lines.append(
            f"{kind} of {len(shares)} files with {least} or more: {mean(s[0] for s in shares):.3f} "
            f"found in the mean; {len(low)} files under {LOW}"
        )
        lines += [f"  {share:.2f} of {of}  {path}" for share, path, of in low[:LISTED]]
    if unread:
        lines.append(f"{len(unread)} more files have no words without OCR")
    return lines
