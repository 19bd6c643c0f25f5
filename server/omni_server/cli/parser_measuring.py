"""The arguments of `eval` and `mteb`. Standard library only, so that --help is instant."""

from __future__ import annotations

from omni_server.cli.verbs import Verbs, json_option

QUESTIONS = """\
A file of questions is a list of {"id", "direction", "type", "query", "relevant": [{"item", "t0",
"t1" or "page"}], "lang"}. `type` is text, or image, audio, video, document where `query` is a file.
`relevant` is empty where nothing in the library answers. The language is `lang`, else that of the
file's name: queries.es.json."""


def measuring(verbs: Verbs) -> None:
    """Add `eval` and `mteb`."""
    _eval(verbs)
    _mteb(verbs)


def _eval(verbs: Verbs) -> None:
    evaluate = verbs.add(
        "eval",
        "measure:evaluate",
        "Measure how well questions find their answers",
        "omni-mcp eval samples/queries.json --media samples/library\n"
        "  omni-mcp eval q.json q.es.json --media Media --hide-names --out now.json\n"
        "  omni-mcp eval --report now.json --compare before.json --html changes.html",
    )
    evaluate.description = f"{evaluate.description}\n\n{QUESTIONS}"
    evaluate.add_argument(
        "queries", nargs="*", metavar="QUERIES.json", help="questions and their answers"
    )
    evaluate.add_argument("--media", metavar="DIR", help="the files they are about")
    evaluate.add_argument(
        "--hide-names",
        action="store_true",
        help="ingest each file under a number, so that file names are no evidence",
    )
    evaluate.add_argument("--misses", action="store_true", help="list questions not answered first")
    results = evaluate.add_argument_group("the report")
    results.add_argument("--out", metavar="FILE.json", help="write the whole report there too")
    results.add_argument(
        "--html", metavar="FILE.html", help="write it as a page, with pictures of what was missed"
    )
    results.add_argument(
        "--compare",
        metavar="BEFORE.json",
        help="an earlier report: say what changed, and whether more than chance would",
    )
    results.add_argument(
        "--report", metavar="FILE.json", help="show this finished report instead of asking anew"
    )
    json_option(evaluate)


def _mteb(verbs: Verbs) -> None:
    mteb = verbs.add(
        "mteb",
        "measure_mteb:mteb",
        "Measure the encoder or the whole server on tasks of mteb",
        "omni-mcp mteb --list vidore\n"
        "  omni-mcp mteb --tasks VidoreDocVQARetrieval --encoder e5-omni-7b --out results\n"
        "  omni-mcp mteb --tasks 'ViDoRe(v2)' --whole",
    )
    mteb.add_argument(
        "--tasks", nargs="+", default=[], metavar="NAME", help="names of tasks or benchmarks"
    )
    mteb.add_argument("--list", metavar="WORD", help="names that contain this ('' for all)")
    mteb.add_argument(
        "--whole",
        action="store_true",
        help="the whole server (files ingested, questions asked), not the encoder alone",
    )
    mteb.add_argument("--out", metavar="DIR", help="write mteb's own result files there")
    mteb.add_argument(
        "--batch-size", type=int, default=16, metavar="N", help="rows of a batch (16)"
    )
    json_option(mteb)
