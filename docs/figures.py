"""Writes the figures of the pages that stem from a benchmark, from what it measured: `python docs/figures.py`.

A table stands between `<!-- figures: NAME -->` and `<!-- end -->`, a number in a sentence between
`<!-- figure: NAME -->` and `<!-- -->`. What was measured, and how, is in `benchmarks/results/`.
"""

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from PIL import Image, ImageEnhance  # noqa: E402
from skimage.data import data_dir  # type: ignore[import-untyped]  # noqa: E402

from dedup_core import decide, explain_png, measure_images  # noqa: E402
from dedup_core.decoding.given import working_image_of  # noqa: E402
from docs.measured import NUMBERS, TABLES  # noqa: E402

PAGES = (
    "README.md",
    "docs/benchmarks.md",
    "docs/cost.md",
    "docs/decoding.md",
    "docs/fingerprints.md",
    "docs/quality.md",
    "docs/operations.md",
    "docs/scale.md",
    "docs/groups.md",
    "docs/thresholds.md",
)
TABLE = re.compile(r"(<!-- figures: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
NUMBER = re.compile(r"(<!-- figure: ([a-z-]+) -->).*?(<!-- -->)", re.DOTALL)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--check", action="store_true", help="change nothing, end with 1 if a page is not as it would be"
    )
    check = parser.parse_args().check
    if not check:
        draw_explanation(ROOT / "docs" / "img" / "explain.png")
    stale = [page for page in PAGES if (ROOT / page).exists() and update(ROOT / page, write=not check)]
    for page in stale:
        print(f"{page}: {'not what was measured: run python docs/figures.py' if check else 'written anew'}")  # noqa: T201
    return 1 if check and stale else 0


def update(page: Path, *, write: bool) -> bool:
    """Whether the page was not as the results say; with `write` it is now."""
    before = page.read_text(encoding="utf-8")
    after = TABLE.sub(lambda found: found[1] + "".join(f"{line}\n" for line in TABLES[found[2]]()) + found[3], before)
    after = NUMBER.sub(lambda found: found[1] + NUMBERS[found[2]]() + found[3], after)
    if write and after != before:
        page.write_text(after, encoding="utf-8")
    return after != before


def draw_explanation(file: Path) -> None:
    """The picture on top of README: a cup of coffee (CC0), and what a shop might have made of it."""
    cup = Image.open(Path(data_dir) / "coffee.png").convert("RGB")
    theirs = cup.crop((60, 20, 600, 390)).transpose(Image.Transpose.FLIP_LEFT_RIGHT).resize((405, 278))
    theirs = ImageEnhance.Brightness(theirs).enhance(1.15)
    left, right = working_image_of(cup), working_image_of(theirs)
    measurement = measure_images(left, right)
    file.write_bytes(explain_png(left, right, measurement, decide(measurement)))


if __name__ == "__main__":
    sys.exit(main())
