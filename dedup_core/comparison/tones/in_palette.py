"""A picture as it looks once it has the palette of another one: a GIF has no more colors, and a berry's may be none."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np
from PIL import Image

from dedup_core.arrays import Float32s
from dedup_core.comparison.structure.local_contrast import box_blur
from dedup_core.decoding.working_image import MAX_PALETTE, WorkingImage

_LEAST_COLORS: Final = 64  # fewer make a poster of a photograph, and a drawing has so few of its own
_BLURRED: Final = 1  # pixels: the pattern itself is another one at another size
_MIXED: Final = 2  # pixels: so far error diffusion spreads a color
_FAR: Final = 24.0  # levels of 255
_MOST_FAR: Final = 0.03  # docs/thresholds.md#palettes
_MOST_OFF: Final = 0.4  # docs/thresholds.md#palettes
_HARDLY_COLORED: Final = 2.0  # levels of 255: of next to gray, a share of the color says nothing


def in_palette_of(saved: WorkingImage, other: WorkingImage) -> Iterator[WorkingImage]:
    """The other picture with the nearest colors of the palette of the saved one, and as error diffusion mixes them.

    Neither where that is another picture, as one in color is in the palette of one in gray; nothing where not exactly
    one of the two has a palette.
    """
    if len(saved.whole.palette) < 3 * _LEAST_COLORS or other.whole.palette:
        return
    palette = _palette_image(saved.whole.palette)
    before = other.pixels.astype(np.float32)
    was = _smooth(before, _MIXED)
    for dither in (Image.Dither.NONE, Image.Dither.FLOYDSTEINBERG):
        image = Image.fromarray(other.pixels).quantize(palette=palette, dither=dither).convert("RGB")
        off = np.asarray(image, dtype=np.float32) - before
        if _is_same_picture(was, _smooth(off, _MIXED)):
            after = before + _smooth(off, _BLURRED)
            yield replace(other, pixels=(after + np.float32(0.5)).clip(0, 255).astype(np.uint8))


def _palette_image(colors: bytes) -> Image.Image:
    """One with no other colors than these: what is missing of 256 would be black."""
    palette = Image.new("P", (1, 1))
    palette.putpalette(colors + colors[:3] * (MAX_PALETTE - len(colors) // 3))
    return palette


def _is_same_picture(was: Float32s, off: Float32s) -> bool:
    """Whether a palette takes hardly any place far away, and most colors on the whole not at all."""
    is_far = np.abs(off).max(axis=2) > _FAR
    lost = np.abs(_color(off)).mean() / (np.abs(_color(was)).mean() + _HARDLY_COLORED)
    return bool(is_far.mean() <= _MOST_FAR and lost <= _MOST_OFF)


def _color(pixels: Float32s) -> Float32s:
    """Red and blue less green, (h, w, 2)."""
    return pixels[..., ::2] - pixels[..., 1:2]


def _smooth(pixels: Float32s, radius: int) -> Float32s:
    return np.moveaxis(box_blur(np.ascontiguousarray(np.moveaxis(pixels, 2, 0)), radius), 0, 2)
