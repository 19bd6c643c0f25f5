"""Words of order in German; see `language`."""

from omni_core.retrieval.ordering.language import Language

GERMAN = Language(
    close={
        "after": (
            "(?:direkt|unmittelbar|gleich|kurz|sofort) (?:nachdem|nach|im anschluss an|auf)|"
            "im (?:direkten |unmittelbaren )?anschluss an|(?:kommt|folgt|passiert|"
            "geschieht) (?:direkt |gleich )?(?:nachdem|nach|auf)"
        ),
        "before": (
            "(?:direkt|unmittelbar|gleich|kurz) (?:bevor|vor)|(?:kommt|passiert|"
            "geschieht) (?:bevor|vor)"
        ),
        "start": (
            "(?:ganz )?(?:am (?:anfang|beginn)|zu (?:beginn|anfang)) (?:des|der|von|vom|in)|"
            "(?:die |das |der )?(?:erste|ersten|erstes) (?:folie|seite|szene|einstellung|"
            "bild|worte|satz) (?:des|der|von|vom|in|im)"
        ),
        "end": (
            "(?:ganz )?(?:am (?:ende|schluss)|zum schluss) (?:des|der|von|vom|in)|(?:die |"
            "das |der )?(?:letzte|letzten|letztes) (?:folie|seite|szene|einstellung|bild|"
            "worte|satz) (?:des|der|von|vom|in|im)"
        ),
    },
    loose={
        "between": "zwischen {} und {}",
        "after": "nachdem|nach|folgt auf",
        "before": "bevor|vor",
    },
    follow_up=(
        r"(?:und )?(?:was|wie) (?:passiert|geschieht|kommt|folgt|sieht man|sagt \w+|"
        "geht es)(?: direkt| gleich| unmittelbar)? (?:danach|dann|anschließend|als nächstes|"
        "weiter)"
    ),
    picks={
        "count": (
            "wie (?:oft|häufig)|wie ?viele male?|an wie vielen stellen|wie viele (?:bilder|"
            "fotos|videos|filme|szenen|folien|seiten|dokumente|aufnahmen|"
            r"dateien)(?= (?:zeigen|erwähnen|enthalten|haben|gibt|mit|von|sind)\b)"
        ),
        "first": (
            "(?:zum|das|beim) ersten? ?mal(?:,? (?:dass|wo|als))?|erstmals|"
            r"(?:die )?erste (?:erwähnung|stelle)|wann (?:\w+ ){0,4}?zuerst|"
            r"(?<=wann )erst(?=\w*)"
        ),
        "last": (
            "(?:zum|das|beim) letzten? ?mal(?:,? (?:dass|wo|als))?|letztmals|zuletzt|"
            "(?:die )?letzte (?:erwähnung|stelle)"
        ),
    },
    asking=(
        "was welche welcher welches welchen wer wo wann wie passiert geschieht kommt folgt "
        "folie seite kapitel abschnitt satz einstellung sagt zeigt"
    ),
    empty=(
        "der die das den dem des ein eine einen einem einer eines dieser diese dieses diesem "
        "er sie es man wir ich ihr ihre sein seine ist sind war waren wird werden wurde "
        "wurden hat haben was welche welcher welches welchen wer wo wann wie warum zu zum "
        "zur in im an am auf aus bei mit von vom über um für und oder als dann da dort "
        "danach direkt unmittelbar gleich kurz nach vor nachdem bevor zeit mal moment stelle "
        "szene szenen einstellung folie folien seite seiten bild bilder foto fotos aufnahme "
        "teil punkt abschnitt kapitel satz sätze wort worte zeile ding thema passiert "
        "geschieht kommt kommen folgt folgen gezeigt zeigt zeigen sehen sieht gesehen "
        "sichtbar erscheint erscheinen auftaucht taucht auf sagt sagen gesagt spricht "
        "sprechen gesprochen erwähnt erwähnen erzählt hört hören gehört erklärt redet rede "
        "sprecher sprecherin erzähler vortragende vortragender person jemand film video "
        "aufzeichnung besprechung sitzung vortrag präsentation dokument bericht interview "
        "geschrieben steht bildschirm erste letzte ersten letzten oft häufig"
    ),
    people="person personen leute menschen jemand",
    spoken=(
        "sagt sagen gesagt spricht sprechen gesprochen erwähnt erwähnen erzählt hört hören "
        "gehört erklärt redet satz worte sprecher fragt antwortet"
    ),
    shown=(
        "sehen sieht gesehen zeigt zeigen gezeigt erscheint sichtbar bild foto szene "
        "einstellung folie bildschirm auftaucht taucht"
    ),
    written="erwähnt erwähnen geschrieben steht text seite absatz",
    film=r"\b(?:im|in dem|in diesem|des) (?:film\w*|video\w*)\b",
    inside="in|im|aus|von|vom|während|des|der",
    sources=(
        "film* video* clip* aufnahme* aufzeichnung* besprechung* sitzung* vortrag* präsentation* "
        "dokument* bericht* interview* podcast* buch* album* datei* folge*"
    ),
    question="was|welche[rsmn]?|wer|wo|wie",
)
