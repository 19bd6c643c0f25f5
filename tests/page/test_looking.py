"""Looking: a question, its hits, a moment that plays, a page with marked words, the keyboard."""

from __future__ import annotations

import re
import wave

import pytest
from playwright.async_api import Page, expect

from omni_core.engine.results import IngestRequest
from tests.page.conftest import HOSTILE, Site

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_token_is_asked_for_once_and_leaves_the_address(page: Page, site: Site) -> None:
    await page.goto(site.base)
    await page.get_by_label("Token").fill("wrong")
    await page.get_by_role("button", name="Open the library").click()
    await expect(page.get_by_role("alert")).to_contain_text("not the server's token")
    await page.goto("about:blank")
    await page.goto(site.url(library=""))
    await expect(page.get_by_role("list", name="Sources")).to_be_visible()
    assert "token" not in page.url
    await page.reload()
    await expect(page.get_by_role("list", name="Sources")).to_be_visible()


async def test_a_question_opens_its_best_hit_which_plays_from_the_moment(
    page: Page, site: Site
) -> None:
    await page.goto(site.url(q="meadow behind the station"))
    first = page.get_by_role("list", name="Hits").get_by_role("button").first
    await expect(first).to_contain_text("colours")
    await expect(first).to_have_attribute("aria-current", "true")
    video = page.locator("video")
    await expect(video).to_have_attribute("src", re.compile(r"^/media/"))
    await expect(page.locator(".line.inside").first).to_be_visible()
    line = page.locator(".line", has_text="The meadow behind the station is green")
    await expect(line.locator("mark").first).to_have_text("meadow behind")
    await page.keyboard.press("Space")
    await expect(line).to_have_class(re.compile(r"\bnow\b"))
    await expect(line.locator(".word.now")).to_have_count(1)
    await page.keyboard.press("Space")
    assert await video.evaluate("v => v.paused")
    assert await video.evaluate("v => v.currentTime") > 0


async def test_words_follow_the_times_of_their_phrases(page: Page, site: Site) -> None:
    await page.goto(site.url(q="deep lake"))
    await expect(page.locator("video")).to_have_attribute("src", re.compile(r"^/media/"))
    video = page.locator("video")
    spoken = page.locator("h3:has-text('Said') + ol .word.now")
    await expect(spoken).to_have_text("At ")  # where the hit begins: the film is in
    for second, word in ((2.0, "we"), (9.1, "At"), (11.4, "lake.")):
        await video.evaluate("(v, t) => { v.currentTime = t }", second)
        await expect(spoken).to_have_text(re.compile(word if word != "we" else "we|First|look"))


VOICES = (
    "WEBVTT\n\n00:00.000 --> 00:04.000\n<v Ann>We counted herons at the weir.\n\n"
    "00:05.000 --> 00:09.000\n<v Bob>I saw none of them.\n"
)


async def test_a_click_names_who_speaks_and_takes_the_name_back(page: Page, site: Site) -> None:
    with wave.open(str(site.root / "walk.wav"), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16000)
        out.writeframes(bytes(range(1, 201)) * 1600)
    (site.root / "walk.vtt").write_text(VOICES)
    engine = await site.state.engine()
    await engine.ingest(IngestRequest(str(site.root / "walk.wav")))
    await page.goto(site.url(q="counted herons at the weir"))
    line = page.locator(".line", has_text="We counted herons")
    for old, new, shown in (("Ann", "Anna Lee", "Anna Lee"), ("Anna Lee", "", "Ann")):
        await line.get_by_role("button", name=old, exact=True).click()
        field = page.get_by_label(f"Name of {old}")
        await expect(field).to_have_value(old)
        await field.fill(new)
        await field.press("Enter")
        await expect(line.get_by_role("button", name=shown, exact=True)).to_be_visible()
    await line.get_by_role("button", name="Ann", exact=True).click()
    await page.get_by_label("Name of Ann").press("Escape")
    await expect(line.get_by_role("button", name="Ann", exact=True)).to_be_visible()
    await engine.forget("walk")


