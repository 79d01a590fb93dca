"""What so many images cost in operations, GB-seconds and, with the prices that you fill in, in money.

    python -m benchmarks.pipeline --drawn 2000 --copies 0 --json plain.json
    python -m benchmarks.pipeline --drawn 2000 --copies 0.2 --json copies.json
    python -m benchmarks.cost plain.json copies.json
    python -m benchmarks.cost plain.json copies.json --blob-write P --blob-read P --blob-list P --blob-other P \\
        --queue P --table P --gb-second P --executions P

Prices: of ten thousand operations each, of a GB-second, of a million executions. There are no defaults, because prices
differ by region, redundancy and contract; a price that is missing is left out of the sum, and the table says so.
The formulas and what they leave out stand in docs/cost.md.
"""

import argparse
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.storage_operations import BILLED
from dedup_app.pipeline.pairing import MOST_AT_ONCE

COUNTS = (10_000, 1_000_000, 10_000_000, 100_000_000)
COPIES_SHARES = (0.0, 0.2)
NOT_BILLED = "azurite"
SEARCH_MS_PER_MILLION = 37.0  # docs/benchmarks.md#search
CHANCE = json.loads((Path(__file__).parent / "results" / "false-candidates.json").read_text(encoding="utf-8"))
FALSE_CANDIDATES_PER_MILLION_PAIRS = 0.2  # docs/fingerprints.md#thinning
ROWS_PER_MILLION_PAIRS = CHANCE["rows_per_million_pairs"]  # read of strangers, hardly any of whom is a candidate
ROW, ROW_SECONDS = "table", 0.004  # python -m benchmarks.calls, "read a row"
SEARCH = "search"
GB_SECOND, EXECUTIONS = "gb-second", "executions"


@dataclass(frozen=True)
class Measured:
    """What one image costs, and what one comparison costs on top: operations by price class, processor seconds."""

    operations_per_image: Counter[str]
    operations_per_comparison: Counter[str]
    cpu_seconds_per_image: float
    cpu_seconds_per_comparison: float

    @classmethod
    def of(cls, plain: dict, copies: dict) -> "Measured":
        """From a run without near-duplicates and one with some; the difference is what comparisons cost."""
        comparisons = copies["comparisons"] / copies["images"] - plain["comparisons"] / plain["images"]
        without, with_copies = billed(plain), billed(copies)
        of_one = Counter({it: max(0.0, (with_copies[it] - without[it]) / comparisons) for it in with_copies})
        return cls(without, of_one, cpu(plain), max(0.0, (cpu(copies) - cpu(plain)) / comparisons))


@dataclass(frozen=True)
class Assumptions:
    instance_gb: float
    cores: float
    search_ms_per_million: float
    false_candidates_per_million_pairs: float
    rows_per_million_pairs: float = 0.0


@dataclass(frozen=True)
class Bill:
    """All that a collection of `images` takes until the last one is indexed and its pairs are verified."""

    comparisons: float
    operations: Counter[str]
    cpu_seconds: float
    gb_seconds: float
    executions: float


def bill(images: int, copies_share: float, measured: Measured, given: Assumptions) -> Bill:
    chance = given.false_candidates_per_million_pairs / 1e6 * images * (images - 1) / 2
    comparisons = copies_share * images + chance
    operations = Counter({it: images * count for it, count in measured.operations_per_image.items()})
    for name, count in measured.operations_per_comparison.items():
        operations[name] += comparisons * count
    rows = given.rows_per_million_pairs / 1e6 * images * (images - 1) / 2
    operations[ROW] += rows
    search_seconds = 3600 * search_hours(images, 0.0, given.search_ms_per_million)
    cpu_seconds = images * measured.cpu_seconds_per_image + comparisons * measured.cpu_seconds_per_comparison
    cpu_seconds += rows * ROW_SECONDS + search_seconds
    gb_seconds = cpu_seconds / given.cores * given.instance_gb
    messages = min(comparisons / (MOST_AT_ONCE + 1), images)  # at most: one for an image with more candidates
    executions = images + messages
    return Bill(comparisons, operations, cpu_seconds, gb_seconds, executions)


def search_hours(images: int, milliseconds: float, more_per_million: float) -> float:
    """Processor hours of all searches: so many milliseconds among few images, more the more there are of them."""
    # The collection grows from nothing, so that a search meets half of it on average.
    return images * (milliseconds + more_per_million * images / 2 / 1e6) / 3.6e6


