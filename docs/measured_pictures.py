"""Tables on how pictures are judged: drawings that were changed, edits, and scenes from a moved camera."""

from collections.abc import Iterator, Sequence
from typing import Any

from docs.results import in_table, result

OF_DRAWINGS = (
    (
        "saved again, smaller, other formats",
        ("jpeg-95", "jpeg-50", "webp", "avif", "resize-0.5", "resize-0.2", "resize-2"),
    ),
    (
        "brighter, darker, other contrast",
        ("gamma-0.5", "gamma-2", "brighter", "darker", "contrast-up", "contrast-down"),
    ),
    ("white balance, a filter", ("white-balance", "chain-filter")),
    ("mirrored, turned by 90 or 180 degrees", ("mirrored", "turned-90", "turned-180", "turned-270")),
    ("scanned askew: by 2 to 10 degrees", ("rotate-2", "rotate-4", "rotate-4-expand", "rotate-7", "rotate-10")),
    ("by 20 or 45 degrees", ("rotate-20", "rotate-20-expand", "rotate-45-expand")),
    ("photographed on a desk", ("print-photographed",)),
    ("caption, sticker, marks", ("caption", "sticker", "watermark-large", "tiled-mark")),
    ("with a border", ("pad-20-white", "pad-20-black", "letterbox", "polaroid")),
    ("phone screenshot", ("phone-screenshot",)),
    ("on a page of text", ("page",)),
    ("half of a collage", ("collage",)),
    ("cropped by 5 to 15 %", ("crop-5-each-side", "crop-10-one-side", "crop-random-85")),
    ("cropped to 70 %, a square, a half", ("crop-random-70", "square-crop", "half-crop")),
    ("gray, sepia, duotone", ("gray-contrast", "sepia", "duotone")),
    ("equalize, auto levels", ("equalize", "auto-levels")),
)


def drawings() -> Iterator[str]:
    rates = result("drawings")
    yield from in_table(
        ("changed", "copies", "candidates", "rightly judged"),
        ((words, *_of_drawings([rates[name] for name in names])) for words, names in OF_DRAWINGS),
    )


def _of_drawings(rows: list[dict[str, Any]]) -> Iterator[str]:
    copies = sum(row["copies"] for row in rows)
    yield f"{copies}"
    for rate in ("candidate_recall", "verdict_recall"):
        yield f"{sum(row[rate] * row['copies'] for row in rows) / copies:.2f}"


def moved_camera() -> Iterator[str]:
    asked, not_asked = result("moved-camera").values()
    yield from in_table(
        ("near shifts against far by", "pairs", "`duplicate`", "`altered`", "`distinct`", "`duplicate` without it"),
        (
            (
                f"{float(share):.1%} of the width",
                f"{sum(of.values())}",
                *(f"{of.get(kind, 0)}" for kind in ("duplicate", "altered", "distinct")),
                f"{not_asked[share].get('duplicate', 0)}",
            )
            for share, of in asked.items()
        ),
    )


def edited() -> Iterator[str]:
    """A column for each set of pictures, rows by what was edited and then by how it was saved."""
    sets = result("edited").values()
    for_each = [it["edit"] | it["way"] | {"all": _all_edits([it])} for it in sets]
    rows = [(what, *(_some(of, 1) for of in (counts[what] for counts in for_each))) for what in for_each[0]]
    alarms = ("the same saved without an edit, called edited", *(_some(counts["all"], 2) for counts in for_each))
    yield from in_table(("not told", *result("edited")), (*rows, alarms))


def edits() -> tuple[int, int, int]:
    """How many edits there are in all, how many were not told, and how many unedited copies were called edited."""
    count, missed, alarms = _all_edits(list(result("edited").values()))
    return count, missed, alarms


def _all_edits(sets: list[dict[str, Any]]) -> list[int]:
    return [sum(it) for it in zip(*(counts for of in sets for counts in of["way"].values()), strict=True)]


def _some(counts: Sequence[int], place: int) -> str:
    return f"{counts[place]} of {counts[0]}"
