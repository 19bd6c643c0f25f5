"""The arguments of the command line. Standard library only, so that --help is instant."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

MODALITIES = ("video", "audio", "image", "document")
CLIENTS = ("claude-code", "claude-desktop", "cursor", "vscode", "codex", "gemini")


class _Version(argparse.Action):
    """Looks the version up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import version

        parser.exit(message=f"omni-mcp {version('omni-mcp')}\n")


def build() -> argparse.ArgumentParser:
    """The whole command line; `args.run` is `module:function` of the verb."""
    top = argparse.ArgumentParser(
        prog="omni-mcp",
        description="Evidence in video, audio, images and documents: "
        "found by meaning, cited to the second or the page.",
        epilog="example:\n  omni-mcp ingest ~/Media && omni-mcp search 'why do corals bleach'\n\n"
        "Settings: defaults < --config FILE < OMNI_* environment < options.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action=_Version, nargs=0, help="print the version and stop")
    verbs = _Verbs(top)
    _serving(verbs)
    _library(verbs)
    _asking(verbs)
    _learning(verbs)
    _clients(verbs)
    return top


class _Verbs:
    """Adds subcommands; most share the options of the library."""

    def __init__(self, top: argparse.ArgumentParser) -> None:
        self._verbs = top.add_subparsers(dest="verb", metavar="VERB", required=True)

    def add(
        self, name: str, run: str, about: str, example: str, *, library: bool = True
    ) -> argparse.ArgumentParser:
        verb: argparse.ArgumentParser = self._verbs.add_parser(
            name,
            help=about[0].lower() + about[1:],
            description=about + ".",
            epilog=f"example:\n  {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        verb.set_defaults(run=run)
        if library:
            _library_options(verb)
        return verb


def _library_options(verb: argparse.ArgumentParser) -> None:
    group = verb.add_argument_group("the library")
    group.add_argument("--store", metavar="DIR", help="folder of the library (~/.omni-mcp)")
    group.add_argument("--config", metavar="FILE", help="TOML file of settings")
    group.add_argument("--encoder", metavar="NAME", help="embedded, or a name of `omni-mcp models`")
    group.add_argument("--device", metavar="NAME", help="auto, cpu, cuda, cuda:1, mps")
    group.add_argument("--qdrant", metavar="URL", help="use this Qdrant server as the index")
    group.add_argument(
        "--api-key", metavar="KEY", help="its key; OMNI_QDRANT_API_KEY keeps it out of `ps`"
    )


def _json(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--json", action="store_true", help="print data instead of text")


def _serving(verbs: _Verbs) -> None:
    serve = verbs.add(
        "serve",
        "serving:serve",
        "Run the MCP server, over stdio unless --http is given",
        "omni-mcp serve --root ~/Media\n  OMNI_TOKEN=secret omni-mcp serve --http --port 8000",
    )
    how = serve.add_mutually_exclusive_group()
    how.add_argument("--stdio", action="store_true", help="speak over stdin and stdout (default)")
    how.add_argument("--http", action="store_true", help="speak streamable HTTP at /mcp")
    serve.add_argument(
        "--root", action="extend", nargs="+", metavar="DIR",
        help="folder agents may read; may be repeated",
    )  # fmt: skip
    serve.add_argument("--host", help="address to bind (127.0.0.1); others need a token")
    serve.add_argument("--port", help="port to bind (8000)")
    serve.add_argument("--token", help="bearer token; OMNI_TOKEN keeps it out of `ps`")
    serve.add_argument(
        "--allowed-host", action="append", metavar="NAME", help="Host header to accept as well"
    )
    serve.add_argument(
        "--watch", nargs="*", metavar="DIR",
        help="keep these folders current (every --root, when none is named)",
    )  # fmt: skip
    serve.add_argument(
        "--open", action="store_true", help="with --http: show the page in this machine's browser"
    )
    page = verbs.add(
        "open",
        "browser:open_page",
        "Show the library in the browser: search, play, read, add files, check citations",
        "omni-mcp open\n  omni-mcp open ~/Media/talk.mp4\n  omni-mcp open 'why do corals bleach'",
    )
    page.add_argument(
        "what", nargs="?", default="", metavar="WHAT",
        help="a file or folder to read, a citation or id to open, or a question",
    )  # fmt: skip
    page.add_argument(
        "--root", action="extend", nargs="+", metavar="DIR",
        help="folder whose files the page may name; may be repeated",
    )  # fmt: skip
    page.add_argument("--port", help="port to bind (8000, or a free one)")
    page.add_argument("--token", help="the token in the address (a new one)")
    page.add_argument("--no-browser", action="store_true", help="only print the address")
    token = verbs.add(
        "token",
        "token:token",
        "Add, list or revoke the tokens of several people who share one server",
        "omni-mcp token new --name alice --scopes read,ingest --tenant acme --expires 90d",
    )
    token.add_argument("action", choices=("new", "list", "revoke"))
    token.add_argument("--name", help="whose token it is; names stand in the log")
    token.add_argument(
        "--scopes", default="read", metavar="LIST", help="of read, ingest, delete (read)"
    )
    token.add_argument("--tenant", metavar="NAME", help="give its owner a library of its own")
    token.add_argument("--expires", metavar="WHEN", help="2027-06-30 or 90d (never)")
    token.add_argument("--file", metavar="FILE", help="the tokens file (that of the settings)")
    _json(token)
    _upload(verbs)
    worker = verbs.add(
        "worker",
        "serving:worker",
        "Serve the models alone, for servers on other machines",
        "OMNI_ENCODER_TOKEN=secret omni-mcp worker --listen 0.0.0.0:8001 --encoder e5-omni-7b",
    )
    worker.add_argument("--listen", required=True, metavar="HOST:PORT", help="where to listen")
    worker.add_argument("--token", help="bearer token; OMNI_ENCODER_TOKEN keeps it out of `ps`")
    schema = verbs.add(
        "schema",
        "serving:schema",
        "Write the tools' JSON Schemas",
        "omni-mcp schema --out tools_schema",
        library=False,
    )
    schema.add_argument("--out", default="tools_schema", metavar="DIR", help="where (tools_schema)")
    schema.add_argument(
        "--check", action="store_true", help="write nothing; fail when DIR holds other schemas"
    )
    _json(schema)


def _upload(verbs: _Verbs) -> None:
    upload = verbs.add(
        "upload",
        "upload:upload",
        "Send files to a server elsewhere; again goes on where it broke off",
        "OMNI_TOKEN=secret omni-mcp upload talk.mp4 --to https://omni.example.com --ingest",
        library=False,
    )
    upload.add_argument("files", nargs="*", metavar="FILE", help="file to send")
    upload.add_argument("--to", metavar="URL", help="the server (OMNI_URL)")
    upload.add_argument("--token", help="its bearer token; OMNI_TOKEN keeps it out of `ps`")
    upload.add_argument("--ingest", action="store_true", help="make them searchable there as well")
    upload.add_argument("--collection", default="default", help="group to put them in (default)")
    upload.add_argument("--list", action="store_true", help="list what you have sent instead")
    upload.add_argument("--remove", metavar="ID", help="delete an upload instead (upload_...)")
    _json(upload)


def _library(verbs: _Verbs) -> None:
    ingest = verbs.add(
        "ingest",
        "library:ingest",
        "Make files and folders searchable; again costs nothing",
        "omni-mcp ingest ~/Media/talk.mp4 --title 'Keynote' --timings",
    )
    ingest.add_argument("paths", nargs="+", metavar="PATH", help="file or folder")
    ingest.add_argument("--collection", default="default", help="group to put them in (default)")
    ingest.add_argument("--fast", action="store_true", help="keyframes only: cheaper, less exact")
    ingest.add_argument("--timings", action="store_true", help="say what each stage cost")
    one = ingest.add_argument_group("for one file")
    one.add_argument("--title", help="its name in citations")
    one.add_argument("--recorded-at", metavar="WHEN", help="ISO 8601 date or time of recording")
    one.add_argument("--transcript", metavar="FILE", help="subtitles to use as its words")
    one.add_argument("--password", help="of an encrypted document")
    _json(ingest)
    _watch(verbs)
    sources = verbs.add(
        "sources", "library:sources", "List what is in the library", "omni-mcp sources --match talk"
    )
    sources.add_argument("--match", default="", metavar="TEXT", help="part of the title or path")
    sources.add_argument("--when", default="", help="recorded when: 2026-11, 'last tuesday' ...")
    sources.add_argument("--collection", default="", help="only this collection")
    sources.add_argument(
        "--state",
        default="",
        choices=("queued", "processing", "ready", "partial", "failed", "missing"),
    )
    sources.add_argument("--limit", type=int, default=100, help="at most so many (100)")
    _json(sources)
    forget = verbs.add(
        "forget",
        "library:forget",
        "Remove a source from the library; its file stays",
        "omni-mcp forget 'Keynote' --yes\n  omni-mcp forget --missing --dry-run",
    )
    forget.add_argument(
        "source", nargs="?", metavar="SOURCE", help="id (src_...) or part of the title"
    )
    forget.add_argument(
        "--missing", action="store_true", help="every source whose file has gone from its folder"
    )
    forget.add_argument("--dry-run", action="store_true", help="say what would go, remove nothing")
    forget.add_argument("--yes", action="store_true", help="do not ask")
    _json(forget)


def _watch(verbs: _Verbs) -> None:
    watch = verbs.add(
        "watch",
        "watch:watch",
        "Keep folders current: new, changed, renamed and vanished files, until Ctrl-C",
        "omni-mcp watch ~/Media ~/Notes\n  omni-mcp watch ~/Media --once",
    )
    watch.add_argument(
        "folders", nargs="+", metavar="FOLDER", help="a folder, or COLLECTION=FOLDER"
    )
    watch.add_argument("--collection", default="default", help="group to put them in (default)")
    watch.add_argument("--once", action="store_true", help="bring the library up to date and stop")
    watch.add_argument(
        "--poll", type=float, metavar="S", help="look every S seconds instead of awaiting events"
    )
    watch.add_argument(
        "--retry", action="store_true", help="try files again that could not be read before"
    )
    watch.add_argument(
        "--forget-days", type=int, default=0, metavar="N",
        help="forget what has been gone for more than N days (never)",
    )  # fmt: skip
    watch.add_argument("--json", action="store_true", help="print one line of JSON per event")


def _asking(verbs: _Verbs) -> None:
    search = verbs.add(
        "search",
        "ask:search",
        "Find the moments that answer a question",
        "omni-mcp search 'how fast does lava flow' --modality video --when 2026-05",
    )
    search.add_argument("query", metavar="QUERY", help="what to look for, in plain words")
    _filters(search)
    search.add_argument("--source", default="", help="only in this one (id or part of a title)")
    search.add_argument("--exclude", default="", metavar="TEXT", help="what must not be in it")
    search.add_argument("--order", default="relevance", choices=("relevance", "newest", "oldest"))
    similar = verbs.add(
        "similar",
        "ask:similar",
        "Find what is like a segment, a moment or a file",
        "omni-mcp similar holiday.jpg --modality video",
    )
    similar.add_argument("example", metavar="REF_OR_FILE", help="seg_..., a citation, or a file")
    similar.add_argument(
        "--not-like", action="append", default=[], metavar="REF", help="and unlike this one"
    )
    similar.add_argument(
        "--same-source", action="store_true", help="also within the source it comes from"
    )
    _filters(similar)
    show = verbs.add(
        "show",
        "ask:show",
        "Open evidence: words, and images, clip or audio into a folder",
        "omni-mcp show src_4jx2...@83.5 --show frame clip --save evidence/",
    )
    show.add_argument("ref", metavar="REF", help="seg_..., src_...@83.5, src_...#p12, a citation")
    show.add_argument(
        "--show",
        nargs="+",
        default=[],
        choices=("frame", "sheet", "page", "audio", "clip", "text"),
        help="what to open (by kind: frame, page, image or text)",
    )
    show.add_argument("--step", type=int, default=0, help="+1 the segment after, -1 before")
    show.add_argument("--pad", type=float, default=0.0, metavar="S", help="seconds to add around")
    show.add_argument("--size", default="large", choices=("small", "medium", "large"))
    show.add_argument(
        "--crop", type=_crop, metavar="X0,Y0,X1,Y1", help="part of the image, each 0 to 1"
    )
    show.add_argument("--save", metavar="DIR", help="write images, clips and audio there")
    _json(show)


def _filters(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--modality", nargs="+", default=[], choices=MODALITIES, help="only these")
    verb.add_argument("--when", default="", help="recorded when: 2026-11, 'past 7 days' ...")
    verb.add_argument("--collection", default="default", help="in this collection (default)")
    verb.add_argument("--limit", type=int, default=6, help="at most so many moments (6)")
    verb.add_argument("--per-source", type=int, default=3, help="at most so many of one source (3)")
    verb.add_argument("--cursor", default="", help="go on after an earlier answer")
    _json(verb)


def _crop(text: str) -> tuple[float, ...]:
    parts = tuple(float(p) for p in text.split(","))
    if len(parts) != 4:
        raise argparse.ArgumentTypeError("four numbers between 0 and 1, as in 0,0.5,1,1")
    return parts


def _learning(verbs: _Verbs) -> None:
    evaluate = verbs.add(
        "eval",
        "learn:evaluate",
        "Measure how well questions find their answers",
        "omni-mcp eval samples/queries.json --media samples/library",
    )
    evaluate.add_argument("queries", metavar="QUERIES.json", help="questions and their answers")
    evaluate.add_argument("--media", required=True, metavar="DIR", help="the files they are about")
    evaluate.add_argument("--misses", action="store_true", help="list questions not answered first")
    _json(evaluate)
    models = verbs.add(
        "models",
        "learn:models",
        "List the models and what fits this machine, or check one",
        "omni-mcp models check e5-omni-7b",
    )
    models.add_argument("action", nargs="?", default="list", choices=("list", "check"))
    models.add_argument("name", nargs="?", help="the model to check: downloads and probes it")
    _json(models)
    reindex = verbs.add(
        "reindex",
        "learn:reindex",
        "Embed the library again with the model that --encoder names",
        "omni-mcp reindex --encoder e5-omni-7b",
    )
    _json(reindex)
    doctor = verbs.add(
        "doctor",
        "learn:doctor",
        "Say what is installed, what is missing, and how to get it",
        "omni-mcp doctor\n  omni-mcp doctor --client claude-code",
    )
    one = doctor.add_argument_group("an MCP client")
    one.add_argument("--client", choices=CLIENTS, help="say what is wrong with its entry instead")
    one.add_argument("--client-file", metavar="FILE", help="its configuration file, if elsewhere")
    one.add_argument("--name", default="omni", help="the name of the entry (omni)")
    _json(doctor)


def _clients(verbs: _Verbs) -> None:
    install = verbs.add(
        "install",
        "install:install",
        "Put this server into the configuration of an MCP client, after showing the change",
        "omni-mcp install claude-code --root ~/Media\n  omni-mcp install --list",
        library=False,
    )
    _entry(install)
    install.add_argument("--list", action="store_true", help="say which clients are here")
    what = install.add_argument_group("what the client starts")
    what.add_argument(
        "--root", action="append", metavar="DIR", help="folder agents may read; may be repeated"
    )
    what.add_argument("--store", metavar="DIR", help="folder of the library (~/.omni-mcp)")
    what.add_argument("--encoder", metavar="NAME", help="embedded, or a name of `omni-mcp models`")
    link = install.add_argument_group("or what it calls")
    link.add_argument("--http", metavar="URL", help="a server that already runs")
    link.add_argument(
        "--token-env", metavar="NAME",
        help="environment variable that holds its token (OMNI_TOKEN, where that is set)",
    )  # fmt: skip
    uninstall = verbs.add(
        "uninstall",
        "install:uninstall",
        "Take this server out of the configuration of an MCP client",
        "omni-mcp uninstall claude-code",
        library=False,
    )
    _entry(uninstall)


def _entry(verb: argparse.ArgumentParser) -> None:
    """Which entry of which file is meant, and whether to write it."""
    optional = verb.prog.endswith(" install")
    verb.add_argument(
        "client", nargs="?" if optional else None, choices=CLIENTS, metavar="CLIENT",
        help=", ".join(CLIENTS),
    )  # fmt: skip
    verb.add_argument(
        "--scope", choices=("user", "project"), default="user",
        help="the user's configuration (default), or that of the project in this folder",
    )  # fmt: skip
    verb.add_argument("--config", metavar="FILE", help="the configuration file, if elsewhere")
    verb.add_argument("--name", default="omni", help="name of the entry (omni)")
    verb.add_argument("--yes", action="store_true", help="write without asking")
    verb.add_argument("--dry-run", action="store_true", help="show the change, write nothing")
    _json(verb)


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The arguments of a command line, for tests."""
    return build().parse_args(argv)
