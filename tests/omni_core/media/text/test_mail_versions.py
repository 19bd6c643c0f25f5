"""The versions of a mail's body: what only one of them says is read, and nothing twice."""

from __future__ import annotations

import pytest

from tests.omni_core.media.text.test_mail_forms import PAGE, PLAIN, mail, several

TEXT = "Content-Type: text/plain; charset=utf-8\n\n"
HTML = "Content-Type: text/html; charset=utf-8\n\n"
MEETING = "<p>The sluice opens on Thursday at nine, the weir at ten, both docks by one.</p>"


def test_a_line_that_only_the_plain_text_has_is_read_after_the_page() -> None:
    plain = TEXT + "See the HTML version.\n\nConfidential: case 77Q-55 of Norvald & Sons.\n"
    found = mail(several("alternative", plain, HTML + MEETING)).text
    assert "Thursday at nine" in found and "case 77Q-55 of Norvald & Sons." in found
    assert "HTML version" not in found


def test_a_line_that_only_the_page_has_is_read_after_the_plain_text() -> None:
    page = PAGE.replace("</p>", "</p><p>Berth 4711</p>")
    plain = PLAIN + "Kind regards to all of you from the office of the harbour.\n"
    found = mail(several("alternative", plain, page)).text
    assert "office of the harbour" in found and "\nBerth 4711" in found
    assert found.count("The sluice opens at nine.") == 1


@pytest.mark.parametrize(
    ("plain", "page"),
    [
        ("[image: logo.png] Read <https://example.org/x>", "<img src=x> Read"),
        ("1. Sand\n2. Gravel", "<ol><li>Sand<li>Gravel</ol>"),
        ("The quay's *new* crane", "The quay&rsquo;s <b>new</b> cr&shy;ane"),
        ("水門は九時\nに開く", "水門は九時に開く"),
    ],
)
def test_what_both_versions_say_in_their_own_way_is_read_once(plain: str, page: str) -> None:
    found = mail(several("alternative", TEXT + plain + "\n", HTML + page)).text
    assert found.partition("\n\n")[2].strip() == plain


def test_a_poster_beside_a_sentence_is_named_and_the_sentence_is_read() -> None:
    picture = "Content-Type: image/png; name=poster.png\nContent-ID: <p>\n\nx\n"
    poster = several("related", HTML + '<img src="cid:p">', picture)
    found = mail(several("alternative", PLAIN, poster))
    assert "The sluice opens at nine." in found.text
    assert found.unread == ["poster.png (image/png)"]


def test_a_version_in_other_markup_says_the_same_as_the_plain_text() -> None:
    enriched = "Content-Type: text/enriched\n\n<bold>The sluice</bold> opens at nine.\n"
    found = mail(several("alternative", PLAIN, enriched))
    assert found.unread == [] and found.text.count("opens at nine.") == 1
    assert mail(several("alternative", enriched)).unread == ["without a name (text/enriched)"]
