"""The report of `dedup measure` in Chromium: all of it is there, it can be read by everybody, and nothing is loaded."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from typer.testing import CliRunner

from dedup_changes import copy_maker
from dedup_changes.transforms import ALL_TRANSFORMS, TRANSFORMS
from dedup_cli.main import app
from dedup_cli.quality.measure_tables import PARTS
from demo.photographs import FILES
from tests.app.world import World
from tests.axe import serious_findings
from tests.browser import SHOTS, chromium, shoot
from tests.cli.test_measure import Bench
from tests.web.served import encoded, photograph

PHOTOGRAPHS = (
    "chelsea.png",
    "coffee.png",
    "camera.png",
    "retina.jpg",
    "rocket.jpg",
    "astronaut.png",
    "hubble.jpg",
)
SHOWN = (
    *("white-balance", "mirrored", "crop-random-70", "avatar", "crop-framed"),
    *("rotate-20", "clahe", "half-darkened", "sepia", "gif"),
)
WIDE, PHONE = {"width": 1240, "height": 1330}, {"width": 390, "height": 844}


def with_nothing_in_its_middle() -> Image.Image:
    """Colors in the corners: a round avatar of it shows none, so that change is lost whatever gets better."""
    drawn = Image.new("RGB", (256, 192), (90, 90, 90))
    chance = random.Random(4)
    for left, top in ((4, 4), (196, 4), (4, 132), (196, 132)):
        for place in range(49):
            x, y = left + 8 * (place % 7), top + 8 * (place // 7)
            drawn.paste(tuple(chance.randrange(256) for _ in range(3)), (x, y, x + 8, y + 8))
    return drawn


class Few(Bench):
    """Changes of every part, or all of them for a screenshot."""

    def __init__(self, _processes: int, **_: object) -> None:
        self.changes = [TRANSFORMS[name] for name in (TRANSFORMS if SHOTS else SHOWN)]
        self.made = 0


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    page, world = folder / "report.html", World(decoder_isolation="off")
    for name in PHOTOGRAPHS if SHOTS else PHOTOGRAPHS[:1]:
        # What a page looks like does not depend on the size of what was measured.
        picture = photograph(name) if SHOTS else photograph(name).resize((256, 192))
        world.upload_and_ingest(f"photographs/{name}", encoded(picture, "PNG" if "png" in name else "JPEG"))
    if not SHOTS:
        world.upload_and_ingest("photographs/corners.png", encoded(with_nothing_in_its_middle(), "PNG"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copy_maker, "CopyMaker", Few)
        patch.setenv("XDG_CACHE_HOME", str(folder))
        done = CliRunner().invoke(app, ["measure", "--yes", "--html", str(page)], obj=world.services)
    assert done.exit_code == 0, done.output
    return page


def opened(browser: Browser, report: Path, scheme: str, size: dict[str, int]) -> Page:
    page = browser.new_page(viewport=size, color_scheme=scheme)  # type: ignore[arg-type]
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report.as_uri(), wait_until="networkidle")
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_report_is_accessible(browser: Browser, report: Path, scheme: str):
    page = opened(browser, report, scheme, WIDE)
    if scheme == "light":
        shoot(page, "measure-light")
    assert serious_findings(page) == []
    for link in page.locator("nav a").all():
        expect(page.locator(link.get_attribute("href") or "")).to_have_count(1)


def test_changes_without_a_loss_are_folded_away_and_the_others_shown(browser: Browser, report: Path):
    page = opened(browser, report, "light", WIDE)
    folded = page.locator("details")
    shown = page.locator(".scroll:not(details .scroll)").filter(has_text="lost at")
    names = [it.inner_text() for it in shown.locator("tbody td:first-child").all()]
    assert len(names) < len(SHOWN if not SHOTS else TRANSFORMS)
    assert "avatar" in names
    expect(folded.get_by_role("cell", name="mirrored", exact=True)).to_be_hidden()
    folded.locator("summary").click()
    expect(folded.get_by_role("cell", name="mirrored", exact=True)).to_be_visible()
    assert "mirrored" not in names


def test_every_part_of_the_changes_has_its_row(browser: Browser, report: Path):
    page = opened(browser, report, "light", WIDE)
    assert [it.inner_text() for it in page.locator(".matrix tbody td:first-child").all()] == list(PARTS.values())
    assert PARTS.keys() == {it.part for it in ALL_TRANSFORMS}


def test_the_photographs_of_a_screenshot_are_there():
    assert FILES.keys() >= set(PHOTOGRAPHS)


def test_on_a_phone_nothing_hangs_over(browser: Browser, report: Path):
    page = opened(browser, report, "light", PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
