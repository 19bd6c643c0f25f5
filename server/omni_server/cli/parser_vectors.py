"""The arguments of export and import. Standard library only, so that --help is instant."""

from __future__ import annotations

from omni_server.cli.verbs import Verbs, json_option


def vectors(verbs: Verbs) -> None:
    """Add `export` and `import`."""
    export = verbs.add(
        "export",
        "vectors:export",
        "Write the library's vectors, payloads and sources into a folder of Parquet and JSON",
        "omni-mcp export ~/Library-export --thumbnails\n"
        "  omni-mcp export talks.parquet --collection talks --store ~/Library",
    )
    export.add_argument("path", metavar="DIR", help="a new folder; one file, as FILE.parquet")
    export.add_argument("--collection", default="", help="only sources of this collection")
    export.add_argument(
        "--thumbnails", action="store_true", help="the small images too, for files that are gone"
    )
    json_option(export)
    import_ = verbs.add(
        "import",
        "vectors:import_",
        "Add the sources of such a folder or file; nothing is decoded or embedded",
        "omni-mcp import ~/Library-export\n"
        "  omni-mcp import library.parquet --qdrant http://localhost:6333",
    )
    import_.add_argument("path", metavar="DIR", help="or FILE.parquet, of a library of this model")
    json_option(import_)
