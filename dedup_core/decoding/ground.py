"""What lies under a transparent picture: the ground on which all of it can be seen."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

GROUNDS: Final = (255, 0, 128)
"""White, where that shows the picture; else black, else gray."""
_NEAR: Final = 32  # levels: ink this near to its ground, in every channel, is not seen on it
_MOST_LOST: Final = 0.02  # of the ink


def on_a_ground(picture: Image.Image) -> Image.Image:
    """A picture of mode RGBA laid on the first ground that shows nearly all of its ink, or the most of it: RGB."""
    lost = {ground: _lost(picture, ground) for ground in GROUNDS}
    ground = next((it for it in GROUNDS if lost[it] <= _MOST_LOST), min(GROUNDS, key=lambda it: lost[it]))
    below = Image.new("RGBA", picture.size, (ground, ground, ground))
    return Image.alpha_composite(below, picture).convert("RGB")


def _lost(picture: Image.Image, ground: int) -> float:
    """The share of the ink, by its opacity, that cannot be seen on a ground of that gray; none where all is opaque."""
    pixels: NDArray[np.uint8] = np.asarray(picture)  # (h, w, 4)
    alpha = pixels[..., 3]
    if alpha.min(initial=255) == 255:  # noqa: PLR2004 - opaque: there is no ground to see
        return 0.0
    is_near = (np.abs(pixels[..., :3].astype(np.int16) - ground) < _NEAR).all(axis=2)
    return float(alpha[is_near].sum(dtype=np.float64) / max(1.0, alpha.sum(dtype=np.float64)))
