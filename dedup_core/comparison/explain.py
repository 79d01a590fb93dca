"""Draws why a pair got its verdict: both pictures aligned, their palettes, where the colors differ, and the numbers."""

import io
from collections.abc import Sequence
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from dedup_core.arrays import Float32s, Pixels
from dedup_core.color.lab import srgb_to_lab
from dedup_core.color.summary import palette_of
from dedup_core.comparison.measurement import PairMeasurement
from dedup_core.comparison.overlap.laid import AlignedPair, align_pair
from dedup_core.comparison.regions import Box, RegionKind
from dedup_core.comparison.verdict import Verdict, VerdictKind
from dedup_core.decoding.working_image import WorkingImage, decoded

PANEL: Final = 300  # width of each of the three pictures
FULL_SCALE: Final = 40.0  # CIELAB distance that the map shows in its brightest color
_TALLEST: Final = 400  # a panel of 3 to 4, as most portraits are
_MARGIN: Final = 16
_PALETTE_HEIGHT: Final = 28
_LINE: Final = 20
_TEXT_SIZE: Final = 14
_TITLE_SIZE: Final = 22
_INK: Final = (32, 33, 36)
_QUIET: Final = (95, 99, 104)
_PAPER: Final = (255, 255, 255)
_TITLE_COLORS: Final = {
    VerdictKind.IDENTICAL: (24, 104, 56),
    VerdictKind.DUPLICATE: (24, 104, 56),
    VerdictKind.ALTERED: (156, 87, 0),
    VerdictKind.COLOR_VARIANT: (156, 87, 0),
    VerdictKind.DISTINCT: (165, 14, 14),
    VerdictKind.UNVERIFIABLE: _QUIET,
}
_BOX_COLORS: Final = {RegionKind.CHANGED: (213, 0, 0), RegionKind.SHARED: (0, 137, 123)}
_MAP_STOPS: Final = np.array([[12, 12, 40], [88, 24, 110], [200, 66, 62], [252, 170, 50], [252, 252, 200]], dtype=float)


def explain_png(left: WorkingImage, right: WorkingImage, measurement: PairMeasurement, verdict: Verdict) -> bytes:
    """The explanation as the bytes of a PNG."""
    buffer = io.BytesIO()
    explain(left, right, measurement, verdict).save(buffer, "PNG")
    return buffer.getvalue()


def explain(left: WorkingImage, right: WorkingImage, measurement: PairMeasurement, verdict: Verdict) -> Image.Image:
    """One picture: left and right, the map of their difference, palettes, numbers, verdict.

    Left and right are shown as they were aligned, or whole with boxes where the verdict names regions.
    """
    pair = align_pair(decoded(left).pixels, decoded(right).pixels, measurement.view)
    shown, captions = (pair.left, pair.right), ("left, as aligned", "right, as aligned")
    if verdict.regions:
        shown, captions = (left.pixels, right.pixels), ("left", "right")
    panels = [_panel(pixels) for pixels in (*shown, difference_map(pair))]
    for panel, boxes in zip(panels, zip(*((it.left, it.right) for it in verdict.regions), strict=True), strict=False):
        _draw_boxes(panel, boxes, [region.kind for region in verdict.regions])
    lines = _lines(measurement, verdict)
    tallest = max(panel.height for panel in panels)
    height = tallest + _PALETTE_HEIGHT + _TITLE_SIZE + _LINE * (len(lines) + 1) + 5 * _MARGIN
    sheet = Image.new("RGB", (3 * PANEL + 4 * _MARGIN, height), _PAPER)
    draw = ImageDraw.Draw(sheet)
    title = verdict.kind.value.replace("_", " ")
    draw.text((_MARGIN, _MARGIN), title, font=_font(_TITLE_SIZE), fill=_TITLE_COLORS[verdict.kind])
    top = 2 * _MARGIN + _TITLE_SIZE
    scale = f"difference, 0 (dark) to {FULL_SCALE:.0f} (light)"
    for column, (panel, caption) in enumerate(zip(panels, (*captions, scale), strict=True)):
        across = _MARGIN + column * (PANEL + _MARGIN)
        draw.text((across, top), caption, font=_font(_TEXT_SIZE), fill=_QUIET)
        sheet.paste(panel, (across, top + _LINE))
    bottom = top + _LINE + tallest + _MARGIN // 2
    for column, pixels in enumerate((pair.left, pair.right)):
        sheet.paste(_palette_strip(pixels), (_MARGIN + column * (PANEL + _MARGIN), bottom))
    for number, line in enumerate(lines):
        at = (_MARGIN, bottom + _PALETTE_HEIGHT + _MARGIN + number * _LINE)
        draw.text(at, line, font=_font(_TEXT_SIZE), fill=_INK)
    return sheet


