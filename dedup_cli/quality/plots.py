"""Small plots as inline SVG, in the colors of the page that they are in."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from dedup_app.intervals import Share
from dedup_cli.presentation.html_page import escaped

WIDTH, HEIGHT = 220, 16
_CURVE = (560, 320)
_MARGIN = (64, 16, 130, 48)  # left, top, right, bottom: axis labels, names of points
_CAP = 4  # half the length of the end of an interval


class Span(NamedTuple):
    """A value with its interval."""

    value: float
    low: float
    high: float


class Spot(NamedTuple):
    """A named point of a curve: how far it lies across and up. `main` is drawn larger."""

    name: str
    across: Span
    up: Span
    main: bool = False


def span(share: Share) -> Span:
    """The span of a share."""
    return Span(share.share, share.low, share.high)


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
    """Named points with their intervals: what it costs across, what it brings upwards."""
    width, height = _CURVE
    left, top, right, bottom = _MARGIN
    most = max([spot.across.high for spot in spots] + [1e-9])
    lowest = min([spot.up.low for spot in spots] + [0.99])
    least = max(0.0, lowest - 0.1 * (1 - lowest))
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
    order = sorted(spots, key=lambda it: (-it.up.value, it.across.value))
    for spot in order:
        at, on = x(spot.across.value), y(spot.up.value)
        below = max(below + 15, on)  # names that would lie over each other are moved apart
        parts.append(
            f'<path class="range" d="{_whisker(x(spot.across.low), x(spot.across.high), on, along=True)}'
            f'{_whisker(y(spot.up.high), y(spot.up.low), at, along=False)}"/>'
            f'<text class="name" x="{width - right + 12}" y="{below + 4:.1f}">{escaped(spot.name)}  '
            f"{spot.up.value:.3f}</text>"
        )
    for spot in sorted(order, key=lambda it: not it.main):  # one that lies on today's is seen within it
        told = escaped(f"{spot.name}: {spot.up.value:.3f} found, {rate(spot.across.value)} of strangers")
        circle = f'cx="{x(spot.across.value):.1f}" cy="{y(spot.up.value):.1f}"'
        kind, radius = ("point main", 8) if spot.main else ("point", 5)
        parts.append(f'<circle class="{kind}" {circle} r="{radius}"><title>{told}</title></circle>')
    told = escaped("; ".join(f"{spot.name} {spot.up.value:.3f}" for spot in order))
    start = f'<svg class="curve" viewBox="0 0 {width} {height}" role="img" aria-label="{told}">'
    return f"{start}{''.join(parts)}</svg>"


def _whisker(low: float, high: float, at: float, *, along: bool) -> str:
    """A line from low to high with ends across it; `along` the horizontal axis, or the vertical one."""
    ends = [(low, at), (high, at)], *([(end, at - _CAP), (end, at + _CAP)] for end in (low, high))
    lines = ends if along else [[(b, a) for a, b in line] for line in ends]
    return "".join(f"M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" for (x1, y1), (x2, y2) in lines)


def rate(share: float) -> str:
    """A small share as people say it: `86 in a million`, `7 in 1,000`."""
    if share == 0:
        return "none"
    for of, told in ((100, "100"), (1_000, "1,000"), (10_000, "10,000"), (1_000_000, "a million")):
        if share * of >= 1:
            return f"{share * of:.3g} in {told}"
    return f"{share:.1e}"
