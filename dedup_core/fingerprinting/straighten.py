"""Pages that lie at an angle, as they look upright and from straight above: scans, prints and papers photographed."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from dedup_core.arrays import Float32s
from dedup_core.fingerprinting.perspective import perspective
from dedup_core.fingerprinting.sheet import Corners, edges_of, sheet_of, slant_of
from dedup_core.fingerprinting.skew import skew_of

POINTS: Final = 128  # of the longer side that are looked at
_BLUR: Final = 1.25  # points: thin lines are stairs without, whose edges all run along the picture's
_LEAST_SKEW: Final = 0.75  # degrees: hashes bear as much
_LEAST_SLANT: Final = 0.03  # of the steepest edge: as much is seen of an upright photograph with parts like the ground
_STEPS: Final = 8  # of a pixel or degree: rounded, so that every processor takes the same


def straightened(luma: Image.Image, plane: NDArray[np.float64]) -> Image.Image | None:
    """The page of a picture of mode L, upright and from straight above; None where it is so already, or is no page.

    A sheet before a plain ground is cut out by its corners. Other pages are turned as a whole, by the directions of
    their lines, onto more of what is in their corners. `plane` is the picture with its longer side at `POINTS`.
    """
    smooth = smoothed(plane)
    corners = sheet_of(smooth)
    if corners is not None:
        corners = np.rint(corners * np.divide(luma.size, smooth.shape[::-1]) * _STEPS) / _STEPS
        if slant_of(corners) >= _LEAST_SLANT:
            return _seen_from_above(luma, corners, np.hypot(*edges_of(corners).T))
    skew = round(skew_of(smooth) * _STEPS) / _STEPS
    if abs(skew) < _LEAST_SKEW:
        return None
    in_corners = np.sort(np.asarray(luma)[[0, 0, -1, -1], [0, -1, 0, -1]])
    return luma.rotate(skew, Image.Resampling.BICUBIC, expand=True, fillcolor=int(in_corners[1]))


def smoothed(plane: NDArray[np.floating]) -> Float32s:
    """A picture with its longer side at `POINTS`, as edges are looked for in it."""
    return np.asarray(Image.fromarray(plane.astype(np.uint8)).filter(ImageFilter.GaussianBlur(_BLUR)), np.float32)


def _seen_from_above(luma: Image.Image, corners: Corners, edges: NDArray[np.float64]) -> Image.Image:
    """What lies between the corners (4, 2) of a sheet, of which edges (4,) are so long, as a picture of that size."""
    width, height = (round(max(edges[first], edges[first + 2])) for first in (0, 1))
    coefficients = perspective([(0, 0), (width, 0), (width, height), (0, height)], corners)
    transform = Image.Transform.PERSPECTIVE
    return luma.transform((width, height), transform, coefficients, Image.Resampling.BILINEAR)
