"""A decoded picture of any mode and size -> a small one in RGB, L, CMYK or LAB, without a second large copy."""

from collections.abc import Callable
from typing import Final

import numpy as np
from PIL import Image

from dedup_core.decoding.pixels.deep import is_deep, scaled, value_span
from dedup_core.decoding.pixels.ground import on_a_ground
from dedup_core.limits import WORKING_SIZE

BAND_PIXELS: Final = 1 << 20  # pixels converted at a time, so that a change of mode never copies the whole picture
REDUCIBLE: Final = ("RGB", "L", "CMYK", "LAB")
LEAST_GAP: Final = 2  # the last resampling still shrinks this much, so that whole factors leave no trace
ONE_BYTE_MODES: Final = ("1", "L", "P")
GRAY_MODES: Final = ("1", "L", "LA", "La")

type Box = tuple[float, float, float, float]


def reduce_to_working_size(picture: Image.Image) -> Image.Image:
    """Average by whole factors, then resample once; a picture that is small enough keeps its size."""
    size = working_size(picture.width, picture.height)
    small, box = averaged(picture, size)
    if small.mode == "RGBa":
        small = on_a_ground(small.convert("RGBA"))
        if picture.mode in GRAY_MODES or is_deep(picture.mode):
            small = small.convert("L")  # for which a profile of grays is made
    return small.resize(size, Image.Resampling.BILINEAR, box=box)


def averaged(picture: Image.Image, size: tuple[int, int]) -> tuple[Image.Image, Box]:
    """The picture averaged by whole factors to at least `LEAST_GAP` times the size, and where in the result it lies.

    Its mode is one of `REDUCIBLE`, or RGBa where it has transparency.
    """
    across = max(1, picture.width // size[0] // LEAST_GAP)
    down = max(1, picture.height // size[1] // LEAST_GAP)
    if picture.mode in REDUCIBLE and not picture.has_transparency_data:
        small = Image.Image.reduce(picture, (across, down)) if across * down > 1 else picture
    else:
        span = value_span(picture, _band_rows(picture, down))
        small = averaged_in_bands(picture, (across, down), lambda band: _plain(band, span))
    return small, (0.0, 0.0, picture.width / across, picture.height / down)


def averaged_in_bands(
    picture: Image.Image, factors: tuple[int, int], plain: Callable[[Image.Image], Image.Image]
) -> Image.Image:
    """The picture averaged by whole factors across and down, after `plain` has brought each band into another mode."""
    across, down = factors
    rows = _band_rows(picture, down)
    small = None
    for top in range(0, picture.height, rows):
        band = plain(picture.crop((0, top, picture.width, min(top + rows, picture.height))))
        if small is None:
            small = Image.new(band.mode, (-(-picture.width // across), -(-picture.height // down)))
        small.paste(band.reduce(factors), (0, top // down))
    if small is None:
        raise ValueError("a picture without rows")
    return small


def working_size(width: int, height: int) -> tuple[int, int]:
    shrink = min(1.0, WORKING_SIZE / max(width, height))
    return max(1, round(width * shrink)), max(1, round(height * shrink))


def buffer_bytes(picture: Image.Image) -> int:
    bytes_per_pixel = 1 if picture.mode in ONE_BYTE_MODES else 2 if picture.mode.startswith("I;16") else 4
    return picture.width * picture.height * bytes_per_pixel


def _band_rows(picture: Image.Image, down: int) -> int:
    """So many that each row of the result is made of one band."""
    return max(1, BAND_PIXELS // (picture.width * down)) * down


def _plain(band: Image.Image, span: tuple[float, float]) -> Image.Image:
    """The band in a mode whose values can be averaged: 8 bits, no palette, colors multiplied by their alpha."""
    if is_deep(band.mode):
        return _with_alpha(scaled(band, span), band)
    if band.has_transparency_data:
        straight = band.convert("LA") if band.mode == "La" else band  # the one mode from which no way leads to colors
        return straight.convert("RGBA").convert("RGBa")
    return band.convert("L" if band.mode == "1" else "RGB")


def _with_alpha(gray: Image.Image, deep: Image.Image) -> Image.Image:
    """A deep band in 8 bits, transparent where it has the value that a PNG names as its color key."""
    key = deep.info.get("transparency")
    if key is None:
        return gray
    gray.putalpha(Image.fromarray(np.asarray(deep) != key).convert("L"))
    return gray.convert("RGBA").convert("RGBa")
