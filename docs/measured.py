"""Tables and numbers of the pages, from what benchmarks measured: the files in `benchmarks/results/`."""

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.cost import (
    BILLED,
    COPIES_SHARES,
    COUNTS,
    FALSE_CANDIDATES_PER_MILLION_PAIRS,
    ROWS_PER_MILLION_PAIRS,
    SEARCH_MS_PER_MILLION,
    Assumptions,
    Bill,
    Measured,
    bill,
    search_hours,
)

RESULTS = Path(__file__).resolve().parent.parent / "benchmarks" / "results"
USUAL = Assumptions(2.0, 1.0, SEARCH_MS_PER_MILLION, FALSE_CANDIDATES_PER_MILLION_PAIRS, ROWS_PER_MILLION_PAIRS)
BY_LOOKS_ONLY = Assumptions(USUAL.instance_gb, USUAL.cores, USUAL.search_ms_per_million, 0.0)
MILLION = 1_000_000
BYTES_AN_IMAGE = 310  # docs/benchmarks.md#search, at worst
PICTURE = "{} picture, from its event to its row, s"
NO_PICTURE = "a function without a picture, processor s"


@cache
def result(name: str) -> Any:
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def first_picture() -> tuple[dict[str, float], dict[str, float]]:
    """The least seconds by what was timed: before decoders had processes of their own, and now."""
    before, now = result("first-picture")["least"].values()
    return before, now


@cache
def measured() -> Measured:
    return Measured.of(result("pipeline-plain")[-1], result("pipeline-copies")[-1])


def comparison() -> Iterator[str]:
    yield from in_table(
        ("pictures", "pairs", "then, ms", "now, ms", "ratio"),
        (
            (
                row,
                f"{len(of['now'])}",
                f"{fmean(of['earlier']) * 1000:.0f}",
                f"{fmean(of['now']) * 1000:.0f}",
                ratio(of),
            )
            for row, of in result("comparison").items()
        ),
    )


def memory() -> Iterator[str]:
    yield from in_table(
        ("16 messages at once", "peak while ingesting, MB", "peak, MB", "pairs verified"),
        (
            (run, f"{of['ingest_peak_mb']:.0f}", f"{of['peak_mb']:.0f}", f"{of['pairs']} of {of['expected_pairs']}")
            for run, of in result("memory").items()
        ),
    )


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


def ratio(seconds: dict[str, list[float]]) -> str:
    return f"{sum(seconds['now']) / sum(seconds['earlier']):.2f}"


def in_table(headings: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(headings)} |"
    yield "|---" * len(headings) + "|"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def cost_of_one() -> Iterator[str]:
    image, comparison = measured().operations_per_image, measured().operations_per_comparison
    yield from in_table(
        ("operations", "an image", "a comparison", "what they are"),
        ((name, f"{image[name]:.2f}", f"{comparison[name]:.2f}", WHAT[name]) for name in BILLED),
    )
    cpu = measured().cpu_seconds_per_image * 1e3, measured().cpu_seconds_per_comparison * 1e3
    yield f"| processor ms | {cpu[0]:.0f} | {cpu[1]:.0f} | host, worker, decoders and app; without the search |"


WHAT = {
    "blob write": "appends to the logs (several images share one); locks of the host",
    "blob read": "the image, a look after writing (304), the log's tail; a comparison: both images",
    "blob other": "the host looks at the blob (HEAD) before it runs the function",
    "blob list": "none where events tell of uploads",
    "queue": "send, receive (several messages share one), delete; receives that find nothing",
    "table": "the image's row; a comparison: the candidate's row, the pair, both verdict rows, looks after writing",
}


def bills(given: Assumptions) -> Iterator[str]:
    def rows() -> Iterator[tuple[str, ...]]:
        for images in COUNTS:
            for share in COPIES_SHARES:
                total = bill(images, share, measured(), given)
                counted = (
                    total.comparisons,
                    *(total.operations[it] for it in BILLED),
                    total.executions,
                    total.gb_seconds,
                )
                yield f"{images // 1000:,}", f"{share:.0%}", *(f"{count / 1000:,.0f}" for count in counted)

    yield from in_table(("images", "near-duplicates", "comparisons", *BILLED, "executions", "GB-s"), rows())


