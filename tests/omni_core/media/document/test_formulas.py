"""Formulas of Word and PowerPoint as one would type them."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from omni_core.media.document.formulas import formula


def _named(name: str, *inside: str) -> str:
    return f"<{name}>{''.join(inside)}</{name}>"


def _e(*signs: str, name: str = "e") -> str:
    return "".join(_named(name, f"<r><rPr/><t>{sign}</t></r>") for sign in signs)


def _limits(lower: str, upper: str) -> str:
    return _e(lower, name="sub") + _e(upper, name="sup")


_MATRIX = _named("m", _named("mr", _e("1", "0")), _named("mr", _e("0", "1")))
_KINDS = {
    "fraction": (_named("f", _e("mass", name="num"), _e("V", name="den")), "mass/V"),
    "sums in a fraction": (_named("f", _e("a+b", name="num"), _e("2c", name="den")), "(a+b)/(2c)"),
    "power": (_named("sSup", _e("x"), _e("2", name="sup")), "x^2"),
    "square root": (_named("rad", "<radPr/><deg/>", _e("x+1")), "√(x+1)"),
    "cube root": (_named("rad", _e("3", name="deg"), _e("x")), "3√x"),
    "sum": (
        _named("nary", "<naryPr><chr val='∑'/></naryPr>", _limits("i=1", "n"), _e("i")),
        "∑_(i=1)^n i",
    ),
    "integral": (_named("nary", _limits("0", "1"), _e("xdx")), "∫_0^1 xdx"),
    "argument": (_e("f", name="r") + _named("d", _e("x")), "f(x)"),
    "interval": (
        _named("d", "<dPr><begChr val='['/><sepChr val=','/></dPr>", _e("0", "1")), "[0,1)",
    ),
    "cases": (_named("d", "<dPr><begChr val='{'/><endChr val=''/></dPr>", _e("a")), "{a"),
    "matrix": (_named("d", _named("e", _MATRIX)), "(1 0; 0 1)"),
    "lines": (_named("eqArr", _e("x=1", "y=2")), "x=1; y=2"),
    "around a formula of PowerPoint": (_named("m", _named("oMathPara", _e("y"))), "y"),
    "deleted": (_e("a", name="r") + _named("del", _e("gone")), "a"),
}  # fmt: skip


@pytest.mark.parametrize("kind", _KINDS)
def test_a_formula_keeps_its_meaning_in_one_line(kind: str) -> None:
    xml, typed = _KINDS[kind]
    assert formula(ET.fromstring(_named("oMath", xml))) == typed  # noqa: S314
