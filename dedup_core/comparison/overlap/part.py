"""Part: what two aligned pictures both show, of one of them, with all that is found of it whatever the other one is."""

from functools import cached_property, lru_cache
from typing import Final

import numpy as np

from dedup_core.arrays import Float32s, Pixels
from dedup_core.color.background import Background
from dedup_core.color.lab import srgb_to_lab
from dedup_core.color.metrics import PaletteAndHistogram
from dedup_core.comparison.structure.edge_agreement import Shapes

_HELD: Final = 5  # of about 1 MB; most comparisons need two to four


class Part:
    """Pixels (h, w, 3) of sRGB, and each of the others made when it is first asked for."""

    def __init__(self, pixels: Pixels) -> None:
        self.pixels = pixels

    @cached_property
    def lab(self) -> Float32s:
        lab = srgb_to_lab(self.pixels)
        lab.setflags(write=False)  # whoever asks next gets the same
        return lab

    @cached_property
    def shapes(self) -> Shapes:
        return Shapes.of(self.lab)

    @cached_property
    def background(self) -> Background:
        return Background.of(self.lab)

    @cached_property
    def colors(self) -> PaletteAndHistogram:
        return PaletteAndHistogram.of(self.lab)


def part_of(pixels: Pixels) -> Part:
    """The same one for the same pixels, as long as it is held: of a picture with many copies all is found once."""
    return _part_of(pixels.tobytes(), pixels.shape)


def forget_parts() -> None:
    """Hold none any more: for who measures how long one comparison takes."""
    _part_of.cache_clear()


@lru_cache(_HELD)
def _part_of(content: bytes, shape: tuple[int, ...]) -> Part:
    return Part(np.frombuffer(content, np.uint8).reshape(shape))
