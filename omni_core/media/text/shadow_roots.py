"""Shadow roots written into a page (declarative shadow DOM): parts of it, though they stand in a
`<template>`, which shows nothing by itself."""

from __future__ import annotations

import re

_TEMPLATE = re.compile(r"<(/?)template\b((?:\s[^<>]*)?)>", re.I)
_SHADOW = re.compile(r"\sshadow(?:root)?(?:mode)?\s*=", re.I)
"""`shadowrootmode`; `shadowroot` as drafts, and `shadowmode` as Chrome's MHTML call it."""


def with_shadow_roots(markup: str) -> str:
    """The page with its shadow roots as `<div>`, before what stands in the slots of each."""
    if "shadow" not in markup or not _SHADOW.search(markup):
        return markup
    opened: list[bool] = []

    def shown(tag: re.Match[str]) -> str:
        if tag[1]:
            return "</div>" if opened and opened.pop() else tag[0]
        opened.append(_SHADOW.search(tag[2]) is not None)
        return f"<div{tag[2]}>" if opened[-1] else tag[0]

    return _TEMPLATE.sub(shown, markup)
