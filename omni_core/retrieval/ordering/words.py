"""The words of order in five languages, as data.

A cue is a regular expression, matched without regard to case. `{}` in a cue of a relation is the
reference ("the rabbit wakes up" in "right after the rabbit wakes up"); a cue without it is
followed by its reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Relation = Literal["after", "before", "between", "start", "end"]
Pick = Literal["first", "last", "count"]


@dataclass(frozen=True, slots=True)
class Language:
    """How one language speaks of order."""

    close: Mapping[Relation, str]
    """Cues that say order by themselves: `right after`."""
    loose: Mapping[Relation, str]
    """Cues that have other meanings too (`life after death`): they count only where the rest of the
    question asks for nothing but "what" or "which slide"."""
    follow_up: str
    """A question after a sentence that is its reference: `The rabbit yawns. What happens next?`"""
    picks: Mapping[Pick, str]
    """The first time, the last time, how often."""
    asking: str
    """Words by which a question asks for whatever is there: `what`, `which`, `happens`."""
    empty: str
    """Words without content at either end of a phrase: articles, `slide`, `is shown`. A word that
    ends in `*` stands for all that begin with it."""
    spoken: str
    """Words that ask for speech, ..."""
    shown: str
    """... for pictures, ..."""
    written: str
    """... and for text."""
    film: str
    """`in the film`: only films are meant."""
    inside: str
    """What stands before the name of a source: `in album.mp4`."""
    sources: str
    """What a source may be called: `the film`, `the meeting`."""
    question: str = ""
    """Words that begin a question: in "right after the cat what is shown" they end the reference.
    """


ENGLISH = Language(
    close={
        "after": r"(?:right|immediately|directly|just|straight|shortly|soon|next)"
        r" (?:after|following|once)|(?:come|happen|follow)s? (?:next )?after|"
        r"(?:come|happen|i)s? next after",
        "before": r"(?:right|immediately|directly|just|straight|shortly) (?:before|prior to|"
        r"preceding)|(?:come|happen)s? before|leading up to|leads up to",
        "start": r"at the (?:very )?(?:beginning|start|opening)(?: of| in)?|"
        r"(?:the )?(?:very )?(?:first|opening) (?:slide|page|scene|shot|words?|sentence|picture|"
        r"image|chapter|section|minute|seconds|thing)s?(?: that is| which is)?"
        r"(?: shown| said| seen| heard)? (?:of|in)",
        "end": r"at the (?:very )?(?:end|close|ending)(?: of| in)?|"
        r"(?:the )?(?:very )?(?:last|final|closing) (?:slide|page|scene|shot|words?|sentence|"
        r"picture|image|chapter|section|minute|seconds|thing)s?(?: that is| which is)?"
        r"(?: shown| said| seen| heard)? (?:of|in)",
    },
    loose={
        "between": r"(?:in )?between {} and {}",
        "after": r"after|following|follow(?:s|ed)|once",
        "before": r"before|prior to|preced(?:es|ed|ing)",
    },
    follow_up=r"(?:and )?(?:then )?what (?:happens|comes|follows|is (?:shown|said|seen)|do we see|"
    r"does \w+ (?:say|do))(?: right| immediately| directly)?"
    r" (?:next|then|afterwards?|after (?:that|this|it))|(?:and )?what (?:follows|comes)"
    r"(?: right| directly| immediately)?(?: after)?(?: (?:that|this|it))?",
    picks={
        "count": r"how (?:often|many (?:different |distinct |separate )?(?:times|occasions|moments|"
        r"(?:pictures|photos|images|videos|films|clips|recordings|scenes|shots|slides|pages|"
        r"documents|files)(?= (?:show|mention|contain|feature|have|has|are|with|of|talk|say|depict"
        r"|include|does|do|is|in)\b)))|(?:the )?(?:total )?number of (?:times|occasions|mentions|"
        r"appearances)(?: of)?|count (?:how often|the times|all|every|each)",
        "first": r"(?:for )?the (?:very )?first time(?: that)?|(?:the )?(?:very )?(?:first|earliest)"
        r" (?:mention|appearance|occurrence|sighting|moment)(?: of| that| when| with)?|"
        r"(?<=when )first(?= \w)|(?<!\bthe )(?<!\ba )(?<!\bat )\bfirst(?= (?:seen|shown|mention|"
        r"appear|said|heard|spok|talk|see|show|say|come|came|introduc|rais|ask|discuss|visible|"
        r"use|brought|bring|refer|hear|enter|named|read|arriv|notic|happen|occur|speak)\w*)",
        "last": r"(?:for )?the (?:very )?last time(?: that)?|(?:the )?(?:very )?(?:last|latest|final"
        r"|most recent) (?:mention|appearance|occurrence|sighting|moment)(?: of| that| when| with)?"
        r"|(?<=when )last(?= \w)|most recently|(?<!\bthe )(?<!\ba )(?<!\bat )\blast(?= (?:seen|"
        r"shown|mention|appear|said|heard|spok|talk|see|saw|show|say|come|came|rais|ask|discuss|"
        r"visible|use|brought|bring|refer|hear|named|read|notic|happen|occur|speak)\w*)",
    },
    asking="what which who whom where when how happens happen happened comes come came goes slide "
    "slides page chapter section sentence shot frame does do did show say topic next",
    empty="a an the this that these those it he she they we i you his her their is are was were be "
    "been being do does did has have had what which who whom whose where when how why will would "
    "can could to of in on at about with for from by into and or as then there here next right "
    "immediately directly just after before time times moment moments scene scenes shot shots slide "
    "slides page pages picture pictures image images photo photos frame frames clip clips part "
    "parts point section chapter sentence word words line lines thing things something anything "
    "topic subject happens happen happened happening comes come came coming goes follows follow "
    "followed following shown show shows showing see sees seen saw seeing appears appear appeared "
    "appearing visible look looks say says said saying speak speaks spoken spoke talk talks talked "
    "talking tell tells told mention mentions mentioned mentioning hear hears heard discuss "
    "discusses discussed describe describes described explain explains explained explaining "
    "presenter speaker narrator lecturer person people somebody someone one film films video videos "
    "movie recording meeting talk lecture presentation document report interview podcast "
    "written read reads screen displayed display finishing finished finishes ends ended starts "
    "started begins introducing introduced introduces first last called titled title again ever me "
    "us my our depicted depict contain contains containing feature features many often different",
    spoken="say says said saying speak speaks spoken spoke talk talks talked talking tell tells "
    "told mention mentions mentioned hear heard words sentence narrator ask asks asked answer "
    "answers explains explain",
    shown="see sees seen saw show shows shown showing appear appears appeared visible look looks "
    "picture image photo shot scene slide slides frame screen displayed",
    written="written read reads text page paragraph section",
    film=r"\b(?:in|of|during|from) (?:the|this|that) (?:film|movie|video|clip)\b",
    question="what|which|who|where|how|why",
    inside="in|of|from|during|inside|within",
    sources="film films movie video clip recording meeting talk lecture presentation slides document report interview podcast call book paper briefing session album file episode",
)

SPANISH = Language(
    close={
        "after": r"(?:justo|inmediatamente|directamente|poco|enseguida|nada más|justamente) "
        r"(?:después|despues|tras|luego)(?: de que| del?| que)?|a continuación del?|"
        r"(?:viene|sigue|ocurre|pasa) (?:justo )?(?:después|despues|tras)(?: de que| del?)?",
        "before": r"(?:justo|inmediatamente|directamente|poco) antes(?: de que| del?| que)?|"
        r"(?:viene|ocurre|pasa) antes(?: de que| del?)",
        "start": r"al (?:mismo )?(?:principio|comienzo|inicio) del?|(?:la )?primera "
        r"(?:diapositiva|página|escena|toma|imagen|frase) (?:del?|en)|lo primero que se "
        r"(?:ve|dice|oye|muestra) en",
        "end": r"al (?:mismo )?final del?|(?:la )?última (?:diapositiva|página|escena|toma|imagen|"
        r"frase) (?:del?|en)|lo último que se (?:ve|dice|oye|muestra) en",
    },
    loose={
        "between": r"entre {} (?:y|e) {}",
        "after": r"(?:después|despues|luego) (?:de que|del?)|tras|sigue al?|viene tras",
        "before": r"antes (?:de que|del?)|precede al?",
    },
    follow_up=r"(?:y )?(?:luego |después )?qué (?:pasa|ocurre|sucede|viene|sigue|se ve|se muestra|"
    r"dice\w*) (?:justo |inmediatamente )?(?:después|luego|a continuación|entonces)",
    picks={
        "count": r"con qué frecuencia|cu[aá]ntas veces|cada cuánto|cuántas ocasiones|número de veces"
        r"(?: que)?|cu[aá]nt[ao]s (?:fotos|imágenes|vídeos|videos|películas|escenas|diapositivas|"
        r"páginas|documentos|grabaciones|archivos)(?= (?:muestran|mencionan|contienen|tienen|hay|"
        r"salen|con|de|se|aparece)\b)",
        "first": r"(?:por |la )primera vez(?: que| en que)?|(?:la )?primera (?:mención|aparición)"
        r"(?: del?)?|(?:el )?primer momento (?:en )?que|(?<=cuándo )(?:se )?primero",
        "last": r"(?:por |la )última vez(?: que| en que)?|(?:la )?última (?:mención|aparición)"
        r"(?: del?)?|(?:el )?último momento (?:en )?que|más recientemente",
    },
    asking="qué que cuál cual quién dónde cuándo cómo pasa ocurre sucede viene sigue diapositiva "
    "página capítulo sección frase toma dice muestra ve",
    empty="el la los las un una unos unas lo este esta ese esa aquel aquella del de al a en con por "
    "para sobre acerca y e o que se es son era fue fueron está están estaba ser hay ha han qué cuál "
    "cuales cual quién quien dónde donde cuándo cuando cómo como cuánto cuántas cuántos él ella "
    "ellos nos me su sus mi mis yo justo inmediatamente directamente después despues antes luego "
    "entonces continuación momento momentos vez veces escena escenas toma tomas diapositiva "
    "diapositivas página páginas imagen imágenes foto fotos cuadro parte punto sección capítulo "
    "frase frases palabra palabras cosa tema pasa ocurre sucede viene vienen sigue siguen muestra "
    "muestran mostrado mostrada mostrar ve ven vemos visto vista ver vi vio aparece aparecen "
    "apareció aparecer "
    "sale salen visible dice dicen dijo decir dicho habla hablan habló hablar menciona mencionan "
    "mencionó mencionado mencionada mencionar oye oyen escucha cuenta explica explican "
    "presentador presentadora orador oradora narrador narradora persona alguien película vídeo "
    "video grabación reunión charla presentación documento informe entrevista escrito "
    "lee pantalla primera última primero último",
    spoken="dice dicen dijo decir dicho habla hablan menciona mencionan mencionó mencionado oye oyen "
    "escucha cuenta explica frase palabras narrador pregunta responde",
    shown="ve ven vemos visto ver vi muestra muestran muestre aparece aparecen imagen foto "
    "escena toma diapositiva pantalla visible sale",
    written="escrito texto página lee párrafo pone",
    film=r"\b(?:en|del?|durante) ?(?:la|el|este|esta)? (?:película|vídeo|video|film)\b",
    question="qué|cuál|quién|dónde|cómo",
    inside="en|de|del|durante",
    sources="película vídeo video clip grabación reunión charla presentación documento informe entrevista podcast libro artículo sesión álbum archivo episodio",
)

GERMAN = Language(
    close={
        "after": r"(?:direkt|unmittelbar|gleich|kurz|sofort) (?:nachdem|nach|im anschluss an|auf)|"
        r"im (?:direkten |unmittelbaren )?anschluss an|"
        r"(?:kommt|folgt|passiert|geschieht) (?:direkt |gleich )?(?:nachdem|nach|auf)",
        "before": r"(?:direkt|unmittelbar|gleich|kurz) (?:bevor|vor)|"
        r"(?:kommt|passiert|geschieht) (?:bevor|vor)",
        "start": r"(?:ganz )?(?:am (?:anfang|beginn)|zu (?:beginn|anfang)) (?:des|der|von|vom|in)|"
        r"(?:die |das |der )?(?:erste|ersten|erstes) (?:folie|seite|szene|einstellung|bild|worte|"
        r"satz) (?:des|der|von|vom|in|im)",
        "end": r"(?:ganz )?(?:am (?:ende|schluss)|zum schluss) (?:des|der|von|vom|in)|"
        r"(?:die |das |der )?(?:letzte|letzten|letztes) (?:folie|seite|szene|einstellung|bild|"
        r"worte|satz) (?:des|der|von|vom|in|im)",
    },
    loose={
        "between": r"zwischen {} und {}",
        "after": r"nachdem|nach|folgt auf",
        "before": r"bevor|vor",
    },
    follow_up=r"(?:und )?(?:was|wie) (?:passiert|geschieht|kommt|folgt|sieht man|sagt \w+|"
    r"geht es)(?: direkt| gleich| unmittelbar)? (?:danach|dann|anschließend|als nächstes|weiter)",
    picks={
        "count": r"wie (?:oft|häufig)|wie ?viele male?|an wie vielen stellen|wie viele (?:bilder|"
        r"fotos|videos|filme|szenen|folien|seiten|dokumente|aufnahmen|dateien)(?= (?:zeigen|"
        r"erwähnen|enthalten|haben|gibt|mit|von|sind)\b)",
        "first": r"(?:zum|das|beim) ersten? ?mal(?:,? (?:dass|wo|als))?|erstmals|(?:die )?erste "
        r"(?:erwähnung|stelle)|wann (?:\w+ ){0,4}?zuerst|(?<=wann )erst(?=\w*)",
        "last": r"(?:zum|das|beim) letzten? ?mal(?:,? (?:dass|wo|als))?|letztmals|zuletzt|"
        r"(?:die )?letzte (?:erwähnung|stelle)",
    },
    asking="was welche welcher welches welchen wer wo wann wie passiert geschieht kommt folgt folie "
    "seite kapitel abschnitt satz einstellung sagt zeigt",
    empty="der die das den dem des ein eine einen einem einer eines dieser diese dieses diesem er "
    "sie es man wir ich ihr ihre sein seine ist sind war waren wird werden wurde wurden hat haben "
    "was welche welcher welches welchen wer wo wann wie warum zu zum zur in im an am auf aus bei mit "
    "von vom über um für und oder als dann da dort danach direkt unmittelbar gleich kurz nach vor "
    "nachdem bevor zeit mal moment stelle szene szenen einstellung folie folien seite seiten bild "
    "bilder foto fotos aufnahme teil punkt abschnitt kapitel satz sätze wort worte zeile ding thema "
    "passiert geschieht kommt kommen folgt folgen gezeigt zeigt zeigen sehen sieht gesehen "
    "sichtbar erscheint "
    "erscheinen auftaucht taucht auf sagt sagen gesagt spricht sprechen gesprochen erwähnt erwähnen "
    "erzählt hört hören gehört erklärt redet rede sprecher sprecherin erzähler vortragende "
    "vortragender "
    "person jemand film video aufzeichnung besprechung sitzung vortrag präsentation dokument "
    "bericht interview geschrieben steht bildschirm erste letzte ersten letzten oft "
    "häufig",
    spoken="sagt sagen gesagt spricht sprechen gesprochen erwähnt erwähnen erzählt hört hören gehört "
    "erklärt redet satz worte sprecher fragt antwortet",
    shown="sehen sieht gesehen zeigt zeigen gezeigt erscheint sichtbar bild foto szene einstellung "
    "folie bildschirm auftaucht taucht",
    written="geschrieben steht text seite absatz",
    film=r"\b(?:im|in dem|in diesem|des) (?:film\w*|video\w*)\b",
    question="was|welche[rsmn]?|wer|wo|wie",
    inside="in|im|aus|von|vom|während|des|der",
    sources="film video clip aufnahme aufzeichnung besprechung sitzung vortrag präsentation dokument bericht interview podcast buch album datei folge",
)

RUSSIAN = Language(
    close={
        "after": r"(?:сразу|непосредственно|тут же|прямо|вскоре)(?: же)? (?:после(?: того,? как)?|"
        r"вслед за|за)|вслед за|(?:ид[её]т|следует|происходит)(?: сразу)? (?:после(?: того,? как)?|"
        r"за)",
        "before": r"(?:сразу|непосредственно|прямо|как раз|незадолго)(?: же)? (?:перед(?: тем,? как)?"
        r"|до(?: того,? как)?)|(?:ид[её]т|происходит)(?: прямо)? (?:перед|до)",
        "start": r"в (?:самом )?начале|перв(?:ый|ая|ое|ом|ой) (?:слайд\w*|страниц\w*|сцен\w*|"
        r"кадр\w*|фраз\w*|слов\w*)(?: в| из)?",
        "end": r"в (?:самом )?конце|последн(?:ий|яя|ее|ем|ей) (?:слайд\w*|страниц\w*|сцен\w*|"
        r"кадр\w*|фраз\w*|слов\w*)(?: в| из)?",
    },
    loose={
        "between": r"между {} и {}",
        "after": r"после(?: того,? как)?|следует за",
        "before": r"перед(?: тем,? как)?|до того,? как|прежде чем",
    },
    follow_up=r"(?:и |а )?что (?:происходит|показывают|видно|говор\w+|ид[её]т|будет)(?: сразу)? "
    r"(?:потом|дальше|затем|после этого|следом)",
    picks={
        "count": r"как часто|сколько раз|в скольких местах|(?:на|в )?скольк(?:о|их) (?:фотографи\w+|"
        r"картин\w+|фото|видео|фильм\w+|сцен\w*|слайд\w+|страниц\w*|документ\w+|запис\w+|файл\w+)"
        r"(?= (?:показ|упомина|содерж|есть|с |где|видн|изобра))",
        "first": r"впервые|(?:в )?(?:самый )?первый раз(?:,? когда)?|перв(?:ое|ого) "
        r"(?:упоминани[ея]|появлени[ея])",
        "last": r"(?:в )?последний раз(?:,? когда)?|последн(?:ее|его) (?:упоминани[ея]|"
        r"появлени[ея])",
    },
    asking="что какой какая какое какие какую кто где когда как происходит идёт идет следует слайд "
    "страница глава раздел фраза кадр говорит говорят показ*",
    empty="это этот эта эти тот та то те он она они мы я его её ее их что какой какая какое какие "
    "какую каком кто где когда как сколько почему в во на о об обо про с со из к ко по за у от для "
    "и или а же ли бы сразу прямо непосредственно после перед до потом затем дальше того как раз "
    "раза время момент* сцен* кадр* слайд* страниц* картин* изображени* фото фотографи* част* пункт* "
    "раздел* глав* фраз* слов* строк* тем* происход* идёт идет идут следу* показ* показан* видн* "
    "вид* увид* появля* появи* говор* сказ* упомина* упомян* слыш* расска* объясн* обсужд* речь "
    "идет диктор* ведущ* докладчик* рассказчик* человек* кто-то фильм* видео запис* встреч* "
    "совещани* лекци* доклад* презентаци* документ* отчет* отчёт* интервью написан* "
    "экран* перв* последн* есть был была было были часто",
    spoken="говор* сказ* упомина* упомян* слыш* расска* объясн* фраз* слов* диктор* спраш* отвеч*",
    shown="показ* видн* вид* появля* появи* картин* изображени* фото* сцен* кадр* слайд* экран*",
    written="написан* текст* страниц* абзац*",
    film=r"\bв(?: этом)? (?:фильме|видео|ролике)\b",
    question="что|какой|какая|какое|какие|кто|где",
    inside="в|во|из|на",
    sources="фильм* видео запис* встреч* совещани* лекци* доклад* презентаци* документ* отчет* отчёт* интервью подкаст* книг* альбом* файл*",
)

CHINESE = Language(
    close={
        "after": r"(?:紧接着|紧接在|紧跟着|紧跟在|紧随|就在|刚好在){}(?:之后|以后|后面|过后|(?<![最然背今])后)的?|"
        r"{}(?:之后|以后|后面|过后|(?<![最然背今])后)的?(?:紧接着|紧跟着|紧接|马上|立刻|立即|随即|接着|接下来|"
        r"下一)|{}的?(?:下一(?=[张页个幕段帧]))",
        "before": r"(?:紧接着|紧接在|就在|刚好在|紧挨着){}(?:之前|以前|前面|(?<![目当先])前)的?|"
        r"{}(?:之前|以前|前面|(?<![目当先])前)的?(?:紧接着|紧挨着|刚刚|那一|上一)|{}的?(?:上一(?=[张页个幕段帧]))",
        "start": r"{}的?(?:最开头|开头|一开始|片头|第一(?=[张页幕]))",
        "end": r"{}的?(?:最末尾|结尾|末尾|片尾|结束时|最后(?!一次))",
    },
    loose={
        "between": r"在?{}(?:和|与|跟|到){}之间",
        "after": r"在?{}(?:之后|以后|后面|过后|(?<![最然背今])后)的?",
        "before": r"在?{}(?:之前|以前|前面|(?<![目当先])前)的?",
    },
    follow_up=r"(?:然后|接下来|接着|紧接着|随后|之后)(?:发生|出现|显示|说|讲|是|有)?了?什么",
    picks={
        "count": r"多少次|几次|几回|多少回|多久一次|多频繁|有?(?:多少|几)(?:张|个|段|部|幅|份)"
        r"(?:图片|照片|图像|视频|影片|电影|场景|镜头|幻灯片|文档|录音|文件)|有?(?:多少|几)页",
        "first": r"第一次|首次|头一次|最早",
        "last": r"最后一次|上一次|最近一次|上次",
    },
    asking="什么 哪 谁 怎么 何时 发生 出现 显示 说 讲 幻灯片 页",
    empty="什么 哪一 哪个 哪张 哪里 哪 谁 怎么样 怎么 何时 何处 时候 发生 出现 显示 展示 看到 看见 "
    "看得到 画面 镜头 场景 幻灯片 图片 照片 图像 那张 那个 那一 这张 这个 一张 一个 一页 一幕 一段 "
    "张 页 个 幕 段 帧 内容 东西 事情 视频 影片 电影 录音 会议 文档 报告 演讲 提到 提及 说到 说了 "
    "讲到 讲了 谈到 谈论 讨论 介绍 关于 有关 说 讲 听到 主持人 演讲者 讲者 旁白 他 她 它 我 我们 你 "
    "是在 是 在 里面 里 中 的 了 吗 呢 和 有 过 被 时 到 那 这 上 会 第 一 请问 次 给 给出 第一次",
    spoken="说 讲 提到 提及 谈 听到 旁白 介绍 问 回答",
    shown="看到 看见 显示 出现 展示 画面 镜头 场景 幻灯片 图 照片 屏幕",
    written="写 文字 页",
    film=r"(?:影片|视频|电影|片子)(?:里面|里|中)",
    inside="",
    sources="影片 视频 电影 录音 会议 文档 报告 演讲 采访 播客",
)

LANGUAGES: Mapping[str, Language] = {
    "en": ENGLISH,
    "es": SPANISH,
    "de": GERMAN,
    "ru": RUSSIAN,
    "zh": CHINESE,
}
UNITS: Mapping[str, str] = {
    "chapter": r"\bchapter\b|\bcapítulo|\bkapitel\b|\bглав[аеуы]\b|章",
    "section": r"\bsection\b|\bsección|\babschnitt|\bраздел",
    "page": r"\bpages?\b|\bpáginas?\b|\bseiten?\b|\bстраниц|页",
}
"""Parts of a document or film that a question may ask for."""
