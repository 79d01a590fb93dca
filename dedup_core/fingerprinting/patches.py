"""Patches around blobs: turned the way their own content points, and described by DCT coefficients."""

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dedup_core.arrays import Float64s
from dedup_core.fingerprinting.blobs import Blobs, Spectrum, dct_basis

RADIUS: Final = 3.5  # half side of a patch, in sigmas
FREQUENCIES: Final = 7  # `WORD_CELLS` takes none above the seventh
_SIDE: Final = 16  # docs/fingerprints.md#keypoints
_BLURS: Final = (1.5, 3.0, 6.0)  # standard deviations in lines; before them, the plane as it is
_SHARPNESS: Final = 0.5  # sigmas: half of the distance of the points of a patch, so that they miss nothing
_DECIMALS: Final = 6  # as for blobs


def described(plane: Float64s, spectrum: Spectrum, blobs: Blobs) -> tuple[Float64s, Float64s]:
    """The direction of each blob in radians, (n,), and the DCT coefficients of its patch, (n, 7, 7).

    The direction is that from the center of a patch to the center of its brightness (Rosin, "Measuring corner
    properties", CVIU 1999), x to the right and y down; 0 where the two are the same.
    """
    planes = np.stack([plane, *(spectrum.smoothed(blur) for blur in _BLURS)])
    levels = np.clip(np.rint(np.log2(blobs.sigma * _SHARPNESS / _BLURS[0])) + 1, 0, len(_BLURS)).astype(np.intp)
    across, down = _steps()[None, :, None], _steps()[:, None, None]
    upright = _sampled(planes, levels, blobs, across, down)
    moments = np.round(upright.reshape(len(levels), _SIDE**2) @ _moments(), _DECIMALS)  # (n, 2)
    moments += 0.0  # of a negative zero that of a positive one: their angles are half a turn apart
    angles: Float64s = np.arctan2(moments[:, 1], moments[:, 0])
    cosine, sine = np.cos(angles), np.sin(angles)
    turned = _sampled(planes, levels, blobs, across * cosine - down * sine, across * sine + down * cosine)
    basis = dct_basis(_SIDE, FREQUENCIES)
    return angles, np.round(basis @ turned @ basis.T, _DECIMALS)


@cache
def _steps() -> Float64s:
    """The points of a row or a column of a patch, in sigmas from its center: (16,)."""
    return np.asarray(((np.arange(_SIDE) + 0.5) / _SIDE * 2 - 1) * RADIUS)


@cache
def _moments() -> Float64s:
    """By what to multiply a patch to get the first moments of the disc in it, free of its mean: (256, 2)."""
    across, down = np.meshgrid(_steps(), _steps())
    disc = across**2 + down**2 <= RADIUS**2
    return np.stack([(across * disc).ravel(), (down * disc).ravel()], axis=1)


def _sampled(planes: Float64s, levels: NDArray[np.intp], blobs: Blobs, across: Float64s, down: Float64s) -> Float64s:
    """The plane of each blob's level, between its points, at offsets in sigmas: (n, 16, 16).

    Offsets are (16, 16, n), or 1 along an axis where all are the same. Blobs come last until the end: NumPy takes many
    times longer to repeat what is as short as a row of a patch.
    """
    _, height, width = planes.shape
    column, x = _wholes_and_rests(across * blobs.sigma, blobs.x, width)
    row, y = _wholes_and_rests(down * blobs.sigma, blobs.y, height)
    row += levels * height
    row *= width
    flat, at, rest = planes.ravel(), row + column, 1 - x
    upper, lower = _between(flat, at, rest, x), _between(flat, at + width, rest, x)
    lower -= upper
    lower *= y
    upper += lower
    return np.ascontiguousarray(upper.transpose(2, 0, 1))


def _wholes_and_rests(places: Float64s, centers: Float64s, side: int) -> tuple[NDArray[np.intp], Float64s]:
    """Points before places in lines from centers (n,), and how far these lie behind them; places are written over."""
    places += centers
    places -= 0.5
    np.clip(places, 0, side - 1 - 1e-6, out=places)
    points = places.astype(np.intp)
    places -= points
    return points, places


def _between(flat: Float64s, at: NDArray[np.intp], rest: Float64s, x: Float64s) -> Float64s:
    before, after = flat.take(at), flat.take(at + 1)
    before *= rest
    after *= x
    before += after
    return before
