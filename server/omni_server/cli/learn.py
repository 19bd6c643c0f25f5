"""models, reindex, doctor: models, and diagnosis of this machine."""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import asdict

from omni_server.cli.printing import Bar, as_json, say, table
from omni_server.cli.settings import settings_of
from omni_server.text import one_line


def models(args: argparse.Namespace) -> int:
    """The table of models, or the check of one."""
    from omni_core.engine import known_models as known
    from omni_core.errors import BadRequestError

    if args.action == "check":
        if not args.name:
            raise BadRequestError("name the model: omni-mcp models check e5-omni-7b")
        report = known.check(args.name, settings_of(args), args.media)
        if args.json:
            as_json({"passed": report.ok, **asdict(report)})
        else:
            for line in report.lines():
                say(one_line(line, 1000))
            say("passed" if report.ok else "FAILED")
        return int(not report.ok)
    fits = known.list_models(settings_of(args))
    if args.json:
        as_json(fits)
        return 0
    rows = [
        (
            f.spec.name,
            {"dense": "embeds", "multi": "embeds, many vectors", "cross": "reranks"}[f.spec.kind],
            ", ".join(f.spec.modalities),
            str(f.spec.dim or ""),
            f"{f.spec.memory_gb:g} GB" if f.spec.memory_gb else "",
            f"yes, {f.on}" if f.runs else f"no: {f.why}",
        )
        for f in fits
    ]
    table(rows, ("name", "does", "takes", "dim", "memory", "runs here"), right=(3, 4))
    say()
    for f in fits:
        notes = filter(None, (f.spec.warning, f.spec.note))
        say(f"{f.spec.name}: {f.spec.licence}" + "".join(f" -- {note}" for note in notes))
    say(
        "\nUse one with --encoder NAME (rerankers: OMNI_RERANKER=NAME, or minilm-l12); "
        "the default is `embedded`."
    )
    return 0


async def reindex(args: argparse.Namespace) -> int:
    """Embed every source again with another model, then swap; 1 when a source could not be."""
    from omni_core.engine import ReindexStatus
    from omni_core.engine import reindex as run
    from omni_core.errors import BadRequestError

    if not args.encoder:
        raise BadRequestError("name the new model: omni-mcp reindex --encoder NAME")
    with Bar() as bar:

        async def progress(s: ReindexStatus) -> None:
            part = (s.sources_done + (s.progress if s.progress < 1 else 0)) / (s.sources_total or 1)
            bar.show(part, f"{s.sources_done}/{s.sources_total} {s.current}")

        settings = await asyncio.to_thread(settings_of, args)
        report = await run(settings, args.encoder, progress)
    if args.json:
        as_json(report)
        return int(bool(report.failed))
    for title, why in report.failed:
        say(f"not embedded: {one_line(title)}: {one_line(why)}")
    say(f"{report.state}: {one_line(report.message, 1000)}")
    say(f"from now on give --encoder {args.encoder}, or set OMNI_ENCODER={args.encoder}")
    return int(bool(report.failed))


def doctor(args: argparse.Namespace) -> int:
    """Print the findings on this machine or a client's entry, mend the library first where that is
    asked for; 1 when something needed fails or is damaged."""
    if args.client:
        from omni_server.cli.install import check

        return check(args)
    if args.adopt:
        from omni_core.engine.ownership import adopt_collection

        adopted = asyncio.run(adopt_collection(settings_of(args)))
        as_json({"adopted": adopted}) if args.json else say(adopted)
        return 0
    from omni_server.cli.repair import repair
    from omni_server.doctor import examine

    settings = settings_of(args)
    repaired = asyncio.run(repair(args, settings)) if args.repair else []
    findings = examine(settings)
    works = all(f.state not in ("missing", "damaged") for f in findings if f.needed)
    if args.json:
        as_json(
            {"works": works, "findings": findings} | ({"repaired": repaired} if repaired else {})
        )
        return int(not works)
    mark = {"ok": "ok     ", "missing": "MISSING", "absent": "-      ", "warning": "warning",
            "damaged": "DAMAGED"}  # fmt: skip
    for f in findings:
        say(f"{mark[f.state]}  {f.name}: {one_line(f.detail, 1000)}")
        if f.state != "ok" and f.adds:
            say(f"         it adds: {f.adds}")
        if f.state != "ok" and f.get:
            say(f"         {'mend' if f.state == 'damaged' else 'get'} it: {f.get}")
    say()
    damaged = any(f.state == "damaged" for f in findings)
    bad = "DAMAGED" if damaged else "MISSING"
    say("The default job can run." if works else f"The default job cannot run: see {bad} above.")
    return int(not works)
