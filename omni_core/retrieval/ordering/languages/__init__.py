"""The languages in which questions of order are understood."""

from __future__ import annotations

from collections.abc import Mapping

from omni_core.retrieval.ordering.language import Language
from omni_core.retrieval.ordering.languages.chinese import CHINESE
from omni_core.retrieval.ordering.languages.english import ENGLISH
from omni_core.retrieval.ordering.languages.german import GERMAN
from omni_core.retrieval.ordering.languages.russian import RUSSIAN
from omni_core.retrieval.ordering.languages.spanish import SPANISH

LANGUAGES: Mapping[str, Language] = {
    "en": ENGLISH,
    "es": SPANISH,
    "de": GERMAN,
    "ru": RUSSIAN,
    "zh": CHINESE,
}
"""By ISO 639 code."""
UNITS: Mapping[str, str] = {
    "chapter": r"\bchapter\b|\bcapítulo|\bkapitel\b|\bглав[аеуы]\b|章",
    "section": r"\bsection\b|\bsección|\babschnitt|\bраздел",
    "page": r"\bpages?\b|\bpáginas?\b|\bseiten?\b|\bстраниц|页",
}
"""Parts of a document or film that a question may ask for."""
