"""A whole review in Chromium, by keyboard and by mouse, on real photographs."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from dedup_core.messages import VerifyMessage, VerifyTarget
from dedup_core.paths import ImagePath
from tests.web.served import HOSTILE, Served, photographs_world, served, with_history

ROOT = Path(__file__).parents[2]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome") or ""
SHOTS = os.environ.get("SCREENSHOTS", "")  # a folder: `make screenshots` writes those of docs/img
expect.set_options(timeout=20_000)
DESK = {"width": 1360, "height": 860}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    assert CHROMIUM, "Chromium is missing: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def site() -> Iterator[Served]:
    with served(photographs_world()) as site:
        yield site


def opened(browser: Browser, site: Served, **how: object) -> Page:
    page = browser.new_page(**({"viewport": DESK} | how))  # type: ignore[arg-type]
    page.set_default_timeout(20_000)
    page.on("pageerror", lambda error: pytest.fail(f"the page failed: {error}"))
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(site.page)
    expect(page.locator(".reasons").first).to_be_visible(timeout=20_000)
    return page


def test_a_review_by_keyboard(browser: Browser, site: Served):
    page = opened(browser, site)
    expect(page.locator("#progress")).to_contain_text("0 of 3 groups decided")
    names = page.locator("#list .name")
    first, second = names.nth(0).inner_text(), names.nth(1).inner_text()
    page.keyboard.press("d")
    expect(page.locator("#progress")).to_contain_text("1 of 3")
    expect(page.locator(".card.keeper .path")).to_have_text(second)  # the next one took its place
    page.keyboard.press("j")
    page.keyboard.press("n")
    expect(page.locator("#toast")).to_contain_text("not a copy")
    page.keyboard.press("u")
    page.keyboard.press("u")
    expect(page.locator("#progress")).to_contain_text("0 of 3")
    expect(names.nth(0)).to_have_text(first)
    page.keyboard.press("v")
    expect(page.locator(".viewer.swipe")).to_be_visible()
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")
    page.close()


def test_a_review_by_mouse_survives_a_reload_verification_and_reindex(browser: Browser, site: Served):
    page = opened(browser, site)
    page.fill("#prefix", "catalog/cat")
    expect(page.locator("#list li")).to_have_count(1)
    page.locator(".card:not(.keeper) button", has_text="Keep this one").first.click()
    expect(page.locator("#toast")).to_contain_text("the one to keep")
    a, b = (ImagePath("images", name) for name in ("catalog/cat.jpg", "uploads/cat-small.jpg"))
    site.world.services.verify.verify(VerifyMessage(a, (VerifyTarget(b),)))
    site.world.services.reindex.reindex()
    page.reload()
    page.get_by_role("tab", name="Decided").click()
    expect(page.locator(".why")).to_contain_text("a person chose it")
    page.get_by_role("tab", name="Rejected").click()
    expect(page.locator("main table")).to_contain_text("uploads/notes.jpg")
    page.get_by_role("tab", name="Statistics").click()
    expect(page.locator(".plot svg").first).to_be_visible()
    page.locator("summary", has_text="As a table").first.click()
    expect(page.locator(".numbers-table[open] tbody tr")).to_contain_text(["2026-05-31"])
    page.close()


def test_all_identical_groups_are_decided_at_once_and_taken_back_at_once(browser: Browser, site: Served):
    page = opened(browser, site)
    page.click("#decide-identical")
    expect(page.locator("#progress")).to_contain_text("1 of 3")
    page.keyboard.press("u")
    expect(page.locator("#progress")).to_contain_text("0 of 3")
    page.close()


def test_a_name_that_is_markup_is_text(browser: Browser, site: Served):
    page = opened(browser, site)
    alerts: list[str] = []
    page.on("dialog", lambda dialog: alerts.append(dialog.message))
    page.locator("#list button", has_text="catalog/astronaut").click()
    expect(page.locator(".card .path", has_text=HOSTILE)).to_be_visible()
    assert page.locator("img[src='x']").count() == 0
    assert alerts == []
    page.close()


LOOKS = {
    "light": {},
    "dark": {"color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2},
}


@pytest.mark.parametrize("look", LOOKS)
def test_the_page_is_accessible_in_every_look(browser: Browser, look: str):
    with served(with_history(photographs_world())) as site:
        page = opened(browser, site, **LOOKS[look])
        wait_for_pictures(page)
        shoot(page, f"review-{look}")
        assert serious_findings(page) == []
        page.get_by_role("tab", name="Statistics").click()
        expect(page.locator(".plot svg rect.s5").first).to_be_visible()
        shoot(page, f"statistics-{look}", whole=True)
        assert serious_findings(page) == []
        page.close()


def wait_for_pictures(page: Page) -> None:
    for _ in range(100):  # the page's policy lets nobody evaluate a text in it, not even to wait
        if page.evaluate("() => [...document.images].every((image) => image.complete && image.naturalWidth > 0)"):
            return
        page.wait_for_timeout(100)


def shoot(page: Page, name: str, *, whole: bool = False) -> None:
    if not SHOTS:
        return
    if whole:
        box = page.locator(".statistics").bounding_box()
        assert box is not None
        assert page.viewport_size is not None
        page.set_viewport_size({"width": page.viewport_size["width"], "height": round(box["y"] + box["height"]) + 24})
        page.wait_for_timeout(300)  # plots are drawn anew
    page.screenshot(path=f"{SHOTS}/{name}.png")


def serious_findings(page: Page) -> list[str]:
    assert AXE.exists(), "axe-core is missing: npm ci"
    page.evaluate(AXE.read_text(encoding="utf-8"))  # by the debugger, so the page's own policy stays as strict as it is
    found = page.evaluate("axe.run()")["violations"]
    return [f"{it['id']}: {it['nodes'][0]['html'][:120]}" for it in found if it["impact"] in {"serious", "critical"}]