async def test_arrows_step_and_j_and_k_walk_the_hits(page: Page, site: Site) -> None:
    await page.goto(site.url(q="fire engine meadow lake mask"))
    hits = page.get_by_role("list", name="Hits").get_by_role("button")
    await expect(hits.nth(1)).to_be_visible()
    await page.keyboard.press("j")
    await expect(hits.nth(1)).to_have_attribute("aria-current", "true")
    await expect(hits.nth(1)).to_be_focused()
    await page.keyboard.press("k")
    await expect(hits.nth(0)).to_have_attribute("aria-current", "true")
    await page.goto(site.url(open="[Field report p.1]"))
    await page.reload()
    await expect(page.locator("article h2")).to_contain_text("p.1")
    await page.keyboard.press("ArrowRight")
    await expect(page.locator("article h2")).to_contain_text("p.2")
    await expect(page.get_by_role("button", name="Next page")).to_be_disabled()
    await page.keyboard.press("ArrowLeft")
    await expect(page.locator("article h2")).to_contain_text("p.1")


async def test_slash_searches_question_mark_helps_and_escape_leaves(page: Page, site: Site) -> None:
    await page.goto(site.url(library=""))
    await expect(page.get_by_role("list", name="Sources")).to_be_visible()
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await page.keyboard.press("/")
    field = page.get_by_role("searchbox", name="Search")
    await expect(field).to_be_focused()
    await page.keyboard.type("kangaroo?/j")
    await page.keyboard.press("Enter")
    await expect(page.locator(".status").first).to_contain_text("segments of 3 sources")
    assert "q=kangaroo" in page.url


async def test_quoted_words_are_marked_on_the_page_where_they_stand(page: Page, site: Site) -> None:
    quote = "in the channel moved at 28 km/h,"
    await page.goto(site.url(open="[Field report p.1]", quote=quote))
    await expect(page.locator(".verdict.found")).to_contain_text("The quote is here")
    await expect(page.locator(".placed").first).to_be_visible()
    sheet = await page.locator(".sheet img").bounding_box()
    marks = [await box.bounding_box() for box in await page.locator(".placed").all()]
    assert sheet
    for mark in marks:  # the text begins 72 points from the left and the top of 595 x 842
        assert mark
        assert 0.10 < (mark["x"] - sheet["x"]) / sheet["width"] < 0.95
        assert 0.07 < (mark["y"] - sheet["y"]) / sheet["height"] < 0.25
    await expect(page.locator(".words mark")).to_have_text(quote)


async def test_a_hostile_title_is_text(page: Page, site: Site) -> None:
    await page.goto(site.url(q="invoice E-1042"))
    await expect(page.locator("article h2")).to_contain_text(HOSTILE)
    await expect(page.locator(".rows .name").first).to_have_text(HOSTILE)
    assert "owned" not in await page.title()
    assert await page.locator("img[src=x]").count() == 0


async def test_similar_moments_open(page: Page, site: Site) -> None:
    await page.goto(site.url(open="[Field report p.1]"))
    await expect(page.locator("article h2")).to_contain_text("p.1")
    await page.keyboard.press("s")
    await expect(page.get_by_role("region", name="Similar moments")).to_contain_text(
        re.compile("Similar|similar")
    )


async def test_what_cannot_be_opened_is_one_line_and_the_list_stays(page: Page, site: Site) -> None:
    await page.goto(site.url(open="[Keynote p.4]"))
    await expect(page.get_by_role("alert")).to_contain_text("nothing is known as")
    await expect(page.get_by_role("searchbox", name="Search")).to_be_visible()


@pytest.mark.parametrize("width", [400, 1280])
async def test_nothing_scrolls_sideways_and_a_narrow_screen_shows_one_thing(
    page: Page, site: Site, width: int
) -> None:
    await page.set_viewport_size({"width": width, "height": 800})
    for where in ({"q": "meadow"}, {"open": "[Field report p.1]"}, {"library": ""}, {"check": ""}):
        await page.goto("about:blank")
        await page.goto(site.url(**where))
        await expect(page.get_by_role("main")).to_be_visible()
        await page.wait_for_load_state("networkidle")
        over = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert await page.evaluate(over) == 0, where
    if width == 400:
        await page.goto(site.url(q="meadow"))
        await page.get_by_role("list", name="Hits").get_by_role("button").first.click()
        await expect(page.locator("video")).to_be_visible()
        await expect(page.get_by_role("list", name="Hits")).to_be_hidden()
        await page.get_by_role("button", name="Back to the list").click()
        await expect(page.get_by_role("list", name="Hits")).to_be_visible()
