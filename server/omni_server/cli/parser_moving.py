"""The arguments of migrate, backup and restore. Standard library only: --help is instant."""

from __future__ import annotations

from omni_server.cli.verbs import Verbs, json_option


def moving(verbs: Verbs) -> None:
    """Add `migrate`, `backup` and `restore`."""
    migrate = verbs.add(
        "migrate",
        "moving:migrate_",
        "Move the library to another index or catalog: copied, compared, then switched",
        "omni-mcp migrate --to http://localhost:6333\n"
        "  omni-mcp migrate --to http://qdrant:6333 --to-catalog postgresql://omni@db/omni\n"
        "  omni-mcp migrate --to embedded",
    )
    migrate.add_argument(
        "--to", metavar="URL", help="index: a Qdrant server; or `embedded`, in the store"
    )
    migrate.add_argument("--to-collection", metavar="NAME", help="its collection there (evidence)")
    migrate.add_argument(
        "--to-catalog", metavar="URL", help="catalog: postgresql://..., or `store`, in the store"
    )
    migrate.add_argument(
        "--no-switch", action="store_true", help="copy and compare only; the settings stay"
    )
    json_option(migrate)
    backup = verbs.add(
        "backup",
        "moving:backup",
        "Copy the library into a new folder, also while a server uses it",
        "omni-mcp backup ~/Backups/library-2026-11-26",
    )
    backup.add_argument("folder", metavar="DIR", help="a new folder")
    json_option(backup)
    restore = verbs.add(
        "restore",
        "moving:restore_",
        "Make the store a copy of a backup; each file is checked",
        "omni-mcp restore ~/Backups/library-2026-11-26 --store ~/.omni-mcp",
    )
    restore.add_argument("folder", metavar="DIR", help="what `omni-mcp backup` made")
    json_option(restore)
