"""The page of `dedup scan --html`: one file with small pictures in it, which loads nothing and runs nothing."""

import base64
import html
import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from string import Template

from PIL import Image

from dedup_app.folder_scan import CopyGroup, LookAlikes, ScanReport
from dedup_core.comparison.verdict import Verdict
from dedup_core.decoding.working_image import WorkingImage
from dedup_core.errors import PermanentError
from dedup_core.groups.facts import ImageFacts

THUMBNAIL = 240  # pixels of the longer side: about 8 KB each
MOST_SHOWN = 1_000  # groups, and look-alikes, with their pictures: some ten megabytes are what a browser shows at ease

type Picture = Callable[[str], WorkingImage]

PAGE = Template("""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>Copies in $folder</title>
<style>
:root {
  color-scheme: light dark;
  --quiet: #5f6368; --line: #dadce0; --keep: #18683a; --copy: #1a5fb4; --other: #9c5700;
}
@media (prefers-color-scheme: dark) {
  :root { --quiet: #9aa0a6; --line: #3c4043; --keep: #81c995; --copy: #8ab4f8; --other: #fdd663; }
}
body { font: 15px/1.45 system-ui, sans-serif; max-width: 1100px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0; overflow-wrap: anywhere } h2 { font-size: 1.15rem; margin: 2.5rem 0 .5rem }
.quiet { color: var(--quiet) }
section.group { border-top: 1px solid var(--line); padding: 1rem 0; display: flex; flex-wrap: wrap; gap: 1rem }
figure { margin: 0; width: 240px }
figure img { max-width: 240px; max-height: 240px; border-radius: 4px; display: block }
figcaption { font-size: .85rem; overflow-wrap: anywhere; margin-top: .3rem }
.kind { font-weight: 600 } .keep { color: var(--keep) } .copy { color: var(--copy) } .other { color: var(--other) }
.none { width: 240px; height: 120px; display: grid; place-items: center; border: 1px dashed var(--line) }
table { border-collapse: collapse; font-size: .9rem } td { padding: .25rem .8rem .25rem 0; vertical-align: top }
</style>
<h1>Copies in $folder</h1>
<p class="quiet">$summary</p>
$body
</html>
""")


def html_report(report: ScanReport, folder: str, picture: Picture) -> str:
    """The page as text; `picture` decodes a file by its path, and raises `PermanentError` if it is gone."""
    copies = sum(len(group.copies) for group in report.groups)
    summary = (
        f"{report.images:,} images, {copies:,} copies of {len(report.groups):,} pictures, "
        f"{sum(group.bytes_to_gain for group in report.groups) / 1e6:,.1f} MB in them; "
        f"made on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC. Nothing was changed or deleted."
    )
    return PAGE.substitute(folder=_escaped(folder), summary=summary, body="\n".join(_body(report, picture)))


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
        yield from (f"<tr><td>{_escaped(it.name)}<td>{_escaped(it.detail)}" for it in report.unreadable)
        yield "</table>"


def _cut(count: int) -> Iterator[str]:
    if count > MOST_SHOWN:
        yield f'<p class="quiet">… and {count - MOST_SHOWN:,} more: <code>dedup scan --json</code> has all of them.</p>'


def _group(group: CopyGroup, picture: Picture) -> str:
    why = "; ".join(reason.sentence for reason in group.reasons)
    figures = [_figure(group.keeper, picture, "keep", "keep", why)]
    figures += [_judged(copy.facts, copy.verdict, picture, "copy") for copy in group.copies]
    return f'<section class="group">{"".join(figures)}</section>'


def _look_alikes(pair: LookAlikes, picture: Picture) -> str:
    left = _figure(pair.left, picture, "other", "", "")
    return f'<section class="group">{left}{_judged(pair.right, pair.verdict, picture, "other")}</section>'


def _judged(facts: ImageFacts, verdict: Verdict, picture: Picture, style: str) -> str:
    return _figure(facts, picture, style, verdict.kind.value.replace("_", " "), "; ".join(verdict.reasons))


def _figure(facts: ImageFacts, picture: Picture, style: str, kind: str, why: str) -> str:
    size = f"{facts.width} x {facts.height}, {facts.byte_size:,} bytes"
    return (
        f'<figure>{_thumbnail(facts, picture)}<figcaption><span class="kind {style}">{kind}</span> '
        f'{_escaped(facts.path)}<br>{size}<br><span class="quiet">{_escaped(why)}</span></figcaption></figure>'
    )


def _thumbnail(facts: ImageFacts, picture: Picture) -> str:
    try:
        small = Image.fromarray(picture(facts.path).pixels)
    except PermanentError:
        return '<div class="none">gone by now</div>'
    small.thumbnail((THUMBNAIL, THUMBNAIL))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=80)
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<img alt="{_escaped(facts.path)}" src="data:image/jpeg;base64,{data}">'


def _escaped(text: str) -> str:
    return html.escape(text.encode("utf-8", "backslashreplace").decode("utf-8"))
