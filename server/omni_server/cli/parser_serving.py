"""The verbs that serve, send files, keep folders current, and set this and clients up."""

from __future__ import annotations

import argparse

from omni_server.cli.verbs import Verbs, json_option

CLIENTS = ("claude-code", "claude-desktop", "cursor", "vscode", "codex", "gemini")


def serving(verbs: Verbs) -> None:
    """serve, open, token, upload, worker, schema."""
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
    serve.add_argument(
        "--read-only", action="store_true", default=None,
        help="search and read only: nothing is ingested, changed or removed",
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
    token.add_argument(
        "--collections", metavar="NAMES",
        help="all that its owner sees, as in hr,public:read (the whole library)",
    )  # fmt: skip
    token.add_argument("--expires", metavar="WHEN", help="2027-06-30 or 90d (never)")
    token.add_argument("--file", metavar="FILE", help="the tokens file (that of the settings)")
    json_option(token)
    _upload(verbs)
    worker = verbs.add(
        "worker",
        "serving:worker",
        "Embed, hear and read for servers on other machines",
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
    json_option(schema)


def _upload(verbs: Verbs) -> None:
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
    json_option(upload)


def watch(verbs: Verbs) -> None:
    """watch."""
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


def setup(verbs: Verbs) -> None:
    """setup."""
    setup = verbs.add(
        "setup",
        "setup:setup",
        "Choose the models: look at this machine, explain, download, check, write the settings",
        "omni-mcp setup\n  omni-mcp setup --profile laptop --listening turbo --yes\n"
        "  omni-mcp setup --profile embedded --listening base",
        library=False,
    )
    what = setup.add_argument_group("what to choose (asked for, where nothing is given)")
    what.add_argument("--profile", metavar="NAME", help="what embeds: embedded, laptop, gpu, ...")
    what.add_argument("--listening", metavar="NAME", help="what hears: base, turbo, large")
    what.add_argument(
        "--speakers", action="store_true", help="fetch the weights that tell speakers apart"
    )
    what.add_argument(
        "--reranker", action="store_true",
        help="fetch the weights that put texts in order a second time, and use them",
    )  # fmt: skip
    how = setup.add_argument_group("how")
    how.add_argument("--yes", action="store_true", help="do not ask")
    how.add_argument("--dry-run", action="store_true", help="say what would be done, do nothing")
    how.add_argument(
        "--reindex", action=argparse.BooleanOptionalAction,
        help="embed the library again where the model changes (asked; with --yes it is done)",
    )  # fmt: skip
    where = setup.add_argument_group("where")
    where.add_argument("--store", metavar="DIR", help="folder of the library (~/.omni-mcp)")
    where.add_argument(
        "--config", metavar="FILE", help="TOML file of settings (omni.toml in the store)"
    )
    where.add_argument("--weights", metavar="DIR", help="folder of weights (weights in the store)")
    json_option(setup)


def clients(verbs: Verbs) -> None:
    """install, uninstall."""
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
    json_option(verb)
