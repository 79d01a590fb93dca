"""Plots and tables of the report of `dedup measure`, each as markup."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from dedup_app.measure.analysis import ChangeReport, Report
from dedup_app.measure.stages import LOST, Stage
from dedup_cli.presentation.html_page import escaped
from dedup_cli.presentation.output import counted
from dedup_cli.quality.plots import Span, Spot, curve_plot, interval_plot, rate, span, stacked_bar
from dedup_core.comparison.verdict import VerdictKind

LEAST_ON_AXIS = 0.05
PARTS = {
    "first": "saved, resized, cropped, padded, turned",
    "framing": "in another frame or page",
    "chained": "cropped, then framed or turned",
    "turning": "turned by degrees",
    "tone": "another tone",
    "color": "another color",
    "palette": "with a palette",
}
NOT_COMPARED = "not compared"

WORDS = {
    Stage.NO_CANDIDATE: "its fingerprint is too far off the original's, or one has none, being plain; no setting helps",
    Stage.THINNED: "the search met it, but too little of both fingerprints agrees, or many others were nearer",
    Stage.BEYOND: "more than MAX_CANDIDATES others came before it",
    Stage.ALIGNMENT: "no place was found where the two lie on each other",
    Stage.STRUCTURE: "what the two show differs by more than the policy allows",
    Stage.COLOR: "their colors differ by more than the policy allows, or by less than a change of color should",
}


def lost(report: Report) -> str:
    """Where copies were lost, as one bar of all that were, and what each stage means."""
    stages: Counter[Stage] = Counter()
    for change in report.changes:
        stages.update(change.stages)
    total = stages.total()
    if not total:
        return "<p>No copy was lost.</p>"
    counts = {stage.value: stages[stage] for stage in LOST if stages[stage]}
    legend = "".join(
        f'<li><span class="dot stage-{kind_of(stage)}"></span><b>{stages[stage]:,} {stage}</b> {WORDS[stage]}</li>'
        for stage in LOST
        if stages[stage]
    )
    wide = stacked_bar(counts, total).replace('class="bar"', 'class="bar wide" preserveAspectRatio="none"', 1)
    return f'{wide}<ul class="legend">{legend}</ul>'


def curve(report: Report) -> str:
    """Today's policy and the presets: copies found against strangers called copies."""
    spots = [
        Spot(it.name, span(it.strangers), Span(it.found, it.interval.low, it.interval.high), main=it.name == "today")
        for it in report.points
    ]
    return curve_plot(spots, "pairs of strangers called identical or duplicate", "copies found")


def points(report: Report) -> Iterator[str]:
    """The same as rows."""
    for it in report.points:
        yield (
            f"<tr><td>{escaped(it.name)}<td class=n>{it.found:.4f}<td class=n>{it.interval.low:.3f} to "
            f"{it.interval.high:.3f}<td class=n>{it.strangers.count:,} of {it.strangers.of:,}"
            f"<td class=n>{rate(it.strangers.high)}"
        )


def judged(report: Report) -> str:
    """How the copies of each part of the changes were judged, as a matrix: the more of a row, the deeper."""
    rows: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for change in report.changes:
        rows[change.part].update(change.verdicts)
        rows[change.part][NOT_COMPARED] += change.candidates.of - change.candidates.count
    columns = [kind.value for kind in VerdictKind if any(row[kind.value] for row in rows.values())] + [NOT_COMPARED]
    head = "".join(f"<th class=n>{column.replace('_', ' ')}" for column in columns)
    body = "".join(
        f"<tr><td>{told}{''.join(_cell(rows[part][column], rows[part].total()) for column in columns)}"
        for part, told in PARTS.items()
        if part in rows
    )
    return f'<table class="matrix"><thead><tr><th>copies{head}<tbody>{body}</table>'


def _cell(count: int, of: int) -> str:
    share = count / of
    return f'<td class=n style="--share:{45 * share:.0f}%" title="{share:.1%} of {of:,}">{count:,}'


def advice(report: Report) -> str:
    """Single settings that bring copies back, and their price."""
    if not report.advice:
        return "<p>No single setting brings copies back.</p>"
    rows = "".join(
        f"<tr><td><code>{escaped(it.setting)}={escaped(it.value)}</code><td class=n>{it.copies_back:+,}"
        f"<td class=n>{it.strangers_more:+,}"
        for it in report.advice
    )
    return (
        f"<table><thead><tr><th>setting<th class=n>copies found<th class=n>strangers called alike<tbody>{rows}</table>"
    )


def changes(report: Report) -> str:
    """The changes of which something was lost one by one, the others together."""
    least = max(0.0, min([it.found.low for it in report.changes] + [0.9]) - LEAST_ON_AXIS)
    some = [it for it in report.changes if it.found.count < it.found.of]
    whole = [it for it in report.changes if it.found.count == it.found.of]
    summary = f"<summary>{len(whole):,} changes of which every copy was found</summary>"
    folded = f"<details>{summary}{_table(whole, least)}</details>"
    return (_table(some, least) if some else "") + (folded if whole else "")


def _table(shown: Sequence[ChangeReport], least: float) -> str:
    head = "<th>change<th class=n>found<th>95 % interval<th class=n>candidate<th class=n>the same<th>lost at<th>judged"
    return (
        f'<div class="scroll"><table><thead><tr>{head}<tbody>{"".join(_row(it, least) for it in shown)}</table></div>'
    )


def _row(it: ChangeReport, least: float) -> str:
    verdicts = escaped(", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in it.verdicts.items()))
    stages = {stage.value: count for stage, count in it.stages.items()}
    return (
        f"<tr><td>{escaped(it.name)}<td class=n>{it.found.share:.3f}<td>{interval_plot(it.found, least)}"
        f"<td class=n>{it.candidates.share:.3f}<td class=n>{it.same.share:.3f}"
        f"<td>{stacked_bar(stages, it.found.of) if stages else ''}<td class=quiet>{verdicts}"
    )


def slices(report: Report) -> str:
    """By format and by size of the images."""
    least = max(0.0, min([it.found.low for it in report.slices] + [0.95]) - LEAST_ON_AXIS)
    rows = "".join(
        f"<tr><td>{escaped(it.by)}<td>{escaped(it.name)}<td class=n>{it.images:,}<td class=n>{it.found.share:.3f}"
        f"<td>{interval_plot(it.found, least)}"
        for it in report.slices
    )
    head = "<th>by<th>images that are<th class=n>images<th class=n>found<th>95 % interval"
    return f'<div class="scroll"><table><thead><tr>{head}<tbody>{rows}</table></div>'


def strangers(report: Report) -> str:
    """How many pairs of strangers were called what."""
    of = report.strangers
    rows = "".join(
        f"<tr><td>{escaped(kind.replace('_', ' '))}<td class=n>{share.count:,}<td class=n>{rate(share.share)}"
        f"<td class=n>{rate(share.high)}"
        for kind, share in of.verdicts.items()
    )
    pairs = counted(of.pairs, "pair of the sample is no copy", "pairs of the sample are no copies")
    return (
        f"<p>{pairs} by their content and by what people decided (copies by these: {of.known_copies:,}). The app would "
        f"compare {of.candidates.count:,} of them; besides these the nearest "
        f"were compared, {of.compared:,} in all. What is called a copy here is a mistake, or a copy that nobody has "
        "decided about yet.</p>"
        f"<table><thead><tr><th>called<th class=n>pairs<th class=n>share<th class=n>at most (95 %)<tbody>{rows}</table>"
    )


def kind_of(stage: Stage) -> str:
    """A stage as part of a class."""
    return stage.value.lower().replace(" ", "-").replace("_", "-")
