"""Screenshots of the page over samples/, light and dark, 1400 and 400 pixels wide.

    python scripts/screenshots.py --out shots            # all of them, to look at
    python scripts/screenshots.py --readme docs/images   # the two that the README shows

Runs a real server on a new library, and Chromium (of the system, or OMNI_CHROMIUM).
"""

from __future__ import annotations

import argparse
import asyncio
import io
import os
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlencode

from PIL import Image
from playwright.async_api import Browser, Page, async_playwright

from omni_core.settings import Settings
from omni_server.http.opened import listening, serve
from omni_server.state import State

REPO = Path(__file__).parents[1]
TOKEN = "only-for-these-pictures"  # noqa: S105
SIZES = {1400: 900, 400: 860}
QUOTE = "In the channel below the vent, where the crust keeps the heat in, it moved at 28 km/h."
ANSWER = """\
In a channel lava ran "at 28 km/h" [Mount Sarn field report p.2], on the open slope \
"at 3 km/h" [Mount Sarn field report p.2]. The surface "was at 1,200 degrees Celsius" \
[Mount Sarn field report p.2]. In the film: "In a narrow channel it ran at 28 km an hour" \
[Field trip to Mount Sarn @ 0:09.9-0:18.8]. Masks were worn [Field trip to Mount Sarn @ 0:22.0], \
as the keynote says [Keynote p.4].
"""
Act = Callable[[Page], Awaitable[None]]


async def _hits(page: Page) -> None:
    await page.locator(".rows .thumb img").first.wait_for()
    await page.wait_for_load_state("networkidle")


async def _play(page: Page) -> None:
    """Leaves the film playing, long enough for the player's controls to have faded."""
    if page.viewport_size and page.viewport_size["width"] < 900:
        await page.locator(".rows .row").first.click()
    await page.locator("video[src]").wait_for()
    await page.wait_for_load_state("networkidle")
    await page.keyboard.press("Space")
    await page.locator(".line.now", has_text="On the open slope").first.wait_for()
    await page.wait_for_timeout(1500)


async def _sheet(page: Page) -> None:
    await page.locator(".placed").first.wait_for()


async def _check(page: Page) -> None:
    await page.locator("#answer").fill(ANSWER)
    await page.locator("form.check .primary").click()
    await page.get_by_text("6 citations").first.wait_for()
    if page.viewport_size and page.viewport_size["width"] > 900:
        await page.locator(".rows .row").nth(2).click()
        await page.locator(".verdict").wait_for()


async def _problem(page: Page) -> None:
    await page.locator(".problem").wait_for()


async def _gate(page: Page) -> None:
    await page.evaluate("() => { sessionStorage.clear(); location.hash = ''; location.reload(); }")
    await page.get_by_label("Token").wait_for()


SCENES: dict[str, tuple[dict[str, str], Act]] = {
    "search": ({"q": "a volcano"}, _hits),
    "moment": ({"q": "how fast does lava flow"}, _play),
    "page": ({"open": "[Mount Sarn field report p.2]", "quote": QUOTE}, _sheet),
    "scan": ({"open": "[notice-scan]", "quote": "The north path is closed"}, _sheet),
    "library": ({"library": ""}, _hits),
    "check": ({"check": ""}, _check),
    "error": ({"open": "[Keynote p.4]"}, _problem),
    "token": ({"library": ""}, _gate),
}


async def take(out: Path, base: str, browser: Browser, *, new: bool) -> None:
    """Every scene in every size and scheme, as OUT/SCENE-SCHEME-WIDTH.png."""
    pages = []
    for scheme in ("light", "dark"):
        for width, height in SIZES.items():
            context = await browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme=scheme,
            )
            context.set_default_timeout(120_000)
            page = await context.new_page()
            page.on("pageerror", lambda error: print(f"! {error}"))
            pages.append((f"{scheme}-{width}", page))

    async def shoot(name: str, suffix: str, page: Page) -> None:
        over = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
        if await page.evaluate(over) > 0:
            print(f"! {name}-{suffix} scrolls sideways")
        await page.screenshot(path=out / f"{name}-{suffix}.png")
        print(f"{name}-{suffix}")

    if new:
        await fill(base, pages, shoot)
    for name, (where, act) in SCENES.items():
        for suffix, page in pages:
            await page.goto("about:blank")
            await page.goto(f"{base}/#{urlencode({'token': TOKEN, **where})}")
            await act(page)
            await shoot(name, suffix, page)


async def fill(
    base: str, pages: list[tuple[str, Page]], shoot: Callable[[str, str, Page], Awaitable[None]]
) -> None:
    """The empty library and one that is being filled, until all of samples/ is in."""
    for suffix, page in pages:
        await page.goto(f"{base}/#{urlencode({'token': TOKEN})}")
        await page.get_by_text("Nothing is in the library yet").wait_for()
        await shoot("empty", suffix, page)
    path = pages[0][1].get_by_role("textbox", name="Path on the server")
    await path.fill(str(REPO / "samples/library"))
    await path.press("Enter")
    for suffix, page in pages:
        await page.locator(".job progress").first.wait_for()
        await page.locator(".rows li").nth(3).wait_for()
        await shoot("ingest", suffix, page)
    await pages[0][1].locator(".job.done").wait_for(timeout=400_000)


def compress(source: Path, target: Path) -> None:
    """A PNG of 256 colours: a third of the bytes, and text stays sharp."""
    with Image.open(source) as image:
        small = image.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    written = io.BytesIO()
    small.save(written, "PNG", optimize=True)
    target.write_bytes(written.getvalue())
    print(f"{target}: {len(written.getvalue()) >> 10} KB")


async def main(out: Path, kept: str) -> None:
    """Serve samples/ on a new library, or on that of an earlier run, and take the pictures."""
    chromium = os.environ.get("OMNI_CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        raise SystemExit("no Chromium: apt-get install chromium, or name one in OMNI_CHROMIUM")
    with tempfile.TemporaryDirectory() as store, listening("127.0.0.1", 0, or_any=True) as found:
        listener, port = found
        settings = Settings(
            store=kept or store, token=TOKEN, roots=(str(REPO / "samples"),), allow_delete=True
        )

        async def started(_: State) -> None:
            return None

        serving = asyncio.create_task(serve(settings, listener, started))
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=chromium, args=["--no-sandbox", "--mute-audio"]
            )
            await take(out, f"http://127.0.0.1:{port}", browser, new=not kept)
            await browser.close()
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--out", type=Path, default=Path("build/screenshots"), metavar="DIR")
    parser.add_argument("--readme", type=Path, metavar="DIR", help="also write the README's two")
    parser.add_argument("--store", default="", metavar="DIR", help="a library with samples/ in it")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(given.out, given.store))
    if given.readme is not None:
        given.readme.mkdir(parents=True, exist_ok=True)
        compress(given.out / "moment-light-1400.png", given.readme / "moment.png")
        compress(given.out / "check-dark-1400.png", given.readme / "check.png")