def money(total: Bill, prices: dict[str, float]) -> float:
    amount = sum(total.operations[name] / 10_000 * price for name, price in prices.items() if name in BILLED)
    return amount + total.gb_seconds * prices.get(GB_SECOND, 0.0) + total.executions / 1e6 * prices.get(EXECUTIONS, 0.0)


def billed(run: dict) -> Counter[str]:
    """Operations an image by price class, of app and host together."""
    classes: Counter[str] = Counter()
    for name, count in run["billed_per_image"].items():
        classes[name.partition(": ")[2]] += count
    return classes


def cpu(run: dict) -> float:
    """Processor seconds an image of app and host; the storage emulator is no part of the bill, search has a formula."""
    stages = run["cpu_ms_per_image"]
    return sum(ms for stage, ms in stages.items() if stage not in {NOT_BILLED, SEARCH}) / 1000


def main() -> None:
    arguments = parse_arguments()
    measured = Measured.of(*(json.loads(path.read_text())[-1] for path in (arguments.plain, arguments.copies)))
    given = Assumptions(
        arguments.instance_gb,
        arguments.cores,
        arguments.search_ms_per_million,
        arguments.false_candidates,
        arguments.rows,
    )
    named = {name: getattr(arguments, name.replace(" ", "_").replace("-", "_")) for name in price_names()}
    prices = {name: price for name, price in named.items() if price is not None}
    console = Console(width=130)
    console.print(unit_table(measured))
    console.print(bill_table(measured, given, prices))
    if missing := [name for name in named if name not in prices]:
        console.print(f"No price was given for: {', '.join(missing)}.")


def price_names() -> tuple[str, ...]:
    return (*BILLED, GB_SECOND, EXECUTIONS)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("plain", type=Path, help="JSON of a pipeline run without near-duplicates")
    parser.add_argument("copies", type=Path, help="JSON of a run with near-duplicates")
    parser.add_argument("--instance-gb", type=float, default=2.0, help="memory of an instance (2)")
    parser.add_argument("--cores", type=float, default=1.0, help="processor cores of an instance (1)")
    parser.add_argument(
        "--search-ms-per-million", type=float, default=SEARCH_MS_PER_MILLION, help="docs/benchmarks.md#search (37)"
    )
    parser.add_argument(
        "--false-candidates",
        type=float,
        default=FALSE_CANDIDATES_PER_MILLION_PAIRS,
        help=f"candidates among a million pairs of strangers ({FALSE_CANDIDATES_PER_MILLION_PAIRS})",
    )
    parser.add_argument(
        "--rows",
        type=float,
        default=ROWS_PER_MILLION_PAIRS,
        help=f"rows read among a million pairs of strangers ({ROWS_PER_MILLION_PAIRS:.1f})",
    )
    for name in price_names():
        unit = {GB_SECOND: "a GB-second", EXECUTIONS: "a million executions"}.get(name, f"10,000 {name} operations")
        parser.add_argument(f"--{name.replace(' ', '-')}", type=float, help=f"price of {unit}")
    return parser.parse_args()


def unit_table(measured: Measured) -> Table:
    table = Table(title="measured")
    for column in ("", "an image", "a comparison"):
        table.add_column(column, justify="right")
    for name in BILLED:
        table.add_row(
            f"{name} operations",
            f"{measured.operations_per_image[name]:.2f}",
            f"{measured.operations_per_comparison[name]:.2f}",
        )
    table.add_row(
        "processor ms",
        f"{measured.cpu_seconds_per_image * 1e3:.0f}",
        f"{measured.cpu_seconds_per_comparison * 1e3:.0f}",
    )
    return table


def bill_table(measured: Measured, given: Assumptions, prices: dict[str, float]) -> Table:
    table = Table(title="all in thousands, until every image is indexed and every pair compared")
    for column in ("images", "copies", "comparisons", *BILLED, "executions", "GB-s", *(["money"] if prices else [])):
        table.add_column(column, justify="right")
    for images in COUNTS:
        for share in COPIES_SHARES:
            total = bill(images, share, measured, given)
            counted = (total.comparisons, *(total.operations[it] for it in BILLED), total.executions, total.gb_seconds)
            table.add_row(
                f"{images // 1000:,}",
                f"{share:.0%}",
                *(f"{count / 1000:,.0f}" for count in counted),
                *([f"{money(total, prices) / 1000:,.3f}"] if prices else []),
            )
    return table


if __name__ == "__main__":
    main()
