"""Tables and numbers of the pages, from what benchmarks measured: the files in `benchmarks/results/`."""

from collections.abc import Callable, Iterator
from statistics import fmean, median

from benchmarks.cost import FALSE_CANDIDATES_PER_MILLION_PAIRS
from docs.measured_cost import BY_LOOKS_ONLY, USUAL, bills, cost_of_one, million, searches
from docs.measured_pictures import drawings, edited, edits, moved_camera
from docs.results import in_table, result

PICTURE = "{} picture, from its event to its row, s"
NO_PICTURE = "a function without a picture, processor s"


def first_picture() -> tuple[dict[str, float], dict[str, float]]:
    """The least seconds by what was timed: before decoders had processes of their own, and now."""
    before, now = result("first-picture")["least"].values()
    return before, now


def of_copies(kind: Callable[[list[float]], float]) -> str:
    """How many times as long as then the comparisons of copies take, of all pairs the one of this kind."""
    rows = [of for row, of in result("comparison").items() if row != "strangers"]
    return f"{kind([now / then for of in rows for now, then in zip(of['now'], of['earlier'], strict=True)]):.2f}"


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


def ratio(seconds: dict[str, list[float]]) -> str:
    return f"{sum(seconds['now']) / sum(seconds['earlier']):.2f}"


def memory() -> Iterator[str]:
    yield from in_table(
        ("16 messages at once", "peak while ingesting, MB", "peak, MB", "pairs verified"),
        (
            (run, f"{of['ingest_peak_mb']:.0f}", f"{of['peak_mb']:.0f}", f"{of['pairs']} of {of['expected_pairs']}")
            for run, of in result("memory").items()
        ),
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


TABLES: dict[str, Callable[[], Iterator[str]]] = {
    "comparison": comparison,
    "memory": memory,
    "edited": edited,
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


def search_passes() -> str:
    """A search in bare passes, which were timed twice: the least is what other programs added least to."""
    seconds = result("search")["seconds"]
    return f"{seconds['search']['now'] / min(seconds['bare pass'][it] for it in ('before', 'now')):.1f}"


def kept(of: str) -> str:
    """Share of groups that kept their original."""
    return f"{result('keeper')['kept'][of] * 100:.1f} %"


NUMBERS: dict[str, Callable[[], str]] = {
    "edits": lambda: f"{edits()[0]:,}",
    "edits-told": lambda: f"{1 - edits()[1] / edits()[0]:.1%}".replace("%", " %"),
    "edits-alarms": lambda: f"{edits()[2]:,}",
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
    "search-passes": search_passes,
    "false-candidates": lambda: f"{FALSE_CANDIDATES_PER_MILLION_PAIRS}",
    "false-candidates-framed": lambda: f"{result('false-candidates')['false_candidates_per_million_pairs']:.1f}",
    "false-candidates-left": lambda: "{originals_left} of {original_pairs:,}".format_map(result("false-candidates")),
    "false-candidates-rows": lambda: f"{result('false-candidates')['rows_per_million_pairs']:.1f}",
    "false-candidates-copies": lambda: "{copies_left:,} of {copies:,}".format_map(result("false-candidates")),
    "comparison-usual": lambda: of_copies(median),
    "comparison-most": lambda: of_copies(max),
    "memory-ratio": lambda: f"{one_process('') / one_process(', before'):.2f}",
    "jpeg-burst-mb": lambda: f"{result('memory')['budgets of the settings']['peak_mb']:.0f} MB",
    "png-burst-mb": lambda: f"{result('memory-png')['budgets of the settings']['peak_mb']:.0f} MB",
}
