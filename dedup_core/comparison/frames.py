"""Whether two animations, or documents of several pages, go on alike after their first frames."""

from typing import Final

import numpy as np
from PIL import Image

from dedup_core.arrays import Float32s
from dedup_core.color.lab import block_means
from dedup_core.decoding.whole import small_luma
from dedup_core.decoding.working_image import FRAME_SIDE, WorkingImage
from dedup_core.views import View, turned

_AREA: Final = 8  # pixels of a sample


def frame_difference(left: WorkingImage, right: WorkingImage, view: View) -> float:
    """The largest mean difference of an area of any sampled frame, 0..255; 0 for two single pictures.

    What counts is how each frame differs from the first of its own file, so that framing and exposure do not. A single
    picture is taken for an animation in which nothing moves.
    """
    if not (left.whole.frames or right.whole.frames):
        return 0.0
    ours, theirs = _changes(left), _changes(right)
    count = max(len(ours), len(theirs))
    still = np.zeros((1, FRAME_SIDE, FRAME_SIDE), dtype=np.float32)
    pairs = [(_at(ours, index, count, still), _at(theirs, index, count, still)) for index in range(count)]
    differences = [np.abs(np.ascontiguousarray(turned(one, view)) - other) for one, other in pairs]
    return max(float(block_means(it[..., None], _AREA).max()) for it in differences)


def _changes(image: WorkingImage) -> Float32s:
    """Each sampled frame minus the first one, (n, 32, 32)."""
    samples = image.whole.samples().astype(np.float32)
    first = np.asarray(small_luma(Image.fromarray(image.pixels)))  # (32, 32)
    return np.asarray(samples - first, dtype=np.float32)


def _at(changes: Float32s, index: int, count: int, still: Float32s) -> Float32s:
    """The sample at the same share of the length, where the two have different numbers of them."""
    return np.asarray(changes[index * len(changes) // count] if len(changes) else still[0], dtype=np.float32)
