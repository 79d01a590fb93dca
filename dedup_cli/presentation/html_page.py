"""A page of pictures as one file: small pictures in it, which loads nothing and runs nothing."""

import base64
import html
import io
from collections.abc import Sequence
from string import Template

from PIL import Image

from dedup_cli.presentation.output import plain
from dedup_core.arrays import Pixels
from dedup_core.comparison.regions import Box

THUMBNAIL = 240  # pixels of the longer side: about 8 KB each
NO_PICTURE = '<div class="none">{}</div>'

PAGE = Template("""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>$title</title>
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
figure { margin: 0; width: 240px; break-inside: avoid }
figure img { max-width: 240px; max-height: 240px; border-radius: 4px; display: block; outline: 1px solid var(--line) }
figcaption { font-size: .85rem; overflow-wrap: anywhere; margin-top: .3rem }
.kind { font-weight: 600 } .keep { color: var(--keep) } .copy { color: var(--copy) } .other { color: var(--other) }
.outlined { position: relative; width: fit-content }
.outlined i { position: absolute; box-sizing: border-box; border: 2px solid #ffb020; box-shadow: 0 0 0 1px #0009 }
.none { width: 240px; height: 120px; display: grid; place-items: center; border: 1px dashed var(--line) }
table { border-collapse: collapse; font-size: .9rem }
td { padding: .25rem .8rem .25rem 0; vertical-align: top; overflow-wrap: anywhere }
</style>
<h1>$title</h1>
<p class="quiet">$summary</p>
$body
</html>
""")


def page(title: str, summary: str, body: str) -> str:
    """The page; `body` is markup, title and summary are texts."""
    return PAGE.substitute(title=escaped(title), summary=escaped(summary), body=body)


def figure(picture: str, path: str, size: str, style: str, kind: str, why: str) -> str:
    """One picture (markup of `picture_of`, or `NO_PICTURE`) with what is told of it, which are texts."""
    return (
        f'<figure>{picture}<figcaption><span class="kind {style}">{escaped(kind)}</span> '
        f'{escaped(path)}<br>{escaped(size)}<br><span class="quiet">{escaped(why)}</span></figcaption></figure>'
    )


def picture_of(pixels: Pixels, name: str) -> str:
    """The picture, shrunk, as an image that is part of the page."""
    small = Image.fromarray(pixels)
    small.thumbnail((THUMBNAIL, THUMBNAIL))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=80)
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<img alt="{escaped(name)}" src="data:image/jpeg;base64,{data}">'


def outlined(picture: str, boxes: Sequence[Box]) -> str:
    """The picture with each box outlined."""
    marks = "".join(
        f'<i style="left:{box.left:.2%};top:{box.top:.2%};width:{box.right - box.left:.2%};'
        f'height:{box.bottom - box.top:.2%}"></i>'
        for box in boxes
    )
    return f'<div class="outlined">{picture}{marks}</div>' if marks else picture


def escaped(text: str) -> str:
    """A text as markup, whatever it holds; what nobody sees in a name, or turns it around, is spelled out."""
    return html.escape(plain(text))
