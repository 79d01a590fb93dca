"""Pixels as images of Pillow: made once in a comparison, which asks for the same ones again and again."""

from functools import lru_cache
from typing import Final

import numpy as np
from PIL import Image

from dedup_core.arrays import Pixels

_HELD: Final = 8  # of up to 1 MB; most comparisons need four, both pictures in color and in gray


def in_mode(pixels: Pixels, mode: str) -> Image.Image:
    """Pixels (h, w) or (h, w, 3) as they are, in a mode of Pillow. Whoever gets the image must not change it."""
    return _held_image(_Constant(pixels), mode) if _is_constant(pixels) else _image(pixels, mode)


def _is_constant(pixels: Pixels) -> bool:
    """Whether nobody can write to them, not even through an array that they are a part of."""
    while not pixels.flags.writeable and isinstance(pixels.base, np.ndarray):
        pixels = pixels.base
    return not pixels.flags.writeable


class _Constant:
    """Pixels that are the same as others if they are the same memory, which is not freed meanwhile."""

    def __init__(self, pixels: Pixels) -> None:
        self.pixels = pixels
        self.place = pixels.__array_interface__["data"][0], pixels.shape, pixels.strides

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Constant) and self.place == other.place

    def __hash__(self) -> int:
        return hash(self.place)


@lru_cache(_HELD)
def _held_image(constant: _Constant, mode: str) -> Image.Image:
    return _image(constant.pixels, mode)


def _image(pixels: Pixels, mode: str) -> Image.Image:
    own = "RGB" if pixels.shape[2:] else "L"
    return Image.fromarray(np.ascontiguousarray(pixels)) if mode == own else in_mode(pixels, own).convert(mode)
