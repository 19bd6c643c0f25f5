"""Formulas of Word and PowerPoint (OMML) as one would type them: `(a+b)/2`, `∑_(i=1)^n i`."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree as ET

from omni_core.media.document.zipped_xml import attribute, local

PARTS = frozenset(("f", "num", "den", "sup", "sub", "rad", "nary", "d", "m", "eqArr"))
"""Elements of a formula that mean more than the letters in them; an `m` without rows is what
PowerPoint puts around a formula, and no matrix."""
_SIGNS = {"den": "/", "sup": "^", "sub": "_"}
_LOOSE = frozenset("+-\u2212±∓=<>≤≥·×,/ ")
"""Signs that bind less than a fraction does."""
_WITHOUT_TEXT = ("del", "moveFrom", "rPr", "ctrlPr")


def formula(e: ET.Element) -> str:
    """The text of an element of a formula."""
    name = local(e)
    if name == "t":
        return e.text or ""
    if name in _WITHOUT_TEXT or name.endswith("Pr"):
        return ""
    if name in ("tab", "br"):
        return " "
    if name == "rad":
        return _root(e)
    if name == "nary":
        return _sum(e)
    if name == "d":
        begin, end, between = (_said(e, key, usual) for key, usual in
                               (("begChr", "("), ("endChr", ")"), ("sepChr", "|")))  # fmt: skip
        return begin + between.join(map(formula, _named(e, "e"))) + end
    if name == "eqArr" or (name == "m" and any(True for _ in _named(e, "mr"))):
        return "; ".join(map(formula, _named(e, "mr" if name == "m" else "e")))
    if name == "mr":
        return " ".join(map(formula, _named(e, "e")))
    text = "".join(map(formula, e)).strip(" " if name in PARTS else "")
    if name == "num":
        return f"({text})" if len(text) > 1 and _LOOSE & {*text} else text
    return _SIGNS[name] + _grouped(text) if name in _SIGNS and text else text


def _root(e: ET.Element) -> str:
    degree, inside = ("".join(map(formula, _named(e, name))) for name in ("deg", "e"))
    return f"{degree}√{_grouped(inside)}" if inside else ""


def _sum(e: ET.Element) -> str:
    """A sign with limits: a sum, an integral."""
    limits = "".join(formula(part) for name in ("sub", "sup") for part in _named(e, name))
    return f"{_said(e, 'chr', '∫')}{limits} {''.join(map(formula, _named(e, 'e')))}"


def _named(e: ET.Element, name: str) -> Iterable[ET.Element]:
    return (child for child in e if local(child) == name)


def _said(e: ET.Element, key: str, usual: str) -> str:
    """A character among the properties of an element, which may be none."""
    properties = (child for child in e if local(child).endswith("Pr"))
    found = next((p for part in properties for p in part if local(p) == key), None)
    return usual if found is None else attribute(found, "val")


def _grouped(text: str) -> str:
    return text if len(text) == 1 else f"({text})"
