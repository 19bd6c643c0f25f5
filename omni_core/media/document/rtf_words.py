"""The control words of RTF that stand for characters, for text, or for what is no text."""

from __future__ import annotations

CHARACTERS = {
    "emdash": "—", "endash": "–", "lquote": "‘", "rquote": "’", "ldblquote": "“", "rdblquote": "”",
    "bullet": "•", "tab": " ", "line": " ", "lbr": " ", "page": " ", "column": " ",
    "emspace": " ", "enspace": " ", "qmspace": " ", "nestcell": " ", "nestrow": " ",
    "~": " ", "_": "-", "{": "{", "}": "}", "\\": "\\",
}  # fmt: skip
STARRED = {
    "shpinst", "do", "annotation", "atnauthor", "shppict", "moMath", "moMathPara", "ud", "footnote",
}  # fmt: skip
"""Destinations marked `\\*` that are read; a reader leaves out the others."""
LEFT_OUT = {
    "colortbl", "filetbl", "revtbl", "nonshppict", "shprslt", "fldinst", "xe", "tc", "tcn", "rxe",
    "txe", "listtext", "pntext", "pntxta", "pntxtb", "private", "nonesttables", "ftnsep", "ftnsepc",
    "ftncn", "aftnsep", "aftnsepc", "aftncn", "background", "themedata", "colorschememapping",
    "latentstyles", "datastore", "datafield", "formfield", "objdata", "objclass", "objname",
    "bkmkstart", "bkmkend", "listtable", "listoverridetable", "rsidtbl", "xmlnstbl", "mmathPict",
    "generator", "mchr", "mbegChr", "mendChr", "msepChr", "mtype", "mctrlPr", "htmltag",
}  # fmt: skip
HEADERS = {f"{kind}{which}" for kind in ("header", "footer") for which in ("", "l", "r", "f")}
ABOUT = {"title": "", "subject": "Subject", "keywords": "Keywords", "doccomm": "Description"}
BOXES = ("shptxt", "dptxbxtext")
DRAWN = ("wzDescription", "gtextUNICODE")
"""Properties of a shape that are text: what a picture shows, and WordArt."""
HEADINGS = ("heading", "title", "titre", "berschrift")
