"""token: the tokens file of a server for several people."""

from __future__ import annotations

import argparse
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from omni_core.errors import BadRequestError
from omni_core.settings import Settings
from omni_server.auth import token_edit, tokens_file
from omni_server.auth.principal import SCOPES
from omni_server.cli.printing import as_json, hint, say, table
from omni_server.cli.settings import settings_of
from omni_server.tenants import FOLDER, folder_of


def token(args: argparse.Namespace) -> int:
    """Add, list or revoke tokens."""
    settings = settings_of(args)
    path = _path(args, settings)
    if args.action == "list":
        return _list(args, path)
    if not args.name:
        raise BadRequestError(f"`omni-mcp token {args.action}` needs --name NAME")
    if args.action == "revoke":
        token_edit.revoke(path, args.name)
        if args.json:
            as_json({"revoked": args.name, "file": str(path)})
        else:
            say(f"revoked {args.name}; a running server refuses it within seconds")
        return 0
    return _new(args, settings, path)


def _path(args: argparse.Namespace, settings: Settings) -> Path:
    """The file of --file, else of the settings, else one in the store."""
    given = args.file or settings.tokens_file
    return Path(given).expanduser().absolute() if given else settings.store_path / "tokens.toml"


def _new(args: argparse.Namespace, settings: Settings, path: Path) -> int:
    scopes = [s for s in re.split(r"[,\s]+", args.scopes) if s]
    if unknown := [s for s in scopes if s not in SCOPES]:
        raise BadRequestError(f"{unknown[0]!r} is no scope; there are {', '.join(SCOPES)}")
    made = token_edit.new_token()
    collections = [c.strip() for c in (args.collections or "").split(",") if c.strip()]
    if args.collections is not None and not collections:
        raise BadRequestError("--collections names none; leave it out for the whole library")
    tenant = args.tenant or ""
    entry = token_edit.add(
        path,
        made,
        name=args.name,
        scopes=scopes,
        tenant=tenant,
        collections=collections,
        expires=_day(args.expires) if args.expires else None,
    )
    store = settings.store_path / FOLDER / folder_of(tenant) if tenant else settings.store_path
    if args.json:
        as_json({
            "name": args.name, "token": made, "scopes": sorted(entry.principal.scopes),
            "tenant": tenant, "collections": list(entry.principal.collections),
            "expires": entry.expires and entry.expires.isoformat(),
            "file": str(path), "store": str(store),
        })  # fmt: skip
        return 0
    say(made)
    hint("shown this once: the file holds only its hash")
    if tenant:
        hint(f"library of tenant {tenant}: {store}")
        if settings.tenant_roots:
            hint(f"its files: {Path(settings.tenant_roots).expanduser() / folder_of(tenant)}")
    if str(path) != settings.tokens_file:
        hint(f"serve it with: OMNI_TOKENS_FILE={path} omni-mcp serve --http")
    return 0


def _list(args: argparse.Namespace, path: Path) -> int:
    entries = tokens_file.read(path).values() if path.exists() else ()
    today = datetime.now(UTC).date()
    rows = [
        {
            "name": e.principal.name,
            "scopes": sorted(e.principal.scopes),
            "tenant": e.principal.tenant,
            "collections": list(e.principal.collections),
            "expires": e.expires.isoformat() if e.expires else "",
            "expired": e.expired(today),
        }
        for e in entries
    ]
    if args.json:
        as_json({"file": str(path), "tokens": rows})
    elif not rows:
        say(f"no tokens in {path}")
    else:
        table(
            [
                (
                    str(r["name"]),
                    ",".join(e.principal.scopes),
                    str(r["tenant"]) or "-",
                    ", ".join(e.principal.collections) or "all",
                    f"{r['expires']}{' (expired)' if r['expired'] else ''}" or "-",
                )
                for r, e in zip(rows, entries, strict=True)
            ],
            ("name", "scopes", "tenant", "collections", "expires"),
        )
    return 0


def _day(text: str) -> date:
    """A date as it is written, or so many days from now (`90d`)."""
    days = re.fullmatch(r"(\d{1,4})d", text.strip())
    if days:
        return datetime.now(UTC).date() + timedelta(days=int(days[1]))
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise BadRequestError(
            f"--expires {text!r} is neither a day, as in 2027-06-30, nor so many days, as in 90d"
        ) from None
