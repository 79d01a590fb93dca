"""Where to start an alignment: every view, scale and offset of two pictures weighed at once, at 32 pixels."""

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dedup_core.arrays import Float32s
from dedup_core.comparison.local_contrast import StructurePyramid
from dedup_core.views import SWAPPING, View, turned

type Pyramids = tuple[StructurePyramid, StructurePyramid]
type Start = tuple[View, NDArray[np.float64]]
"""A view of the left picture, and the (2, 3) matrix from its points to points of the right one (see `Alignment`)."""
SIZE: Final = 32  # the first size of `align`; twice as large would take four times as long, for all views and scales
SCALES: Final = tuple(1.1**step for step in range(-4, 5))  # 0.68 .. 1.46: crops to 70 %, padding of 20 % a side
_CANVAS: Final = 2 * SIZE  # so that no shift wraps around
_LEAST_OVERLAP: Final = 0.4  # of the smaller one: a crop lies inside as a whole; fewer points agree somewhere by chance
_SAME_START: Final = 0.15  # five pixels, or more than one step of scale: from nearer, the first steps end in one place
_SYMMETRIC: Final = 0.97  # of the best view's score: of a symmetric picture as good, and no other view is told
_VIEWS: Final = tuple(View)


def stretch_starts(pyramids: Pyramids, hint: View | None) -> list[Start]:
    """The whole of one picture on the whole of the other: the best view, and the hinted one."""
    left, right = pyramids
    ours, theirs = left.stretched(SIZE, SIZE), right.stretched(SIZE, SIZE)
    scores = {view: float((turned(ours, view) * theirs).sum()) for view in _VIEWS}
    best = max(scores, key=lambda view: scores[view])
    if scores[View.UPRIGHT] >= _SYMMETRIC * scores[best]:
        best = View.UPRIGHT
    views = [best] if hint is None or hint is best else [best, hint]
    return [(view, whole_on_whole(left, right, view)) for view in views]


def search_starts(pyramids: Pyramids, count: int) -> list[Start]:
    """The `count` best of all views, scales and offsets by the correlation of local structure."""
    peaks = [peak for scale in SCALES for peak in _peaks_at(*pyramids, scale)]
    peaks.sort(key=lambda peak: -peak[0])
    starts: list[Start] = []
    for _, view, matrix in peaks:
        if all(view is not other or np.abs(matrix - kept).max() > _SAME_START for other, kept in starts):
            starts.append((view, matrix))
        if len(starts) == count:
            break
    return starts


def whole_on_whole(left: StructurePyramid, right: StructurePyramid, view: View) -> NDArray[np.float64]:
    """The matrix that stretches one picture onto the other, in the units of `Alignment`."""
    width, height = left.extent[::-1] if view in SWAPPING else left.extent
    return np.array([[right.extent[0] / width, 0.0, 0.0], [0.0, right.extent[1] / height, 0.0]])


def _peaks_at(
    left: StructurePyramid, right: StructurePyramid, scale: float
) -> list[tuple[float, View, NDArray[np.float64]]]:
    """The best offset of each view where the same content is `scale` as long in the right picture, by longer sides."""
    ours = left.at(round(SIZE / max(1.0, scale)))
    theirs = right.at(round(SIZE * min(1.0, scale)))
    spectra = _spectra([turned(ours, view) for view in _VIEWS])
    correlations = np.fft.irfft2(spectra.conj() * _spectra([theirs]), s=(_CANVAS, _CANVAS))  # (8, 64, 64)
    zoom = max(ours.shape) / max(theirs.shape)
    peaks = []
    for view, correlation in zip(_VIEWS, correlations, strict=True):
        height, width = ours.shape[::-1] if view in SWAPPING else ours.shape
        scores = correlation * _overlap_weights((height, width), (theirs.shape[0], theirs.shape[1]))
        best = int(scores.argmax())
        down, across = (_signed(shift) / max(theirs.shape) for shift in divmod(best, _CANVAS))
        peaks.append((float(scores.flat[best]), view, np.array([[zoom, 0.0, across], [0.0, zoom, down]])))
    return peaks


def _spectra(planes: list[Float32s]) -> NDArray[np.complex64]:
    canvas = np.zeros((len(planes), _CANVAS, _CANVAS), dtype=np.float32)
    for slot, plane in zip(canvas, planes, strict=True):
        slot[: plane.shape[0], : plane.shape[1]] = plane
    spectra: NDArray[np.complex64] = np.fft.rfft2(canvas)
    return spectra


@lru_cache(maxsize=256)  # 16 KB each; there are a million pairs of sizes
def _overlap_weights(left: tuple[int, int], right: tuple[int, int]) -> Float32s:
    """1 / sqrt(overlap) for every shift, which makes correlations z-scores; 0 where too little overlaps. (64, 64)"""
    shares = []
    for ours, theirs in zip(left, right, strict=True):
        shift = _signed(np.arange(_CANVAS))
        shares.append(np.clip(np.minimum(ours + shift, theirs) - np.maximum(shift, 0), 0, None))
    area = shares[0][:, None] * shares[1][None, :]
    enough = area >= _LEAST_OVERLAP * min(left[0] * left[1], right[0] * right[1])
    return np.where(enough, 1.0 / np.sqrt(np.maximum(area, 1)), 0.0).astype(np.float32)


def _signed[Shift: (int, NDArray[np.intp])](shift: Shift) -> Shift:
    """Shifts of more than half the canvas are negative ones."""
    return (shift + _CANVAS // 2) % _CANVAS - _CANVAS // 2
