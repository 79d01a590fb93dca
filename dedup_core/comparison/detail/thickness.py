"""Dots, stripes and holes of another size in the same tones: each edge of them passes for one that is a little off."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from dedup_core.comparison.detail.block_planes import BlockPlanes
from dedup_core.comparison.detail.block_windows import pixels_of
from dedup_core.comparison.measurement import RETONED

# docs/thresholds.md#thicker-in-the-same-tones
_SIDE: Final = 32  # pixels of a place: both sides of a dot or stripe, of which no shift moves one in and one out
_CONTRAST: Final = 40.0  # gray levels between the lightest and the darkest point of a place, which shows less else
_SAME: Final = 0.15  # of the contrast: a point that has the same tone
_KEPT: Final = 0.4  # of the points of a place have it
_ONE_WAY: Final = 0.7  # of the change makes a place lighter, or darker: what is moved does both
_STEP: Final = 0.25  # of the contrast: how far points change that do; a tone changes all of them by less
_LEAST: Final = 24  # places, of which fewer say nothing


def thickened(planes: BlockPlanes) -> float:
    """The share 0..1 of places of which one picture shows more in dark, or in light, and both the same two tones.

    A change of tone or light moves all points of a tone, most by less than from dark to light; here most of them stay.
    """
    seen = _places(pixels_of(planes.seen, planes.cell, planes.left.shape)).all(axis=1)
    ours, theirs = (_places(plane)[seen] for plane in (planes.left, planes.right))
    highs, lows = (np.stack([reach(it, axis=1) for it in (ours, theirs)]) for reach in (np.max, np.min))
    contrast = highs.max(axis=0) - lows.min(axis=0)
    shows = contrast > _CONTRAST
    if np.count_nonzero(shows) < _LEAST:
        return 0.0
    keeps_tones = np.maximum(np.ptp(highs, axis=0), np.ptp(lows, axis=0))[shows] < _SAME * contrast[shows]
    off, contrast = (theirs - ours)[shows], contrast[shows]
    sizes = np.abs(off)
    change, total = np.abs(off.mean(axis=1)), sizes.mean(axis=1)
    is_grown = keeps_tones & (change > RETONED) & (change > _ONE_WAY * total)
    is_grown &= (off * off).mean(axis=1) > _STEP * total * contrast
    is_grown &= (sizes < _SAME * contrast[:, None]).mean(axis=1) > _KEPT
    return float(is_grown.mean())


def _places[T: np.generic](plane: NDArray[T]) -> NDArray[T]:
    """The squares of a plane (h, w), side by side, (n, pixels)."""
    rows, columns = (length // _SIDE for length in plane.shape)
    squares = plane[: rows * _SIDE, : columns * _SIDE].reshape(rows, _SIDE, columns, _SIDE)
    return squares.swapaxes(1, 2).reshape(-1, _SIDE * _SIDE)
