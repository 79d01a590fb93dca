"""Which pixels are plain background, and how little they count."""

from typing import Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from dedup_core.arrays import Float32s

_BACKGROUND_RADIUS: Final = 8.0  # JPEG noise on plain paper stays within this distance of its color
_BACKGROUND_MARGIN: Final = 0.02  # a few specks on paper are not an object as heavy as the paper


class Background(NamedTuple):
    """Which pixels (h, w) of a picture have the color of its edge, and how surely (0..1) that is a background.

    `color` is that of the edge, in CIELAB.
    """

    pixels: NDArray[np.bool_]
    trust: float
    color: Float32s

    @classmethod
    def of(cls, lab: Float32s) -> Self:
        """Of a CIELAB picture (h, w, 3)."""
        ring = np.concatenate([lab[0], lab[-1], lab[:, 0], lab[:, -1]])
        color = np.median(ring, axis=0)
        share = np.count_nonzero(_near(ring, color)) / len(ring)
        return cls(_near(lab, color), min(1.0, max(0.0, (share - 0.5) / 0.3)), color)

    def before(self, margin: Float32s) -> Self:
        """The same where plain margins of a CIELAB color (3,) were cut off all around it: a background if they go on.

        What is cut out along its outline hides most of the ground at the edge.
        """
        return self._replace(trust=1.0) if _near(margin, self.color) else self


def object_weights(*labs: Float32s) -> Float32s:
    """How much each pixel of one or two aligned CIELAB pictures counts, (h, w) float32: the object 1, background less.

    Background is the color that most of a picture's edge shows, wherever it appears. Its pixels together weigh no more
    than the rest of the picture plus 2 % of it; the more of the edge is of that color, the fuller the cut. Of two
    pictures only what is background in both weighs less.
    """
    return weights_and_plain_share(*map(Background.of, labs))[0]


def weights_and_plain_share(*backgrounds: Background) -> tuple[Float32s, float]:
    """`object_weights` of all, and the least share 0..1 of plain background in any."""
    heaviest = np.zeros(backgrounds[0].pixels.shape, dtype=np.float32)
    shares = []
    for pixels, trust, _ in backgrounds:
        covered = np.count_nonzero(pixels) / pixels.size
        allowed = min(covered, 1.0 - covered + _BACKGROUND_MARGIN) / max(covered, 1e-9)
        weights = np.where(pixels, np.float32(1.0 - trust * (1.0 - allowed)), np.float32(1.0))
        heaviest = np.maximum(heaviest, weights)
        shares.append(trust * covered)
    return heaviest, min(shares)


def _near(lab: Float32s, color: Float32s) -> NDArray[np.bool_]:
    # Channel by channel, because NumPy takes many times longer over so short an axis.
    squared = np.square(lab[..., 0] - color[0])
    for channel in (1, 2):
        difference = lab[..., channel] - color[channel]
        difference *= difference
        squared += difference
    return np.asarray(squared < np.float32(_BACKGROUND_RADIUS**2))
