"""Colors of one picture mixed into those of another, one way for all: more or less saturation, and what that clips."""

from typing import Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dedup_core.arrays import Float32s, Pixels
from dedup_core.comparison.structure.sharpness import ImagePair, Softening

type Mask = NDArray[np.bool_]
_STEP: Final = 4  # pixels between those that tell the mixture
_LEAST_TOLD: Final = 64  # pixels, for six coefficients
_CLIPPED: Final = 3  # levels: what is as near to black or white may have been clipped, and tells no mixture
_DAMPING: Final = 1e-4  # of the squares: of a gray picture all terms are one
_SAME: Final = 2.0  # gray levels: what rounding and compression leave
_WHITE: Final = 255


def in_mixed_colors(left: Image.Image, right: Image.Image, softening: Softening, agrees: Mask) -> ImagePair | None:
    """Both (RGB), one with the colors of the other; None where they have them, or no mixture explains half of it.

    `agrees` (h, w) is where they show the same, of the softened pictures.
    """
    ours, theirs = (
        np.asarray(image)[::_STEP, ::_STEP][agrees[::_STEP, ::_STEP]] for image in softening.applied(left, right)
    )
    if len(ours) < _LEAST_TOLD:
        return None
    off = float(np.abs(ours.astype(np.int16) - theirs).mean())
    if off < _SAME:
        return None
    forth, back = _Mixture.of(ours, theirs), _Mixture.of(theirs, ours)
    if min(forth.error, back.error) > off / 2:
        return None
    return (forth.applied(left), right) if forth.error <= back.error else (left, back.applied(right))


class _Mixture(NamedTuple):
    """What makes one picture's channels of those of another, and the mean error in gray levels that it leaves.

    Each channel is a mixture of red, green, blue, the largest and the least of them, and a constant: `ways` (6, 3).
    Saturation is one in all models that editors have: channels go away from luma, from the largest one (HSV), or from
    the mean of the largest and the least one (HSL).
    """

    ways: Float32s
    error: float

    @classmethod
    def of(cls, source: Pixels, target: Pixels) -> Self:
        """Fitted to pixels (n, 3) that were not clipped, by least squares; what they do not tell stays as it is."""
        terms = _terms(source)
        ways = np.empty((terms.shape[1], 3), np.float32)
        for channel, wanted in enumerate(target.T):
            told = (wanted >= _CLIPPED) & (wanted <= _WHITE - _CLIPPED)
            some = terms[told].astype(np.float64)
            normal = some.T @ some
            damping = np.eye(len(normal)) * (_DAMPING * np.trace(normal) + 1.0)
            ways[:, channel] = np.linalg.solve(normal + damping, some.T @ wanted[told] + damping[channel])
        return cls(ways, float(np.abs((terms @ ways).clip(0, _WHITE) - target).mean()))

    def applied(self, image: Image.Image) -> Image.Image:
        """The picture with its colors mixed so."""
        mixed = _terms(np.asarray(image)) @ self.ways
        return Image.fromarray((mixed + np.float32(0.5)).clip(0, _WHITE).astype(np.uint8))


def _terms(pixels: Pixels) -> Float32s:
    """What is mixed, (..., 6), of pixels (..., 3)."""
    terms = np.empty((*pixels.shape[:-1], 6), np.float32)
    terms[..., :3] = pixels
    terms[..., 3], terms[..., 4], terms[..., 5] = pixels.max(axis=-1), pixels.min(axis=-1), _WHITE
    return terms
