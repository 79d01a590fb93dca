"""Working image -> luma planes: what the hashes look at, freed from plain borders."""

from collections.abc import Callable
from typing import Final

import numpy as np
from PIL import Image

from dedup_core.arrays import Float64s
from dedup_core.decoding.working_image import WorkingImage
from dedup_core.fingerprinting.borders import Box, content_of
from dedup_core.fingerprinting.straighten import POINTS, straightened

_NARROWEST: Final = 8  # times as long as wide: planes are no narrower


class LumaPicture:
    """The luma of a working image or of a picture (in RGB or L), from which planes of any size are averaged.

    `whole`, `frame` and `blocks` are its boxes, and `ground` what is around them (see `Content`).
    """

    def __init__(self, picture: WorkingImage | Image.Image) -> None:
        colors = picture if isinstance(picture, Image.Image) else Image.fromarray(picture.pixels)
        self._luma = colors.convert("L")  # ITU-R 601-2, in whole numbers: the same everywhere
        content = content_of(self._luma)
        self.whole: Box = (0, 0, self._luma.width, self._luma.height)
        self.frame, self.blocks, self.ground = content.frame, content.blocks, content.ground
        # Where there are no borders, all squares are the same.
        self._made: dict[tuple[Box, int, int, Image.Resampling], Float64s] = {}
        self._measured: dict[tuple[Box, int], int] = {}

    def straightened(self) -> "LumaPicture | None":
        """The page that the picture shows at an angle, upright and from straight above; None for others."""
        page = straightened(self._luma, self.fitted(self.whole, POINTS))
        return None if page is None else LumaPicture(page)

    def square(self, box: Box, side: int) -> Float64s:
        """A box of the picture squashed to (side, side)."""
        return self._resized(box, side, side, Image.Resampling.BOX)

    def measured(self, box: Box, side: int, measure: Callable[[Float64s], int]) -> int:
        """What `measure`, which is always the same, says of this square; asked once."""
        if (box, side) not in self._measured:
            self._measured[box, side] = measure(self.square(box, side))
        return self._measured[box, side]

    def fitted(self, box: Box, longer_side: int, resampling: Image.Resampling = Image.Resampling.BOX) -> Float64s:
        """A box of the picture, its longer side as given, the shorter one at least an eighth of it."""
        left, top, right, bottom = box
        factor = longer_side / max(right - left, bottom - top)
        least = longer_side // _NARROWEST
        width, height = max(least, round((right - left) * factor)), max(least, round((bottom - top) * factor))
        return self._resized(box, width, height, resampling)

    def _resized(self, box: Box, width: int, height: int, resampling: Image.Resampling) -> Float64s:
        key = box, width, height, resampling
        if key not in self._made:
            plane = self._luma.resize((width, height), resampling, box=box)
            self._made[key] = np.asarray(plane, np.float64)  # (height, width)
        return self._made[key]
