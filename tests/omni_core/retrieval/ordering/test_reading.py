from __future__ import annotations

import json
from pathlib import Path

import pytest

from omni_core.retrieval.ordering.compiled import LONGEST
from omni_core.retrieval.ordering.naming import named_sources
from omni_core.retrieval.ordering.reading import read, sought
from omni_core.types import Channel

REPO = Path(__file__).parents[4]


@pytest.mark.parametrize(
    ("question", "relation", "reference", "close"),
    [
        ("What does she say right after the slide about corals?", "after", "corals", True),
        ("Right after the slide about corals, what is shown?", "after", "corals", True),
        ("Which slide comes after the one on volcanoes?", "after", "volcanoes", True),
        ("What happens once the rabbit wakes up?", "after", "rabbit wakes up", False),
        ("The rabbit yawns. What happens next?", "after", "rabbit yawns", True),
        ("What is shown just before the rocket launch?", "before", "rocket launch", True),
        ("What is shown before the rocket launch?", "before", "rocket launch", False),
        ("¿Qué dice justo después de la diapositiva de corales?", "after", "corales", True),
        ("Justo antes del gato, ¿qué se ve?", "before", "gato", True),
        ("Was wird direkt nach der Folie über Korallen gezeigt?", "after", "Korallen", True),
        ("Was passiert, nachdem der Hase aufwacht?", "after", "Hase aufwacht", False),
        ("Was sieht man unmittelbar vor der Rakete?", "before", "Rakete", True),
        ("Что показывают сразу после слайда о кораллах?", "after", "кораллах", True),
        ("Что говорят сразу после того, как взлетает ракета?", "after", "взлетает ракета", True),
        ("Что видно прямо перед ракетой?", "before", "ракетой", True),
        ("珊瑚幻灯片之后紧接着讲了什么?", "after", "珊瑚", True),
        ("在猫之后紧接着出现了什么?", "after", "猫", True),
        ("火箭的下一张幻灯片是什么?", "after", "火箭", True),
        ("猫出现之前是什么画面?", "before", "猫", False),
        ("兔子打哈欠。接下来发生什么?", "after", "兔子打哈欠", True),
        ("What is the last slide of the harbour talk?", "end", "harbour", True),
        ("¿Qué se muestra al principio de la película del puerto?", "start", "puerto", True),
        ("Was ist am Ende des Hafenfilms zu sehen?", "end", "Hafenfilms", True),
        ("Что говорят в самом начале доклада о вулкане?", "start", "вулкане", True),
        ("视频的结尾显示什么?", "end", "视频的", True),
    ],
)
def test_a_reference_in_time_is_split_from_what_is_sought(
    question: str, relation: str, reference: str, close: bool
) -> None:
    found = read(question)
    assert found is not None
    assert (found.relation, found.close, found.sought) == (relation, close, "")
    assert found.references[0].words.removesuffix("的") == reference.removesuffix("的")


@pytest.mark.parametrize(
    ("question", "pick", "content"),
    [
        ("When does the rabbit first appear?", "first", "rabbit"),
        ("When is the budget mentioned for the first time?", "first", "budget"),
        ("the first mention of corals", "first", "corals"),
        ("When did I last see my keys?", "last", "keys"),
        ("the last time the cat is shown", "last", "cat"),
        ("How often is the word battery mentioned?", "count", "battery"),
        ("How many times does the cat appear in the film?", "count", "cat"),
        ("How many pictures show a cat?", "count", "cat"),
        ("¿Cuándo se menciona por primera vez el presupuesto?", "first", "presupuesto"),
        ("¿Cuándo aparece el gato por última vez?", "last", "gato"),
        ("¿Cuántas veces aparece el gato en la película?", "count", "gato"),
        ("Wann wird das Budget zum ersten Mal erwähnt?", "first", "Budget"),
        ("Wann ist die Katze zuletzt zu sehen?", "last", "Katze"),
        ("Wie oft wird das Budget erwähnt?", "count", "Budget"),
        ("Когда впервые упоминается бюджет?", "first", "бюджет"),
        ("Когда в последний раз видно кошку?", "last", "кошку"),
        ("Сколько раз показывают кошку в фильме?", "count", "кошку"),
        ("什么时候第一次提到预算?", "first", "预算"),
        ("猫最后一次出现是什么时候?", "last", "猫"),
        ("影片里猫出现了多少次?", "count", "猫"),
    ],
)
def test_the_first_the_last_and_how_often_are_told_from_the_content(
    question: str, pick: str, content: str
) -> None:
    found = read(question)
    assert found is not None
    assert (found.pick, found.sought, found.relation) == (pick, content, None)


