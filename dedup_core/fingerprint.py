"""Working image -> fingerprints: 256 signs of low DCT frequencies of the luma plane, for several windows."""

from dataclasses import dataclass
from functools import cache
from typing import Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dedup_core.decode import WorkingImage
from dedup_core.views import HASH_BYTES, VIEWS, View, transpose_hashes, view_hashes

__all__ = [
    "CONTENT_BYTES",
    "FINGERPRINTS_BYTES",
    "HASH_BITS",
    "HASH_BYTES",
    "MIN_QUALITY",
    "SCHEME",
    "VIEWS",
    "WINDOWS",
    "Fingerprints",
    "View",
    "fingerprints_of",
    "quality_of",
    "transpose_hashes",
    "view_hashes",
]

SCHEME = 1
HASH_BITS = 256
CONTENT_BYTES = 8

WINDOWS: tuple[tuple[float, float, float, float], ...] = (
    (0.0, 0.0, 1.0, 1.0),
    (0.05, 0.05, 0.95, 0.95),
    (0.1, 0.1, 0.9, 0.9),
    (0.0, 0.0, 0.9, 1.0),
    (0.1, 0.0, 1.0, 1.0),
    (0.0, 0.0, 1.0, 0.9),
    (0.0, 0.1, 1.0, 1.0),
)
"""What is hashed of a picture: left, top, right, bottom as fractions of its sides; the whole comes first."""

FINGERPRINTS_BYTES = CONTENT_BYTES + len(WINDOWS) * HASH_BYTES
"""Length of `Fingerprints.to_bytes()` of this scheme."""

MIN_QUALITY = 4  # docs/fingerprints.md#flat-images

_PLANE_SIDE = 128  # windows are cut from a plane of this side
_GRID_SIDE = 64  # a window is averaged to this side before the DCT, as in PDQ
_FREQUENCIES = 16


@dataclass(frozen=True, slots=True, eq=False)
class Fingerprints:
    """All that the candidate index holds of one image; `to_bytes` has the same length for every image of a scheme.

    `hashes` is (windows, 32) uint8, the whole picture first, empty for a flat image; a window that is flat by itself is
    all zeros. `content` is the first 8 bytes of the SHA-256 of the file, by which flat images (and all others) match
    their exact copies.
    """

    content: bytes
    hashes: NDArray[np.uint8]

    def __post_init__(self) -> None:
        if len(self.content) != CONTENT_BYTES:
            raise ValueError(f"content takes {CONTENT_BYTES} bytes, not {len(self.content)}")
        if self.hashes.dtype != np.uint8 or self.hashes.shape not in ((0, HASH_BYTES), (len(WINDOWS), HASH_BYTES)):
            raise ValueError(f"hashes are ({len(WINDOWS)}, {HASH_BYTES}) or (0, {HASH_BYTES}) bytes")

    @property
    def is_flat(self) -> bool:
        return len(self.hashes) == 0

    def to_bytes(self) -> bytes:
        return (self.content + self.hashes.tobytes()).ljust(FINGERPRINTS_BYTES, b"\0")

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        if len(data) != FINGERPRINTS_BYTES:
            raise ValueError(f"fingerprints of scheme {SCHEME} take {FINGERPRINTS_BYTES} bytes, not {len(data)}")
        hashes = np.frombuffer(data, np.uint8, offset=CONTENT_BYTES).reshape(len(WINDOWS), HASH_BYTES)
        return cls(data[:CONTENT_BYTES], hashes if hashes.any() else hashes[:0])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fingerprints) and self.to_bytes() == other.to_bytes()

    def __hash__(self) -> int:
        return hash(self.to_bytes())


def fingerprints_of(working: WorkingImage, content: bytes) -> Fingerprints:
    """Fingerprints of a picture; `content` is the first 8 bytes of the SHA-256 of the file that it was decoded from."""
    plane = _luma_plane(working)
    if _gradient_quality(_grids(plane)[0]) < MIN_QUALITY:
        return Fingerprints(content, np.zeros((0, HASH_BYTES), np.uint8))
    return Fingerprints(content, _sign_bits(_coefficients(plane)))


def quality_of(working: WorkingImage) -> int:
    """How much structure the picture has to be recognized by: 0 (flat) to 100, from luma gradients as in PDQ."""
    return _gradient_quality(_grids(_luma_plane(working))[0])


def _luma_plane(working: WorkingImage) -> NDArray[np.float64]:
    luma = Image.fromarray(working.pixels).convert("L")
    small = luma.resize((_PLANE_SIDE, _PLANE_SIDE), Image.Resampling.BOX)
    return np.asarray(small, np.float64)  # (128, 128)


def _grids(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each window averaged by area to (64, 64)."""
    rows, columns = _area_weights()
    return rows @ plane @ columns.swapaxes(1, 2)  # (windows, 64, 64)


def _coefficients(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    """The 16 x 16 lowest frequencies of each window, in units of luma, the DC term set to zero."""
    rows, columns = _area_weights()
    basis = _dct_basis()
    coefficients = (basis @ rows) @ plane @ (basis @ columns).swapaxes(1, 2)  # (windows, 16, 16)
    coefficients[:, 0, 0] = 0.0
    return coefficients


def _sign_bits(coefficients: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Pack the signs, grouped by parity of row and column so that a view of a hash inverts whole groups."""
    bits = coefficients > _ROUNDING
    groups = [bits[:, row::2, column::2].reshape(len(bits), 64) for row in (0, 1) for column in (0, 1)]
    return np.packbits(np.concatenate(groups, axis=1), axis=1, bitorder="little")  # (windows, 32)


_ROUNDING = 1e-6  # a coefficient that is zero but for rounding has no sign, on whatever processor it was computed


def _gradient_quality(grid: NDArray[np.float64]) -> int:
    """PDQ's measure: the sum of all luma steps between neighbors, in whole percent of the range, over 90."""
    luma = np.rint(grid)
    steps = sum(int(np.trunc(np.abs(np.diff(luma, axis=axis)) * 100 / 255).sum()) for axis in (0, 1))
    return min(100, steps // 90)


@cache
def _area_weights() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For rows and for columns: (windows, 64, 128), what share of each cell of the window a line of the plane has."""

    def weights(start: float, end: float) -> NDArray[np.float64]:
        edges = np.linspace(start, end, _GRID_SIDE + 1)[:, None] * _PLANE_SIDE
        lines = np.arange(_PLANE_SIDE, dtype=np.float64)
        covered = np.minimum(edges[1:], lines + 1) - np.maximum(edges[:-1], lines)
        shares: NDArray[np.float64] = np.clip(covered, 0, None) / (edges[1:] - edges[:-1])
        return shares

    rows = np.stack([weights(top, bottom) for _, top, _, bottom in WINDOWS])
    columns = np.stack([weights(left, right) for left, _, right, _ in WINDOWS])
    return rows, columns


@cache
def _dct_basis() -> NDArray[np.float64]:
    """The first 16 rows of the orthonormal DCT-II of 64 samples."""
    frequency = np.arange(_FREQUENCIES)[:, None]
    sample = np.arange(_GRID_SIDE)[None, :]
    basis = np.cos(np.pi * frequency * (2 * sample + 1) / (2 * _GRID_SIDE)) * np.sqrt(2 / _GRID_SIDE)
    basis[0] /= np.sqrt(2)
    return np.asarray(basis, np.float64)
