"""A decoded picture of any mode and size -> a small one in RGB, L, CMYK or LAB, without a second large copy."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dedup_core.limits import WORKING_SIZE

BAND_PIXELS: Final = 1 << 20  # pixels converted at a time, so that a change of mode never copies the whole picture
REDUCIBLE: Final = ("RGB", "L", "CMYK", "LAB")
LEAST_GAP: Final = 2  # the last resampling still shrinks this much, so that whole factors leave no trace
ONE_BYTE_MODES: Final = ("1", "L", "P")
UNBOUNDED_MODES: Final = ("I", "F")


def reduce_to_working_size(picture: Image.Image) -> Image.Image:
    """Average by whole factors, then resample once; a picture that is small enough keeps its size."""
    size = working_size(picture.width, picture.height)
    across = max(1, picture.width // size[0] // LEAST_GAP)
    down = max(1, picture.height // size[1] // LEAST_GAP)
    if picture.mode in REDUCIBLE and not picture.has_transparency_data:
        small = Image.Image.reduce(picture, (across, down)) if across * down > 1 else picture
    else:
        small = _reduce_in_bands(picture, across, down)
    box = (0.0, 0.0, picture.width / across, picture.height / down)
    return small.resize(size, Image.Resampling.BILINEAR, box=box)


def working_size(width: int, height: int) -> tuple[int, int]:
    shrink = min(1.0, WORKING_SIZE / max(width, height))
    return max(1, round(width * shrink)), max(1, round(height * shrink))


def buffer_bytes(picture: Image.Image) -> int:
    bytes_per_pixel = 1 if picture.mode in ONE_BYTE_MODES else 2 if picture.mode.startswith("I;16") else 4
    return picture.width * picture.height * bytes_per_pixel


def _reduce_in_bands(picture: Image.Image, across: int, down: int) -> Image.Image:
    rows = max(1, BAND_PIXELS // (picture.width * down)) * down
    span = _value_span(picture, rows)
    small = None
    for top in range(0, picture.height, rows):
        band = _plain(picture.crop((0, top, picture.width, min(top + rows, picture.height))), span)
        if small is None:
            small = Image.new(band.mode, (-(-picture.width // across), -(-picture.height // down)))
        small.paste(band.reduce((across, down)), (0, top // down))
    if small is None:
        raise ValueError("a picture without rows")
    if small.mode == "RGBa":
        white = Image.new("RGBA", small.size, "white")
        return Image.alpha_composite(white, small.convert("RGBA")).convert("RGB")
    return small


def _plain(band: Image.Image, span: tuple[float, float]) -> Image.Image:
    """The band in a mode whose values can be averaged: 8 bits, no palette, colors multiplied by their alpha."""
    if band.mode in UNBOUNDED_MODES or band.mode.startswith("I;16"):
        return _scale_deep(band, span)
    if band.has_transparency_data:
        return band.convert("RGBA").convert("RGBa")
    return band.convert("L" if band.mode == "1" else "RGB")


def _scale_deep(band: Image.Image, span: tuple[float, float]) -> Image.Image:
    if band.mode not in UNBOUNDED_MODES:
        values16 = np.asarray(band).astype(np.uint32)  # (h, w)
        return Image.fromarray(((values16 + 128) // 257).astype(np.uint8))  # 65535 / 255 = 257
    low, high = span
    values = np.nan_to_num(_values(band), nan=low, posinf=high, neginf=low)
    scaled = (values - low) * (255.0 / (high - low or 1.0))
    return Image.fromarray((scaled + 0.5).clip(0, 255).astype(np.uint8))


def _value_span(picture: Image.Image, rows: int) -> tuple[float, float]:
    """The values that mean black and white in a mode that does not fix them: the picture's own range."""
    if picture.mode not in UNBOUNDED_MODES:
        return 0.0, 1.0
    low, high = np.inf, -np.inf
    for top in range(0, picture.height, rows):
        values = _values(picture.crop((0, top, picture.width, min(top + rows, picture.height))))
        finite = values[np.isfinite(values)]
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    return (low, high) if low <= high else (0.0, 1.0)


def _values(band: Image.Image) -> NDArray[np.float64]:
    return np.asarray(band).astype(np.float64)  # (h, w); float64 holds every 32-bit integer and difference
