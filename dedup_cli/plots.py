"""Small plots as inline SVG, in the colors of the page that they are in."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from dedup_app.intervals import Share
from dedup_cli.html_page import escaped

WIDTH, HEIGHT = 220, 16
_CURVE = (520, 300)
_MARGIN = (64, 16, 150, 48)  # left, top, right, bottom: axis labels, names of points


class Spot(NamedTuple):
    """A named point of a curve; `low` and `high` are the interval of `x`. `main` is drawn larger."""

    name: str
    x: float
    y: float
    low: float
    high: float
    main: bool = False


def interval_plot(share: Share, least: float) -> str:
    """A point with its interval on an axis from `least` to 1."""

    def place(value: float) -> float:
        return 6 + (WIDTH - 12) * (max(least, value) - least) / (1 - least)

    middle = HEIGHT / 2
    told = escaped(f"{share.share:.3f}, 95 % interval {share.low:.3f} to {share.high:.3f}")
    return (
        f'<svg class="interval" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{told}"><title>{told}</title>'
        f'<line class="axis" x1="6" x2="{WIDTH - 6}" y1="{middle}" y2="{middle}"/>'
        f'<line class="range" x1="{place(share.low):.1f}" x2="{place(share.high):.1f}" y1="{middle}" y2="{middle}"/>'
        f'<circle class="point" cx="{place(share.share):.1f}" cy="{middle}" r="4.5"/></svg>'
    )


def stacked_bar(counts: Mapping[str, int], total: int) -> str:
    """How much of `total` each name has, side by side; what is missing stays empty. Classes are `stage-NAME`."""
    parts, left = [], 0.0
    for name, count in counts.items():
        width = WIDTH * count / total
        told = escaped(f"{name}: {count} of {total}")
        kind = name.lower().replace(" ", "-").replace("_", "-")
        parts.append(
            f'<rect class="stage stage-{escaped(kind)}" x="{left:.1f}" width="{max(1.0, width - 1):.1f}" '
            f'height="{HEIGHT - 4}" y="2" rx="2"><title>{told}</title></rect>'
        )
        left += width
    told = escaped(", ".join(f"{name} {count}" for name, count in counts.items()))
    return f'<svg class="bar" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{told}">{"".join(parts)}</svg>'


def curve_plot(spots: Sequence[Spot], across: str, up: str) -> str:
    """Named points: what it costs across (with its interval), what it brings upwards."""
    width, height = _CURVE
    left, top, right, bottom = _MARGIN
    most = max([spot.high for spot in spots] + [1e-9])
    lowest = min([spot.y for spot in spots] + [0.99])
    least = max(0.0, lowest - 0.25 * (1 - lowest))
    span = 1 - least

    def x(value: float) -> float:
        return left + (width - left - right) * value / most

    def y(value: float) -> float:
        return top + (height - top - bottom) * (1 - value) / span

    low = height - bottom
    center, middle = (left + width - right) / 2, (top + height - bottom) / 2
    parts = [
        f'<line class="axis" x1="{left}" x2="{left}" y1="{top}" y2="{height - bottom}"/>',
        f'<line class="axis" x1="{left}" x2="{width - right}" y1="{height - bottom}" y2="{height - bottom}"/>',
        *(
            f'<text class="tick" x="{left - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.3f}</text>'
            f'<line class="grid" x1="{left}" x2="{width - right}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>'
            for value in (least, least + span / 2, 1.0)
        ),
        *(
            f'<text class="tick" x="{x(value):.1f}" y="{low + 16}" text-anchor="middle">{rate(value)}</text>'
            for value in (0.0, most / 2, most)
        ),
        f'<text class="label" x="{center}" y="{height - 8}" text-anchor="middle">{escaped(across)}</text>',
        f'<text class="label" text-anchor="middle" transform="translate(14 {middle}) rotate(-90)">{escaped(up)}</text>',
    ]
    below = float("-inf")
    for spot in sorted(spots, key=lambda it: (-it.y, it.x)):
        below = max(below + 15, y(spot.y))  # names that would lie over each other are moved apart
        kind = "point main" if spot.main else "point"
        told = escaped(f"{spot.name}: {spot.y:.3f} found, {rate(spot.x)} of strangers")
        parts.append(
            f'<line class="range" x1="{x(spot.low):.1f}" x2="{x(spot.high):.1f}" y1="{y(spot.y):.1f}" '
            f'y2="{y(spot.y):.1f}"/><circle class="{kind}" cx="{x(spot.x):.1f}" cy="{y(spot.y):.1f}" '
            f'r="{7 if spot.main else 5}"><title>{told}</title></circle>'
            f'<text class="name" x="{width - right + 12}" y="{below + 4:.1f}">{escaped(spot.name)}  {spot.y:.3f}</text>'
        )
    return f'<svg class="curve" viewBox="0 0 {width} {height}" role="img">{"".join(parts)}</svg>'


def rate(share: float) -> str:
    """A small share as people say it: `86 in a million`, `7 in 1,000`."""
    if share == 0:
        return "none"
    for of, told in ((100, "100"), (1_000, "1,000"), (10_000, "10,000"), (1_000_000, "a million")):
        if share * of >= 1:
            return f"{share * of:.3g} in {told}"
    return f"{share:.1e}"