def searches() -> Iterator[str]:
    """What all searches take by either engine; that of PostgreSQL grows along the line through what was measured."""
    few, many = result("engines")[0], result("engines")[-1]
    growth = (many["search_server_ms"] - few["search_server_ms"]) / (many["images"] - few["images"]) * MILLION
    of_app = many["search_ms"] - many["search_server_ms"]
    of_server = few["search_server_ms"] - growth * few["images"] / MILLION

    def rows() -> Iterator[tuple[str, ...]]:
        for images in COUNTS:
            hours = (
                search_hours(images, 0.0, USUAL.search_ms_per_million),
                search_hours(images, of_app, 0.0),
                search_hours(images, of_server, growth),
            )
            held = images * BYTES_AN_IMAGE / 1e9, images * many["bytes_an_image"] / 1e9
            yield f"{images // 1000:,}", *(f"{it:,.1f}" for it in hours), *(f"{it:,.1f}" for it in held)

    yield from in_table(
        ("thousand images", "in each instance, h", "PostgreSQL: app, h", "server, h", "memory, GB", "disk, GB"), rows()
    )


def verify() -> Iterator[str]:
    headings = (
        "pair of",
        "failures",
        "reads",
        "ms with storage",
        "ms alone",
        "faster alone",
        "MB above idle",
        "memory saved",
    )
    yield from in_table(headings, (verified(it["workload"], it["old"], it["new"]) for it in result("verify")))


def verified(pair: str, old: dict[str, float], new: dict[str, float]) -> tuple[str, ...]:
    """One comparison, the old way / ours."""

    def both(name: str, scale: float = 1) -> str:
        return f"{old[name] * scale:,.0f} / {new[name] * scale:,.0f}"

    saved = 1 - new["peak_megabytes"] / old["peak_megabytes"]
    return (
        pair,
        both("failures"),
        both("reads_per_comparison"),
        both("seconds_with_storage", 1000),
        both("seconds_alone", 1000),
        f"{old['seconds_alone'] / new['seconds_alone']:.1f} x",
        both("peak_megabytes"),
        f"{saved:.0%}" if saved > 0 else "none: both are small",
    )


def engines() -> Iterator[str]:
    headings = (
        "images",
        "found",
        "a search, ms",
        "of these the server",
        "embedded, ms",
        "put many, ms",
        "bytes an image",
    )
    yield from in_table(
        headings,
        (
            (
                f"{it['images']:,}",
                f"{it['found']} of {it['to_find']}",
                f"{it['search_ms']:.0f}",
                f"{it['search_server_ms']:.0f}",
                f"{it['embedded_search_ms']:.0f}",
                "not told" if it["put_many_ms"] is None else f"{it['put_many_ms']:.2f}",
                f"{it['bytes_an_image']:,}",
            )
            for it in result("engines")
        ),
    )


def ledger() -> Iterator[str]:
    headings = ("images", "processor seconds", "with `--deep`", "MB at the peak", "pages listed, pages of rows")
    yield from in_table(
        headings,
        (
            (
                f"{it['images']:,}",
                f"{it['seconds']:.1f}",
                f"{it['deep_seconds']:,.0f}",
                f"{it['peak_bytes'] / 1e6:.1f}",
                f"{it['calls']['pages of blobs']:,}, {it['calls']['pages of rows']:,}",
            )
            for it in result("reconcile")
        ),
    )


def million() -> Bill:
    """A million images without look-alikes, but with those that look alike by chance."""
    return bill(MILLION, 0.0, measured(), USUAL)


