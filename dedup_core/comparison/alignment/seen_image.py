"""SeenImage: a working image with what every comparison of it asks for, so that it is made once and not once a pair."""

from dataclasses import replace
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dedup_core.arrays import Pixels
from dedup_core.comparison.alignment.frame import Contents
from dedup_core.comparison.structure.images import in_mode
from dedup_core.comparison.structure.local_contrast import box_slices
from dedup_core.decoding.working_image import WorkingImage, decoded
from dedup_core.fingerprinting.borders import Box, inner_frame
from dedup_core.fingerprinting.hashes import hash_distance, hashes_with, upright_of
from dedup_core.fingerprinting.luma import LumaPicture
from dedup_core.limits import WORKING_SIZE
from dedup_core.search.hit import MAX_DISTANCE_BITS
from dedup_core.views import View

_TINY: Final = 80  # pixels of the longer side; docs/thresholds.md#detail
_LOW: Final = 40  # pixels of the shorter side: a toolbar, a field of a form
_ROOM: Final = 64  # pixels of it, in which there is room for rows of blocks
_OTHER_BORDER: Final = 0.02  # of a side; borders of one picture, scaled and rounded, differ by less


class SeenImage:
    """Luma and hashes of a working image, each made when it is first asked for."""

    def __init__(self, working: WorkingImage) -> None:
        self.working = decoded(working)

    @cached_property
    def luma(self) -> LumaPicture:
        return LumaPicture(in_mode(self.working.pixels, "L"))

    @cached_property
    def shares(self) -> tuple[float, float, float, float]:
        """What is inside plain borders, in shares of the sides: left, top, right, bottom."""
        left, top, right, bottom = self.luma.frame
        _, _, width, height = self.luma.whole
        return left / width, top / height, right / width, bottom / height

    @cached_property
    def inner_frame(self) -> Box:
        """The same, freed from borders of another color inside of those as well."""
        return inner_frame(in_mode(self.working.pixels, "L"), self.luma.frame)

    @cached_property
    def hashes(self) -> NDArray[np.uint8]:
        """As in `Fingerprints`: (windows, 32), empty for a flat picture."""
        upright = upright_of(self.luma)
        return self.hashes_as_is if upright is self.luma else hashes_with(self.luma, upright)

    @cached_property
    def hashes_as_is(self) -> NDArray[np.uint8]:
        """The same of a page at an angle as it is, not as it is upright."""
        return hashes_with(self.luma, self.luma)


def large_enough(left: SeenImage, right: SeenImage) -> tuple[SeenImage, SeenImage]:
    """The same two, or both some times as large where both are tiny or low: a block would be a quarter of an icon."""
    fewer, times = sorted(_times_tiny(it.working.pixels) for it in (left, right))
    return (left, right) if fewer == 1 else (_enlarged(left, times), _enlarged(right, times))


def _times_tiny(pixels: Pixels) -> int:
    """How many times as large such a picture has to be, as far as the working size allows that; 1 for others."""
    shorter, longer = sorted(pixels.shape[:2])
    if longer < _TINY:
        return 2
    return max(1, min(WORKING_SIZE // longer, -(-_ROOM // shorter))) if shorter < _LOW else 1


def _enlarged(image: SeenImage, times: int) -> SeenImage:
    working = image.working
    pixels = Image.fromarray(working.pixels)
    pixels = pixels.resize((times * pixels.width, times * pixels.height), Image.Resampling.BICUBIC)
    return SeenImage(
        replace(working, pixels=np.asarray(pixels), width=times * working.width, height=times * working.height)
    )


def distance_bits(left: SeenImage, right: SeenImage, view: View, *, at_an_angle: bool) -> int | None:
    """Bits between the nearest hashes; of pages at an angle to each other that have none that are near, upright."""
    as_is = hash_distance(left.hashes_as_is, right.hashes_as_is, view)
    if as_is is None or as_is <= MAX_DISTANCE_BITS or not at_an_angle:
        return as_is
    upright = hash_distance(left.hashes, right.hashes, view)
    return as_is if upright is None else min(as_is, upright)


def contents_of(left: SeenImage, right: SeenImage) -> list[Contents]:
    """The rows and columns of each that may be laid on the other: inside plain borders.

    Where the borders are not the same ones, that of one may be around that of the other: then also without both.
    """
    found = [(box_slices(left.luma.frame), box_slices(right.luma.frame))]
    if max(abs(ours - theirs) for ours, theirs in zip(left.shares, right.shares, strict=True)) > _OTHER_BORDER:
        inner = box_slices(left.inner_frame), box_slices(right.inner_frame)
        found += [inner] if inner != found[0] else []
    return found
