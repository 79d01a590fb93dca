"""The report of `dedup measure` as one page: plots and small pictures in it, which loads nothing and runs nothing."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from string import Template
from typing import Protocol
from urllib.parse import quote

from dedup_app.measure.analysis import ChangeReport, Lost, Report
from dedup_app.measure.copies import CopyMaker, PictureStore
from dedup_app.measure.results import StrangerPair
from dedup_app.measure.stages import Stage
from dedup_cli.presentation.html_page import NO_PICTURE, escaped, picture_of
from dedup_cli.presentation.output import counted
from dedup_cli.quality import measure_tables
from dedup_cli.quality.measure_record import Facts
from dedup_cli.quality.plots import rate
from dedup_core.comparison.verdict import Verdict
from dedup_core.paths import ImagePath

WORST = 8  # changes that are shown with pictures
EXAMPLES = 3  # of each


class Pictures(Protocol):
    """Markup of pictures for the report."""

    def original(self, path: str) -> str: ...

    def copy(self, path: str, change: str) -> str: ...


class MadePictures:
    """Pictures that were put aside while it was measured; copies are made once more, which gives the same ones."""

    def __init__(self, pictures: PictureStore, copy_maker: CopyMaker) -> None:
        self._pictures = pictures
        self._copy_maker = copy_maker

    def original(self, path: str) -> str:
        picture = self._pictures.get(ImagePath.parse(path).image_id)
        return NO_PICTURE.format("not kept") if picture is None else picture_of(picture.pixels, path)

    def copy(self, path: str, change: str) -> str:
        image = ImagePath.parse(path)
        picture = self._pictures.get(image.image_id)
        if picture is None:
            return NO_PICTURE.format("not kept")
        made = self._copy_maker.copies(picture, image.name, [change])
        if not made:  # by the version that kept it; this one makes none that changes nothing
            return NO_PICTURE.format("not made")
        return picture_of(made[0].picture.pixels, f"{path}, {change}")


def page_of(report: Report, facts: Facts, pictures: Pictures, review_page: str = "") -> str:
    """The page; `review_page` is the address of the review page, to which pairs of strangers are linked."""
    made = datetime.now(UTC)
    worst = [change for change in report.changes if change.lost][:WORST]
    values = {
        "subject": escaped(facts.prefix or "all images"),
        "made": f"{made:%Y-%m-%d %H:%M} UTC",
        "policy": escaped(facts.policy),
        "found": f"{report.found:.1%}",
        "interval": f"{report.interval.low:.1%} to {report.interval.high:.1%}",
        "copies": f"{report.interval.of:,}",
        "tiles": "".join(_tiles(report, facts)),
        "lost": measure_tables.lost(report),
        "curve": measure_tables.curve(report),
        "points": "".join(measure_tables.points(report)),
        "advice": measure_tables.advice(report),
        "judged": measure_tables.judged(report),
        "changes": measure_tables.changes(report),
        "slices": measure_tables.slices(report),
        "worst": "".join(_worst(change, pictures) for change in worst) or "<p>Nothing was lost.</p>",
        "strangers": measure_tables.strangers(report),
        "closest": "".join(_pair(pair, verdict, pictures, review_page) for pair, verdict in report.strangers.closest),
        "strata": "".join(
            f"<tr><td>{escaped(it.format)}<td>{escaped(it.size)}<td>{escaped(it.verdict)}"
            f"<td class=n>{drawn:,}<td class=n>{of:,}"
            for it, (drawn, of) in facts.strata.items()
        ),
        "outcomes": escaped(", ".join(f"{count:,} {name}" for name, count in report.outcomes.items() if count)),
        "too_small": f"{facts.too_small:,}",
        "read": f"{counted(facts.images_read, 'image')}, {facts.bytes_read / 1e6:,.1f} MB",
    }
    return _template().substitute(values)


@cache
def _template() -> Template:
    return Template((files("dedup_cli.quality") / "measure.html").read_text("utf-8"))


def _tiles(report: Report, facts: Facts) -> Iterator[str]:
    called = report.strangers.verdicts.get("duplicate")
    yield _tile(f"{len(facts.names):,}", f"of {counted(facts.total, 'image')}, each read once")
    yield _tile(f"{report.interval.of:,}", f"copies by {len(report.changes)} changes")
    if called is not None:
        told = f"of {counted(called.of, 'pair')} of strangers called duplicate; at most {rate(called.high)}"
        yield _tile(f"{called.count:,}", told)
    whole = sum(change.found.count == change.found.of for change in report.changes)
    yield _tile(f"{whole:,}", f"of {len(report.changes)} changes of which every copy was found")


def _tile(number: str, told: str) -> str:
    return f'<div class="tile"><b>{number}</b><span>{escaped(told)}</span></div>'


def _worst(change: ChangeReport, pictures: Pictures) -> str:
    shown = "".join(_lost(lost, pictures) for lost in _spread(change.lost))
    told = ", ".join(f"{count} {stage}" for stage, count in change.stages.items())
    interval = f"{change.found.low:.2f} to {change.found.high:.2f}"
    return (
        f"<h3>{escaped(change.name)} <small>{change.found.count} of {change.found.of} found ({interval}); "
        f'lost: {escaped(told)}</small></h3><div class="pairs">{shown}</div>'
    )


def _spread(lost: tuple[Lost, ...]) -> list[Lost]:
    """Some of what was lost, of every stage in turn."""
    by_stage: dict[Stage, list[Lost]] = {}
    for it in lost:
        by_stage.setdefault(it.stage, []).append(it)
    taken: list[Lost] = []
    while by_stage and len(taken) < EXAMPLES:
        for stage in list(by_stage):
            taken.append(by_stage[stage].pop(0))
            if not by_stage[stage]:
                del by_stage[stage]
    return taken[:EXAMPLES]


def _lost(lost: Lost, pictures: Pictures) -> str:
    why = measure_tables.WORDS[lost.stage] if lost.stage in {Stage.NO_CANDIDATE, Stage.THINNED, Stage.BEYOND} else ""
    reasons = why or "; ".join(lost.verdict.reasons)
    return (
        f'<figure><div class="two">{pictures.original(lost.image)}{pictures.copy(lost.image, lost.change)}</div>'
        f'<figcaption><span class="dot stage-{measure_tables.kind_of(lost.stage)}"></span><b>{lost.stage}</b> '
        f'{escaped(lost.image)}<br><span class="quiet">{escaped(reasons)}</span></figcaption></figure>'
    )


def _pair(pair: StrangerPair, verdict: Verdict, pictures: Pictures, review_page: str) -> str:
    called = verdict.kind.value.replace("_", " ")
    told = called if pair.candidate else f"not compared by the app; would be {called}"
    link = ""
    if review_page:
        ids = (ImagePath.parse(path).image_id for path in (pair.left, pair.right))
        link = f'<a href="{escaped(review_page)}#pair={quote("-".join(ids))}">decide</a>'
    return (
        f'<figure><div class="two">{pictures.original(pair.left)}{pictures.original(pair.right)}</div>'
        f"<figcaption><b>{escaped(told)}</b> {link}<br>{escaped(pair.left)}<br>{escaped(pair.right)}<br>"
        f'<span class="quiet">{escaped("; ".join(verdict.reasons))}</span></figcaption></figure>'
    )
