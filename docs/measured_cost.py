"""Tables on what the app costs: operations, bills and searches of whole collections."""

from collections.abc import Iterator
from functools import cache

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
from docs.results import in_table, result

USUAL = Assumptions(2.0, 1.0, SEARCH_MS_PER_MILLION, FALSE_CANDIDATES_PER_MILLION_PAIRS, ROWS_PER_MILLION_PAIRS)
BY_LOOKS_ONLY = Assumptions(USUAL.instance_gb, USUAL.cores, USUAL.search_ms_per_million, 0.0)
MILLION = 1_000_000
BYTES_AN_IMAGE = 310  # docs/benchmarks.md#search, at worst


@cache
def measured() -> Measured:
    return Measured.of(result("pipeline-plain")[-1], result("pipeline-copies")[-1])


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
    "blob read": "the image, the log's tail; a comparison: the other image",
    "blob other": "locks of the host; with `EVENT_DELIVERY=trigger` also one HEAD an image",
    "blob list": "none where events tell of uploads",
    "queue": "send, receive (several messages share one), delete; receives that find nothing",
    "table": "the image's row; a comparison: the candidate's row, before and after, and both verdict rows",
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


def million() -> Bill:
    """A million images without look-alikes, but with those that look alike by chance."""
    return bill(MILLION, 0.0, measured(), USUAL)
