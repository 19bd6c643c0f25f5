"""Checking an answer: each citation is resolved, its quoted words looked for, and it opens."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from tests.page.conftest import Site

pytestmark = pytest.mark.asyncio(loop_scope="session")

ANSWER = """\
The lava "moved at 28 km/h" [Field report p.1], and "the surface was at 1,900 degrees Celsius"
[Field report p.2]. Somebody says “the moon is made of cheese” [Field report p.1].
Then comes the meadow [colours @ 0:05], as told in [Keynote p.4]. Not a citation: [1], [x](y).
"""


async def test_every_citation_of_an_answer_gets_a_verdict(page: Page, site: Site) -> None:
    await page.goto(site.url(check=""))
    await page.get_by_role("textbox", name="An answer with citations").fill(ANSWER)
    await page.get_by_role("button", name="Check").click()
    rows = page.get_by_role("list", name="Citations").get_by_role("listitem")
    await expect(rows).to_have_count(5)
    for row, verdict in enumerate(
        ("Quote found", "Only part of the quote", "Quote not found", "no quote to check",
         "Cannot be opened")
    ):  # fmt: skip
        await expect(rows.nth(row)).to_contain_text(verdict)
    await expect(page.locator("p.status")).to_have_text(
        "5 citations · 1 found · 1 in part · 1 without a quote · 2 not found"
    )
    await rows.nth(0).get_by_role("button").click()
    await expect(page.locator(".placed")).not_to_have_count(0)
    await expect(page.locator(".words mark")).to_have_text("moved at 28 km/h,")
    await page.keyboard.press("j")
    await expect(page.locator(".verdict.partly")).to_contain_text("1,090 degrees Celsius")


async def test_a_text_without_citations_says_so(page: Page, site: Site) -> None:
    await page.goto(site.url(check=""))
    await page.get_by_role("textbox", name="An answer with citations").fill("Lava is hot [1].")
    await page.get_by_role("button", name="Check").click()
    await expect(page.locator("p.status")).to_have_text("There is no citation in this text.")
