"""The page as one HTML file, put together from its parts when it is first asked for.

The same file is served at `/` and as an MCP App, which may load nothing: modules are joined in the
order of their imports, styles and scripts stand inside. Module code keeps to what joining needs:
imports of one line at the top, exports by declaration, no name twice at the top level of them all.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from importlib.resources import files

from omni_server.identity import icons

ENTRY = "main.js"
_IMPORT = re.compile(r'^import \{[^}]*\} from "\./([\w.-]+)";\n', re.MULTILINE)
_NAME = re.compile(r"^(?:async )?(?:function\*?|const|let|class) (\w+)", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?function|const|let|class)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Page:
    """The file, and the Content-Security-Policy under which it works at `/`."""

    html: str
    policy: str


@functools.cache
def page() -> Page:
    """The page of this installation."""
    style = _read("page.css")
    script = joined(ENTRY)
    shell = _read("page.html")
    html = shell.replace("/*ICON*/", icons()[0].src).replace("/*STYLE*/", style)
    return Page(html.replace("/*SCRIPT*/", script), policy(style, script))


def policy(style: str, script: str) -> str:
    """Nothing but this style, this script and the server's own data; never inside a frame."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src '{_hash(script)}'",
            f"style-src '{_hash(style)}'",
            "img-src 'self' data:",
            "media-src 'self' data:",
            "connect-src 'self'",
            "form-action 'none'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
        )
    )


def joined(entry: str) -> str:
    """A module and all that it imports as one script, each once, the imported first."""
    order: dict[str, str] = {}

    def visit(name: str) -> None:
        if name in order:
            return
        text = _read(name)
        for other in _IMPORT.findall(text):
            visit(other)
        order[name] = _EXPORT.sub("", _IMPORT.sub("", text))

    visit(entry)
    names = Counter(name for text in order.values() for name in _NAME.findall(text))
    if twice := [name for name, count in names.items() if count > 1]:
        raise ValueError(f"declared by two modules: {', '.join(twice)}")
    body = "\n".join(f"// ---- {name}\n{text}" for name, text in order.items())
    if "</script" in body.lower():
        raise ValueError("a module holds </script, which would end the page's script")
    return f'"use strict";\n(() => {{\n{body}}})();\n'


def _read(name: str) -> str:
    return files("omni_server.page").joinpath("static", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
