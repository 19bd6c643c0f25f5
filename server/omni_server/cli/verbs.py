"""How verbs are added to the command line. Standard library only, so that --help is instant."""

from __future__ import annotations

import argparse


class Verbs:
    """Adds subcommands; most share the options of the library."""

    def __init__(self, top: argparse.ArgumentParser) -> None:
        self._verbs = top.add_subparsers(dest="verb", metavar="VERB", required=True)

    def add(
        self, name: str, run: str, about: str, example: str, *, library: bool = True
    ) -> argparse.ArgumentParser:
        """Add a verb that runs `module:function`; `library`: with the options of the library."""
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
    group.add_argument(
        "--catalog", metavar="URL", help="PostgreSQL database, for several processes on one "
        "library; OMNI_CATALOG keeps its password out of `ps`"
    )  # fmt: skip
    group.add_argument("--qdrant", metavar="URL", help="use this Qdrant server as the index")
    group.add_argument(
        "--api-key", metavar="KEY", help="its key; OMNI_QDRANT_API_KEY keeps it out of `ps`"
    )


def json_option(verb: argparse.ArgumentParser) -> None:
    """--json."""
    verb.add_argument("--json", action="store_true", help="print data instead of text")
