"""Null queries: questions that few libraries can answer, so that what they find is wrong.

In five languages, since a model gives questions of one language other cosines than those of
another.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

NULL_QUERIES: Mapping[str, tuple[str, ...]] = {
    "en": (
        "airspeed of an unladen swallow",
        "quarterly payroll tax deductions",
        "who won the football world cup in 1998",
        "how to bake sourdough bread",
        "penguins swimming under the ice",
        "the theory of general relativity",
        "a wedding ceremony in a church",
        "a snow covered mountain with skiers",
        "an electric guitar solo",
        "treatment of type 2 diabetes",
        "a chess opening",
        "invoice number 88213",
        "a baby laughing",
        "a traffic jam on a motorway",
        "the French revolution",
        "a bowl of fruit on a table",
        "a basketball player scoring",
        "contract termination clause",
        "an elephant drinking water",
        "gradient descent learning rate",
        "a piano lesson for beginners",
        "a train arriving at the station",
        "a beach with palm trees",
        "how to change a tyre",
    ),
    "es": (
        "cómo se poda un olivo",
        "una corrida de toros en Sevilla",
        "el precio de la vivienda en Buenos Aires",
        "síntomas de la gripe en los niños",
        "un volcán cubierto de nieve",
        "la receta de las empanadas de carne",
        "el ruido de una moto que arranca",
        "las elecciones municipales de 1987",
        "un perro que ladra de noche",
        "la cláusula de confidencialidad",
        "una niña que salta a la comba",
        "el teorema de Pitágoras",
    ),
    "de": (
        "wie man einen Apfelbaum veredelt",
        "die Kündigungsfrist einer Mietwohnung",
        "ein Segelboot im Sturm",
        "der Bau des Kölner Doms",
        "Nebenwirkungen von Blutdrucksenkern",
        "eine Katze auf dem Fensterbrett",
        "das Läuten von Kirchenglocken",
        "die Steuererklärung für Selbständige",
        "ein Feuerwerk über dem Hafen",
        "die Spielregeln von Skat",
        "ein Kind lernt Fahrrad fahren",
        "der Aufbau einer Zelle",
    ),
    "zh": (
        "怎样包饺子",
        "一只熊猫在吃竹子",
        "长城是什么时候修建的",
        "高血压患者的饮食",
        "婴儿的哭声",
        "雨天的十字路口",
        "劳动合同的试用期",
        "围棋的基本规则",
        "一群人在公园里打太极拳",
        "二次方程的解法",
        "火锅店的菜单",
        "海边的日出",
    ),
    "ru": (
        "как сварить борщ",
        "медведь ловит рыбу в реке",
        "расписание электричек до Твери",
        "лечение ангины у детей",
        "звук работающей бензопилы",
        "балет на сцене большого театра",
        "договор аренды склада",
        "строение атома водорода",
        "дети лепят снежную бабу",
        "как заменить масло в двигателе",
        "осада крепости в двенадцатом веке",
        "женщина играет на скрипке",
    ),
}
"""By ISO 639-1 code."""


def null_queries(languages: Collection[str] = ()) -> list[str]:
    """Those in `languages` (ISO 639-1); all where none is named, the English ones where there are
    none in any of them."""
    wanted = [code for code in NULL_QUERIES if not languages or code in languages] or ["en"]
    return [question for code in wanted for question in NULL_QUERIES[code]]
