"""The demo's result as a person wants to read it: verdicts, rejected files, statistics, what next."""

from collections import Counter

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from dedup_app.ports.pairs import PairRow
from dedup_cli.presentation.output import VERDICT_STYLES, metric_numbers, plain, plain_table
from dedup_core.loading.stats import READS_PER_COMPARISON_BEFORE
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


def _verdicts(pictures: list[Picture], outcome: Outcome) -> Group:
    lines: list[RenderableType] = [Text(_columns("pair", "verdict", "palette", "pixels", "histogram"), style="bold")]
    for original in pictures:
        variants = [picture for picture in pictures if picture.original == original.name and picture is not original]
        if variants:
            lines.append(Text.assemble("\n", (original.name, "bold"), f"  {original.about}"))
        for variant in variants:
            lines += _pair(variant, outcome.pair(original, variant))
    return Group(*lines)


def _pair(variant: Picture, pair: PairRow | None) -> list[RenderableType]:
    """One line with the numbers; below it, as long as it takes, what was done to the picture and why it is a copy."""
    if pair is None or pair.verdict is None:
        state = "not found" if pair is None else "no verdict"
        return [Text(_columns(f"  {variant.name}", state), style="bold red")]
    verdict = pair.verdict
    line = Text(_columns(f"  {variant.name}", verdict.kind.value, *metric_numbers(verdict.metrics)))
    line.highlight_words([verdict.kind.value], VERDICT_STYLES[verdict.kind])
    why = Text.assemble(f"{variant.about}: ", (plain("; ".join(verdict.reasons)), "dim"))
    return [line, Padding(why, (0, 0, 0, 4))]


def _columns(pair: str, verdict: str, *numbers: str) -> str:
    """Short enough for a terminal of 80 columns."""
    return f"{pair:<25}{verdict:<15}" + "".join(f"{text:>10}" for text in numbers)


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
        f"\nFound between two variants of one photograph: {_told(among_variants)}.\n",
        f"Near enough to be verified among {unrelated} pairs of unrelated pictures: {_told(among_strangers)}.",
    )


def _told(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in counts.most_common()) or "none"


def _rejected(pictures: list[Picture], outcome: Outcome) -> Table:
    table = plain_table("file", "status", "why")
    for picture in pictures:
        row = outcome.rows.get(picture.name)
        if row is not None and not picture.readable:
            name = Text.assemble(picture.name, (f"\n{picture.about}", "dim"))
            table.add_row(name, Text(str(row.status), style="yellow"), Text(plain(row.detail)))
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
