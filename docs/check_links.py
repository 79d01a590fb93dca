"""Fails when a Markdown page links to, or names, a file or heading of this repository that does not exist."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6}\s+(.*)$", re.MULTILINE)
EXPLICIT_ANCHOR = re.compile(r"<a (?:id|name)=\"([^\"]+)\"")
NAMED = re.compile(r"`((?:dedup_\w+|local_host|infra|demo|tests|benchmarks)/[\w/]+\.py)`")
PAGE = re.compile(r"(?<![\"'/\w])(docs/[\w/.-]+\.md)(?:#([\w-]+))?")  # in a comment or docstring: no string begins so
FENCED_CODE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)


def slug(heading: str) -> str:
    """The anchor that GitHub makes of a heading."""
    text = re.sub(r"[`*_]|\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def anchors_of(page: Path) -> set[str]:
    text = page.read_text(encoding="utf-8")
    return {slug(heading) for heading in HEADING.findall(FENCED_CODE.sub("", text))} | set(
        EXPLICIT_ANCHOR.findall(text)
    )


def dead_links(page: Path) -> list[str]:
    dead = []
    for target in LINK.findall(FENCED_CODE.sub("", page.read_text(encoding="utf-8"))):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        file_part, _, anchor = target.partition("#")
        file = (page.parent / file_part).resolve() if file_part else page
        if not file.exists():
            dead.append(f"{page.relative_to(ROOT)}: {target}: no such file")
        elif anchor and file.suffix == ".md" and anchor not in anchors_of(file):
            dead.append(f"{page.relative_to(ROOT)}: {target}: no such heading")
    return dead


def dead_names(page: Path) -> list[str]:
    """Modules that a page names and that are not there; the changelog tells of earlier ones."""
    named = [] if page.name == "CHANGELOG.md" else NAMED.findall(page.read_text(encoding="utf-8"))
    return [f"{page.relative_to(ROOT)}: {name}: no such file" for name in named if not (ROOT / name).exists()]


def source_anchors() -> list[str]:
    """Comments and docstrings of the sources that name a page of `docs` and a heading are links too."""
    dead = []
    for source in tracked("*.py"):
        for file_part, anchor in PAGE.findall(source.read_text(encoding="utf-8")):
            page = ROOT / file_part
            if not page.exists() or (anchor and anchor not in anchors_of(page)):
                dead.append(f"{source.relative_to(ROOT)}: {file_part}#{anchor}: no such page or heading")
    return dead


def tracked(pattern: str) -> list[Path]:
    listed = subprocess.run(  # noqa: S603 - a fixed command
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", pattern],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [ROOT / name for name in listed.splitlines() if (ROOT / name).exists()]


def main() -> int:
    pages = tracked("*.md")
    dead = [line for page in pages for line in (*dead_links(page), *dead_names(page))] + source_anchors()
    print("\n".join(dead) if dead else f"links in {len(pages)} pages: all alive")  # noqa: T201
    return 1 if dead else 0


if __name__ == "__main__":
    sys.exit(main())
