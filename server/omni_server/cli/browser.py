"""open, and `serve --http --open`: the page in a browser."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import secrets
import sys
import webbrowser
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from omni_core.errors import OmniError
from omni_core.settings import Settings
from omni_server.cli.printing import hint, say
from omni_server.cli.settings import settings_of
from omni_server.text import counted, one_line

if TYPE_CHECKING:
    from omni_core.engine.results import IngestStatus
    from omni_server.state import State


def open_page(args: argparse.Namespace) -> int:
    """Serve the library to this machine's browser until Ctrl-C."""
    settings = settings_of(args)
    if not settings.token:
        settings = replace(settings, token=secrets.token_urlsafe(24))
    files = _files(args.what, settings)
    return run(
        settings,
        place(args.what, is_file=bool(files)),
        files=files,
        browser=not args.no_browser,
        or_any=args.port is None,
    )


def run(
    settings: Settings,
    where: Mapping[str, str],
    *,
    files: list[str],
    browser: bool,
    or_any: bool,
    told: str = "",
) -> int:
    """Serve, print the address and open it; `files` are ingested beside, as this user. `told` is
    said once the port is bound."""
    from omni_server.http.gate import check
    from omni_server.http.opened import listening, serve

    check(settings)
    with listening(settings.host, settings.port, or_any=or_any) as (listener, port):
        url = address(settings, port, where)
        if told:
            hint(told)

        async def started(state: State) -> None:
            say(url)
            sys.stdout.flush()
            hint("anyone with this address can read the library; Ctrl-C stops")
            if browser and has_screen():
                await asyncio.to_thread(webbrowser.open, url)
            if files:
                await _ingest(state, files)

        with contextlib.suppress(KeyboardInterrupt):  # raised again once everything is closed
            asyncio.run(serve(settings, listener, started))
    return 0


def address(settings: Settings, port: int, where: Mapping[str, str]) -> str:
    """The page's address. The token stands in the fragment, which browsers send to no server."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    if host in ("0.0.0.0", "[::]"):  # noqa: S104 - an address to bind is none to visit
        host = settings.allowed_hosts[0].split(":")[0]
    known = {"token": settings.token} if settings.token else {}
    fragment = urlencode({**known, **where}).removesuffix("=")
    return f"http://{host}:{port}/" + (f"#{fragment}" if fragment else "")


def place(what: str, *, is_file: bool = False) -> dict[str, str]:
    """What the page shows first: a reference, the answer to a question, or the library."""
    if is_file or not what:
        return {"library": ""}
    if what.startswith(("seg_", "src_", "[")):
        return {"open": what}
    return {"q": what}


def has_screen() -> bool:
    """Whether a browser with a window can be opened: not over SSH, not in a container."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _files(what: str, settings: Settings) -> list[str]:
    from omni_server.cli.library import files_of

    if not what or not Path(what).expanduser().exists():
        return []
    return files_of([what], settings.store_path)


async def _ingest(state: State, files: list[str]) -> None:
    """Read the files that were named; the page shows how far it is."""
    from omni_core.engine.results import IngestRequest

    try:
        engine = await state.engine()
        done: tuple[IngestStatus, ...]
        if len(files) == 1:
            done = (await engine.ingest(IngestRequest(files[0])),)
        else:
            done = (await engine.ingest_folder(files)).done
    except OmniError as e:
        hint(f"{e.code}: {one_line(str(e), 2000)}")
        return
    failed = [s for s in done if s.state == "failed" and s.error_code != "UNSUPPORTED_TYPE"]
    hint(f"{counted(len(done) - len(failed), 'file')} read")
    for s in failed:
        hint(f"{one_line(Path(s.path).name)}: {s.error_code}: {one_line(s.error, 400)}")
