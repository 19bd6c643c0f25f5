"""The library: empty, files that arrive, their progress, what fails, removing a source."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, Route, expect

from tests.page.conftest import Site, Watched

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_an_empty_library_says_how_files_get_in(page: Page, empty_site: Site) -> None:
    await page.goto(empty_site.url())
    await expect(page.get_by_role("heading", name="Nothing is in the library yet")).to_be_visible()
    await expect(page.get_by_role("button", name="Choose files")).to_be_visible()
    assert page.url.endswith("#library")


async def test_a_chosen_file_is_sent_and_read_and_then_found(page: Page, empty_site: Site) -> None:
    await page.goto(empty_site.url(library=""))
    await page.locator("input[type=file]").set_input_files(empty_site.root / "report.pdf")
    arriving = page.get_by_role("list", name="Arriving")
    await expect(arriving).to_contain_text("report.pdf")
    await expect(arriving).to_contain_text(re.compile(r"in, \d+ segments"))
    await expect(page.get_by_role("list", name="Sources")).to_contain_text("Field report")
    await page.keyboard.press("/")
    await page.keyboard.type("mask near the vent")
    await page.keyboard.press("Enter")
    await expect(page.locator("article h2")).to_contain_text("Field report")


async def test_an_upload_goes_on_after_a_line_that_broke(
    watched: Watched, empty_site: Site
) -> None:
    page = watched.page
    broken: list[str] = []

    async def break_once(route: Route) -> None:
        if route.request.method == "PATCH" and not broken:
            broken.append(route.request.url)
            await route.abort("connectionreset")
        else:
            await route.continue_()

    await page.route("**/uploads/*", break_once)
    await page.goto(empty_site.url(library=""))
    await page.locator("input[type=file]").set_input_files(
        {"name": "harbour.txt", "mimeType": "text/plain", "buffer": b"Fog over the harbour."}
    )
    await expect(page.get_by_role("list", name="Arriving")).to_contain_text("in, ")
    assert broken
    watched.errors[:] = [e for e in watched.errors if "ERR_CONNECTION_RESET" not in e]


async def test_a_file_dropped_on_any_view_goes_to_the_library(page: Page, empty_site: Site) -> None:
    await page.goto(empty_site.url(check=""))
    await expect(page.get_by_role("textbox", name="An answer with citations")).to_be_visible()
    transfer = await page.evaluate_handle(
        "() => { const t = new DataTransfer();"
        " t.items.add(new File(['The tide was out at noon.'], 'tide.txt')); return t; }"
    )
    await page.dispatch_event("body", "dragenter", {"dataTransfer": transfer})
    await expect(page.get_by_text("Drop to add to the library")).to_be_visible()
    await page.dispatch_event("body", "drop", {"dataTransfer": transfer})
    await expect(page.get_by_role("list", name="Arriving")).to_contain_text("tide.txt")
    await expect(page.get_by_role("list", name="Sources")).to_contain_text("tide")


async def test_a_path_on_the_server_is_read_and_one_outside_its_roots_refused(
    page: Page, empty_site: Site
) -> None:
    await page.goto(empty_site.url(library=""))
    path = page.get_by_role("textbox", name="Path on the server")
    await path.fill(str(empty_site.root / "note.md"))
    await path.press("Enter")
    arriving = page.get_by_role("list", name="Arriving")
    await expect(arriving).to_contain_text(re.compile(r"in, \d+ segment"))
    await path.fill("/etc/passwd")
    await path.press("Enter")
    failed = page.locator(".job.failed")
    await expect(failed).to_contain_text("/etc/passwd")
    await expect(failed).to_contain_text("root")


async def test_what_cannot_be_read_says_why_in_its_own_line(page: Page, empty_site: Site) -> None:
    await page.goto(empty_site.url(library=""))
    await page.locator("input[type=file]").set_input_files(
        {
            "name": "broken.png",
            "mimeType": "image/png",
            "buffer": b"\x89PNG\r\n\x1a\n" + b"\x07" * 400,
        }
    )
    await expect(page.locator(".job.failed")).to_contain_text("broken.png")
    await expect(page.locator(".job.failed .facts")).not_to_be_empty()


async def test_a_source_is_removed_only_after_a_question(page: Page, empty_site: Site) -> None:
    await page.goto(empty_site.url(library=""))
    await page.locator("input[type=file]").set_input_files(
        {"name": "gone.txt", "mimeType": "text/plain", "buffer": b"Soon forgotten."}
    )
    row = page.get_by_role("list", name="Sources").get_by_role("listitem").filter(has_text="gone")
    await expect(row).to_have_count(1)
    remove = row.get_by_role("button", name="Remove gone")
    await remove.click()
    await page.get_by_role("button", name="Keep").click()
    await expect(row).to_have_count(1)
    await remove.click()
    await page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    await expect(row).to_have_count(0)


async def test_sources_are_filtered_and_open_at_their_beginning(page: Page, site: Site) -> None:
    await page.goto(site.url(library=""))
    await page.get_by_role("searchbox", name="Filter sources").fill("colou")
    sources = page.get_by_role("list", name="Sources").get_by_role("listitem")
    await expect(sources).to_have_count(1)
    await sources.get_by_role("button").first.click()
    await expect(page.locator("video")).to_have_attribute("src", re.compile("^/media/"))
    await expect(page.locator(".line")).not_to_have_count(0)
