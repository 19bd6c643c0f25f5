"""The missed questions: what was expected, and what was found instead."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from omni_core.engine.evaluation import Evidence, expected_ref, missed
from omni_core.text.clean import clean

SHOWN = 3


def section(report: Mapping[str, Any], evidence: Mapping[str, Evidence]) -> str:
    """All of them, by direction; each direction can be folded. A picture that is shown many times
    is in the file once."""
    rows = missed(report["rows"])
    if not rows:
        return "<p>None: every question has its answer first.</p>"
    pictures = "".join(
        f".{_picture(shown.jpeg)}{{background-image:url(data:image/jpeg;base64,"
        f"{base64.b64encode(shown.jpeg).decode()})}}"
        for shown in {e.jpeg: e for e in evidence.values() if e.jpeg}.values()
    )
    by_direction: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        name = row["direction"] if row["relevant"] else "without an answer in the library"
        by_direction.setdefault(name, []).append(row)
    return f"<style>{pictures}</style>" + "".join(
        f"<details open><summary>{escape(name)} ({len(some)})</summary>"
        f"{''.join(_question(row, report, evidence) for row in some)}</details>"
        for name, some in sorted(by_direction.items())
    )


def _question(
    row: Mapping[str, Any], report: Mapping[str, Any], evidence: Mapping[str, Evidence]
) -> str:
    rank = f"rank {row['rank']}" if row["rank"] else "not found" if row["relevant"] else "a match"
    expected = [
        _expected(e, report["sources"].get(e["item"], ""), evidence)
        for e in row["relevant"][:SHOWN]
    ]
    found = [_hit(hit, evidence) for hit in row["hits"][:SHOWN]]
    language = "" if row["language"] == "und" else f"<small>{_text(row['language'])}</small> "
    title = f"{language}{_text(row['query'])} <small>{_text(row['id'])}, {rank}</small>"
    places = _group("expected", expected) + _group("found", found)
    return f'<article><h3>{title}</h3><div class="places">{places}</div></article>'


def _group(name: str, places: Sequence[str]) -> str:
    return f'<div class="group"><h4>{name}</h4>{"".join(places) or "<p>nothing</p>"}</div>'


def _expected(expected: Mapping[str, Any], source_id: str, evidence: Mapping[str, Evidence]) -> str:
    where = expected["item"]
    if "page" in expected:
        where += f", page {expected['page']}"
    if "t0" in expected:
        where += f", {expected['t0']:g} to {expected.get('t1', expected['t0']):g} s"
    if not source_id:
        return _place(where, "not in the library", None, "")
    return _place(where, "", evidence.get(expected_ref(expected, source_id)), "")


def _hit(hit: Mapping[str, Any], evidence: Mapping[str, Evidence]) -> str:
    how = f"{hit['match']}, {hit['channel'].replace('_', ' ')}"
    return _place(hit["cite"], f"{hit['item']} ({how})", evidence.get(hit["ref"]),
                  "right" if hit["right"] else hit["match"])  # fmt: skip


def _place(title: str, about: str, shown: Evidence | None, kind: str) -> str:
    picture = ""
    if shown is not None and shown.jpeg:
        picture = f'<div class="picture {_picture(shown.jpeg)}"></div>'
    words = f"<q>{_text(shown.text)}</q>" if shown is not None and shown.text else ""
    return (
        f'<div class="place {kind}">{picture}<p><b>{_text(title)}</b></p>'
        f'<p class="soft">{_text(about)}</p>{words}</div>'
    )


def _picture(jpeg: bytes) -> str:
    """The class of a picture: the same for the same bytes."""
    return f"p{hashlib.blake2b(jpeg, digest_size=6).hexdigest()}"


def _text(text: str) -> str:
    """Text of media, without control characters, as HTML."""
    return escape(clean(text))
