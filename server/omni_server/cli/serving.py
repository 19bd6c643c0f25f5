"""serve, worker, schema."""

from __future__ import annotations

import argparse
import atexit
import sys
from pathlib import Path

from omni_core import read_only
from omni_core.allocator import keep_little
from omni_core.errors import BadRequestError, NotFoundError
from omni_core.sandbox.kernel import hide_memory
from omni_core.settings import Settings
from omni_core.watch.folders import watched
from omni_server.cli.printing import as_json, hint, say
from omni_server.cli.settings import settings_of
from omni_server.observe import faults, traces


def serve(args: argparse.Namespace) -> int:
    """Run the MCP server until its client disconnects or Ctrl-C."""
    keep_little()
    settings = settings_of(args)
    if settings.sandbox != "off":
        hide_memory()
    for root in settings.roots:
        if not Path(root).expanduser().is_dir():
            raise NotFoundError(f"the root {root} is not a folder; name one that exists")
    if settings.tenant_roots and not Path(settings.tenant_roots).expanduser().is_dir():
        raise NotFoundError(
            f"tenant_roots {settings.tenant_roots} is not a folder; name one that exists"
        )
    if settings.watch:
        watched(settings.watch, roots=settings.root_paths)  # refuse now what cannot be watched
    overlay = read_only.overlaid(settings)
    if overlay is not None:
        hint("the store cannot be written: it is served read-only, from a copy of its index")
        atexit.register(overlay.close)
        settings = overlay.settings
    traces.set_up()
    faults.keep(settings.store_path)
    if not settings.roots:
        hint("no --root is given: agents can search what is in the library, but ingest no file")
    if args.open and not args.http:
        raise BadRequestError("--open shows the page of an HTTP server: add --http")
    if args.http:
        _http(settings, show=args.open)
    else:
        _stdio(settings)
    return 0


def _http(settings: Settings, *, show: bool) -> None:
    from omni_server.cli import browser
    from omni_server.http.app import run_http
    from omni_server.http.gate import check

    check(settings)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    base = f"http://{host}:{settings.port}"
    told = f"MCP at {base}/mcp, the page at {base}/, Ctrl-C stops"
    if show:
        browser.run(settings, {}, files=[], browser=True, or_any=False, told=told)
    else:
        run_http(settings, lambda: hint(told))


def _stdio(settings: Settings) -> None:
    from omni_server.stdio import run_stdio

    if sys.stdin.isatty():
        hint("waiting for an MCP client on stdin; Ctrl-C stops. For people: omni-mcp search ...")
    run_stdio(settings)


def worker(args: argparse.Namespace) -> int:
    """Serve the models over HTTP until Ctrl-C."""
    from omni_core.models.serving import process

    host, _, port = args.listen.rpartition(":")
    if not host:
        raise BadRequestError(f"--listen {args.listen!r} is not HOST:PORT, as in 127.0.0.1:8001")
    settings = settings_of(
        args,
        host=host.strip("[]"),
        port=port,
        encoder_token=args.token,
        origins={
            "encoder_token": "option --token",
            **dict.fromkeys(("host", "port"), "option --listen"),
        },
    )
    if settings.encoder_url and not settings.encoder_url.startswith("vllm+"):
        raise BadRequestError(
            "a worker does the work itself: start it without OMNI_ENCODER_URL (encoder_url), which "
            "is for the servers that use workers"
        )
    process.may_listen(settings.host, settings.encoder_token)
    process.serve(
        settings, settings.host, settings.port, settings.encoder_token,
        lambda: hint(f"{settings.encoder} at http://{args.listen}, Ctrl-C stops"),
    )  # fmt: skip
    return 0


def schema(args: argparse.Namespace) -> int:
    """Write the tools' schemas, or say which differ."""
    from omni_server import schema_export

    if not args.check:
        written = [str(p) for p in schema_export.write(args.out)]
        if args.json:
            as_json({"written": written})
        else:
            say(f"{len(written)} schemas in {args.out}")
        return 0
    folder, wanted = Path(args.out), schema_export.render_all()
    held = {p.name: p.read_text(encoding="utf-8") for p in folder.glob("*.json")}
    stale = sorted(n for n in wanted.keys() | held.keys() if wanted.get(n) != held.get(n))
    if args.json:
        as_json({"stale": stale})
    elif stale:
        say(f"{', '.join(stale)} differ in {args.out}; run: omni-mcp schema --out {args.out}")
    else:
        say(f"{len(wanted)} schemas in {args.out} are what the server answers")
    return int(bool(stale))
