"""axe-core in a page: what keeps people from reading it."""

from pathlib import Path

from playwright.sync_api import Page

AXE = Path(__file__).parents[1] / "node_modules" / "axe-core" / "axe.min.js"


def serious_findings(page: Page) -> list[str]:
    assert AXE.exists(), "axe-core is missing: npm ci"
    page.evaluate(AXE.read_text(encoding="utf-8"))  # by the debugger, so the page's own policy stays as strict as it is
    found = page.evaluate("axe.run({ resultTypes: ['violations'] })")["violations"]
    return [f"{it['id']}: {it['nodes'][0]['html'][:120]}" for it in found if it["impact"] in {"serious", "critical"}]