def measure() -> Iterator[str]:
    """Two runs of `dedup measure`, by the size of their sample."""
    runs = result("measure-300"), result("measure")

    def rows() -> Iterator[tuple[str, ...]]:
        yield "images of the sample, copies made", *(f"{run['images_read']:,}, {run['copies']:,}" for run in runs)
        yield "reads of images", *(f"{run['kinds']['reads of images']:,}" for run in runs)
        yield (
            "other calls to storage, all of them reads",
            *(f"{run['calls'] - run['kinds']['reads of images']:,}" for run in runs),
        )
        yield "kinds of requests", *(", ".join(sorted(run["methods"])) for run in runs)
        yield "processor seconds", *(f"{run['cpu_seconds']:,.0f}" for run in runs)
        yield "MB at the peak, all processes", *(f"{run['peak_mib'] * 1.048576:,.0f}" for run in runs)

    yield from in_table(("", "300 images", "40 images"), rows())


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


TABLES: dict[str, Callable[[], Iterator[str]]] = {
    "comparison": comparison,
    "memory": memory,
    "moved-camera": moved_camera,
    "drawings": drawings,
    "cost-of-one": cost_of_one,
    "bills": lambda: bills(USUAL),
    "bills-by-looks-only": lambda: bills(BY_LOOKS_ONLY),
    "searches": searches,
    "verify": verify,
    "engines": engines,
    "measure": measure,
    "ledger": ledger,
}


def one_process(suffix: str) -> float:
    """The peak of a burst in MB where the app decodes by itself."""
    return float(result("memory")[f"decoding in the app's process{suffix}"]["peak_mb"])


def search_passes(tree: str) -> str:
    """A search in bare passes, which are the same in both trees: the least is what other programs added least to."""
    seconds = result("search")["seconds"]
    return f"{seconds['search'][tree] / min(seconds['bare pass'][it] for it in ('before', 'now')):.1f}"


def kept(of: str) -> str:
    """Share of groups that kept their original."""
    return f"{result('keeper')['kept'][of] * 100:.1f} %"


NUMBERS: dict[str, Callable[[], str]] = {
    "keeper-groups": lambda: f"{result('keeper')['groups']:,}",
    "keeper-all": lambda: kept("all"),
    "keeper-camera": lambda: kept("camera JPEG"),
    "keeper-png": lambda: kept("PNG"),
    "keeper-plain": lambda: kept("plain JPEG"),
    "keeper-unsure": lambda: f"{result('keeper')['unsure']:,}",
    "keeper-never": lambda: f"{result('keeper')['never']} of {result('keeper')['of_never']:,}",
    "million-operations": lambda: f"{sum(million().operations.values()) / 1e6:.0f} million",
    "million-gb-seconds": lambda: f"{round(million().gb_seconds, -4):,.0f}",
    "first-picture-before": lambda: f"{first_picture()[0][PICTURE.format('first')]:.2f} s",
    "first-picture-now": lambda: f"{first_picture()[1][PICTURE.format('first')]:.2f} s",
    "second-picture-before": lambda: f"{first_picture()[0][PICTURE.format('second')]:.2f} s",
    "second-picture-now": lambda: f"{first_picture()[1][PICTURE.format('second')]:.2f} s",
    "first-picture-load": lambda: f"{result('first-picture')['load_average']:.0f}",
    "no-picture-times": lambda: f"{first_picture()[1][NO_PICTURE] / first_picture()[0][NO_PICTURE]:.2f}",
    "search-images": lambda: f"{result('search')['images']:,}",
    "search-ratio": lambda: f"{result('search')['seconds']['search']['ratio']:.2f}",
    "search-passes-before": lambda: search_passes("before"),
    "search-passes-now": lambda: search_passes("now"),
    "false-candidates": lambda: f"{FALSE_CANDIDATES_PER_MILLION_PAIRS}",
    "false-candidates-framed": lambda: f"{result('false-candidates')['false_candidates_per_million_pairs']:.1f}",
    "false-candidates-left": lambda: "{originals_left} of {original_pairs:,}".format_map(result("false-candidates")),
    "false-candidates-rows": lambda: f"{result('false-candidates')['rows_per_million_pairs']:.1f}",
    "false-candidates-copies": lambda: "{copies_left:,} of {copies:,}".format_map(result("false-candidates")),
    "memory-ratio": lambda: f"{one_process('') / one_process(', before'):.2f}",
    "png-burst-mb": lambda: f"{result('memory-png')['budgets of the settings']['peak_mb']:.0f} MB",
}