def difference_map(pair: AlignedPair) -> Pixels:
    """CIELAB distance at every pixel, dark for none to light for `FULL_SCALE` and more, (h, w, 3) uint8."""
    offset = srgb_to_lab(pair.left) - srgb_to_lab(pair.right)
    distance: Float32s = np.sqrt((offset * offset).sum(axis=2))
    position = np.clip(distance / FULL_SCALE, 0.0, 1.0) * (len(_MAP_STOPS) - 1)
    stops = np.arange(len(_MAP_STOPS))
    channels = [np.interp(position, stops, _MAP_STOPS[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=2).round().astype(np.uint8)


def _panel(pixels: Pixels) -> Image.Image:
    image = Image.fromarray(np.ascontiguousarray(pixels))
    height = min(_TALLEST, max(1, round(image.height * PANEL / image.width)))
    width = max(1, round(image.width * height / image.height))
    return image.resize((min(PANEL, width), height), Image.Resampling.LANCZOS)


def _draw_boxes(panel: Image.Image, boxes: Sequence[Box], kinds: Sequence[RegionKind]) -> None:
    draw = ImageDraw.Draw(panel)
    for box, kind in zip(boxes, kinds, strict=True):
        left, top, right, bottom = box.corners
        corners = left * panel.width, top * panel.height, right * panel.width - 1, bottom * panel.height - 1
        if corners[2] > corners[0] and corners[3] > corners[1]:
            draw.rectangle(corners, outline=_BOX_COLORS[kind], width=2)


def _palette_strip(pixels: Pixels) -> Image.Image:
    """The palette as stripes whose widths are the weights; a color of too little for a column of pixels has none."""
    palette = palette_of(np.ascontiguousarray(pixels))
    lab = srgb_to_lab(pixels).reshape(-1, 3)
    strip = Image.new("RGB", (PANEL, _PALETTE_HEIGHT), _PAPER)
    draw = ImageDraw.Draw(strip)
    edges = np.round(np.concatenate([[0.0], palette[:, 3].cumsum()]) * PANEL).astype(int)
    for color, start, stop in zip(palette[:, :3], edges[:-1], edges[1:], strict=True):
        if start == stop:
            continue
        nearest = int(((lab - color) ** 2).sum(axis=1).argmin())
        fill = tuple(int(value) for value in pixels.reshape(-1, 3)[nearest])
        draw.rectangle((int(start), 0, int(stop) - 1, _PALETTE_HEIGHT), fill=fill)
    return strip


def _lines(measurement: PairMeasurement, verdict: Verdict) -> list[str]:
    metrics = measurement.metrics
    distance = measurement.distance_bits
    bits = "no fingerprint" if distance is None else f"{distance} bit{'' if distance == 1 else 's'}"
    colors = (
        f"palette distance {metrics.dominant_distance:.1f}   pixel difference {metrics.pixel_difference:.1f}   "
        f"histogram correlation {metrics.histogram_correlation:.3f}   color residual {measurement.color_residual:.1f}"
    )
    shapes = (
        f"structure {measurement.structure:.2f}   {_detail(measurement)}"
        f"shown by both {measurement.coverage:.0%}   view {measurement.view.value.replace('_', ' ')}   "
        f"fingerprint distance {bits}"
    )
    return [*(f"because {reason}" for reason in verdict.reasons), "", colors, shapes]


def _detail(measurement: PairMeasurement) -> str:
    detail = measurement.detail
    return "" if detail is None else f"largest difference of a part {detail.worst:.2f}   "


def _font(size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)
