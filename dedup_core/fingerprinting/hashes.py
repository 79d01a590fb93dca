"""Working image -> fingerprints: a 256-bit hash of the whole picture and the words of its keypoints."""

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dedup_core.decoding.working_image import WorkingImage
from dedup_core.fingerprinting.hash_views import HASH_BYTES, view_hashes
from dedup_core.fingerprinting.keypoints import PLANE_SIDE, Keypoints, keypoints_of
from dedup_core.fingerprinting.luma import LumaPicture, Plane
from dedup_core.fingerprinting.record import Fingerprints
from dedup_core.views import View

MIN_QUALITY: Final = 3  # docs/fingerprints.md#flat-images
_GRID_SIDE: Final = 64  # averaged to this side before the DCT, as in PDQ
_FREQUENCIES: Final = 16
_MARKER: Final = (14, 14)  # a coefficient whose bit stays what and where it is in every view of a hash
_ROUNDING: Final = 1e-6  # a coefficient that is zero but for rounding has no sign, on whatever processor


def fingerprints_of(working: WorkingImage, content: bytes) -> Fingerprints:
    """Fingerprints of a picture; `content` is the first 8 bytes of the SHA-256 of the file that it was decoded from."""
    return fingerprints_and_quality(working, content)[0]


def fingerprints_and_quality(working: WorkingImage, content: bytes) -> tuple[Fingerprints, int]:
    """`fingerprints_of` and `quality_of` from one look at the picture."""
    luma = LumaPicture(working)
    hashes = _hashes(luma)
    keypoints = keypoints_of(luma.framed(PLANE_SIDE)) if len(hashes) else Keypoints.none()
    return Fingerprints(content, hashes, keypoints), _gradient_quality(luma.framed_square(_GRID_SIDE))


def hashes_of(working: WorkingImage) -> NDArray[np.uint8]:
    """`Fingerprints.hashes` alone, at a fraction of the cost."""
    return _hashes(LumaPicture(working))


def hash_distance(left: NDArray[np.uint8], right: NDArray[np.uint8], view: View) -> int | None:
    """Bits between the nearest windows of two `hashes`, the left one seen in `view`; None if either picture is flat."""
    left, right = (hashes[hashes.any(axis=1)] for hashes in (left, right))
    if len(left) == 0 or len(right) == 0:
        return None
    differing = view_hashes(left, view)[:, None, :] ^ right[None, :, :]
    return int(np.bitwise_count(differing).sum(axis=2).min())


def quality_of(working: WorkingImage) -> int:
    """How much structure the picture has to be recognized by: 0 (flat) to 100, from luma gradients as in PDQ."""
    return _gradient_quality(LumaPicture(working).framed_square(_GRID_SIDE))


def _hashes(luma: LumaPicture) -> NDArray[np.uint8]:
    grids = (luma.square(_GRID_SIDE), luma.framed_square(_GRID_SIDE))
    if _gradient_quality(grids[1]) < MIN_QUALITY:
        return np.zeros((0, HASH_BYTES), np.uint8)
    return np.stack([_hash(grid) for grid in grids])


def _hash(grid: Plane) -> NDArray[np.uint8]:
    """The signs of the 16 x 16 lowest frequencies but the DC term, grouped by parity of row and column: (32,).

    So grouped, a view of the hash inverts whole groups. The DC term's bit is 0, and so are all if the grid is flat. A
    grid that is not, but grows brighter in such a way that no other coefficient is positive, has the marker's bit.
    """
    if _gradient_quality(grid) < MIN_QUALITY:
        return np.zeros(HASH_BYTES, np.uint8)
    basis = _dct_basis()
    coefficients = basis @ grid @ basis.T  # (16, 16)
    bits = coefficients > _ROUNDING
    bits[0, 0] = False
    bits[_MARKER] |= not bits.any()
    groups = [bits[row::2, column::2].ravel() for row in (0, 1) for column in (0, 1)]
    return np.packbits(np.concatenate(groups), bitorder="little")


def _gradient_quality(grid: Plane) -> int:
    """PDQ's measure: the sum of all luma steps between neighbors, in whole percent of the range, over 90."""
    steps = sum(int(np.trunc(np.abs(np.diff(grid, axis=axis)) * 100 / 255).sum()) for axis in (0, 1))
    return min(100, steps // 90)


@cache
def _dct_basis() -> Plane:
    """The first 16 rows of the orthonormal DCT-II of 64 samples."""
    frequency, sample = np.arange(_FREQUENCIES)[:, None], np.arange(_GRID_SIDE)[None, :]
    basis = np.cos(np.pi * frequency * (2 * sample + 1) / (2 * _GRID_SIDE)) * np.sqrt(2 / _GRID_SIDE)
    basis[0] /= np.sqrt(2)
    return np.asarray(basis, np.float64)
