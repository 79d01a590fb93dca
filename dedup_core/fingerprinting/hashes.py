"""Working image -> fingerprints: 256-bit hashes of the whole picture and of its content, and its keypoints."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dedup_core.arrays import Float64s
from dedup_core.decoding.working_image import WorkingImage
from dedup_core.fingerprinting.blobs import dct_basis
from dedup_core.fingerprinting.borders import Box
from dedup_core.fingerprinting.hash_views import GROUPS, HASH_BYTES, view_hashes, with_inverted
from dedup_core.fingerprinting.keypoint_detector import keypoints_of
from dedup_core.fingerprinting.luma import LumaPicture
from dedup_core.fingerprinting.record import Fingerprints
from dedup_core.views import View

MIN_QUALITY: Final = 3  # docs/fingerprints.md#flat-images
_GRID_SIDE: Final = 64  # averaged to this side before the DCT, as in PDQ
_FREQUENCIES: Final = 16  # docs/fingerprints.md#the-hash
_MARKER: Final = (14, 14)  # a coefficient whose bit stays what and where it is in every view of a hash
_STRIPES: Final = 1.0  # in steps of luma: where no frequency along stripes has more, it is rounding and compression
_SURE: Final = 2.0  # in steps of luma: the sign of a coefficient that has more is left as it is by copying
_LEAST_SURE: Final = 80  # of the 255 signs of a soft picture: docs/fingerprints.md#flat-images
_SILENT: Final = 0.03  # of the strongest group: edges leave so much in others when they are scaled and compressed
_BODY: Final = (10, 90)  # percentiles of a grid: beyond are specks and letters on plain ground, or the ends of a slope
_ROUNDING: Final = 1e-6  # a coefficient that is zero but for rounding has no sign, on whatever processor


def fingerprints_of(working: WorkingImage, content: bytes) -> Fingerprints:
    """Fingerprints of a picture; `content` is the first 8 bytes of the SHA-256 of the file that it was decoded from."""
    return fingerprints_and_quality(working, content)[0]


def fingerprints_and_quality(picture: WorkingImage | Image.Image, content: bytes) -> tuple[Fingerprints, int]:
    """`fingerprints_of` and `quality_of` from one look at the picture, which may be that of its pixels."""
    luma = LumaPicture(picture)
    quality = _quality(luma)
    found = _hashes(luma, upright_of(luma))
    if len(found.hashes) == 0:
        return Fingerprints(content, found.hashes), quality
    keypoints, asked = keypoints_of(luma)
    return Fingerprints(content, found.hashes, keypoints, found.detail, asked, found.silent), quality


def hashes_of(picture: WorkingImage | LumaPicture) -> NDArray[np.uint8]:
    """`Fingerprints.hashes` alone, at a fraction of the cost."""
    luma = picture if isinstance(picture, LumaPicture) else LumaPicture(picture)
    return hashes_with(luma, upright_of(luma))


def hashes_with(luma: LumaPicture, upright: LumaPicture) -> NDArray[np.uint8]:
    """The same where it is known how the picture looks upright (`upright_of`), or does not matter."""
    return _hashes(luma, upright).hashes


def hash_distance(left: NDArray[np.uint8], right: NDArray[np.uint8], view: View) -> int | None:
    """Bits between the nearest windows of two `hashes`, the left one seen in `view`; None if either picture is flat.

    If one picture is the other in inverted colors, the bits besides, with a margin added (`with_inverted`).
    """
    left, right = (hashes[hashes.any(axis=1)] for hashes in (left, right))
    if len(left) == 0 or len(right) == 0:
        return None
    differing = view_hashes(left, view)[:, None, :] ^ right[None, :, :]
    return int(with_inverted(np.bitwise_count(differing).sum(axis=2, dtype=np.uint8)).min())


def quality_of(working: WorkingImage) -> int:
    """How much structure the picture has to be recognized by: 0 (flat) to 100, from luma gradients as in PDQ."""
    return _quality(LumaPicture(working))


def upright_of(luma: LumaPicture) -> LumaPicture:
    """The page that a picture shows at an angle, as it is upright, if there is anything on it; else the picture."""
    page = luma.straightened()
    return luma if page is None or _quality(page) < MIN_QUALITY else page


def _quality(luma: LumaPicture) -> int:
    return max(_quality_within(luma, box) for box in {luma.frame, luma.blocks[0]})


def _quality_within(luma: LumaPicture, box: Box) -> int:
    return luma.measured(box, _GRID_SIDE, _gradient_quality)


class _Hash(NamedTuple):
    """Of one box: hash and finer hash, (32,) each, and which groups of the former are silent (4,)."""

    low: NDArray[np.uint8]
    high: NDArray[np.uint8]
    silent: NDArray[np.bool_]


class _Hashes(NamedTuple):
    """`hashes`, `detail` and `silent` of `Fingerprints`."""

    hashes: NDArray[np.uint8]
    detail: NDArray[np.uint8]
    silent: NDArray[np.bool_]


_FLAT: Final = _Hash(np.zeros(HASH_BYTES, np.uint8), np.zeros(HASH_BYTES, np.uint8), np.zeros(GROUPS, np.bool_))


def _hashes(luma: LumaPicture, upright: LumaPicture) -> _Hashes:
    """Of the whole picture and of its largest block, upright (its frame, if that is flat); and the latter's finer hash.

    Where neither has steps from light to dark, the same of what is soft all over, as fog is; the whole picture last.
    """
    block, frame, whole = upright.blocks[0], upright.frame, luma.whole
    for is_shown, boxes in ((_has_steps, (block, frame)), (_is_soft, (block, frame, upright.whole))):
        inner = next((box for box in boxes if is_shown(upright, box)), None)
        if inner is not None:
            of_inner = _hash(upright, inner)
            is_whole = upright is luma and inner == whole
            of_whole = of_inner if is_whole else _hash(luma, whole) if is_shown(luma, whole) else _FLAT
            hashes, silent = np.stack([of_whole.low, of_inner.low]), np.stack([of_whole.silent, of_inner.silent])
            return _Hashes(hashes, of_inner.high, silent)
    return _Hashes(np.zeros((0, HASH_BYTES), np.uint8), _FLAT.high, np.zeros((0, GROUPS), np.bool_))


def _has_steps(luma: LumaPicture, box: Box) -> bool:
    return _quality_within(luma, box) >= MIN_QUALITY


def _is_soft(luma: LumaPicture, box: Box) -> bool:
    """Whether so much changes softly, all over a box, that enough signs of its hash are no noise."""
    grid = luma.square(box, _GRID_SIDE)
    coefficients = _coefficients(np.clip(grid, *np.percentile(grid, _BODY)), _FREQUENCIES)
    return int((np.abs(coefficients.ravel()[1:]) > _SURE).sum()) >= _LEAST_SURE


def _hash(luma: LumaPicture, box: Box) -> _Hash:
    """Two hashes: signs of the 16 x 16 lowest frequencies but the DC term, and of the 16 x 16 next to them.

    The bits are grouped by parity of row and column, so that a view of a hash inverts whole groups. The DC term's bit
    is 0. A grid that grows brighter in such a way that no other coefficient is positive has the marker's bit. Stripes
    have no frequencies along them, whatever compression left. A symmetric picture has no odd frequencies, but for that.
    """
    coefficients = _coefficients(luma.square(box, _GRID_SIDE), 2 * _FREQUENCIES)
    silent = _silent(coefficients[:_FREQUENCIES, :_FREQUENCIES])
    for across in (coefficients[:, 1:], coefficients[1:]):
        if np.abs(across).max() < _STRIPES:
            across[:], silent = 0.0, _FLAT.silent
    bits = coefficients > _ROUNDING
    low, high = bits[:_FREQUENCIES, :_FREQUENCIES], bits[_FREQUENCIES:, _FREQUENCIES:]
    low[0, 0] = False
    low[_MARKER] |= not low.any()
    return _Hash(_packed(low), _packed(high), silent)


def _silent(coefficients: Float64s) -> NDArray[np.bool_]:
    """Which groups (4,) of 16 x 16 coefficients have next to nothing, beside the one that has the most."""
    squares = coefficients**2
    squares[0, 0] = 0.0
    energies = np.array([group.mean() for group in _groups(squares)])
    silent: NDArray[np.bool_] = energies < _SILENT**2 * energies.max()
    return silent


def _coefficients(grid: Float64s, count: int) -> Float64s:
    """The lowest frequencies of a grid: (count, count)."""
    basis = dct_basis(_GRID_SIDE, count)
    coefficients: Float64s = basis @ grid @ basis.T
    return coefficients


def _packed(bits: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return np.packbits(np.concatenate([group.ravel() for group in _groups(bits)]), bitorder="little")


def _groups[T: np.generic](square: NDArray[T]) -> list[NDArray[T]]:
    return [square[row::2, column::2] for row in (0, 1) for column in (0, 1)]


def _gradient_quality(grid: Float64s) -> int:
    """PDQ's measure: the sum of all luma steps between neighbors, in whole percent of the range, over 90."""
    steps = 0
    for differences in (grid[1:] - grid[:-1], grid[:, 1:] - grid[:, :-1]):
        steps += int((np.abs(differences).astype(np.intp) * 100 // 255).sum())
    return min(100, steps // 90)
