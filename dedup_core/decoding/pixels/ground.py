"""What lies under a transparent picture: the ground on which all of it can be seen."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

GROUNDS: Final = (255, 0, 128)
"""White, where that shows the picture; else black, else gray."""
_NEAR: Final = 16  # levels: ink this near to its ground, in every channel, is not seen on it
_OPAQUE: Final = 64  # of 255: what has less is no ink, but the soft edge of some
_RING: Final = 2  # pixels: ink with a point of none as near as this is the outline
_REACH: Final = 10  # pixels: ink that is seen as near as this shows the outline, too, as shades do at a highlight
_MOST_LOST: Final = 0.04  # of the outline


def on_a_ground(picture: Image.Image) -> Image.Image:
    """A picture of mode RGBA laid on the first ground that shows nearly all of its outline, or the most of it: RGB."""
    ground = _ground_for(np.asarray(picture))
    below = Image.new("RGBA", picture.size, (ground, ground, ground))
    return Image.alpha_composite(below, picture).convert("RGB")


def _ground_for(pixels: NDArray[np.uint8]) -> int:
    """The ground for pixels (h, w, 4).

    The outline of the ink decides and not its area: a white shirt is seen on white by its shades, a white name is not.
    """
    ink = pixels[..., 3] >= _OPAQUE
    outline = ink & _has_near(~ink, _RING)
    lost: dict[int, int] = {}
    for ground in GROUNDS:
        seen = ink & (np.abs(pixels[..., :3].astype(np.int16) - ground) >= _NEAR).any(axis=2)
        lost[ground] = int((outline & ~_has_near(seen, _REACH)).sum())
        if lost[ground] <= _MOST_LOST * outline.sum():
            return ground
    return min(lost, key=lost.__getitem__)


def _has_near(mask: NDArray[np.bool_], reach: int) -> NDArray[np.bool_]:
    """Which points have one of the mask within so many pixels across and down."""
    means = Image.fromarray(mask.astype(np.uint8) * 255).filter(ImageFilter.BoxBlur(reach))
    return np.asarray(means) > 0
