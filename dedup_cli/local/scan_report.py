"""The page of `dedup scan --html`: one file with small pictures in it, which loads nothing and runs nothing."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

from dedup_app.scan.folder_scan import ScanReport
from dedup_app.scan.groups import CopyGroup, LookAlikes
from dedup_cli.local.local_files import why_not_read
from dedup_cli.local.scan_tables import besides
from dedup_cli.presentation.html_page import NO_PICTURE, escaped, figure, outlined, page, picture_of
from dedup_cli.presentation.output import counted
from dedup_core.comparison.regions import Box, changed
from dedup_core.comparison.verdict import Verdict
from dedup_core.decoding.working_image import WorkingImage
from dedup_core.errors import PermanentError
from dedup_core.groups.facts import ImageFacts

MOST_SHOWN = 1_000  # groups, and look-alikes, with their pictures: some ten megabytes are what a browser shows at ease

type Picture = Callable[[str], WorkingImage]


def html_report(report: ScanReport, folder: str, picture: Picture) -> str:
    """The page as text; `picture` decodes a file by its path, and raises `PermanentError` if it is gone."""
    copies = sum(len(group.copies) for group in report.groups)
    gain = sum(group.bytes_to_gain for group in report.groups)
    summary = (
        f"{counted(report.images, 'image')}, {counted(copies, 'copy', 'copies')} of "
        f"{counted(len(report.groups), 'picture')}, "
        f"{'; '.join([f'{gain / 1e6:,.1f} MB in them', *besides(report)])}; "
        f"made on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC. Nothing was changed or deleted."
    )
    return page(f"Copies in {folder}", summary, "\n".join(_body(report, picture)))


def _body(report: ScanReport, picture: Picture) -> Iterator[str]:
    if not report.groups:
        yield "<p>No picture is there twice.</p>"
    yield from (_group(group, picture) for group in report.groups[:MOST_SHOWN])
    yield from _cut(len(report.groups))
    if report.look_alikes:
        yield '<h2>Look-alikes</h2><p class="quiet">No copies, but the same thing altered or in other colors.</p>'
        yield from (_look_alikes(pair, picture) for pair in report.look_alikes[:MOST_SHOWN])
        yield from _cut(len(report.look_alikes))
    if report.unreadable:
        yield "<h2>Not read</h2><table>"
        told = ((it.name, why_not_read(it.reason, it.detail)) for it in report.unreadable)
        yield from (f"<tr><td>{escaped(name)}<td>{escaped(why)}" for name, why in told)
        yield "</table>"


def _cut(count: int) -> Iterator[str]:
    if count > MOST_SHOWN:
        yield f'<p class="quiet">… and {count - MOST_SHOWN:,} more: <code>dedup scan --json</code> has all of them.</p>'


def _group(group: CopyGroup, picture: Picture) -> str:
    figures = [_figure(group.keeper, picture, "keep", "keep", "; ".join(group.why))]
    figures += [_judged(copy.facts, copy.verdict, picture, "copy") for copy in group.copies]
    return f'<section class="group">{"".join(figures)}</section>'


def _look_alikes(pair: LookAlikes, picture: Picture) -> str:
    left = _figure(pair.left, picture, "other", "", "", [it.left for it in changed(pair.verdict.regions)])
    return f'<section class="group">{left}{_judged(pair.right, pair.verdict, picture, "other")}</section>'


def _judged(facts: ImageFacts, verdict: Verdict, picture: Picture, style: str) -> str:
    boxes = [it.right for it in changed(verdict.regions)]
    return _figure(facts, picture, style, verdict.kind.value.replace("_", " "), "; ".join(verdict.reasons), boxes)


def _figure(facts: ImageFacts, picture: Picture, style: str, kind: str, why: str, boxes: Sequence[Box] = ()) -> str:
    size = f"{facts.width} x {facts.height}, {facts.byte_size:,} bytes"
    return figure(outlined(_thumbnail(facts, picture), boxes), facts.path, size, style, kind, why)


def _thumbnail(facts: ImageFacts, picture: Picture) -> str:
    try:
        return picture_of(picture(facts.path).pixels, facts.path)
    except PermanentError:
        return NO_PICTURE.format("gone by now")
