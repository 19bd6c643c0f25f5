"""Languages as the names of files and tracks write them: codes of ISO 639, and names."""

from __future__ import annotations

_SPELLINGS = """
aa aar; ab abk; af afr afrikaans; am amh amharic; ar ara arabic; as asm; az aze; be bel
belarusian; bg bul bulgarian; bn ben bengali; bo bod tib; br bre; bs bos bosnian; ca cat catalan
català; cs ces cze czech česky čeština; cy cym wel welsh; da dan danish dansk; de deu ger german
deutsch; el ell gre greek; en eng english; eo epo esperanto; es spa spanish español espanol
castilian castellano; et est estonian eesti; eu eus baq basque; fa fas per persian farsi; fi fin
finnish suomi; fo fao; fr fra fre french français francais; fy fry; ga gle irish; gl glg
galician galego; gu guj; ha hau; he heb hebrew iw; hi hin hindi; hr hrv croatian hrvatski; hu
hun hungarian magyar; hy hye arm armenian; id ind indonesian; ig ibo; is isl ice icelandic; it
ita italian italiano; ja jpn japanese jp; ka kat geo georgian; kk kaz kazakh; km khm khmer; kn
kan kannada; ko kor korean; ku kur; ky kir; la lat latin; lb ltz; lo lao; lt lit lithuanian
lietuvių; lv lav latvian; mg mlg; mi mri mao; mk mkd mac macedonian; ml mal malayalam; mn mon
mongolian; mr mar marathi; ms msa may malay; mt mlt; my mya bur burmese; nb nob; ne nep nepali;
nl nld dut dutch nederlands; nn nno; no nor norwegian norsk; oc oci; or ori; pa pan punjabi; pl
pol polish polski; ps pus; pt por portuguese português portugues ptbr brazilian; ro ron rum
romanian română; ru rus russian; rw kin; sa san; sd snd; si sin sinhala; sk slk slo slovak; sl
slv slovenian slovene; so som; sq sqi alb albanian; sr srp serbian srpski; sv swe swedish
svenska; sw swa swahili; ta tam tamil; te tel telugu; tg tgk; th tha thai; tk tuk; tl tgl fil
filipino tagalog; tr tur turkish türkçe; tt tat; uk ukr ukrainian; ur urd urdu; uz uzb; vi vie
vietnamese; xh xho; yi yid; yo yor; zh zho chi chs cht chinese cmn yue mandarin cantonese; zu
zul
"""
LANGUAGES = {
    spelling: line.split()[0] for line in _SPELLINGS.split(";") for spelling in line.split()
}
"""ISO 639-1 codes by what names a language."""


def language(name: str) -> str:
    """The ISO 639-1 code of what names a language, with a region or without (`pt-BR`); "" for
    anything else."""
    low = name.strip().lower()
    return LANGUAGES.get(low) or LANGUAGES.get(low.replace("_", "-").partition("-")[0], "")
