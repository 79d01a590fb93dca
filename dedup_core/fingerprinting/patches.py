"""Patches around blobs: turned the way their own content points, and described by DCT coefficients."""

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dedup_core.fingerprinting.blobs import Blobs, Floats, Spectrum, dct_basis

RADIUS: Final = 3.5  # half side of a patch, in sigmas
FREQUENCIES: Final = 7  # `WORD_CELLS` takes none above the seventh
_SIDE: Final = 16  # docs/fingerprints.md#keypoints
_BLURS: Final = (1.0, 2.0, 4.0)  # standard deviations in lines; before them, the plane as it is
_SHARPNESS: Final = 0.5  # sigmas: half of the distance of the points of a patch, so that they miss nothing
_DECIMALS: Final = 6  # as for blobs


def described(plane: Floats, spectrum: Spectrum, blobs: Blobs) -> tuple[Floats, Floats]:
    """The direction of each blob in radians, (n,), and the DCT coefficients of its patch, (n, 7, 7).

    The direction is that from the center of a patch to the center of its brightness (Rosin, "Measuring corner
    properties", CVIU 1999), x to the right and y down; 0 where the two are the same.
    """
    planes = np.stack([plane, *(spectrum.smoothed(blur) for blur in _BLURS)])
    levels = np.clip(np.rint(np.log2(blobs.sigma * _SHARPNESS)) + 1, 0, len(_BLURS)).astype(np.intp)
    across, down = _grid()
    upright = _sampled(planes, levels, blobs, across[None], down[None])
    moments = np.round(upright.reshape(len(levels), _SIDE**2) @ _moments(), _DECIMALS)  # (n, 2)
    moments += 0.0  # of a negative zero that of a positive one: their angles are half a turn apart
    angles: Floats = np.arctan2(moments[:, 1], moments[:, 0])
    cosine, sine = np.cos(angles)[:, None, None], np.sin(angles)[:, None, None]
    turned = _sampled(planes, levels, blobs, across * cosine - down * sine, across * sine + down * cosine)
    basis = dct_basis(_SIDE, FREQUENCIES)
    return angles, np.round(basis @ turned @ basis.T, _DECIMALS)


@cache
def _grid() -> tuple[Floats, Floats]:
    """The points of a patch, x and y in sigmas from its center: (16, 16) each."""
    steps = ((np.arange(_SIDE) + 0.5) / _SIDE * 2 - 1) * RADIUS
    return np.tile(steps, (_SIDE, 1)), np.tile(steps[:, None], (1, _SIDE))


@cache
def _moments() -> Floats:
    """By what to multiply a patch to get the first moments of the disc in it, free of its mean: (256, 2)."""
    across, down = _grid()
    disc = across**2 + down**2 <= RADIUS**2
    return np.stack([(across * disc).ravel(), (down * disc).ravel()], axis=1)


def _sampled(planes: Floats, levels: NDArray[np.intp], blobs: Blobs, across: Floats, down: Floats) -> Floats:
    """The plane of each blob's level, between its points, at offsets in sigmas: (n, 16, 16)."""
    _, height, width = planes.shape
    sigma = blobs.sigma[:, None, None]
    x = np.clip(blobs.x[:, None, None] + across * sigma - 0.5, 0, width - 1 - 1e-6)
    y = np.clip(blobs.y[:, None, None] + down * sigma - 0.5, 0, height - 1 - 1e-6)
    column, row = x.astype(np.intp), y.astype(np.intp)
    x -= column
    y -= row
    flat, at = planes.ravel(), (levels[:, None, None] * height + row) * width + column
    rest = 1 - x
    upper, lower = (flat.take(part) * rest + flat.take(part + 1) * x for part in (at, at + width))
    lower -= upper
    lower *= y
    sampled: Floats = upper + lower
    return sampled
