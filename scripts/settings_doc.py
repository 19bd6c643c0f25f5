"""Writes the table of settings in docs/configuration.md from `Settings` itself.

python scripts/settings_doc.py            writes
python scripts/settings_doc.py --check    fails when the page says something else
"""

from __future__ import annotations

import ast
import sys
from dataclasses import fields
from pathlib import Path

from omni_core import settings
from omni_core.config.environment import variable

PAGE = Path(__file__).resolve().parent.parent / "docs" / "configuration.md"
START, END = "<!-- settings: start -->", "<!-- settings: end -->"


def table() -> str:
    """A row for each field: TOML key, environment variable, default, values, what it does."""
    descriptions = _docstrings()
    rows = ["| key | environment | default | values | |", "|---|---|---|---|---|"]
    for field in fields(settings.Settings):
        default = "" if field.default in ("", ()) else f"`{field.default}`"
        expects = settings.checker().fields[field.name].expects
        rows.append(
            f"| `{field.name}` | `{variable(field.name)}` | {default} | {expects} "
            f"| {descriptions[field.name]} |"
        )
    return "\n".join(rows)


def _docstrings() -> dict[str, str]:
    """The string that follows each field in the source, on one line."""
    tree = ast.parse(Path(settings.__file__).read_text(encoding="utf-8"))
    (cls,) = (n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "Settings")
    found: dict[str, str] = {}
    name = ""
    for node in cls.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            name = node.target.id
            found[name] = ""
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and name:
            found[name] = " ".join(str(node.value.value).split()).replace("|", "\\|")
    return found


def page() -> str:
    """The page with the current table."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}\n{table()}\n{END}{after}"


def main() -> int:
    """Write or check; 1 when the check fails."""
    wanted = page()
    if "--check" not in sys.argv:
        PAGE.write_text(wanted, encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != wanted:
        print(f"{PAGE} is out of date; run: python {sys.argv[0]}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
