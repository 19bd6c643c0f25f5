"""Which language a short text is in, as far as that can be told.

By langid.py (Lui & Baldwin 2012) in its maintained fork py3langid: 139 languages, 0.1 ms a text.
Short questions are often valid in several languages ("a cat", "hotel"), so what is asked is not
the likeliest language, but whether the text is in none of those that a model knows.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Any

from omni_core.text.rarity import LISTED, common_share

CERTAIN, CERTAIN_OF_FEW, FEW_WORDS = 0.9, 0.97, 2
"""Probability, summed over the languages outside, from which a text is said to be in none of the
languages inside; the second for texts of `FEW_WORDS` words. Besides, where the languages inside are
all those of `rarity`, fewer than half of its words may be common ones. False alarms: none over 510
questions in 15 languages inside, 10 over 2,414 English names of animals and things ("a sarong");
recognised: 27 of 37 questions of two to five words in 21 languages outside."""
_KIN = {"zh": ("zh", "yue", "wuu"), "ar": ("ar", "arz", "ary"), "no": ("no", "nn", "nb")}
"""Written much as the language of the key, and counted as it."""
_NO_LANGUAGE = "zxx"


def outside(text: str, languages: Collection[str]) -> str:
    """The likeliest language, as its ISO 639 code, of a text that is certainly in none of
    `languages`; "" where it is or may be in one, and for a single word in Latin letters."""
    words = text.split()
    if not words or (len(words) < 2 and text.isascii()):
        return ""
    inside = {code for known in languages for code in _KIN.get(known, (known,))} | {_NO_LANGUAGE}
    if inside.issuperset(LISTED) and common_share(text) >= 0.5:
        return ""  # told by the list of words: the identifier takes 0.4 s to load
    ranked: list[tuple[str, float]] = _identifier().rank(text)
    certain = CERTAIN if len(words) > FEW_WORDS else CERTAIN_OF_FEW
    if sum(p for code, p in ranked if code not in inside) < certain:
        return ""
    return next(code for code, _ in ranked if code not in inside)


def name(code: str) -> str:
    """Its English name; the code itself for a rare language."""
    return _NAMES.get(code, f"the language {code!r}")


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


_NAMES = {
    "af": "Afrikaans", "am": "Amharic", "ar": "Arabic", "az": "Azerbaijani", "be": "Belarusian",
    "bg": "Bulgarian", "bn": "Bengali", "br": "Breton", "bs": "Bosnian", "ca": "Catalan",
    "cs": "Czech", "cy": "Welsh", "da": "Danish", "de": "German", "el": "Greek", "en": "English",
    "eo": "Esperanto", "es": "Spanish", "et": "Estonian", "eu": "Basque", "fa": "Persian",
    "fi": "Finnish", "fo": "Faroese", "fr": "French", "ga": "Irish", "gl": "Galician",
    "gu": "Gujarati", "ha": "Hausa", "he": "Hebrew", "hi": "Hindi", "hr": "Croatian",
    "hu": "Hungarian", "hy": "Armenian", "id": "Indonesian", "ig": "Igbo", "is": "Icelandic",
    "it": "Italian", "ja": "Japanese", "jv": "Javanese", "ka": "Georgian", "kk": "Kazakh",
    "km": "Khmer", "kn": "Kannada", "ko": "Korean", "ku": "Kurdish", "ky": "Kyrgyz",
    "la": "Latin", "lb": "Luxembourgish", "lo": "Lao", "lt": "Lithuanian", "lv": "Latvian",
    "mg": "Malagasy", "mk": "Macedonian", "ml": "Malayalam", "mn": "Mongolian", "mr": "Marathi",
    "ms": "Malay", "mt": "Maltese", "my": "Burmese", "ne": "Nepali", "nl": "Dutch",
    "nn": "Norwegian", "no": "Norwegian", "oc": "Occitan", "pa": "Punjabi", "pl": "Polish",
    "ps": "Pashto", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "si": "Sinhala",
    "sk": "Slovak", "sl": "Slovenian", "so": "Somali", "sq": "Albanian", "sr": "Serbian",
    "sv": "Swedish", "sw": "Swahili", "ta": "Tamil", "te": "Telugu", "tg": "Tajik", "th": "Thai",
    "tl": "Tagalog", "tr": "Turkish", "tt": "Tatar", "ug": "Uyghur", "uk": "Ukrainian",
    "ur": "Urdu", "uz": "Uzbek", "vi": "Vietnamese", "xh": "Xhosa", "yo": "Yoruba",
    "zh": "Chinese", "zu": "Zulu",
}  # fmt: skip
