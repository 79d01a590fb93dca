"""The demo's result as a person wants to read it: verdicts, rejected files, statistics, what next."""

from collections import Counter

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from dedup_app.ports import PairRow
from dedup_cli.output import number, plain, plain_table, verdict_text
from dedup_core.stats import READS_PER_COMPARISON_BEFORE
from demo.check import Outcome
from demo.pictures import Picture, is_to_be_found, readable_pairs


def result(pictures: list[Picture], outcome: Outcome, mistakes: list[str]) -> RenderableType:
    """Everything that the demo prints when the app has finished."""
    sections = {
        "Every variant next to its original": Group(_verdicts(pictures, outcome), _other_pairs(pictures, outcome)),
        "Files that are no images": _rejected(pictures, outcome),
        "Statistics": _statistics(pictures, outcome),
        "Wrong" if mistakes else "All verdicts are right": _conclusion(mistakes),
    }
    return Group(*(_section(title, content) for title, content in sections.items()))


def _section(title: str, content: RenderableType) -> RenderableType:
    return Group(Text(f"\n{title}", style="bold cyan"), Padding(content, (0, 0, 0, 2)))


def _verdicts(pictures: list[Picture], outcome: Outcome) -> Table:
    table = plain_table("pair", "verdict", "palette", "pixels", "histogram", "why")
    for column in table.columns[2:5]:
        column.justify = "right"
    for original in pictures:
        variants = [picture for picture in pictures if picture.original == original.name and picture is not original]
        if variants:
            table.add_row(Text.assemble((original.name, "bold"), (f"  {original.about}", "dim")))
        for variant in variants:
            table.add_row(*_pair_cells(variant, outcome.pair(original, variant)))
    return table


def _pair_cells(variant: Picture, pair: PairRow | None) -> list[Text]:
    name = Text.assemble(f"  {variant.name}\n", (f"  {variant.about}", "dim"))
    if pair is None or pair.verdict is None:
        return [name, Text("not found" if pair is None else "no verdict", style="bold red")]
    verdict, metrics = pair.verdict, pair.verdict.metrics
    return [
        name,
        verdict_text(verdict.kind),
        Text(number(metrics.dominant_distance if metrics else None, 1)),
        Text(number(metrics.pixel_difference if metrics else None, 1)),
        Text(number(metrics.histogram_correlation if metrics else None, 2)),
        Text(plain("; ".join(verdict.reasons))),
    ]


def _other_pairs(pictures: list[Picture], outcome: Outcome) -> Text:
    """One line for the pairs of two variants, and one for strangers that came near enough to be looked at."""
    among_variants: Counter[str] = Counter()
    among_strangers: Counter[str] = Counter()
    for left, right in readable_pairs(pictures):
        pair = outcome.pair(left, right)
        if pair and pair.verdict and not is_to_be_found(left, right):
            counter = among_variants if left.original == right.original else among_strangers
            counter[pair.verdict.kind.value] += 1
    unrelated = sum(left.original != right.original for left, right in readable_pairs(pictures))
    return Text.assemble(
        f"\nPairs of two variants: {_told(among_variants)}.\n",
        f"Pairs of unrelated photographs: {unrelated}, of which verified: {_told(among_strangers)}.",
    )


def _told(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in counts.most_common()) or "none"


def _rejected(pictures: list[Picture], outcome: Outcome) -> Table:
    table = plain_table("file", "status", "why")
    for picture in pictures:
        row = outcome.rows.get(picture.name)
        if row is not None and not picture.readable:
            name = Text.assemble(picture.name, (f"\n{picture.about}", "dim"))
            table.add_row(name, Text(row.status, style="yellow"), Text(plain(row.detail)))
    return table


def _statistics(pictures: list[Picture], outcome: Outcome) -> Table:
    loaders = outcome.loaders
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(justify="right")
    table.add_column()
    table.add_row(f"{len(pictures)}", f"files uploaded, all finished {outcome.seconds:.0f} s after the first")
    table.add_row(f"{loaders.comparisons_performed}", "comparisons, each with all three color metrics")
    table.add_row(f"{loaders.images_downloaded}", f"images read for them ({outcome.blob_reads} blob reads in all)")
    table.add_row(
        Text(f"{outcome.reads_a_comparison:.1f}", style="bold green"),
        f"reads a comparison, against {READS_PER_COMPARISON_BEFORE} when each metric reads both images itself",
    )
    return table


def _conclusion(mistakes: list[str]) -> RenderableType:
    if mistakes:
        return Text("\n".join(f"- {plain(mistake)}" for mistake in mistakes), style="red")
    return Text.assemble(
        "Go on with ",
        ("make start", "bold"),
        ", which runs the app until Ctrl-C and says where to upload your own images;\n",
        "ask it with ",
        ("dedup status", "bold"),
        " and ",
        ("dedup duplicates", "bold"),
        ", or compare two files with ",
        ("dedup compare A B", "bold"),
        ".",
    )