@pytest.mark.parametrize(
    ("question", "references"),
    [
        ("What is shown between the cat and the coffee cup?", ["cat", "coffee cup"]),
        ("¿Qué aparece entre el gato y el café?", ["gato", "café"]),
        ("Was kommt zwischen der Katze und dem Kaffee?", ["Katze", "Kaffee"]),
        ("Что показывают между кошкой и кофе?", ["кошкой", "кофе"]),
        ("猫和咖啡之间出现了什么?", ["猫", "咖啡"]),
    ],
)
def test_between_has_two_references(question: str, references: list[str]) -> None:
    found = read(question)
    assert found is not None and found.relation == "between"
    assert [r.words for r in found.references] == references


def test_what_is_sought_and_what_it_follows_may_both_have_content() -> None:
    found = read("Where does he mention batteries right after the volcano slide?")
    assert found is not None
    assert (found.sought, found.references[0].words) == ("batteries", "volcano")
    assert Channel.SPEECH in found.channels and Channel.VISUAL not in found.channels
    assert Channel.VISUAL in found.references[0].channels


def test_a_reference_may_itself_be_the_first_or_last_time() -> None:
    found = read("What happens right after the rabbit first appears?")
    assert found is not None
    assert (found.references[0].words, found.references[0].pick) == ("rabbit", "first")


def test_words_that_may_mean_something_else_are_unsure() -> None:
    found = read("What does the report say about life after death?")
    assert found is not None and not found.sure


@pytest.mark.parametrize(
    "question",
    [
        "life after death", "first aid for burns", "the last chapter", "last tuesday's meeting",
        "how many people are at the table", "a city before sunrise", "a boy between two trees",
        "What is the difference between supervised and unsupervised learning?",
        "the first man on the moon", "how many segments has an earthworm", "what comes after",
        '"right after the war"', "When was the “last time” painted?", "vida después de la muerte",
        "wie viele Menschen sitzen am Tisch", "Erste Hilfe bei Verbrennungen", "nach Berlin fahren",
        "сколько людей за столом", "桌子旁有几个人", "今后的计划", "目前的情况", "",
        "right after " + "a" * LONGEST,
    ],
)  # fmt: skip
def test_other_questions_and_quotations_are_not_read_as_order(question: str) -> None:
    assert read(question) is None


def test_no_question_of_the_samples_is_read_as_order() -> None:
    queries = json.loads((REPO / "samples" / "queries.json").read_text(encoding="utf-8"))
    assert queries
    assert [q["query"] for q in queries if q["type"] == "text" and read(q["query"])] == []


def test_quoted_words_stay_as_they_are_in_a_reference() -> None:
    found = read("What is said right after “what happens next”?")
    assert found is not None
    assert found.references[0].words == "“what happens next”"


def test_a_question_whose_order_is_given_apart_is_cut_down_to_its_content() -> None:
    assert sought("What is shown?").sought == ""
    assert sought("What is shown?").channels == {Channel.VISUAL, Channel.SCREEN_TEXT}
    assert sought("wo spricht sie über den Hafen").sought == "Hafen"


@pytest.mark.parametrize(
    ("question", "name", "is_kind"),
    [
        ("how often is tea mentioned in the committee meeting", "committee", True),
        ("What is shown at the end of album.mp4?", "album.mp4", True),
        ("How often is tea mentioned in paris?", "paris", False),
        ("¿Cuántas veces se menciona el té en la reunión de mayo?", "mayo", True),
        ("在album.mp4里猫出现了多少次?", "album.mp4", True),
        ("Was ist am Ende des Films Hafen zu sehen?", "Hafen", True),
    ],
)
def test_a_source_may_be_named_in_passing(question: str, name: str, is_kind: bool) -> None:
    assert (name, is_kind) in {(n.name, n.is_kind) for n in named_sources(question)}


@pytest.mark.parametrize(
    ("question", "people"),
    [
        ("How many pictures show a person?", "person"),
        ("¿Cuántas fotos muestran personas?", "personas"),
        ("Wie viele Bilder zeigen Menschen?", "Menschen"),
        ("Сколько фотографий с людьми?", "людьми"),
        ("有多少张照片里有人?", "人"),
    ],
)
def test_people_are_counted_where_nothing_else_is_asked_for(question: str, people: str) -> None:
    found = read(question)
    assert found is not None
    assert (found.pick, found.sought) == ("count", people)
    assert read("Who is the person?") is None


@pytest.mark.parametrize(
    "question",
    [
        "Which slide shows the following: coral reefs?",
        "What does he say after all?",
        "Was ist vor allem wichtig?",
        "Was sagt er nach wie vor?",
        "В конце концов что он сказал?",
        "谁参加了第一次世界大战?",
        "他好几次提到预算",
    ],
)
def test_idioms_are_not_read_as_order(question: str) -> None:
    assert read(question) is None
