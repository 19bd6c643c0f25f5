"""Words of order in Spanish; see `language`."""

from omni_core.retrieval.ordering.language import Language

SPANISH = Language(
    close={
        "after": (
            "(?:justo|inmediatamente|directamente|poco|enseguida|nada más|"
            "justamente) (?:después|despues|tras|luego)(?: de que| del?| que)?|"
            "a continuación del?|(?:viene|sigue|ocurre|pasa) (?:justo )?(?:después|despues|"
            "tras)(?: de que| del?)?"
        ),
        "before": (
            "(?:justo|inmediatamente|directamente|poco) antes(?: de que| del?| que)?|"
            "(?:viene|ocurre|pasa) antes(?: de que| del?)"
        ),
        "start": (
            "al (?:mismo )?(?:principio|comienzo|inicio) del?|(?:la )?primera (?:diapositiva|"
            "página|escena|toma|imagen|frase) (?:del?|en)|lo primero que se (?:ve|dice|oye|"
            "muestra) en"
        ),
        "end": (
            "al (?:mismo )?final del?|(?:la )?última (?:diapositiva|página|escena|toma|"
            "imagen|frase) (?:del?|en)|lo último que se (?:ve|dice|oye|muestra) en"
        ),
    },
    loose={
        "between": "entre {} (?:y|e) {}",
        "after": "(?:después|despues|luego) (?:de que|del?)|tras|sigue al?|viene tras",
        "before": "antes (?:de que|del?)|precede al?",
    },
    follow_up=(
        "(?:y )?(?:luego |después )?qué (?:pasa|ocurre|sucede|viene|sigue|se ve|se muestra|"
        r"dice\w*) (?:justo |inmediatamente )?(?:después|luego|a continuación|entonces)"
    ),
    picks={
        "count": (
            "con qué frecuencia|cu[aá]ntas veces|cada cuánto|cuántas ocasiones|"
            "número de veces(?: que)?|cu[aá]nt[ao]s (?:fotos|imágenes|vídeos|videos|"
            "películas|escenas|diapositivas|páginas|documentos|grabaciones|"
            "archivos)(?= (?:muestran|mencionan|contienen|tienen|hay|salen|con|de|se|"
            r"aparece)\b)"
        ),
        "first": (
            "(?:por |la )primera vez(?: que| en que)?|(?:la )?primera (?:mención|"
            "aparición)(?: del?)?|(?:el )?primer momento (?:en )?que|"
            "(?<=cuándo )(?:se )?primero"
        ),
        "last": (
            "(?:por |la )última vez(?: que| en que)?|(?:la )?última (?:mención|"
            "aparición)(?: del?)?|(?:el )?último momento (?:en )?que|más recientemente"
        ),
    },
    asking=(
        "qué que cuál cual quién dónde cuándo cómo pasa ocurre sucede viene sigue "
        "diapositiva página capítulo sección frase toma dice muestra ve"
    ),
    empty=(
        "el la los las un una unos unas lo este esta ese esa aquel aquella del de al a en "
        "con por para sobre acerca y e o que se es son era fue fueron está están estaba ser "
        "hay ha han qué cuál cuales cual quién quien dónde donde cuándo cuando cómo como "
        "cuánto cuántas cuántos él ella ellos nos me su sus mi mis yo justo inmediatamente "
        "directamente después despues antes luego entonces continuación momento momentos vez "
        "veces escena escenas toma tomas diapositiva diapositivas página páginas imagen "
        "imágenes foto fotos cuadro parte punto sección capítulo frase frases palabra "
        "palabras cosa tema pasa ocurre sucede viene vienen sigue siguen muestra muestran "
        "mostrado mostrada mostrar ve ven vemos visto vista ver vi vio aparece aparecen "
        "apareció aparecer sale salen visible dice dicen dijo decir dicho habla hablan habló "
        "hablar menciona mencionan mencionó mencionado mencionada mencionar oye oyen escucha "
        "cuenta explica explican presentador presentadora orador oradora narrador narradora "
        "persona alguien película vídeo video grabación reunión charla presentación "
        "documento informe entrevista escrito lee pantalla primera última primero último"
    ),
    people="persona personas gente alguien",
    spoken=(
        "dice dicen dijo decir dicho habla hablan menciona mencionan mencionó mencionado oye "
        "oyen escucha cuenta explica frase palabras narrador pregunta responde"
    ),
    shown=(
        "ve ven vemos visto ver vi muestra muestran muestre aparece aparecen imagen foto "
        "escena toma diapositiva pantalla visible sale"
    ),
    written="menciona mencionan mencionó mencionado escrito texto página lee párrafo pone",
    film=r"\b(?:en|del?|durante) ?(?:la|el|este|esta)? (?:película|vídeo|video|film)\b",
    inside="en|de|del|durante",
    sources=(
        "película vídeo video clip grabación reunión charla presentación documento informe "
        "entrevista podcast libro artículo sesión álbum archivo episodio"
    ),
    question="qué|cuál|quién|dónde|cómo",
)
