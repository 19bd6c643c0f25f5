"""The arguments of export and import. Standard library only, so that --help is instant."""

from __future__ import annotations

from omni_server.cli.verbs import Verbs, json_option


def vectors(verbs: Verbs) -> None:
    """Add `export` and `import`."""
    export = verbs.add(
        "export",
        "vectors:export",
        "Write the library's vectors and payloads into a Parquet file",
        "omni-mcp export library.parquet\n"
        "  omni-mcp export talks.parquet --collection talks --store ~/Library",
    )
    export.add_argument("path", metavar="FILE.parquet", help="a new file")
    export.add_argument("--collection", default="", help="only sources of this collection")
    json_option(export)
    import_ = verbs.add(
        "import",
        "vectors:import_",
        "Add the sources of such a file; nothing is decoded or embedded",
        "omni-mcp import library.parquet\n"
        "  omni-mcp import library.parquet --qdrant http://localhost:6333",
    )
    import_.add_argument("path", metavar="FILE.parquet", help="of a library of the same model")
    json_option(import_)
