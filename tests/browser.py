"""A Chromium of the system for tests of the page, and screenshots of it where a run is asked for them."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome") or ""
# Each new page would get a process for the suggestions of an address bar that nobody sees.
NO_SUGGESTIONS = "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup,WebUIOmniboxFullPopup"
SHOTS = os.environ.get("SCREENSHOTS", "")  # a folder: `make screenshots` writes those of docs/img


@contextmanager
def chromium() -> Iterator[Browser]:
    assert CHROMIUM, "Chromium is missing: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", NO_SUGGESTIONS])
        yield browser
        browser.close()


def wait_for_pictures(page: Page) -> None:
    """Until every picture that is on the page is shown."""
    for _ in range(100):  # the page's policy lets nobody evaluate a text in it, not even to wait
        if page.evaluate("() => [...document.images].every((image) => image.complete && image.naturalWidth > 0)"):
            return
        page.wait_for_timeout(100)


def wait_until_it_hears_keys(page: Page) -> None:
    """Chromium may drop the first keys of a page that it has not shown yet: Shift, which means nothing by itself, is
    pressed until it arrives. What can be pointed at stayed where it is for two frames as well."""
    page.locator("body").hover(trial=True)
    page.evaluate("() => addEventListener('keydown', () => { window.hearsKeys = true; }, { once: true })")
    for _ in range(600):
        page.keyboard.press("Shift")
        if page.evaluate("() => window.hearsKeys"):
            return
        page.wait_for_timeout(100)
    raise AssertionError("no key arrives")


def shoot(page: Page, name: str) -> None:
    """Write the screenshot, if this run is asked for it."""
    if SHOTS:
        wait_for_pictures(page)
        page.screenshot(path=f"{SHOTS}/{name}.png")
