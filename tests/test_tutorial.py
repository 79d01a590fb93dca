"""docs/tutorial.md in a fresh clone: each command as it is written there, and what it shows."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser import chromium, shoot, wait_until_it_hears_keys
from tests.clone import ROOT, Shell, environment_of, make_clone, services_on, started, wait_until_compared

PAGE = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"```(sh|text|python)\n(.*?)```", re.DOTALL)
DESK = {"width": 1360, "height": 890}


def test_the_tutorial_from_an_empty_account_to_decided_and_cleared_copies(tmp_path: Path):
    clone = make_clone(tmp_path / "clone")
    environment = environment_of(clone)
    with started(clone, environment) as connection_string:
        services = services_on(connection_string)
        shell = Shell(clone, environment)
        printed, shown = "", []
        for kind, text in BLOCK.findall(PAGE):
            if kind == "python":
                (clone / "upload.py").write_text(text)
                wait_until_compared(services, 10)
                shell.run("python upload.py")
                wait_until_compared(services, 11)
            elif kind == "text":
                shown.append((text, printed))
            elif text.startswith("dedup review"):
                with reviewed(text.strip(), clone, environment) as (page, printed):
                    decide(page)
            else:
                lines = [line.replace("…", connection_string) for line in text.splitlines()]
                printed = "".join(shell.run(line) for line in lines)
        shell.close()
    others = [told(text, printed) for text, printed in shown if not is_shown(text, printed)]
    assert not others, "\n".join(others)


def is_shown(text: str, printed: str) -> bool:
    """Whether this was printed, whatever the columns' widths; `…` stands for anything."""
    wanted = ".*".join(map(re.escape, words(text).split("…")))
    return re.fullmatch(wanted, words(printed), re.DOTALL) is not None


def told(text: str, printed: str) -> str:
    return f"the page shows:\n{text}\nand this was printed:\n{printed}"


def words(text: str) -> str:
    lines = (" ".join(line.split()) for line in text.strip().splitlines())
    return "\n".join(line for line in lines if line)


@contextmanager
def reviewed(command: str, clone: Path, environment: dict[str, str]) -> Iterator[tuple[Page, str]]:
    """The page that the command serves, in a browser, and what the command prints."""
    with subprocess.Popen(
        ["bash", "-c", f"source .venv/bin/activate; exec {command}"],
        cwd=clone,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as serving:
        assert serving.stdout is not None
        printed = serving.stdout.readline() + serving.stdout.readline()
        try:
            with chromium() as browser:
                page = browser.new_page(viewport=DESK)  # type: ignore[arg-type]
                page.set_default_timeout(60_000)
                page.goto(printed.split()[0])
                yield page, printed
        finally:
            serving.terminate()


def decide(page: Page) -> None:
    """The numbered steps of the page, by the keys that it names."""
    assert re.findall(r"^\d\. \*\*(.*?)\*\*", PAGE, re.MULTILINE) == ["Copies", "Altered", "Other colors"]
    expect.set_options(timeout=60_000)
    page.locator("#list button", has_text="tower.jpg").click()
    expect(page.locator(".card")).to_have_count(3)
    expect(page.locator(".reasons")).to_be_visible()
    shoot(page, "tutorial-copies")
    wait_until_it_hears_keys(page)
    for left in (1, 0):
        page.keyboard.press("d")
        expect(page.locator("#list li")).to_have_count(left)
    page.get_by_role("tab", name="Altered").click()
    expect(page.locator(".region").first).to_be_visible()
    page.keyboard.press("v")
    expect(page.locator(".viewer.swipe")).to_be_visible()
    page.locator("#comparison").scroll_into_view_if_needed()
    expect(page.locator("#toast")).to_be_hidden()
    shoot(page, "tutorial-altered")
    page.keyboard.press("d")
    expect(page.locator("#list li")).to_have_count(0)
    page.get_by_role("tab", name="Other colors").click()
    expect(page.locator(".reasons")).to_be_visible()
    page.keyboard.press("n")
    expect(page.locator("#list li")).to_have_count(0)
    page.get_by_role("tab", name="Decided").click()
    expect(page.locator("#progress")).to_have_text("3 decided")
