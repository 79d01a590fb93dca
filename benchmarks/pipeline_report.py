"""Shows what runs of `benchmarks.pipeline` measured, and how commits or ways to decode compare."""

from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.table import Table

STAGES = "cpu_ms_per_image"
KINDS = "operations_per_image"
RATE = "images_per_second"
CPU = "app_with_decoders_cpu_ms_per_image"


def show(results: list[dict], *, drawn: bool) -> None:
    console = Console(width=110)
    single = [name for name, value in results[0].items() if not isinstance(value, dict | list)]
    print_table(console, "through the running app", [{name: it[name] for name in single} for it in results])
    for title, name in (
        ("statuses", "statuses"),
        ("verdicts", "verdicts"),
        ("processor milliseconds an image, by stage", STAGES),
        ("storage operations an image", KINDS),
        ("the same as price lists class them", "billed_per_image"),
    ):
        print_table(console, title, [it[name] for it in results])
    varied = [name for name in ("commit", "decoders") if len({it[name] for it in results}) > 1]
    for name in varied:
        show_ratios(console, results, name)
    if len(results) > 1 and not varied:
        totals = [sum(it[KINDS].values()) for it in (results[0], results[-1])]
        console.print(
            f"{totals[1]:.2f} operations an image with {results[-1]['images']:,} images, {totals[0]:.2f} with "
            f"{results[0]['images']:,}: {totals[1] / totals[0]:.3f} times as many."
        )
    if not drawn:
        for left, right, kind, reasons in results[0]["copies"][:20]:
            console.print(f"{kind}: {left} and {right}: {'; '.join(reasons)}")


def show_ratios(console: Console, results: list[dict[str, Any]], name: str) -> None:
    """Each against the first one: the best rate and the least processor time of its rounds."""
    by_name: dict[str, list[dict[str, Any]]] = {}
    for it in results:
        by_name.setdefault(it[name], []).append(it)
    first, *others = by_name
    for other in others:
        console.print(
            f"{other}, against {first}: {best(by_name[other], RATE, max) / best(by_name[first], RATE, max):.2f} times "
            f"the images a second, {best(by_name[other], CPU, min) / best(by_name[first], CPU, min):.2f} times the "
            f"processor time of the app, {operations(by_name[other]) / operations(by_name[first]):.2f} times the "
            "operations."
        )


def best(results: list[dict[str, Any]], name: str, choose: Callable[[list[float]], float]) -> float:
    return choose([it[name] for it in results])


def operations(results: list[dict[str, Any]]) -> float:
    return min(sum(it[KINDS].values()) for it in results)


def print_table(console: Console, title: str, columns: list[dict]) -> None:
    table = Table(title=title)
    table.add_column("")
    for _ in columns:
        table.add_column("", justify="right")
    for name in dict.fromkeys(name for column in columns for name in column):
        values = [column.get(name, 0) for column in columns]
        table.add_row(name.replace("_", " "), *(f"{it:,.3f}" if isinstance(it, float) else str(it) for it in values))
    console.print(table)
