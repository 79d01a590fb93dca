"""The block planes of two pictures anew, with the tones or the colors of one in both: what is left is content."""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from dedup_core.arrays import Float32s
from dedup_core.comparison.alignment.placing import Placed
from dedup_core.comparison.detail.block_planes import BlockPlanes, Blocks
from dedup_core.comparison.detail.specks import worst_of
from dedup_core.comparison.tones.evened_tones import evened
from dedup_core.comparison.tones.mixed_colors import in_mixed_colors

_EXACT_TONES: Final = 1.25  # gray levels: of tones that are off by more, as light from a side, a block may be, too


@dataclass(frozen=True, slots=True)
class EvenedPlanes:
    """Planes with the tones of one in both, how much their blocks differ, and how far apart their tones still are."""

    planes: BlockPlanes
    differences: Float32s
    left_over: float

    @classmethod
    def of(cls, planes: BlockPlanes, placed: Placed, scale: float, differences: Float32s) -> Self | None:
        """In the light and the tones of one; None where too little agrees to tell them."""
        left, right = planes.in_color(placed, scale)
        toned = evened(left, right, planes.softening, _agreeing(planes, differences))
        return toned and cls._measured(planes.of_same_place(*toned))

    @classmethod
    def recolored(cls, planes: BlockPlanes, placed: Placed, scale: float, differences: Float32s) -> Self | None:
        """In the colors of one, by one mixture of channels for the whole; None where none explains what differs."""
        left, right = planes.in_color(placed, scale)
        mixed = in_mixed_colors(left, right, planes.softening, _agreeing(planes, differences))
        return mixed and cls._measured(planes.of_same_place(*mixed))

    @classmethod
    def _measured(cls, planes: BlockPlanes) -> Self:
        differences = planes.differences_anywhere()
        planes.explain_by_tone(differences)
        return cls(planes, differences, planes.retoned(differences))

    def worst(self, differences: Float32s, textured: Blocks) -> float | None:
        """The largest difference of a block in the tones of one and as it was; None where tones explain too little."""
        if self.left_over > _EXACT_TONES:
            return None
        return worst_of(np.minimum(differences, self.differences)[textured & self.planes.textured])


def _agreeing(planes: BlockPlanes, differences: Float32s) -> Blocks:
    width, height = planes.size
    return planes.agreeing_pixels(differences)[:height, :width]
