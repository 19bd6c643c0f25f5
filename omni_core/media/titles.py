"""The title of a source: from the file's own metadata, else from its name."""

from __future__ import annotations

import re

from omni_core.text.titles import plain as plain
from omni_core.text.titles import title_of

_PLACEHOLDER = re.compile(
    r"unknown|no title|\W*"
    r"|document(?:\.\w{2,5})?|normal\.dot[mx]?"
    r"|(?:document|dokument|présentation|presentation|präsentation|presentación|文档|文書\s?"
    r"|プレゼンテーション|演示文稿)\d+(?:\.\w{2,5})?"
    r"|(?:book|mappe|classeur|libro|binder)\d+(?:\.\w{2,5})?"
    r"|untitled(?: (?:document|presentation|spreadsheet|form|drawing|design))?"
    r"|unbenannt\w*(?: \w+)?|(?:dokument |präsentation |tabelle )?ohne titel"
    r"|(?:\w+ )?(?:sans titre|sin título|sem título|senza titolo|bez tytułu|без (?:имени|названия))"
    r"|無題(?:の\w+)?|名称未設定|未命名\w*|无标题\w*|無標題\w*"
    r"|(?:slide|folie|diapositiv[aeo]|slajd|snímek|lysbilde|слайд|幻灯片|投影片|スライド|슬라이드)"
    r"\s?\d{1,3}",
    re.I,
)
"""What programs write where nobody has named a document; `Présentation` alone is the title of many
a page, and `Dia 1` the first day."""
_OF_POWERPOINT = re.compile(
    r"(?=.*powerpoint)(?:\S+\s){0,3}\S*(?:pr[eéäæ][sz][eé]nt|презент|παρουσ|esitys|bemutat|sunu"
    r"|powerpoint.?(?:演示|簡報|プレゼン|프레젠))\S*(?:\s\S+){0,3}",
    re.I,
)
"""`PowerPoint Presentation`, in the language of the program."""
MAX_WORDS = 4
"""Of that; a longer title speaks of such presentations."""
_PRINTED = re.compile(
    r"Microsoft (?:Office )?(?:Word|PowerPoint|Excel|Outlook|Visio|Publisher) - (.+?)"
    r"(?:\.(?:docx?|docm|rtf|txt|pptx?|xlsx?|odt|vsdx?|pub))?(?:\s*\[[^\]]*\])?",
    re.I | re.S,
)
"""What a printer's driver makes of a file's name: `Microsoft Word - plan.docx`."""


def title(path: str, tagged: str = "") -> str:
    """`tagged`, the title in the metadata, unless it is a placeholder; else the name's stem."""
    text = plain(tagged)
    if printed := _PRINTED.fullmatch(text[:500]):
        text = printed[1].strip()
    return text[:200] if text and not _is_placeholder(text) else title_of(path)


def _is_placeholder(text: str) -> bool:
    if len(text) > 200:
        return False
    of_powerpoint = len(text.split()) <= MAX_WORDS and _OF_POWERPOINT.fullmatch(text) is not None
    return of_powerpoint or _PLACEHOLDER.fullmatch(text) is not None
